//! What becomes of fields, whatever form they came in.

use super::super::tests::{article, codes, config};
use super::*;

/// A plain JSON article with `members` beside what every article needs.
fn json(members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!(
        r#"{{"id":"1","title":"عنوان","published":"2026-11-23T10:00:00+03:00"{comma}{members}}}"#
    )
}

fn with(members: &str) -> Article {
    article("world/2026-11-23-x.json", &json(members))
}

fn codes_with(members: &str) -> Vec<&'static str> {
    codes("world/2026-11-23-x.json", &json(members))
}

#[test]
fn defaults_are_filled_in() {
    let article = with("");
    assert_eq!(
        article.url.as_str(),
        "https://news.example/world/2026-11-23-x/"
    );
    assert_eq!(article.updated, article.published);
    assert_eq!(
        (article.status, article.kind),
        (Status::Published, Kind::Article)
    );
    assert_eq!(
        (article.access, article.news, article.index),
        (Access::Free, true, true)
    );
    assert_eq!(article.language.as_str(), "ar");
    assert!(article.summary.is_empty() && article.body.is_none());
    assert_eq!(codes_with(""), [""; 0]);
}

#[test]
fn an_article_without_an_id_is_named_by_its_path() {
    let text = json("").replace("\"id\":\"1\",", "");
    assert_eq!(article("a/خبر.json", &text).id.as_str(), "a/خبر");
    assert_eq!(codes("a/b.json", &text), ["id-from-path"]);
    assert_eq!(
        codes(&format!("{}.json", "a".repeat(513)), &text),
        ["bad-id"]
    );
}

#[test]
fn ids_are_checked() {
    let bad = |id: &str| codes("a.json", &json("").replace("\"1\"", &format!("\"{id}\"")));
    assert_eq!(bad("a\\u0007b"), ["bad-id"]);
    assert_eq!(bad(&"ب".repeat(257)), ["bad-id"]);
    assert_eq!(bad(" x "), [""; 0]);
}

#[test]
fn a_title_is_plain_text_and_required() {
    let titled = |title: &str| json("").replace("عنوان", title);
    assert_eq!(
        article("a.json", &titled(" <b>A</b> &amp; \\n B"))
            .title
            .as_str(),
        "<b>A</b> &amp; B"
    );
    assert_eq!(codes("a.json", &titled(" ")), ["no-title"]);
    assert_eq!(
        codes("a.json", &titled("a\\u0001b")),
        ["illegal-characters"]
    );
    assert_eq!(article("a.json", &titled("a\\u0001b")).title.as_str(), "ab");
}

#[test]
fn dates_without_an_offset_are_local() {
    let at = |date: &str| {
        let text = json("").replace("2026-11-23T10:00:00+03:00", date);
        article("a.json", &text).published.to_rfc3339()
    };
    assert_eq!(at("2026-11-23T10:00:00.9"), "2026-11-23T07:00:00Z");
    assert_eq!(at("2026-11-23"), "2026-11-22T21:00:00Z");
    let text = json("").replace("2026-11-23T10:00:00+03:00", "2026-02-30");
    assert_eq!(codes("a.json", &text), ["bad-date"]);
}

#[test]
fn a_date_in_the_path_counts_where_no_field_gives_one() {
    let text = r#"{"id":"1","title":"x"}"#;
    let dated = article("world/2026-11-23-x.json", text);
    assert_eq!(dated.published.to_rfc3339(), "2026-11-22T21:00:00Z");
    assert_eq!(codes("world/x.json", text), ["no-date"]);
    let own = r#"{"id":"1","title":"x","path":"2014/12/12/1.0-timeline"}"#;
    let dated = article("posts/2026-11-23-x.json", own);
    assert_eq!(dated.published.to_rfc3339(), "2014-12-11T21:00:00Z");
    assert!(dated.url.as_str().ends_with("/2014/12/12/1.0-timeline/"));
}

#[test]
fn a_local_time_that_comes_twice_is_noted() {
    let mut config = config();
    config.publication.time_zone = chrono_tz::Europe::Berlin;
    let text = json("").replace("2026-11-23T10:00:00+03:00", "2026-10-25T02:30:00");
    let path = StorePath::new("a.json");
    let reading = super::super::read(&path, text.as_bytes(), &config);
    assert!(matches!(
        reading.finding,
        crate::article::Finding::Article(_)
    ));
    assert_eq!(reading.diagnostics[0].code, "clock-change");
}

