//! Pages as newsrooms serve them.

use super::super::tests::{article, codes, config};
use super::super::{body, read as read_file};
use crate::article::{Place, StorePath};

const LD: &str = r#"<script type="application/ld+json">
{"@context":"https://schema.org","@type":"NewsArticle","identifier":"7","headline":"عنوان \"مقتبس\"",
 "datePublished":"2026-11-23T10:00:00Z","inLanguage":"ar","url":"https://news.example/w/7/"}
</script>"#;

fn page(head: &str, content: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"ar\" dir=\"rtl\">\n<head>{head}</head>\n<body>{content}</body></html>"
    )
}

const META: &str = r#"
    <title>العنوان | الموقع</title>
    <meta property="og:title" content="العنوان">
    <META NAME="Description" CONTENT="موجز &amp; قصير">
    <meta property="article:published_time" content="2026-11-23T10:00:00Z">
    <meta property="article:modified_time" content="2026-11-23T11:00:00Z">
    <meta property="article:expiration_time" content="2027-11-23T11:00:00Z">
    <meta property="article:section" content="عالم">
    <meta property="article:tag" content="أ"><meta property="article:tag" content="ب">
    <meta name="author" content="كاتب">
    <meta property="og:image" content="/1.jpg"><meta property="og:image:width" content="1200">
    <meta property="og:image:height" content="675"><meta property="og:image:alt" content="وصف">
    <meta property="og:image" content="/2.jpg">
    <link rel="canonical" href="/w/7/">"#;

#[test]
fn a_page_without_json_ld_speaks_by_its_metadata() {
    let found = article(
        "w/7.html",
        &page(META, "<h1>غيره</h1><article><p>متن</p></article>"),
    );
    assert_eq!(
        (found.title.as_str(), found.summary.as_str()),
        ("العنوان", "موجز & قصير")
    );
    assert_eq!(found.published.to_rfc3339(), "2026-11-23T10:00:00Z");
    assert_eq!(found.updated.to_rfc3339(), "2026-11-23T11:00:00Z");
    assert!(found.expires.is_some());
    assert_eq!(found.sections[0].id.as_str(), "عالم");
    assert_eq!(found.tags.len(), 2);
    assert_eq!(found.authors[0].name.as_str(), "كاتب");
    assert_eq!(found.url.as_str(), "https://news.example/w/7/");
    let sizes: Vec<_> = found
        .images
        .iter()
        .map(|image| (image.width, image.height))
        .collect();
    assert_eq!(sizes, [(Some(1200), Some(675)), (None, None)]);
    assert_eq!(found.images[0].alt.as_ref().unwrap().as_str(), "وصف");
    assert_eq!(found.language.as_str(), "ar");
    assert!(found.index);
    assert_eq!(codes("w/7.html", &page(META, "")), ["id-from-path"]);
}

#[test]
fn json_ld_comes_before_broken_attributes() {
    let head = format!("<meta property=\"og:title\" content=\"عنوان \"مقتبس\"\">{LD}");
    let found = article("7.html", &page(&head, "<article><h1>x</h1></article>"));
    assert_eq!(found.title.as_str(), "عنوان \"مقتبس\"");
    assert_eq!(found.id.as_str(), "7");
    assert!(found.body.is_none());
    assert_eq!(codes("7.html", &page(&head, "")), [""; 0]);
}

#[test]
fn titles_fall_back_on_the_heading_and_then_the_title() {
    let date = "<meta property=article:published_time content=2026-11-23T10:00:00Z>";
    let with_title = format!("{date}<title>عنوان الصفحة</title>");
    let found = article(
        "a.html",
        &page(&with_title, "<h1>عنوان<br><b>المقال</b></h1>"),
    );
    assert_eq!(found.title.as_str(), "عنوان المقال");
    assert_eq!(
        article("a.html", &page(&with_title, "")).title.as_str(),
        "عنوان الصفحة"
    );
    assert_eq!(
        codes("a.html", &page(date, "")),
        ["no-title", "id-from-path"]
    );
}

