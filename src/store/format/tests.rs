//! The doors of the whole module: any file, whatever is in it.

use proptest::prelude::*;

use super::*;
use crate::article::{Article, Kind, Place, Status, is_xml_char};
use crate::config::{
    Announce, Config, Content, DirectoryConfig, FeedSettings, Feeds, Guard, IdAuthority,
    Publication, SectionFrom, Serve, StoreConfig, StoreKind,
};
use crate::document::FeedFormat;

/// A configuration as `https://news.example/` would have it.
pub(super) fn config() -> Config {
    use crate::article::{Language, Text, Timestamp, WebUrl};
    let text = |text: &str| Text::clean(text).0;
    let settings = FeedSettings {
        formats: FeedFormat::ALL.to_vec(),
        newest: 50,
        floor: 3_600,
        content: Content::Full,
    };
    Config {
        publication: Publication {
            name: text("News Example"),
            title: text("نيوز إكزامبل"),
            description: text("أخبار"),
            language: Language::new("ar").unwrap(),
            url: WebUrl::parse("https://news.example/").unwrap(),
            feeds_url: WebUrl::parse("https://news.example/").unwrap(),
            article_url: "/{path}/".to_owned(),
            time_zone: chrono_tz::Europe::Moscow,
            id_authority: IdAuthority {
                tagging_entity: "news.example,2016".to_owned(),
                since: Timestamp::MIN,
            },
            copyright: None,
            logo: None,
            icon: None,
            authors: Vec::new(),
        },
        store: StoreConfig {
            kind: StoreKind::Directory(DirectoryConfig {
                path: "/store".into(),
                include: None,
                exclude: globset::GlobSet::empty(),
                follow_symlinks: false,
                settle_ms: 50,
                settle_delete_ms: 500,
                settle_max_ms: 2_000,
            }),
            section_from: SectionFrom::Field,
            scan_every: 300,
        },
        out: "/out".into(),
        feeds: Feeds {
            front: settings.clone(),
            sections: settings.clone(),
            stories: settings.clone(),
            channels: settings,
        },
        cross_host: false,
        exclude_sections: Vec::new(),
        sections: Vec::new(),
        stories: Vec::new(),
        channels: Vec::new(),
        guard: Guard {
            max_loss_basis_points: 2_500,
        },
        state: "/state".into(),
        serve: Serve {
            listen: ([127, 0, 0, 1], 8080).into(),
            operations: ([127, 0, 0, 1], 8081).into(),
        },
        announce: Announce {
            indexnow_endpoint: WebUrl::parse("https://indexnow.example/").unwrap(),
            allow_private: false,
            hubs: Vec::new(),
            indexnow_key: None,
            delay: 0,
        },
        source: 0,
    }
}

/// The article in a file that must hold one without faults.
pub(super) fn article(path: &str, text: &str) -> Article {
    let reading = read(&StorePath::new(path), text.as_bytes(), &config());
    match reading.finding {
        Finding::Article(article) => *article,
        other => panic!("{other:?}: {:#?}", reading.diagnostics),
    }
}

/// The codes of what is wrong with a file, notes left out.
pub(super) fn codes(path: &str, text: &str) -> Vec<&'static str> {
    read(&StorePath::new(path), text.as_bytes(), &config())
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity != Severity::Note)
        .map(|diagnostic| diagnostic.code)
        .collect()
}

fn finding(path: &str, bytes: &[u8]) -> Finding {
    read(&StorePath::new(path), bytes, &config()).finding
}

const NINJS: &str = r#"{"uri":"urn:a:1","headline":"عنوان","firstcreated":"2026-11-23T10:00:00Z",
    "body_text":"فقرة أولى.\n\nفقرة ثانية."}"#;

#[test]
fn the_form_is_told_by_extension_in_any_case() {
    for path in ["a.json", "A.JSON", "x/.hidden.json"] {
        assert!(
            matches!(finding(path, NINJS.as_bytes()), Finding::Article(_)),
            "{path}"
        );
    }
    for path in ["a.txt", "a", "json", "a.json.bak"] {
        assert!(
            matches!(finding(path, NINJS.as_bytes()), Finding::NoArticle),
            "{path}"
        );
    }
}

