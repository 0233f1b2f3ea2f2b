//! What a body may hold, and what nobody gets into one.

use std::time::Instant;

use proptest::prelude::*;

use super::*;

fn base() -> Url {
    Url::parse("https://news.example/world/1/").unwrap()
}

fn html(source: &str) -> String {
    rendered(&RawBody::Html(source.into()))
}

fn markdown(source: &str) -> String {
    rendered(&RawBody::Markdown(source.into()))
}

fn rendered(raw: &RawBody) -> String {
    render(raw, &base())
        .unwrap()
        .map_or(String::new(), |body| body.html)
}

#[test]
fn markdown_is_rendered_with_tables_footnotes_and_strikethrough() {
    assert_eq!(
        markdown("## عنوان\n\nنص **مهم** و~~ملغى~~.\n"),
        "<h2>عنوان</h2>\n<p>نص <strong>مهم</strong> و<del>ملغى</del>.</p>"
    );
    assert_eq!(
        markdown("| أ | ب |\n|---|---|\n| 1 | 2 |\n"),
        "<table><thead><tr><th>أ</th><th>ب</th></tr></thead><tbody>\n<tr><td>1</td><td>2</td></tr>\n\
         </tbody></table>"
    );
    let note = markdown("نص[^1].\n\n[^1]: حاشية.\n");
    assert!(
        note.contains("<a href=\"https://news.example/world/1/#1\">1</a>"),
        "{note}"
    );
    assert!(note.contains("حاشية."), "{note}");
    assert_eq!(
        markdown("قبل <u>خط</u> <script>x</script>بعد"),
        "<p>قبل <u>خط</u> بعد</p>"
    );
}

#[test]
fn text_becomes_paragraphs_and_stays_text() {
    assert_eq!(
        rendered(&RawBody::Text(
            "أول & <b>ثان</b>\r\nسطر\r\n \r\n\r\nآخر".into()
        )),
        "<p>أول &amp; &lt;b&gt;ثان&lt;/b&gt;<br>سطر</p>\n<p>آخر</p>"
    );
}

#[test]
fn a_body_in_which_nothing_is_seen_is_none() {
    for empty in [
        "",
        "  ",
        "<p> &nbsp; </p>",
        "<script>x</script>",
        "<!-- x -->",
        "<img src=data:x>",
        "<nav>x</nav>",
        "<a href=/x></a>",
        "\u{1}",
    ] {
        assert_eq!(
            render(&RawBody::Html(empty.into()), &base()),
            Ok(None),
            "{empty}"
        );
    }
    assert_eq!(
        html("<img src=/a.png>"),
        "<img src=\"https://news.example/a.png\">"
    );
}

#[test]
fn urls_are_absolute_beside_the_article() {
    assert_eq!(
        html(
            "<a href='../2/?a=1&amp;b=2#c'>x</a> <a href='//cdn.example/ع'>y</a> <a href='mailto:a@b'>z</a>"
        ),
        "<a href=\"https://news.example/world/2/?a=1&amp;b=2#c\">x</a> \
         <a href=\"https://cdn.example/%D8%B9\">y</a> <a href=\"mailto:a@b\">z</a>"
    );
    assert_eq!(
        html("<img src=a.jpg srcset='a.jpg, b,c.jpg 2x,d.jpg 3x, javascript:x 4x' alt='أ\"ب'>"),
        "<img src=\"https://news.example/world/1/a.jpg\" srcset=\"https://news.example/world/1/a.jpg, \
         https://news.example/world/1/b,c.jpg 2x, https://news.example/world/1/d.jpg 3x\" alt=\"أ&quot;ب\">"
    );
    assert_eq!(
        html(
            "<video src=v.mp4 poster=p.jpg controls>قديم<source src=v.webm type=video/webm></video>"
        ),
        "<video src=\"https://news.example/world/1/v.mp4\" poster=\"https://news.example/world/1/p.jpg\" \
         controls=\"\"><source src=\"https://news.example/world/1/v.webm\" type=\"video/webm\"></video>"
    );
    assert_eq!(
        html("<blockquote cite=/s>x</blockquote>"),
        "<blockquote cite=\"https://news.example/s\">x</blockquote>"
    );
}

