use std::cell::RefCell;
use std::collections::BTreeMap;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use super::super::fixtures::{NASTY, Overview, language, text};
use super::*;

/// Elements that have no end.
const VOID: [&str; 2] = ["meta", "link"];

/// What a strict reading of the page finds.
#[derive(Default)]
struct Found {
    /// Start tags with their attributes, in order.
    tags: Vec<(String, BTreeMap<String, String>)>,
    /// Elements that are open.
    open: Vec<String>,
    /// All text.
    text: String,
}

impl Found {
    fn with(&self, tag: &str, attribute: &str) -> Vec<&str> {
        self.tags
            .iter()
            .filter(|(name, _)| name == tag)
            .filter_map(|(_, attributes)| attributes.get(attribute))
            .map(String::as_str)
            .collect()
    }
}

impl TokenSink for RefCellSink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut found = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) => {
                let name = tag.name.to_string();
                match tag.kind {
                    TagKind::StartTag => {
                        let attributes = tag
                            .attrs
                            .iter()
                            .map(|a| (a.name.local.to_string(), a.value.to_string()))
                            .collect();
                        if !VOID.contains(&name.as_str()) {
                            found.open.push(name.clone());
                        }
                        found.tags.push((name, attributes));
                    }
                    TagKind::EndTag => assert_eq!(found.open.pop(), Some(name)),
                }
            }
            Token::CharacterTokens(text) => found.text.push_str(&text),
            Token::ParseError(error) => panic!("{error}"),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

struct RefCellSink(RefCell<Found>);

/// Reads the page with a tokenizer that did not write it; every fault of the markup panics.
fn read(overview: &Overview) -> Found {
    let page = String::from_utf8(render(&overview.view())).unwrap();
    let tokenizer = Tokenizer::new(
        RefCellSink(RefCell::default()),
        TokenizerOpts {
            exact_errors: true,
            ..TokenizerOpts::default()
        },
    );
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(page));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let found = tokenizer.sink.0.into_inner();
    assert!(found.open.is_empty(), "{:?}", found.open);
    found
}

#[test]
fn the_page_is_sound_and_in_the_language_of_the_publication() {
    let found = read(&Overview::new());
    assert_eq!(found.with("html", "lang"), ["ar"]);
    assert_eq!(found.with("html", "dir"), ["rtl"]);
    assert!(found.text.contains("تابعونا · نيوز & إكزامبل"));
    assert!(found.text.contains("أخبار <العالم> كل ساعة"));
    assert!(found.tags.iter().all(|(name, _)| name != "script"));
    let mut ids: Vec<_> = found.tags.iter().filter_map(|(_, a)| a.get("id")).collect();
    for (_, attributes) in &found.tags {
        if let Some(label) = attributes.get("aria-labelledby") {
            assert!(ids.contains(&label));
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id stands twice");
}

#[test]
fn machines_discover_the_front_and_the_opml() {
    let found = read(&Overview::new());
    assert_eq!(
        found.with("link", "type"),
        [
            "application/rss+xml",
            "application/atom+xml",
            "application/feed+json",
            "text/x-opml"
        ]
    );
    assert!(
        found
            .with("link", "href")
            .contains(&"https://news.example/feed.json")
    );
}

#[test]
fn people_find_every_feed_headline_and_count() {
    let overview = Overview::new();
    let found = read(&overview);
    let links = found.with("a", "href");
    for channel in &overview.channels {
        let view = overview.channel(channel);
        for (_, url) in &view.feeds {
            assert!(links.contains(&url.as_str()), "{url}");
        }
        assert!(found.text.contains(view.title.as_str()));
    }
    assert!(links.contains(&"https://news.example/sitemap.xml"));
    assert!(links.contains(&"https://news.example/world/1001?a=1&b=%272%27"));
    assert!(found.text.contains(NASTY));
    for count in ["11 مادة", "لا مواد", "مادتان", "مادة واحدة", "3 مواد"]
    {
        assert!(found.text.contains(count), "{count}");
    }
    assert!(found.with("a", "aria-label").contains(&"RSS: OPEC وقزوين"));
    // In Moscow it is three hours later.
    assert!(found.text.contains("2026-11-23 18:34"));
}

#[test]
fn a_headline_in_another_language_says_so() {
    let found = read(&Overview::new());
    assert!(
        found
            .tags
            .iter()
            .filter(|(name, _)| name == "a")
            .any(|(_, a)| a.get("lang").is_some_and(|l| l == "en")
                && a.get("dir").is_some_and(|d| d == "ltr"))
    );
}

#[test]
fn khabars_own_words_say_that_they_are_english_where_the_page_is_not() {
    let mut overview = Overview::new();
    overview.publication.language = language("fa");
    let found = read(&overview);
    assert_eq!(found.with("html", "lang"), ["fa"]);
    assert!(found.with("h2", "lang").iter().all(|tag| *tag == "en"));
    assert!(found.with("h2", "dir").iter().all(|dir| *dir == "ltr"));
    assert!(found.text.contains("Follow us"));
}

#[test]
fn what_is_not_there_leaves_no_trace() {
    let mut overview = Overview::new();
    overview.channels.truncate(1);
    overview.channels[0].3 = 0;
    overview.articles.clear();
    overview.publication.copyright = None;
    overview.publication.description = text("");
    overview.publication.icon = None;
    let found = read(&overview);
    assert!(found.with("h2", "id") == ["all"]);
    assert!(found.tags.iter().all(|(name, _)| name != "nav"));
    assert_eq!(found.with("meta", "name"), ["viewport", "generator"]);
}
