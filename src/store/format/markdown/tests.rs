//! Files as people write them for Hugo, Zola and Jekyll, and what is wrong with others.

use super::*;
use crate::article::{Kind, Severity};
use crate::store::format::draft::Written;

/// What `text` gives. What that borrows from stays to the end of the tests.
fn read_text(text: &str, base: usize) -> Result<(Draft<'_>, Vec<Problem>), Problem> {
    read(text, base, Prose::Markdown, Box::leak(Box::new(None)))
}

fn good(text: &str) -> Draft<'_> {
    let (draft, problems) = read_text(text, 0).unwrap();
    let faults: Vec<_> = problems
        .iter()
        .filter(|problem| problem.severity != Severity::Note)
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
    draft
}

/// The problems of `text` as severity, code and the text they mark.
fn problems(text: &str) -> Vec<(Severity, &'static str, &str)> {
    let (_, problems) = read_text(text, 0).unwrap();
    problems
        .into_iter()
        .map(|problem| (problem.severity, problem.code, &text[problem.span]))
        .collect()
}

fn value<'f>(field: Option<&'f Field<Written<'_>>>) -> &'f str {
    field.map_or("", |field| &*field.value)
}

fn sections<'d>(draft: &'d Draft<'_>) -> Vec<&'d str> {
    draft
        .sections
        .iter()
        .map(|topic| &*topic.value.id)
        .collect()
}

fn tags<'d>(draft: &'d Draft<'_>) -> Vec<&'d str> {
    draft.tags.iter().map(|tag| &*tag.value).collect()
}

#[test]
fn a_hugo_page() {
    let text = "---\nTitle: افتتاح الميناء\ndate: 2025-12-19T10:00:00+03:00\n\
        publishDate: 2025-12-20\nlastmod: 2025-12-21 08:00:00\nexpiryDate: 2026-12-19\n\
        draft: false\nslug: port\nid: 0042\naliases: [/old/]\nweight: 3\n\
        categories: [اقتصاد, عالم]\ntags:\n  - ميناء\n  - 2025\ncover:\n  image: a.jpg\n\
        images: [a.jpg, b.jpg]\nparams:\n  author:\n    name: سلمى\n    url: /salma/\n  kind: opinion\n\
        ---\nفقرة {{< figure src=\"a.jpg\" >}} أولى.\n\n<!--more-->\n\nفقرة ثانية.\n";
    let draft = good(text);
    assert_eq!(value(draft.title.as_ref()), "افتتاح الميناء");
    assert_eq!(value(draft.published.as_ref()), "2025-12-20");
    assert_eq!(value(draft.updated.as_ref()), "2025-12-21 08:00:00");
    assert_eq!(value(draft.expires.as_ref()), "2026-12-19");
    assert_eq!(value(draft.id.as_ref()), "0042");
    assert_eq!(value(draft.slug.as_ref()), "port");
    assert_eq!(draft.status, None);
    assert_eq!(sections(&draft), ["اقتصاد", "عالم"]);
    assert_eq!(tags(&draft), ["ميناء", "2025"]);
    assert_eq!(draft.images.len(), 2);
    assert_eq!(draft.authors[0].value.url.as_deref(), Some("/salma/"));
    assert_eq!(draft.kind, Some(Kind::Opinion));
    assert_eq!(value(draft.summary.as_ref()), "فقرة  أولى.");
    let RawBody::Markdown(body) = &draft.body else {
        panic!("no Markdown body");
    };
    assert!(body.starts_with("فقرة  أولى.\n") && body.ends_with("ثانية.\n"));
    assert_eq!(
        problems(text),
        [
            (Severity::Note, "unknown-member", "aliases"),
            (Severity::Note, "unknown-member", "weight"),
            (Severity::Note, "unknown-member", "cover"),
            (
                Severity::Note,
                "template-tag",
                "{{< figure src=\"a.jpg\" >}}"
            ),
        ]
    );
}

#[test]
fn hugo_authors_and_json() {
    let text = "{\n  \"title\": \"خبر\",\n  \"date\": \"2025-12-19\",\n  \"params\": {\"author\": [\"سلمى\", {\"name\": \"ياسين\"}]},\n  \"tags\": [\"a b\"]\n}\n\nنص\n";
    let draft = good(text);
    let names: Vec<_> = draft
        .authors
        .iter()
        .map(|author| &*author.value.name)
        .collect();
    assert_eq!(names, ["سلمى", "ياسين"]);
    assert_eq!(tags(&draft), ["a b"]);
    assert_eq!(draft.body, RawBody::Markdown("\n\nنص\n".into()));
    let text = "+++\ntitle = 'خبر'\ndate = 2025-12-19\n[params]\nauthor = 'سلمى'\n+++\n";
    let draft = good(text);
    assert_eq!(draft.authors[0].value.name, "سلمى");
    assert_eq!(draft.body, RawBody::None);
}