#[test]
fn direction_and_language_stay_and_style_goes() {
    assert_eq!(
        html("<p dir=rtl lang=ar class=c style='color:red' id=i onclick=x>نص <bdi>AB</bdi></p>"),
        "<p dir=\"rtl\" lang=\"ar\">نص <bdi>AB</bdi></p>"
    );
    assert_eq!(html("<p dir='\"x'>نص</p>"), "<p>نص</p>");
    assert_eq!(
        wrap("<p>x</p>", &Language::new("en").unwrap()),
        "<div dir=\"ltr\" lang=\"en\"><p>x</p></div>"
    );
}

#[test]
fn attacks_leave_nothing_behind() {
    let attacks = [
        "<script>alert(1)</script>ok",
        "<SCRIPT/x>alert(1)</SCRIPT >ok",
        "<scr<script>ipt>alert(1)</script>ok",
        "ok<script>",
        "<img src=x onerror=alert(1)>ok",
        "<img/src=x/onerror=alert(1)>ok",
        "<img src='javascript:alert(1)'>ok",
        "<a href=javascript:alert(1)>ok</a>",
        "<a href=' java\nscript:alert(1)'>ok</a>",
        "<a href='&#106;avascript:alert(1)'>ok</a>",
        "<a href='&#x01;javascript:alert(1)'>ok</a>",
        "<a href='vbscript:x'>ok</a><a href='data:text/html,<script>x</script>'>ok</a>",
        "<a href='https://a.example/' onclick=alert(1) style=x target=_top>ok</a>",
        "<iframe src=https://a.example srcdoc='<script>x</script>'></iframe>ok",
        "<iframe><script>alert(1)</script></iframe>ok",
        "<object data=x><embed src=x></object>ok<applet code=x></applet>",
        "<form action=javascript:x><input formaction=javascript:x><button>b</button></form>ok",
        "<svg><script>alert(1)</script></svg>ok",
        "<svg/onload=alert(1)>ok</svg>ok",
        "<svg><a xlink:href=javascript:x><text>x</text></a></svg>ok",
        "<svg><style><img src=x onerror=alert(1)></style></svg>ok",
        "<svg><animate onbegin=alert(1) attributeName=x dur=1s></svg>ok",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></math>ok",
        "<math href=javascript:x>x</math>ok",
        "<style>@import 'javascript:x'</style>ok<style>",
        "<link rel=stylesheet href=javascript:x><meta http-equiv=refresh content='0;url=javascript:x'>ok",
        "<base href=javascript:x//>ok<a href=y>ok</a>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>ok",
        "<template><script>alert(1)</script></template>ok",
        "<textarea><script>alert(1)</script></textarea>ok",
        "<title><script>alert(1)</script></title>ok",
        "<xmp><script>alert(1)</script></xmp>ok",
        "<plaintext><script>alert(1)</script>",
        "<!--><script>alert(1)</script>-->ok",
        "<!-- --!><script>alert(1)</script> -->ok",
        "<![CDATA[<script>alert(1)</script>]]>ok",
        "<?xml version=1.0?><script>alert(1)</script>ok",
        "<p title='><script>alert(1)</script>'>ok",
        "<select><option><script>alert(1)</script></select>ok",
        "<table><script>alert(1)</script><tr><td onclick=alert(1)>ok",
        "<video onerror=alert(1)><source onerror=alert(1) src=javascript:x></video>ok",
        "<img srcset='javascript:alert(1) 1x' src=a>ok",
        "<video poster=javascript:alert(1) src=a></video>ok",
        "<q cite=javascript:alert(1)>ok</q>",
        "<details ontoggle=alert(1) open>ok</details>",
        "<marquee onstart=alert(1)>ok</marquee>",
        "<x onclick=alert(1)>ok</x><custom-element is=x>ok</custom-element>",
        "\u{0}<scr\u{0}ipt>alert(1)</script>ok",
        "<a href=\"https://a.example/\"x\"onclick=alert(1)>ok</a>",
        "<img src=\"x` `<script>alert(1)</script>\"` `>ok",
    ];
    for attack in attacks {
        for out in [html(attack), markdown(attack)] {
            let mut bad = Vec::new();
            let read = tokens::read(&out, |event, _| {
                if let tokens::Event::Start(tag) = event {
                    let allowed = markup::class_of(&tag.name).is_some();
                    let attributes_allowed = tag.attributes().all(|(name, value)| {
                        markup::is_allowed(&tag.name, name)
                            && (!["href", "src", "poster", "cite", "srcset"].contains(&name)
                                || value.starts_with("https://"))
                    });
                    if !allowed || !attributes_allowed {
                        bad.push(tag.name.clone());
                    }
                }
                std::ops::ControlFlow::Continue(())
            });
            assert!(read.is_ok() && bad.is_empty(), "{attack} → {out}");
            assert!(!out.contains("<script"), "{attack} → {out}");
            assert_eq!(html(&out), out, "{attack}");
        }
        if !attack.starts_with("<plaintext") && !attack.starts_with("<p title") {
            assert!(html(attack).contains("ok"), "{attack} → {}", html(attack));
        }
    }
}