#[test]
fn an_update_is_never_before_the_publication() {
    assert_eq!(
        with(r#""updated":"2020-01-01""#).updated.to_rfc3339(),
        "2026-11-23T07:00:00Z"
    );
    assert_eq!(
        with(r#""updated":"2026-11-24T00:00:00Z""#)
            .updated
            .to_rfc3339(),
        "2026-11-24T00:00:00Z"
    );
}

#[test]
fn an_embargo_moves_the_publication_later_and_never_earlier() {
    let ninjs = |embargo: &str| {
        let text = format!(
            r#"{{"uri":"1","headline":"x","firstcreated":"2026-11-23T10:00:00Z","embargoed":"{embargo}"}}"#
        );
        let article = article("a.json", &text);
        (article.published.to_rfc3339(), article.updated.to_rfc3339())
    };
    let later = "2026-11-25T00:00:00Z".to_owned();
    assert_eq!(ninjs("2026-11-25T00:00:00Z"), (later.clone(), later));
    assert_eq!(ninjs("2026-11-01T00:00:00Z").0, "2026-11-23T10:00:00Z");
}

#[test]
fn an_article_that_expires_before_it_appears_is_doubted() {
    assert_eq!(
        codes_with(r#""expires":"2026-11-23T10:00:00+03:00""#),
        ["never-visible"]
    );
    assert_eq!(
        codes_with(r#""expires":"2026-11-23T10:00:01+03:00""#),
        [""; 0]
    );
}

#[test]
fn urls_are_absolute_and_on_the_web() {
    assert_eq!(
        with(r#""url":"/world/خبر?a=1""#).url.as_str(),
        "https://news.example/world/%D8%AE%D8%A8%D8%B1?a=1"
    );
    assert_eq!(codes_with(r#""url":"javascript:alert(1)""#), ["bad-url"]);
    assert_eq!(
        codes_with(r#""url":"https://other.example/1""#),
        ["other-site"]
    );
    assert_eq!(
        codes_with(r#""url":"http://news.example/1""#),
        ["other-site"]
    );
    assert_eq!(
        codes_with(r#""url":"https://other.example/1","index":false"#),
        [""; 0]
    );
}

#[test]
fn other_hosts_are_no_doubt_where_the_configuration_allows_them() {
    let mut config = config();
    config.cross_host = true;
    let text = json(r#""url":"https://other.example/1""#);
    let reading = super::super::read(&StorePath::new("a.json"), text.as_bytes(), &config);
    assert!(reading.diagnostics.is_empty());
}

#[test]
fn a_url_is_made_by_the_pattern() {
    let url = |pattern: &str, members: &str| {
        let mut config = config();
        config.publication.article_url = pattern.to_owned();
        let path = StorePath::new("world/2026-11-23-خبر.json");
        match super::super::read(&path, json(members).as_bytes(), &config).finding {
            crate::article::Finding::Article(article) => Some(article.url.to_string()),
            _ => None,
        }
    };
    let site = |rest: &str| Some(format!("https://news.example{rest}"));
    assert_eq!(url("/{slug}", ""), site("/%D8%AE%D8%A8%D8%B1"));
    assert_eq!(url("/{slug}", r#""slug":"a b""#), site("/a%20b"));
    assert_eq!(url("/{path}/", r#""path":"/x/y/""#), site("/x/y/"));
    assert_eq!(
        url("/{path}/{slug}", r#""path":"x/2026-01-01-y""#),
        site("/x/2026-01-01-y/y")
    );
    assert_eq!(
        url("/{section}/{id}", r#""section":"عالم""#),
        site("/%D8%B9%D8%A7%D9%84%D9%85/1")
    );
    assert_eq!(url("/{section}/{id}", ""), site("/1"));
    assert_eq!(url("/{year}/{month}/{day}/{id}", ""), site("/2026/11/23/1"));
    assert_eq!(
        url("https://m.example/{id}", ""),
        Some("https://m.example/1".to_owned())
    );
    assert_eq!(url("/{path}/", r#""path":"../../etc""#), None);
    assert_eq!(url("/a/{slug}/", r#""slug":"..""#), None);
    assert_eq!(
        url("/a/{slug}", r#""slug":"%2e%2e""#),
        site("/a/%252e%252e")
    );
}

#[test]
fn the_first_folder_is_the_section_where_the_configuration_says_so() {
    let mut config = config();
    config.store.section_from = SectionFrom::Directory;
    let sections = |path: &str, members: &str| {
        let finding =
            super::super::read(&StorePath::new(path), json(members).as_bytes(), &config).finding;
        let crate::article::Finding::Article(article) = finding else {
            panic!("{finding:?}");
        };
        article
            .sections
            .iter()
            .map(|s| s.id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(sections("world/2026/x.json", ""), ["world"]);
    assert_eq!(sections("x.json", ""), [""; 0]);
    assert_eq!(sections("world/x.json", r#""section":"sport""#), ["sport"]);
}

#[test]
fn repeats_are_dropped_and_order_kept() {
    let article = with(
        r#""sections":["b","a",{"id":"b","title":"باء"}],"tags":["س"," س ","ص"],
           "image":["/1.jpg","/2.jpg","/1.jpg"],"authors":["أ","أ"]"#,
    );
    let ids: Vec<_> = article.sections.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["b", "a"]);
    assert_eq!(article.sections[0].title.as_ref().unwrap().as_str(), "باء");
    assert_eq!(
        (
            article.tags.len(),
            article.images.len(),
            article.authors.len()
        ),
        (2, 2, 1)
    );
}

#[test]
fn ids_of_sections_are_checked() {
    assert_eq!(codes_with(r#""section":"a\u0001""#), ["bad-topic"]);
}

#[test]
fn what_a_link_cannot_reach_is_left_out_with_a_doubt() {
    let members = r#""image":["ftp://a.example/x.jpg","/ok.png"],"video":{"url":"data:x"},
        "authors":[{"name":"أ","url":"mailto:a@b"}],"source":{"name":"و","url":"javascript:x"},
        "comments":{"url":"x:y","count":3},"translations":{"en":"/en","english":"/e","fr":"y:z"}"#;
    assert_eq!(
        codes_with(members),
        [
            "bad-link",
            "bad-link",
            "bad-link",
            "bad-link",
            "bad-link",
            "bad-translation",
            "bad-link"
        ]
    );
    let article = with(members);
    assert_eq!(article.images.len(), 1);
    assert!(article.video.is_none() && article.authors[0].url.is_none());
    assert!(article.source.unwrap().url.is_none());
    assert_eq!(article.comments.unwrap().count, Some(3));
    let languages: Vec<_> = article.translations.keys().map(Language::as_str).collect();
    assert_eq!(languages, ["en"]);
}

#[test]
fn media_types_are_given_or_guessed() {
    let article = with(
        r#""image":[{"url":"/a.webp?x=1"},{"url":"/b","type":"IMAGE/PNG"},{"url":"/c.mp4"}],
           "video":{"url":"/v.m3u8","thumbnail":"/t.jpg","duration":61},"audio":"/a.ogg""#,
    );
    let types: Vec<_> = article
        .images
        .iter()
        .map(|i| i.media_type.as_str())
        .collect();
    assert_eq!(types, ["image/webp", "image/png", "image/jpeg"]);
    let video = article.video.unwrap();
    assert_eq!(video.media_type, "application/vnd.apple.mpegurl");
    assert_eq!(
        video.thumbnail.unwrap().as_str(),
        "https://news.example/t.jpg"
    );
    assert_eq!(video.duration, Some(61));
    assert_eq!(article.audio.unwrap().media_type, "audio/ogg");
    assert_eq!(
        codes_with(r#""image":{"url":"/a","type":"jpeg"}"#),
        ["bad-media-type"]
    );
    assert_eq!(codes_with(r#""video":"/v.mp4""#), ["no-thumbnail"]);
}

#[test]
fn languages_are_tags() {
    assert_eq!(with(r#""language":"AR-eg""#).language.as_str(), "ar-EG");
    assert_eq!(codes_with(r#""language":"عربي""#), ["bad-language"]);
}

#[test]
fn a_summary_is_given_or_taken_from_the_body() {
    let body = "<h2>فصل</h2><p>أول &amp; نص</p><p>ثان</p>";
    assert_eq!(
        with(&format!(r#""body":"{body}""#)).summary.as_str(),
        "أول & نص"
    );
    let given = with(&format!(r#""body":"{body}","summary":" موجز ""#));
    assert_eq!(given.summary.as_str(), "موجز");
    let long = with(&format!(r#""body":"<p>{}</p>""#, "كلمة ".repeat(300)));
    assert!(long.summary.as_str().ends_with("كلمة…"));
    assert!(long.summary.as_str().chars().count() <= SUMMARY_GRAPHEMES);
}

#[test]
fn a_body_too_large_is_a_fault_and_dropped_characters_a_doubt() {
    let huge = "ا".repeat(body::MAX_BODY_BYTES / 2 + 1);
    assert_eq!(codes_with(&format!(r#""body":"{huge}""#)), ["bad-body"]);
    assert_eq!(codes_with(r#""body":"a\u0001b""#), ["illegal-characters"]);
}

#[test]
fn lists_have_a_limit() {
    let tags: Vec<_> = (0..=MAX_ITEMS).map(|n| format!("\"t{n}\"")).collect();
    let members = format!("\"tags\":[{}]", tags.join(","));
    assert_eq!(codes_with(&members), ["too-many"]);
    assert_eq!(with(&members).tags.len(), MAX_ITEMS);
}