#[test]
fn section_pages_are_no_articles() {
    for path in [
        "_index.md",
        "world/_index.ar.md",
        "_index.html",
        "_index.json",
    ] {
        let reading = read(&StorePath::new(path), b"\xFF", &config());
        assert!(matches!(reading.finding, Finding::NoArticle), "{path}");
        assert!(reading.diagnostics.is_empty());
    }
}

#[test]
fn files_that_are_no_utf8_are_faults_with_their_place() {
    let reading = read(
        &StorePath::new("a.json"),
        b"{\n\"\xD8\xAE\xFF\"}",
        &config(),
    );
    assert!(matches!(reading.finding, Finding::Rejected));
    let fault = &reading.diagnostics[0];
    assert_eq!(
        (fault.code, fault.place),
        ("not-utf8", Place { line: 2, column: 3 })
    );
    assert!(fault.message.contains("byte 6"), "{}", fault.message);
    assert_eq!(codes_of(b"\xFF\xFE{\0"), ["not-utf8"]);
    assert_eq!(codes_of(b""), ["empty-file"]);
    assert_eq!(codes_of(b"\xEF\xBB\xBF \n"), ["empty-file"]);
}

fn codes_of(bytes: &[u8]) -> Vec<&'static str> {
    let reading = read(&StorePath::new("a.json"), bytes, &config());
    reading.diagnostics.iter().map(|d| d.code).collect()
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let with_mark = format!("\u{FEFF}{NINJS}");
    assert_eq!(article("a.json", &with_mark), article("a.json", NINJS));
}

#[test]
fn json_is_told_apart_by_its_members() {
    assert_eq!(article("a.json", NINJS).id.as_str(), "urn:a:1");
    let jsonld = r#"{"@type":"NewsArticle","uri":"x","identifier":"2","headline":"عنوان",
        "datePublished":"2026-11-23T10:00:00Z"}"#;
    assert_eq!(article("a.json", jsonld).id.as_str(), "2");
    let plain = r#"{"id":"3","title":"عنوان","published":"2026-11-23T10:00:00Z","body":"<p>x"}"#;
    let plain = article("a.json", plain);
    assert_eq!((plain.id.as_str(), plain.summary.as_str()), ("3", "x"));
    assert_eq!(
        codes("a.json", r#"{"@type":"Person","name":"x"}"#),
        ["no-article"]
    );
    assert_eq!(codes("a.json", "[]"), ["wrong-type"]);
}