#[test]
fn characters_that_xml_forbids_are_dropped_and_counted() {
    let raw = RawBody::Html("<p title='a&#1;b'>x\u{1}y&#11;z\u{FFFE}\u{0} ]]&gt; ]]></p>".into());
    let body = render(&raw, &base()).unwrap().unwrap();
    assert_eq!(body.html, "<p title=\"ab\">xyz ]]&gt; ]]&gt;</p>");
    assert_eq!(body.dropped, 5);
}

#[test]
fn text_is_nfc_and_markup_stays_markup() {
    assert_eq!(html("<p>e\u{301}</p>"), "<p>\u{e9}</p>");
    // Composed with the bracket before it, this character would undo the tag.
    assert_eq!(html("<p>\u{338}x</p>"), "<p>\u{338}x</p>");
}

#[test]
fn broken_nesting_is_mended() {
    assert_eq!(html("<p>a<p>b"), "<p>a</p><p>b</p>");
    assert_eq!(html("<b><p>a</b>b"), "<b><p>a</p></b>b");
    assert_eq!(
        html("<ul><li>a<li>b<ul><li>c</ul><li>d"),
        "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>"
    );
    assert_eq!(
        html("<table><td>a<td>b<tr><th>c</table>"),
        "<table><tbody><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></tbody></table>"
    );
    assert_eq!(
        html("<table><tr>نص<td>a</table>"),
        "<table><tbody><tr></tr></tbody></table>نصa"
    );
    assert_eq!(html("a</div></p></td>b"), "ab");
    assert_eq!(
        html("<a href=/1>a<a href=/2>b"),
        "<a href=\"https://news.example/1\">a</a><a href=\"https://news.example/2\">b</a>"
    );
    assert_eq!(html("<h2>a<h3>b"), "<h2>a</h2><h3>b</h3>");
    assert_eq!(html("<pre>\n\nx\n</pre>"), "<pre>x\n</pre>");
    assert_eq!(
        html("<h1>a<ul><p>b<h2>c"),
        "<h1>a<ul><p>b</p></ul></h1><h2>c</h2>"
    );
    assert_eq!(html("<table>&nbsp;x"), "<table></table>&nbsp;x");
    assert_eq!(html("<div><nav><a href=x>y</a></div>z"), "<div></div>z");
}

#[test]
fn first_paragraphs() {
    assert_eq!(
        first_paragraph(
            "<h2>عنوان</h2><figure><p>صورة</p></figure><p> &nbsp; </p><p>أول&amp;\n <b>نص</b>.<br>سطر</p><p>ثان</p>"
        ),
        "أول& نص. سطر"
    );
    assert_eq!(first_paragraph("نص بلا فقرات<div>آخر</div>"), "نص بلا فقرات");
    assert_eq!(first_paragraph("<h2>عنوان</h2>"), "عنوان");
    assert_eq!(
        first_paragraph("<blockquote><p>قول</p></blockquote><p>نص</p>"),
        "نص"
    );
    assert_eq!(first_paragraph(""), "");
}

#[test]
fn text_of_markup() {
    assert_eq!(
        text_of_html("<b>A &amp; B</b> &lt;c&gt;<br>د<script>x</script>"),
        "A & B <c> د"
    );
    assert_eq!(text_of_html("1 < 2 & 3"), "1 < 2 & 3");
}

#[test]
fn long_text_is_cut_at_a_word() {
    use unicode_segmentation::UnicodeSegmentation;
    assert_eq!(shorten("قصير", 300), "قصير");
    assert_eq!(shorten("واحد اثنان ثلاثة", 16), "واحد اثنان ثلاثة");
    assert_eq!(shorten("واحد اثنان ثلاثة", 15), "واحد اثنان…");
    assert_eq!(shorten("واحد، اثنان", 6), "واحد…");
    assert_eq!(shorten("abcdefgh", 5), "abcd…");
    assert_eq!(shorten("a \u{2067}خبر طويل", 8), "a \u{2067}خبر\u{2069}…");
    let long = "كلمةٌ ".repeat(200);
    let short = shorten(long.trim(), 300);
    assert!(
        short.graphemes(true).count() <= 300 && short.ends_with("كلمةٌ…"),
        "{short}"
    );
}