#[test]
fn a_zola_page() {
    let text = "+++\ntitle = \"خبر\"\ndescription = \"ملخص\"\ndate = 2025-01-01\nupdated = 2025-01-02T03:04:05Z\n\
        draft = true\npath = \"news/one\"\nauthors = []\nin_search_index = true\n\n\
        [taxonomies]\ntags = [\"ا ب\", \"ج\"]\ncategories = [\"عالم\"]\n\n\
        [extra]\nauthor = \"سلمى\"\nstory = \"caspian\"\ndescription = \"غيره\"\nbanner = 1\n+++\n\nنص <!-- more --> تتمة\n";
    let draft = good(text);
    assert_eq!(value(draft.published.as_ref()), "2025-01-01");
    assert_eq!(value(draft.updated.as_ref()), "2025-01-02T03:04:05Z");
    assert_eq!(value(draft.path.as_ref()), "news/one");
    assert_eq!(value(draft.summary.as_ref()), "ملخص");
    assert_eq!(draft.status, Some(Status::Draft));
    assert_eq!(tags(&draft), ["ا ب", "ج"]);
    assert_eq!(sections(&draft), ["عالم"]);
    assert_eq!(draft.stories[0].value.id, "caspian");
    assert_eq!(draft.authors[0].value.name, "سلمى");
    assert_eq!(
        problems(text),
        [
            (Severity::Note, "unknown-member", "in_search_index"),
            (Severity::Note, "unknown-member", "banner"),
        ]
    );
}

#[test]
fn a_jekyll_post() {
    let text = "---\nlayout: post\ntitle: \"خبر: عاجل\"\ndate: 2025-12-19 10:00:00 +0300\n\
        last_modified_at: 2025-12-20\ncategories: عالم اقتصاد\ntags: ميناء بحر\n\
        permalink: /:categories/:title/\nimage:\n  path: /a.png\n  alt: رصيف\n  width: 1200\n\
        comments: true\npublished: true\nlang: ar\n---\n{% include head.html %}\nنص\n";
    let draft = good(text);
    assert_eq!(value(draft.title.as_ref()), "خبر: عاجل");
    assert_eq!(value(draft.published.as_ref()), "2025-12-19 10:00:00 +0300");
    assert_eq!(value(draft.updated.as_ref()), "2025-12-20");
    assert_eq!(sections(&draft), ["عالم", "اقتصاد"]);
    assert_eq!(tags(&draft), ["ميناء", "بحر"]);
    assert_eq!(draft.url, None);
    assert_eq!(draft.images[0].value.url, "/a.png");
    assert_eq!(draft.images[0].value.width, Some(1200));
    assert_eq!(value(draft.language.as_ref()), "ar");
    assert_eq!(draft.status, None);
    assert_eq!(
        problems(text),
        [
            (Severity::Note, "unknown-member", "layout"),
            (Severity::Note, "url-pattern", "/:categories/:title/"),
            (Severity::Note, "comments-switch", "true"),
            (Severity::Note, "template-tag", "{% include head.html %}"),
        ]
    );
}

#[test]
fn one_category_is_one_name() {
    assert_eq!(
        sections(&good("---\ncategory: أخبار العالم\n---\n")),
        ["أخبار العالم"]
    );
    assert_eq!(
        sections(&good("---\nsection: a b\ncategories: c\n---\n")),
        ["a b"]
    );
    assert_eq!(tags(&good("---\nkeywords: a b\n---\n")), ["a b"]);
}

#[test]
fn what_hides_an_article() {
    let status = |text: &str| good(&format!("---\n{text}\n---\n")).status;
    assert_eq!(
        status("published: false\ndate: 2025-12-19"),
        Some(Status::Draft)
    );
    assert_eq!(status("published: no"), Some(Status::Draft));
    assert_eq!(
        status("draft: true\nstatus: published"),
        Some(Status::Draft)
    );
    assert_eq!(
        status("draft: true\nstatus: withdrawn"),
        Some(Status::Withdrawn)
    );
    assert_eq!(
        status("draft: false\nstatus: withheld"),
        Some(Status::Withheld)
    );
    assert_eq!(status("published: 2025-12-19"), None);
    for text in [
        "---\npublished: true\ndate: 2025-12-19\n---\n",
        "---\ndate: 2025-01-01\npublished: 2025-12-19\n---\n",
    ] {
        assert_eq!(value(good(text).published.as_ref()), "2025-12-19");
    }
}

