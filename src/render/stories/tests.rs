use serde_json::{Value, json};

use super::super::fixtures::Overview;
use super::*;

fn parsed(overview: &Overview) -> Value {
    serde_json::from_slice(&render(&overview.view()).unwrap()).unwrap()
}

#[test]
fn stories_in_their_order_with_the_formats_they_have() {
    assert_eq!(
        parsed(&Overview::new()),
        json!({"stories": [
            {
                "id": "caspian",
                // No direction mark.
                "title": "OPEC وقزوين",
                "count": 2,
                "last_published": "2026-11-23T15:34:37Z",
                "feeds": {
                    "rss": "https://news.example/stories/caspian/rss.xml",
                    "atom": "https://news.example/stories/caspian/atom.xml",
                    "json": "https://news.example/stories/caspian/feed.json",
                },
            },
            {
                "id": "b",
                "title": "قمة",
                "count": 1,
                "last_published": "2026-11-23T15:34:37Z",
                "feeds": {"rss": "https://news.example/stories/b/rss.xml"},
            },
        ]})
    );
}

#[test]
fn a_story_without_articles_has_no_date() {
    let mut overview = Overview::new();
    overview.channels[3].3 = 0;
    let list = parsed(&overview);
    assert_eq!(list["stories"][0]["count"], 0);
    assert_eq!(list["stories"][0]["last_published"], Value::Null);
}

#[test]
fn no_stories_are_an_empty_list() {
    let mut overview = Overview::new();
    overview.channels.truncate(1);
    assert_eq!(parsed(&overview), json!({"stories": []}));
}