/// `pattern` over and over, with the number of each in place of `#`.
fn numbered(count: usize, pattern: &str) -> String {
    let numbers = 0..count;
    numbers
        .map(|number| pattern.replace('#', &number.to_string()))
        .collect()
}

/// The worst of what follows takes some twenty times as long as an honest body; what is quadratic took
/// thousands.
const ATTACK_FACTOR: u32 = 100;

#[test]
fn hostile_bodies_are_refused_or_rendered_in_good_time() {
    let n = 10_000;
    let attacks = [
        RawBody::Html(Cow::from("<div>".repeat(n))),
        RawBody::Html(Cow::from("<b>".repeat(n) + &"<p>x".repeat(n))),
        RawBody::Html(Cow::from(numbered(n, "<b lang=x#>"))),
        RawBody::Html(Cow::from("<b>".to_owned() + &"<p><i>x".repeat(n))),
        RawBody::Html(Cow::from("<table>".repeat(n))),
        RawBody::Html(Cow::from("<table><tr><td>".repeat(n))),
        RawBody::Html(Cow::from("<a href=x>".repeat(n))),
        RawBody::Html(Cow::from("<nav><p>".repeat(n) + &"</b>".repeat(n))),
        RawBody::Html(Cow::from("</p>".repeat(n))),
        RawBody::Html(Cow::from(format!("<p {}>", numbered(4 * n, "a# ")))),
        RawBody::Html(Cow::from("&".repeat(6 * n))),
        RawBody::Html(Cow::from(format!("<p title='{}'>x", "«".repeat(6 * n)))),
        RawBody::Html(Cow::from("<".repeat(n))),
        RawBody::Html(Cow::from("&lt;x".repeat(n))),
        RawBody::Html(Cow::from("\u{1}".repeat(n))),
        RawBody::Html(Cow::from(format!(
            "<img src=x srcset='{}'>",
            "a,".repeat(n)
        ))),
        RawBody::Html(Cow::from(format!(
            "<img src=x srcset='{}'>",
            "a ".repeat(n)
        ))),
        RawBody::Markdown(Cow::from("> ".repeat(n))),
        RawBody::Markdown(Cow::from("- ".repeat(n))),
        RawBody::Markdown(Cow::from("[".repeat(n))),
        RawBody::Markdown(Cow::from("![".repeat(n) + &"](x)".repeat(n))),
        RawBody::Markdown(Cow::from("[a](".repeat(n))),
        RawBody::Markdown(Cow::from("[a](<b".repeat(n))),
        RawBody::Markdown(Cow::from("[a](b\"".repeat(n))),
        RawBody::Markdown(Cow::from("*a_ ".repeat(n))),
        RawBody::Markdown(Cow::from("**a *b ".repeat(n))),
        RawBody::Markdown(Cow::from("*".repeat(n) + "a" + &"*".repeat(n))),
        RawBody::Markdown(Cow::from("a**b".to_owned() + &"c* ".repeat(n))),
        RawBody::Markdown(Cow::from("<!--".repeat(n))),
        RawBody::Markdown(Cow::from("<?".repeat(n))),
        RawBody::Markdown(Cow::from("<!A ".repeat(n))),
        RawBody::Markdown(Cow::from("<![CDATA[".repeat(n))),
        RawBody::Markdown(Cow::from("<a href='".repeat(n))),
        RawBody::Markdown(Cow::from("a <a b ".repeat(n))),
        RawBody::Markdown(Cow::from(
            (1..400).map(|i| "`".repeat(i) + " e ").collect::<String>(),
        )),
        RawBody::Markdown(Cow::from("&".repeat(n))),
        RawBody::Markdown(Cow::from("~~a ".repeat(n))),
        RawBody::Markdown(Cow::from("a[^1]".repeat(n))),
        RawBody::Markdown(Cow::from("[^1]: x\n".repeat(n))),
        RawBody::Markdown(Cow::from(numbered(n / 10, "[^#]: x [^#]\n\n"))),
        RawBody::Markdown(Cow::from("[a]: b\n".repeat(n))),
        RawBody::Markdown(Cow::from(
            "[a]: ".to_owned() + &"b".repeat(1_000) + "\n\n" + &"[a]".repeat(n),
        )),
        RawBody::Markdown(Cow::from(
            "|".repeat(n) + "\n" + &"|-".repeat(n) + "\n" + &"a\n".repeat(n),
        )),
        RawBody::Markdown(Cow::from(
            "|a".repeat(300) + "\n" + &"|-".repeat(300) + "\n" + &"|\n".repeat(n),
        )),
        RawBody::Markdown(Cow::from(
            ">\n".repeat(n) + &"> ".repeat(500) + "a\n" + &"a\n".repeat(n),
        )),
        RawBody::Markdown(
            (0..700)
                .map(|i| " ".repeat(i) + "- a\n")
                .collect::<String>()
                .into(),
        ),
        RawBody::Markdown(Cow::from("\t".repeat(n) + "a\n")),
        RawBody::Markdown(Cow::from("a\\\n".repeat(n))),
        RawBody::Markdown(Cow::from("\\".repeat(n))),
        RawBody::Markdown(Cow::from("a\n===\n".repeat(n))),
        RawBody::Markdown(Cow::from("# ".repeat(n) + &" #".repeat(n))),
        RawBody::Markdown(Cow::from("http://a@".repeat(n))),
        RawBody::Markdown(Cow::from("<http://".repeat(n))),
    ];
    let honest = RawBody::Html(
        "<p>خبر <b>عاجل</b> من <a href='/x'>هنا</a></p>\n"
            .repeat(n / 10)
            .into(),
    );
    let start = Instant::now();
    assert!(render(&honest, &base()).is_ok());
    let unit = start.elapsed();
    for (number, attack) in attacks.iter().enumerate() {
        let start = Instant::now();
        // Either is right: what matters is that there is an answer.
        let length = render(attack, &base()).map(|body| body.map_or(0, |body| body.html.len()));
        let took = start.elapsed();
        assert!(
            took < unit * ATTACK_FACTOR,
            "attack {number} took {took:?}, an honest body {unit:?}: {length:?}"
        );
    }
}

