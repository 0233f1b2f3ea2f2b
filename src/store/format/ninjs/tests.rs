//! The same item in three versions of ninjs, and what Superdesk makes of it.

use super::super::node::json;
use super::super::tests::{article, codes};
use super::*;
use crate::article::Article;

const ONE: &str = r#"{
    "uri": "urn:newsml:news.example:1", "type": "text", "language": "ar", "slugline": "سد",
    "firstcreated": "2026-11-23T10:00:00Z", "versioncreated": "2026-11-23T12:00:00Z",
    "pubstatus": "usable", "headline": "افتتاح السد", "byline": "مراسلنا",
    "description_text": "موجز الخبر", "body_xhtml": "<p>متن الخبر</p>", "body_text": "غيره",
    "infosource": [{"name": "وكالة"}, {"name": "أخرى"}],
    "subject": [
        {"name": "اقتصاد", "rel": "section", "code": "economy"},
        {"name": "السد", "rel": "story", "code": "dam"},
        {"name": "مياه"}
    ],
    "associations": {
        "none": null,
        "clip": {"type": "video", "renditions": {"a": {"href": "/v.mp4"}}},
        "main": {
            "type": "picture", "description_text": "عند السد", "byline": "مصور",
            "renditions": {
                "small": {"href": "/s.jpg", "width": 100, "height": 50, "mimetype": "image/jpeg"},
                "large": {"href": "/l.jpg", "width": 1200, "height": 800, "mimetype": "image/jpeg",
                          "sizeinbytes": 120000},
                "none": {"width": 9000, "height": 9000}
            }
        }
    }
}"#;

const TWO: &str = r#"{
    "uri": "urn:newsml:news.example:1", "type": "text", "language": "ar", "slugline": "سد",
    "firstcreated": "2026-11-23T10:00:00Z", "versioncreated": "2026-11-23T12:00:00Z",
    "pubstatus": "usable", "by": "مراسلنا",
    "headlines": [{"role": "short", "value": "السد"}, {"role": "main", "value": "افتتاح السد"}],
    "descriptions": [{"role": "caption", "value": "غيره"}, {"role": "summary", "value": "موجز الخبر"}],
    "bodies": [
        {"contenttype": "text/plain", "value": "غيره"},
        {"contenttype": "application/xhtml+xml", "value": "<p>متن الخبر</p>"}
    ],
    "infosources": [{"name": "وكالة"}],
    "subjects": [
        {"name": "اقتصاد", "rel": "section", "literal": "economy"},
        {"name": "السد", "rel": "story", "literal": "dam"},
        {"name": "مياه", "rel": "about"}
    ],
    "associations": [{
        "name": "main", "type": "picture", "descriptions": [{"value": "عند السد"}], "by": "مصور",
        "renditions": [
            {"name": "s", "href": "/s.jpg", "width": 100, "height": 50},
            {"name": "l", "href": "/l.jpg", "width": 1200, "height": 800, "sizeinbytes": 120000}
        ]
    }]
}"#;

fn three() -> String {
    TWO.replace("firstcreated", "firstCreated")
        .replace("versioncreated", "versionCreated")
        .replace("pubstatus", "pubStatus")
        .replace("contenttype", "contentType")
        .replace("infosources", "infoSources")
        .replace("sizeinbytes", "sizeInBytes")
}

#[test]
fn all_versions_say_the_same() {
    let one = article("a.json", ONE);
    assert_eq!(article("a.json", TWO), one);
    assert_eq!(article("a.json", &three()), one);
    assert_eq!(codes("a.json", ONE), [""; 0]);

    assert_eq!(one.id.as_str(), "urn:newsml:news.example:1");
    assert_eq!(
        (one.title.as_str(), one.summary.as_str()),
        ("افتتاح السد", "موجز الخبر")
    );
    assert_eq!(one.published.to_rfc3339(), "2026-11-23T10:00:00Z");
    assert_eq!(one.updated.to_rfc3339(), "2026-11-23T12:00:00Z");
    let topic = |topic: &crate::article::Topic| {
        (
            topic.id.to_string(),
            topic.title.as_ref().map(ToString::to_string),
        )
    };
    assert_eq!(
        topic(&one.sections[0]),
        ("economy".to_owned(), Some("اقتصاد".to_owned()))
    );
    assert_eq!(
        topic(&one.stories[0]),
        ("dam".to_owned(), Some("السد".to_owned()))
    );
    assert_eq!(
        (one.sections.len(), one.stories.len(), one.tags.len()),
        (1, 1, 1)
    );
    assert_eq!(one.tags[0].as_str(), "مياه");
    assert_eq!(one.authors[0].name.as_str(), "مراسلنا");
    assert_eq!(one.source.unwrap().name.as_str(), "وكالة");
    let [image] = &one.images[..] else {
        panic!("{:?}", one.images)
    };
    assert_eq!(image.url.as_str(), "https://news.example/l.jpg");
    assert_eq!(
        (image.width, image.height, image.length),
        (Some(1200), Some(800), Some(120_000))
    );
    assert_eq!(image.caption.as_ref().unwrap().as_str(), "عند السد");
    assert_eq!(image.credit.as_ref().unwrap().as_str(), "مصور");
}