#[test]
fn one_fault_of_syntax_is_not_followed_by_others() {
    assert_eq!(codes("a.json", r#"{"uri":"x","#), ["json-syntax"]);
    assert_eq!(
        codes("a.json", r#"{"uri":"x","headline":"y","firstcreated":7}"#),
        ["wrong-type"]
    );
}

#[test]
fn markdown_without_a_date_is_no_article_and_other_forms_are_at_fault() {
    let reading = read(
        &StorePath::new("about.md"),
        "# من نحن".as_bytes(),
        &config(),
    );
    assert!(matches!(reading.finding, Finding::NoArticle));
    let codes_found: Vec<_> = reading
        .diagnostics
        .iter()
        .map(|d| (d.severity, d.code))
        .collect();
    assert_eq!(codes_found, [(Severity::Doubt, "no-date")]);
    assert_eq!(
        codes("a.json", r#"{"uri":"x","headline":"y"}"#),
        ["no-date"]
    );
    assert_eq!(codes("a.html", "<title>x</title>"), ["no-date"]);
}

#[test]
fn a_page_under_front_matter_is_html_with_its_fields() {
    let text =
        "---\ntitle: عنوان\ndate: 2026-11-23\n---\n\n<p>أول *نص*</p>\n<!--more-->\n<p>بقية</p>\n";
    let page = article("post/a.html", text);
    assert_eq!(page.title.as_str(), "عنوان");
    assert_eq!(page.summary.as_str(), "أول *نص*");
    let body = body(&StorePath::new("post/a.html"), text.as_bytes(), &config()).unwrap();
    assert!(body.contains("<p>أول *نص*</p>"), "{body}");
    let undated = read(
        &StorePath::new("layout.html"),
        b"---\ntitle: x\n---\n<p>y</p>",
        &config(),
    );
    assert!(matches!(undated.finding, Finding::NoArticle));
}

#[test]
fn a_body_is_printed_exactly_where_the_article_says_so() {
    let config = config();
    for (text, printed) in [
        (
            NINJS,
            Some("<div dir=\"rtl\" lang=\"ar\"><p>فقرة أولى.</p>\n<p>فقرة ثانية.</p></div>"),
        ),
        (
            r#"{"uri":"1","headline":"x","firstcreated":"2026-11-23T10:00:00Z",
            "body_html":"<script>alert(1)</script> "}"#,
            None,
        ),
        (r#"{"uri":"1","headline":"x","body_text":"y"}"#, None),
    ] {
        let path = StorePath::new("a.json");
        let has_body = match read(&path, text.as_bytes(), &config).finding {
            Finding::Article(article) => article.body.is_some(),
            Finding::NoArticle | Finding::Rejected => false,
        };
        assert_eq!(body(&path, text.as_bytes(), &config).as_deref(), printed);
        assert_eq!(has_body, printed.is_some());
    }
}

#[test]
fn diagnostics_stand_in_the_order_of_the_file() {
    let text =
        "{\"uri\":\"1\",\n\"headline\":\"x\",\n\"firstcreated\":\"y\",\n\"language\":\"ar_EG\"}";
    let reading = read(&StorePath::new("a.json"), text.as_bytes(), &config());
    let lines: Vec<_> = reading
        .diagnostics
        .iter()
        .map(|d| (d.code, d.place.line))
        .collect();
    assert_eq!(lines, [("bad-date", 3)]);
    let text = text
        .replace("\"y\"", "\"2026-11-23\"")
        .replace("\"x\"", "\"\\u0001\"");
    let reading = read(&StorePath::new("a.json"), text.as_bytes(), &config());
    let lines: Vec<_> = reading
        .diagnostics
        .iter()
        .map(|d| (d.code, d.place.line))
        .collect();
    assert_eq!(
        lines,
        [
            ("no-title", 2),
            ("illegal-characters", 2),
            ("bad-language", 4)
        ]
    );
}

#[test]
fn a_ninjs_video_and_a_canceled_item() {
    let text = NINJS.replace(
        "{\"uri\"",
        "{\"type\":\"video\",\"pubstatus\":\"canceled\",\"uri\"",
    );
    let article = article("a.json", &text);
    assert_eq!(
        (article.kind, article.status),
        (Kind::Video, Status::Withdrawn)
    );
}

/// Files that are almost right: pieces of each form in any order, and anything else.
fn almost_a_file() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "---\n",
        "+++\n",
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "title: x\n",
        "date: 2026-11-23\n",
        "\"uri\":\"1\"",
        "\"headline\":\"x\"",
        "\"firstcreated\":\"2026-11-23\"",
        "\"@type\":\"Article\"",
        "\"body_html\":\"<p><b>\"",
        "<html>",
        "<article>",
        "<h1>",
        "</h1>",
        "<script type=application/ld+json>",
        "</script>",
        "<meta property=og:title content='x'>",
        "<p>",
        "</p>",
        "<table>",
        "<tr>",
        "<td>",
        "*",
        "**",
        "_",
        "> ",
        "- ",
        "`",
        "[^1]",
        "| a | b |\n|--|--|\n",
        "\n\n",
        "\u{0}",
        "\u{1}",
        "\u{FFFE}",
        "خبر",
        "&#1;",
        "]]>",
        "<!--",
        "-->",
        "\r\n",
    ]);
    let ordered = prop::collection::vec(pieces, 0..40).prop_map(|all| all.concat().into_bytes());
    prop_oneof![3 => ordered, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_bodies_are_legal(
        bytes in almost_a_file(),
        extension in prop::sample::select(vec!["md", "json", "html", "txt"]),
    ) {
        let config = config();
        let path = StorePath::new(&format!("2026/11/23/x.{extension}"));
        let reading = read(&path, &bytes, &config);
        let printed = body(&path, &bytes, &config);
        let has_body = matches!(&reading.finding, Finding::Article(article) if article.body.is_some());
        prop_assert_eq!(has_body, printed.is_some());
        prop_assert!(printed.is_none_or(|body| body.chars().all(is_xml_char)));
        let faults = reading.diagnostics.iter().filter(|d| d.severity == Severity::Fault).count();
        prop_assert_eq!(faults > 0, matches!(reading.finding, Finding::Rejected));
    }
}
