//! Plain JSON: every field, and what is said of those that are wrong.

use super::super::draft::{Field, Written};
use super::super::node::json;
use super::*;
use crate::article::{Access, Kind, Severity, Status};

/// What `text` gives. Its tree is left to the end of the test, and what is read borrows from it.
fn read_text(text: &str) -> (Draft<'_>, Vec<Problem>) {
    read(Box::leak(Box::new(json::parse(text, 0).unwrap())))
}

/// The problems of `text` as severity, code and the text they mark.
fn problems(text: &str) -> Vec<(Severity, &'static str, &str)> {
    let (_, problems) = read_text(text);
    problems
        .into_iter()
        .map(|problem| (problem.severity, problem.code, &text[problem.span]))
        .collect()
}

fn value<'f>(field: Option<&'f Field<Written<'_>>>) -> &'f str {
    field.map_or("", |field| &*field.value)
}

#[test]
fn every_field_is_read() {
    let text = r#"{
        "id": 836210, "title": "عنوان", "summary": "ملخص", "body": "<p>نص</p>",
        "url": "/a/", "slug": "a", "path": "x/a",
        "published": "2026-11-23T10:00:00Z", "updated": "2026-11-23T11:00:00Z",
        "expires": "2027-01-01", "status": "withdrawn",
        "sections": ["world", {"id": "economy", "title": "اقتصاد"}], "story": "caspian",
        "tags": ["قزوين", 2026], "authors": [{"name": "سلمى", "url": "/salma/", "email": "s@news.example"}, "مراسل"],
        "image": {"url": "/a.jpg", "caption": "c", "credit": "r", "alt": "t", "type": "image/jpeg",
                  "width": 1200, "height": "800", "length": 120000},
        "video": {"url": "/v.mp4", "type": "video/mp4", "duration": "PT1M30.5S", "thumbnail": "/t.jpg",
                  "title": "م", "description": "و", "length": 5, "width": 1, "height": 2},
        "audio": "/a.mp3", "source": {"name": "وكالة", "url": "https://agency.example/"},
        "language": "ar", "kind": "live", "access": "Subscription",
        "comments": {"url": "/a/#c", "count": 3}, "news": false, "index": true,
        "translations": {"ar": "/ar/", "en": "/en/"}
    }"#;
    let (draft, problems) = read_text(text);
    assert_eq!(problems, []);
    assert_eq!(value(draft.id.as_ref()), "836210");
    assert_eq!(value(draft.title.as_ref()), "عنوان");
    assert_eq!(&text[draft.title.unwrap().span], "\"عنوان\"");
    assert_eq!(draft.body, RawBody::Html("<p>نص</p>".into()));
    assert_eq!(value(draft.expires.as_ref()), "2027-01-01");
    assert_eq!(draft.status, Some(Status::Withdrawn));
    assert_eq!(draft.sections[1].value.title.as_deref(), Some("اقتصاد"));
    assert_eq!(draft.stories[0].value.id, "caspian");
    assert_eq!(draft.tags[1].value, "2026");
    assert_eq!(
        draft.authors[0].value.email.as_deref(),
        Some("s@news.example")
    );
    assert_eq!(draft.authors[1].value.name, "مراسل");
    assert_eq!(draft.images[0].value.height, Some(800));
    let video = draft.video.unwrap().value;
    assert_eq!((video.duration, video.length), (Some(90), Some(5)));
    assert_eq!(draft.audio.unwrap().value.url, "/a.mp3");
    assert_eq!(draft.source.unwrap().value.0, "وكالة");
    assert_eq!(
        (draft.kind, draft.access),
        (Some(Kind::Live), Some(Access::Subscription))
    );
    assert_eq!(
        draft.comments.unwrap().value,
        (Some("/a/#c".into()), Some(3))
    );
    assert_eq!((draft.news, draft.index), (Some(false), Some(true)));
    assert_eq!(draft.translations[1].value, ("en".into(), "/en/".into()));
}

#[test]
fn wrong_types_are_faults_at_their_places() {
    let fault = |marked| (Severity::Fault, "wrong-type", marked);
    assert_eq!(
        problems(
            r#"{"title": true, "id": [1], "published": 20261123, "news": "yes", "tags": [{}]}"#
        ),
        [
            fault("true"),
            fault("[1]"),
            fault("20261123"),
            fault("\"yes\""),
            fault("{}")
        ]
    );
    assert_eq!(problems(r#"{"title": null}"#), [fault("null")]);
    assert_eq!(
        problems(
            r#"{"image": {"url": "/a", "width": -1}, "video": {"url": "/v", "duration": "1:30"}}"#
        ),
        [fault("-1"), fault("\"1:30\"")]
    );
    assert_eq!(
        problems(r#"{"comments": "x", "translations": []}"#),
        [fault("\"x\""), fault("[]")]
    );
    assert_eq!(problems(r#"{"body": [], "draft": []}"#)[0], fault("[]"));
    assert_eq!(problems("[1]"), [fault("[1]")]);
}

#[test]
fn what_else_can_be_wrong() {
    assert_eq!(
        problems(r#"{"kind": "podcast", "image": {"alt": "x"}, "Title": "x", "body": "", "x": 1}"#),
        [
            (Severity::Fault, "unknown-word", "\"podcast\""),
            (Severity::Fault, "missing-member", r#"{"alt": "x"}"#),
            (Severity::Note, "unknown-member", "\"Title\""),
            (Severity::Note, "unknown-member", "\"x\""),
        ]
    );
    let (_, found) = read_text(r#"{"kind": "podcast"}"#);
    assert_eq!(
        found[0].remedy,
        "write one of: article, video, live, opinion, gallery, poll"
    );
    assert!(!found[0].message.contains("podcast"), "content is quoted");
}

#[test]
fn the_first_member_that_says_something_wins() {
    let (draft, problems) = read_text(
        r#"{"sections": ["a"], "section": "b", "story": null, "stories": ["c"], "image": " ", "images": ["/i"]}"#,
    );
    assert_eq!(problems, []);
    assert_eq!(draft.sections[0].value.id, "b");
    assert_eq!(draft.stories[0].value.id, "c");
    assert_eq!(draft.images[0].value.url, "/i");
}