#[test]
fn the_body_is_the_first_article_without_heading_navigation_scripts_and_forms() {
    let content = "<nav>قائمة</nav><main><article><h1>عنوان</h1><nav>مسار</nav><p>متن &lt; <b>أول</b></p>\
        <script>alert('</p>')</script><form><input><p>ابحث</p></form><article>داخلي</article>\
        <img src=/a.jpg></article><article>ثان</article>تذييل</main>";
    let text = page(LD, content);
    let printed = body(&StorePath::new("7.html"), text.as_bytes(), &config()).unwrap();
    assert_eq!(
        printed,
        "<div dir=\"rtl\" lang=\"ar\"><p>متن &lt; <b>أول</b></p><article>داخلي</article>\
         <img src=\"https://news.example/a.jpg\"></div>"
    );
    let text = page(
        LD,
        "<article><h1>x</h1> <nav>y</nav></article><main><p>متن</p></main>",
    );
    let printed = body(&StorePath::new("7.html"), text.as_bytes(), &config()).unwrap();
    assert_eq!(printed, "<div dir=\"rtl\" lang=\"ar\"><p>متن</p></div>");
}

#[test]
fn a_heading_that_is_never_closed_does_not_swallow_the_body() {
    let text = page(LD, "<article><h1>عنوان<p>متن</p></article>");
    let printed = body(&StorePath::new("7.html"), text.as_bytes(), &config()).unwrap();
    assert_eq!(printed, "<div dir=\"rtl\" lang=\"ar\"><p>متن</p></div>");
}

#[test]
fn the_text_in_json_ld_is_the_body_where_the_page_has_none() {
    let ld = LD.replace(
        "\"inLanguage\"",
        "\"articleBody\":\"نص المتن\",\"inLanguage\"",
    );
    let found = article("7.html", &page(&ld, "<div>x</div>"));
    assert_eq!(found.summary.as_str(), "نص المتن");
    let found = article("7.html", &page(&ld, "<article>متن الصفحة</article>"));
    assert_eq!(found.summary.as_str(), "متن الصفحة");
}

#[test]
fn copies_and_pages_that_ask_for_it_stay_out_of_sitemaps() {
    let index = |head: &str| article("7.html", &page(&format!("{head}{LD}"), "")).index;
    assert!(index(""));
    assert!(index(
        "<link rel=canonical href=https://news.example/other>"
    ));
    assert!(!index(
        "<link rel='canonical' href=https://other.example/7>"
    ));
    assert!(!index("<meta name=robots content='follow, NOINDEX'>"));
    assert!(!index("<meta name=robots content=none>"));
    assert!(index("<meta name=robots content=index,follow>"));
}

#[test]
fn faults_in_scripts_are_found_in_the_file() {
    let broken = LD
        .replace("\"2026-11-23T10:00:00Z\"", "7")
        .replace('\n', "\r\n");
    let text = page(
        &format!("<!-- <script type=\"application/ld+json\">{{}}</script> -->\n{broken}"),
        "",
    );
    let reading = read_file(&StorePath::new("7.html"), text.as_bytes(), &config());
    let [fault] = &reading.diagnostics[..] else {
        panic!("{:?}", reading.diagnostics)
    };
    assert_eq!(
        (fault.code, fault.place),
        (
            "wrong-type",
            Place {
                line: 6,
                column: 18
            }
        )
    );
    let cut = page("<script type=application/ld+json>{\"@type\":</script>", "");
    assert_eq!(codes("7.html", &cut), ["json-syntax"]);
}

#[test]
fn the_first_script_with_an_article_counts() {
    let list = r#"<script type="application/ld+json">{"@type":"BreadcrumbList"}</script>"#;
    let later = r#"<script type="application/ld+json">{broken</script>"#;
    let found = article(
        "7.html",
        &page(
            &format!("<script>var x = '<h1>';</script>{list}{LD}{later}"),
            "",
        ),
    );
    assert_eq!(found.id.as_str(), "7");
}

#[test]
fn a_tag_that_never_ends_is_a_fault() {
    let text = format!("<html><p {}", "a ".repeat(40_000));
    assert_eq!(codes("a.html", &text), ["html-too-complex"]);
}

#[test]
fn faults_of_tags_stand_where_the_tags_do() {
    let text = "<html><head><title>خبر</title><meta property=\"article:published_time\" content=\"soon\">\
        </head><body><article><p>x</article>";
    let reading = read_file(&StorePath::new("a.html"), text.as_bytes(), &config());
    let places: Vec<_> = reading
        .diagnostics
        .iter()
        .map(|d| (d.code, d.place.column))
        .collect();
    assert_eq!(places, [("bad-date", 31)]);
    let head = format!(
        "{META}<meta property=og:image content=a.jpg>\n  <meta property=og:image:width content=wide>"
    );
    let text = page(&head, "<article><p>x</article>");
    let reading = read_file(&StorePath::new("a.html"), text.as_bytes(), &config());
    let fault = &reading.diagnostics[0];
    assert_eq!((fault.code, fault.place.column), ("wrong-type", 3));
}