#[test]
fn patterns_are_no_urls() {
    for url in [
        "/:year/:title.html",
        ":slug",
        "pretty",
        "date",
        "/a/:i_day-x/",
    ] {
        assert!(is_pattern(url), "{url}");
    }
    for url in [
        "https://news.example:8080/a",
        "/a:b/",
        "/a/",
        "/2025/12:30/",
        "خبر",
    ] {
        assert!(!is_pattern(url), "{url}");
    }
    let draft = good("---\nurl: https://news.example/a/\n---\n");
    assert_eq!(value(draft.url.as_ref()), "https://news.example/a/");
}

#[test]
fn text_without_front_matter_is_a_body_alone() {
    let draft = good("# عنوان\n\nنص\n");
    assert_eq!(draft.title, None);
    assert_eq!(draft.published, None);
    assert_eq!(draft.body, RawBody::Markdown("# عنوان\n\nنص\n".into()));
    assert_eq!(good("---\n---\n\n").body, RawBody::None);
}

#[test]
fn the_summary_before_the_mark_is_plain() {
    let text = "## عنوان\n\nنص **غامق** و[رابط](/a) ![صورة](/b)\nوسطر <b>آخر</b>.\n\n- بند\n\n<!-- more -->\nتتمة";
    assert_eq!(
        value(good(text).summary.as_ref()),
        "نص غامق ورابط  وسطر آخر. بند"
    );
    assert_eq!(good("<!--more-->\nنص").summary, None);
}

#[test]
fn wrong_types_are_faults_at_their_places() {
    let fault = |marked| (Severity::Fault, "wrong-type", marked);
    for (text, expected) in [
        ("---\ntitle: no\n---\n", fault("no")),
        ("---\ntitle: 1984\n---\n", fault("1984")),
        ("---\ntitle: 2025-12-19\n---\n", fault("2025-12-19")),
        ("---\ntitle:\ndate: 2025-12-19\n---\n", fault("")),
        ("---\nextra:\n  title: [a]\n---\n", fault("[a]")),
        ("---\nextra: x\n---\n", fault("x")),
        ("---\ndate: 20251219\n---\n", fault("20251219")),
        ("---\ndraft: maybe\n---\n", fault("maybe")),
        ("+++\ntitle = 2025-01-01\n+++\n", fault("2025-01-01")),
        ("---\n- a\n---\n", fault("- a")),
    ] {
        assert_eq!(problems(text), [expected], "{text}");
    }
    let (_, found) = read_text("---\ntitle: no\n---\n", 0).unwrap();
    assert_eq!(found[0].message, "`title` is true or false, not text");
    assert_eq!(found[0].remedy, "put it in quotes");
}

#[test]
fn keys_that_differ_in_case_alone_are_given_twice() {
    assert_eq!(
        problems("---\ntitle: a\nTitle: b\n---\n"),
        [(Severity::Fault, "repeated-key", "Title")]
    );
}

#[test]
fn a_file_that_cannot_be_read_is_one_fault() {
    let code = |text: &str| read_text(text, 0).unwrap_err().code;
    assert_eq!(code("---\ntitle: a\n"), "front-matter-open");
    assert_eq!(code("---\ntitle: a: b\n---\n"), "yaml-syntax");
    assert_eq!(code("+++\ntitle = a\n+++\n"), "toml-syntax");
    assert_eq!(code("{\"title\": a}\n"), "json-syntax");
    assert_eq!(code("---\na: 1\na: 2\n---\n"), "repeated-key");
}

#[test]
fn places_count_from_the_first_byte_of_the_file() {
    let bytes = "\u{FEFF}---\ntitle: no\n---\n";
    let (_, problems) = read_text(&bytes[3..], 3).unwrap();
    assert_eq!(&bytes[problems[0].span.clone()], "no");
    let problem = read_text(&"\u{FEFF}+++\ntitle = x\n+++\n"[3..], 3).unwrap_err();
    assert_eq!(problem.span.start, 3 + "+++\ntitle = ".len());
}

#[test]
fn lone_carriage_returns_end_lines() {
    for text in [
        "---\rtitle: a\rdate: 2025-12-19\r---\rنص",
        "+++\rtitle = 'a'\rdate = 2025-12-19\r+++\rنص",
    ] {
        let draft = good(text);
        assert_eq!(value(draft.title.as_ref()), "a");
        assert_eq!(value(draft.published.as_ref()), "2025-12-19");
        assert_eq!(draft.body, RawBody::Markdown("نص".into()));
    }
}

