use serde_json::{Value, json};

use super::super::fixtures::{BODY, Feed as View, NASTY, language, nasty, plain, text};
use super::*;

fn parsed(view: &View) -> Value {
    serde_json::from_slice(&render(&view.view()).unwrap()).unwrap()
}

fn item_of(article: Article, body: Option<&'static str>) -> Value {
    parsed(&View::new(vec![(article, body)]))["items"][0].take()
}

#[test]
fn the_feed_says_who_and_where() {
    let view = View::new(Vec::new());
    assert_eq!(
        parsed(&view),
        json!({
            "version": "https://jsonfeed.org/version/1.1",
            "title": "نيوز & إكزامبل",
            "home_page_url": "https://news.example/",
            "feed_url": "https://news.example/feed.json",
            "description": "أخبار <العالم> كل ساعة",
            "icon": "https://news.example/icon.png?a=1&b=%272%27",
            "authors": [{"name": "نيوز"}],
            "language": "ar",
            "hubs": [{"type": "WebSub", "url": "https://news.example/hub?a=1&b=%272%27"}],
            "items": [],
        })
    );
    let bytes = render(&view.view()).unwrap();
    assert!(
        bytes.starts_with(b"{\n  \"version\""),
        "version comes first"
    );
}

#[test]
fn an_item_says_what_the_article_said() {
    let item = item_of(nasty(), Some(BODY));
    assert_eq!(item["id"], "tag:news.example,2016:a/1001%20%25%3C%22%3E");
    assert_eq!(item["url"], nasty().url.as_str());
    assert_eq!(item["title"], NASTY);
    assert_eq!(item["summary"], nasty().summary.as_str());
    assert_eq!(item["content_html"], BODY);
    assert!(item.get("content_text").is_none());
    assert_eq!(item["image"], "https://news.example/one.jpg?a=1&b=%272%27");
    assert_eq!(item["date_published"], "2026-11-23T15:34:37Z");
    assert_eq!(item["date_modified"], "2026-11-23T16:00:00Z");
    assert_eq!(item["authors"][0]["name"], "ليلى <حداد> & ابنها");
    assert_eq!(item["tags"], json!(["<وسم> & \"آخر\""]));
    assert!(item.get("language").is_none(), "the feed's");
    let attachments = item["attachments"].as_array().unwrap();
    assert_eq!(attachments.len(), 4);
    assert_eq!(
        attachments[0],
        json!({
            "url": "https://news.example/clip.mp3?a=1&b=%272%27",
            "mime_type": "audio/mpeg",
            "title": "مقطع <1> & \"2\"",
            "size_in_bytes": 9_876_543,
            "duration_in_seconds": 95,
        })
    );
    assert!(attachments[2].get("title").is_none());
}

#[test]
fn what_the_format_has_no_field_for_is_in_the_extension() {
    let item = item_of(nasty(), None);
    let extension = &item["_khabar"];
    assert_eq!(
        extension["sections"],
        json!([{"id": "العالم & co", "title": "أخبار <العالم>"}])
    );
    assert_eq!(
        extension["stories"],
        json!([{"id": "caspian", "title": "قزوين & \"البحر\""}])
    );
    assert_eq!(extension["source"]["name"], "وكالة <س> & ص");
    assert_eq!(extension["comments"]["count"], 7);
    assert_eq!(extension["images"][1]["credit"], "تصوير: <س> & ص");
    assert_eq!(extension["images"][1]["alt"], "بديل \"two\" <&>");
}

#[test]
fn a_plain_article_is_a_small_item() {
    assert_eq!(
        item_of(plain("1"), None),
        json!({
            "id": "tag:news.example,2016:1",
            "url": "https://news.example/1/",
            "title": "عنوان",
            "content_text": "عنوان",
            "date_published": "2026-11-23T15:34:37Z",
            "date_modified": "2026-11-23T15:34:37Z",
        })
    );
}

#[test]
fn a_summary_stands_in_for_the_body_and_a_still_for_the_picture() {
    let mut article = nasty();
    article.images.clear();
    article.language = language("en");
    let item = item_of(article, None);
    assert_eq!(item["content_text"], item["summary"]);
    assert!(item.get("content_html").is_none());
    assert_eq!(
        item["image"],
        "https://news.example/still.jpg?a=1&b=%272%27"
    );
    assert_eq!(item["language"], "en");
}

#[test]
fn titles_are_marked_and_lists_are_not() {
    let article = Article {
        title: text("OPEC+ ترفع"),
        tags: vec![text("OPEC قمة")],
        ..plain("1")
    };
    let item = item_of(article, None);
    assert_eq!(item["title"], "\u{200F}OPEC+ ترفع");
    assert_eq!(item["tags"][0], "OPEC قمة");
}

#[test]
fn another_reader_agrees() {
    let bytes = render(&View::new(vec![(nasty(), Some(BODY))]).view()).unwrap();
    let feed = feed_rs::parser::parse(bytes.as_slice()).unwrap();
    assert_eq!(feed.entries[0].title.as_ref().unwrap().content, NASTY);
}