/// Elements and attributes, separated by commas: of every class, and of none.
const TAGS: &str = "p,div,b,i,a href=x,a,table,tr,td,th,tbody,thead,caption,ul,ol,li,dl,dt,dd,pre,h1,h2,\
    span,img src=a,img,br,hr,blockquote,figure,figcaption,details,summary,video src=v,source src=s,\
    picture,svg,math,style,script,title,textarea,select,option,nav,form,button,noscript,template,\
    html,body,head,frameset,col,colgroup,input,q,del,section,font,nobr,center,mtext,mglyph,desc,\
    foreignObject,annotation-xml encoding=text/html,ruby,rt,rp";

fn markup_pieces() -> impl Strategy<Value = String> {
    let tags = prop::sample::select(TAGS.split(',').map(str::trim).collect::<Vec<_>>());
    let tag = (tags, any::<bool>()).prop_map(|(tag, end)| {
        let name = tag.split(' ').next().unwrap_or(tag);
        if end {
            format!("</{name}>")
        } else {
            format!("<{tag}>")
        }
    });
    let text = prop::sample::select(vec![
        "x",
        " ",
        "\n",
        "نص",
        "&amp;",
        "&lt;b>",
        "\u{1}",
        "&#13;",
        "\r",
        "<!--",
        "-->",
        "]]>",
        "\u{338}",
        "&nbsp;",
        "<",
        "&#x202E;",
        "<![CDATA[",
        "e\u{301}",
    ]);
    let piece = prop_oneof![3 => tag, 2 => text.prop_map(str::to_owned)];
    prop::collection::vec(piece, 0..30).prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        // What fails is written down as a test of its own.
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn sanitising_twice_is_sanitising_once(source in markup_pieces()) {
        let once = html(&source);
        prop_assert!(once.chars().all(is_xml_char));
        prop_assert_eq!(html(&once), once);
    }

    #[test]
    fn no_text_is_lost_that_readers_should_see(words in prop::collection::vec("[a-z]{1,5}", 1..10)) {
        let source = words.join(" ");
        for raw in [RawBody::Text(source.as_str().into()), RawBody::Html(source.as_str().into())] {
            prop_assert_eq!(text_of_html(&rendered(&raw)), source.clone());
        }
    }
}