#[test]
fn messages_never_quote_what_an_article_says() {
    for text in [
        "---\ntitle: سر: سر\n---\n",
        "---\ntitle: *سر\n---\n",
        "---\ntitle: \"سر\n---\n",
        "---\ntitle: [سر\n---\n",
        "---\ntitle: !سر!x سر\n---\n",
        "---\ntitle: @سر\n---\n",
        "---\ntitle: x\nسر\n---\n",
        "---\ntitle: \"\\س\"\n---\n",
        "---\ntitle: {سر: سر}\nkind: سر\nimage: {alt: سر}\n---\n",
        "---\nimage: [[سر]]\nsource: [سر]\ncomments: سر\ntranslations: سر\n---\n",
        "+++\ntitle = سر\n+++\n",
        "+++\ntitle = \"سر\n+++\n",
        "+++\ntitle = \"\\سر\"\n+++\n",
        "+++\ntitle = \"x\" سر\n+++\n",
        "+++\ndate = 2025-99-99\nx = 1سر\n+++\n",
        "{\"title\": سر}\n",
        "{\"title\": \"سر\n\"}\n",
        "{\"title\": \"\\سر\"}\n",
        "{\"title\": \"سر\\ud83d\"}\n",
        "{\"kind\": \"سر\", \"title\": {}}\n",
    ] {
        let problems =
            read_text(text, 0).map_or_else(|fault| vec![fault], |(_, problems)| problems);
        assert!(!problems.is_empty(), "{text}");
        for problem in problems {
            let said = format!("{} ({})", problem.message, problem.remedy);
            assert!(!said.contains('س') && !said.contains('ر'), "{said}");
        }
    }
}

#[test]
fn hostile_front_matter_takes_no_time() {
    const SIZE: usize = 60_000;
    let yaml = |line: &str| format!("---\n{}\n---\n", line.repeat(SIZE / line.len()));
    let start = std::time::Instant::now();
    for text in [
        yaml("a: &a [*a]\n"),
        yaml("- "),
        yaml("? "),
        yaml("[a,"),
        yaml("{a: "),
        yaml("\"a\\\n"),
        yaml("a\n"),
        yaml("!a "),
        yaml("&a "),
        yaml("# a\n"),
        yaml("a:\n - "),
        yaml("%a\n"),
        format!("---\na: |\n{}\n---\n", " \n".repeat(SIZE / 2)),
        format!("---\na: {}\n---\n", "x".repeat(SIZE)),
        format!("---\n{}: x\n---\n", "x".repeat(SIZE)),
        format!("+++\na = {}\n+++\n", "[".repeat(SIZE)),
        format!("+++\n{}\n+++\n", "[[a.b]]\n".repeat(SIZE / 8)),
        format!("+++\na = \"{}\n+++\n", "\\".repeat(SIZE)),
        format!("+++\n{} = 1\n+++\n", "a.".repeat(SIZE / 2)),
        format!("{}\n", "{\"a\":".repeat(SIZE)),
        format!("---\ntags: [{}]\n---\n", "{}, ".repeat(2_000)),
    ] {
        let problems = read_text(&text, 0).map_or(1, |(_, problems)| problems.len());
        assert!(problems <= 100, "{problems}");
    }
    // Measured: under half a second in all, unoptimised.
    assert!(start.elapsed().as_secs() < 10);
}

/// Pieces of which files are made up that no person would write.
const PIECES: [&str; 38] = [
    "---\n",
    "+++\n",
    "...\n",
    "{",
    "}",
    "\"",
    "'",
    "title",
    "tags",
    "image",
    ": ",
    " = ",
    "[",
    "]",
    ", ",
    "\r",
    "\n",
    "\r\n",
    "خبر",
    "é",
    "😀",
    "{{",
    "}}",
    "{%",
    "%}",
    "&a ",
    "*a",
    "!!str ",
    "|\n",
    ">-\n ",
    "- ",
    "? ",
    "2025-12-19",
    "T10:30",
    "\\ud83d",
    "#",
    "\0",
    "<!--more-->",
];

proptest::proptest! {
    #[test]
    fn no_file_is_too_strange(
        opening in proptest::sample::select(&["", "---\n", "+++\n", "{\"a\":"][..]),
        pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..30),
        closing in proptest::sample::select(&["", "\n---\n", "\n+++\n", "}\n"][..]),
    ) {
        let text = format!("{opening}{}{closing}", pieces.concat());
        let (draft, problems) = read_text(&text, 7).unwrap_or_else(|fault| (Draft::default(), vec![fault]));
        for problem in problems {
            let span = problem.span.start - 7..problem.span.end - 7;
            proptest::prop_assert!(text.get(span).is_some(), "{} in {text:?}", problem.code);
        }
        if let Some(title) = draft.title {
            proptest::prop_assert!(text.get(title.span.start - 7..title.span.end - 7).is_some());
        }
    }
}