/// A small item with `members`.
fn item(members: &str) -> Article {
    article("a.json", &text(members))
}

fn text(members: &str) -> String {
    format!(r#"{{"uri":"1","headline":"x","firstcreated":"2026-11-23T10:00:00Z",{members}}}"#)
}

#[test]
fn superdesk_adds_members() {
    let article = item(
        r#""description_html":"<p>موجز <b>مهم</b> &amp; قصير</p>","body_html":"<p>متن</p>",
           "service":[{"code":"s","name":"محليات"}],"keywords":["أ","ب"],"url":"/x",
           "authors":[{"name":"أول","role":"writer"},{"name":"ثان"}],"byline":"غيرهما""#,
    );
    assert_eq!(article.summary.as_str(), "موجز مهم & قصير");
    assert!(article.body.is_some());
    assert_eq!(article.sections[0].id.as_str(), "s");
    assert_eq!(article.tags.len(), 2);
    assert_eq!(article.url.as_str(), "https://news.example/x");
    let names: Vec<_> = article.authors.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["أول", "ثان"]);
}

#[test]
fn an_author_may_stand_among_the_people() {
    let people = r#"[{"name":"وزير","rel":"subject"},{"name":"كاتب","rel":"author"}]"#;
    for member in ["person", "people"] {
        let article = item(&format!(r#""{member}":{people},"by":"غيره""#));
        assert_eq!(article.authors.len(), 1);
        assert_eq!(article.authors[0].name.as_str(), "كاتب");
    }
}

#[test]
fn html_headlines_are_reduced_to_text() {
    let text = r#"{"uri":"1","firstCreated":"2026-11-23T10:00:00Z",
        "headlines":[{"contentType":"text/html","value":"<b>A &amp; B</b>"}]}"#;
    assert_eq!(article("a.json", text).title.as_str(), "A & B");
    let plain = text.replace("text/html", "text/plain");
    assert_eq!(article("a.json", &plain).title.as_str(), "<b>A &amp; B</b>");
}

#[test]
fn statuses_are_mapped_and_others_are_faults() {
    for (word, status) in [
        ("usable", Status::Published),
        ("withheld", Status::Withheld),
        ("canceled", Status::Withdrawn),
    ] {
        assert_eq!(item(&format!(r#""pubStatus":"{word}""#)).status, status);
    }
    assert_eq!(
        codes("a.json", &text(r#""pubstatus":"live""#)),
        ["unknown-word"]
    );
}

#[test]
fn without_a_first_date_another_is_taken_and_the_item_is_no_news() {
    let text = r#"{"uri":"1","headline":"x","versioncreated":"2026-11-23T12:00:00Z"}"#;
    assert_eq!(codes("a.json", text), ["first-created-missing"]);
    let undated = article("a.json", text);
    assert_eq!(
        (undated.published.to_rfc3339().as_str(), undated.news),
        ("2026-11-23T12:00:00Z", false)
    );
    let created = text.replace(
        "\"uri\"",
        "\"contentcreated\":\"2026-11-20T00:00:00Z\",\"uri\"",
    );
    assert_eq!(
        article("a.json", &created).published.to_rfc3339(),
        "2026-11-20T00:00:00Z"
    );
}

#[test]
fn the_credit_falls_back_on_the_holder_of_the_copyright() {
    let article = item(
        r#""associations":[{"type":"picture","copyrightHolder":"دار","renditions":[{"href":"/a.png"}]}]"#,
    );
    assert_eq!(article.images[0].credit.as_ref().unwrap().as_str(), "دار");
    assert_eq!(article.images[0].media_type, "image/png");
}

#[test]
fn a_topic_without_a_code_goes_by_its_name_and_one_without_either_is_a_fault() {
    let article = item(r#""subject":[{"rel":"section","name":"محليات"}]"#);
    assert_eq!(article.sections[0].id.as_str(), "محليات");
    assert_eq!(
        codes("a.json", &text(r#""subject":[{"rel":"story"}]"#)),
        ["missing-member"]
    );
}

#[test]
fn members_of_the_wrong_type_are_faults_and_unknown_ones_are_noted() {
    for members in [
        r#""headlines":7,"headline":null"#,
        r#""bodies":["x"]"#,
        r#""associations":[7]"#,
        r#""subject":["x"]"#,
        r#""infosource":"x""#,
        r#""language":1"#,
        r#""authors":["x"]"#,
        r#""associations":[{"type":"picture","renditions":[{"href":"/a","width":"wide"}]}]"#,
    ] {
        let text = text(members).replace("\"headline\":\"x\",", "");
        let node = json::parse(&text, 0).unwrap();
        let (_, problems) = read(&node);
        assert_eq!(problems[0].code, "wrong-type", "{members}");
    }
    let text = text(r#""colour":"x""#);
    let node = json::parse(&text, 0).unwrap();
    let (_, problems) = read(&node);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].code, "unknown-member");
}
