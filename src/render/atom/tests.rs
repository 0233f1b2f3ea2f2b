use feed_rs::parser;
use proptest::prelude::*;

use super::super::fixtures::{
    BODY, Feed as View, NASTY, at, language, nasty, plain, text, topic_id,
};
use super::*;
use crate::article::{Article, ArticleId};
use crate::document::Channel;

/// The document as text.
fn atom(view: &View) -> String {
    String::from_utf8(render(&view.view()).unwrap()).unwrap()
}

/// The document, read back by the crate that did not write it.
fn read(view: &View) -> feed_rs::model::Feed {
    parser::parse(render(&view.view()).unwrap().as_slice()).unwrap()
}

/// The document, read back by the crate that wrote it.
fn reread(view: &View) -> Feed {
    Feed::read_from(render(&view.view()).unwrap().as_slice()).unwrap()
}

/// The names of the elements directly inside the feed, in order, by a strict reader.
fn children(document: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(document);
    reader.config_mut().check_end_names = true;
    let mut depth = 0;
    let mut names = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(tag) => {
                depth += 1;
                if depth == 2 {
                    names.push(String::from_utf8(tag.name().as_ref().to_vec()).unwrap());
                }
            }
            quick_xml::events::Event::Empty(tag) if depth == 1 => {
                names.push(String::from_utf8(tag.name().as_ref().to_vec()).unwrap());
            }
            quick_xml::events::Event::End(_) => depth -= 1,
            quick_xml::events::Event::Eof => return names,
            _ => {}
        }
    }
}

#[test]
fn the_feed_says_who_and_where() {
    let feed = reread(&View::new(Vec::new()));
    assert_eq!(feed.id, "tag:news.example,2016:/");
    assert_eq!(feed.title.value, "نيوز & إكزامبل");
    assert_eq!(feed.subtitle.unwrap().value, "أخبار <العالم> كل ساعة");
    assert_eq!(feed.lang.as_deref(), Some("ar"));
    assert_eq!(feed.authors[0].name, "نيوز");
    assert_eq!(feed.rights.unwrap().value, "© نيوز & شركاه");
    assert_eq!(feed.updated.to_rfc3339(), "2026-11-23T16:00:00+00:00");
    let links: Vec<_> = feed
        .links
        .iter()
        .map(|l| (l.rel.as_str(), l.mime_type.as_deref().unwrap_or("")))
        .collect();
    assert_eq!(
        links,
        [
            ("alternate", "text/html"),
            ("alternate", "application/rss+xml"),
            ("self", "application/atom+xml"),
            ("alternate", "application/feed+json"),
            ("hub", ""),
        ]
    );
    assert_eq!(feed.links[2].href, "https://news.example/atom.xml");
}

#[test]
fn a_channel_has_its_own_id_and_a_feed_always_an_author() {
    let mut view = View::new(Vec::new());
    view.channel = Channel::Section(topic_id("arab world"));
    view.publication.authors.clear();
    let feed = reread(&view);
    assert_eq!(feed.id, "tag:news.example,2016:/sections/arab%20world");
    assert_eq!(feed.authors[0].name, "News <Example>");
}

#[test]
fn an_entry_says_what_the_article_said() {
    let feed = reread(&View::new(vec![(nasty(), Some(BODY))]));
    let entry = &feed.entries[0];
    assert_eq!(entry.id, "tag:news.example,2016:a/1001%20%25%3C%22%3E");
    assert_eq!(entry.title.value, NASTY);
    assert_eq!(
        entry.summary.as_ref().unwrap().value,
        nasty().summary.as_str()
    );
    let content = entry.content.as_ref().unwrap();
    assert_eq!(content.value.as_deref(), Some(BODY));
    assert_eq!(content.content_type.as_deref(), Some("html"));
    assert_eq!(entry.published.unwrap(), date(at("2026-11-23T15:34:37Z")));
    assert_eq!(entry.updated, date(at("2026-11-23T16:00:00Z")));
    assert_eq!(entry.authors[0].name, "ليلى <حداد> & ابنها");
    assert_eq!(
        entry.authors[0].email.as_deref(),
        Some("layla@news.example")
    );
    assert_eq!(entry.authors[1].email, None, "no mail address");
    let categories: Vec<_> = entry
        .categories
        .iter()
        .map(|c| (c.term.as_str(), c.scheme.as_deref(), c.label.as_deref()))
        .collect();
    assert_eq!(
        categories,
        [
            (
                "العالم & co",
                Some("tag:news.example,2016:/sections/"),
                Some("أخبار <العالم>")
            ),
            (
                "caspian",
                Some("tag:news.example,2016:/stories/"),
                Some("قزوين & \"البحر\"")
            ),
            ("<وسم> & \"آخر\"", None, None),
        ]
    );
    let value = |prefix: &str, name: &str| entry.extensions[prefix][name][0].value.as_deref();
    assert_eq!(value("dc", "source"), Some("وكالة <س> & ص"));
    assert_eq!(value("thr", "total"), Some("7"));
}

#[test]
fn the_links_of_an_entry() {
    let feed = reread(&View::new(vec![(nasty(), None)]));
    let links = &feed.entries[0].links;
    let rels: Vec<_> = links.iter().map(|link| link.rel.as_str()).collect();
    assert_eq!(
        rels,
        [
            "alternate",
            "enclosure",
            "enclosure",
            "enclosure",
            "enclosure",
            "replies",
            "via"
        ]
    );
    assert_eq!(links[0].href, nasty().url.as_str());
    assert_eq!(links[0].hreflang.as_deref(), Some("ar"));
    assert_eq!(links[1].mime_type.as_deref(), Some("audio/mpeg"));
    assert_eq!(links[1].length.as_deref(), Some("9876543"));
    assert_eq!(links[1].title.as_deref(), Some("مقطع <1> & \"2\""));
    assert_eq!(
        links[6].href,
        "https://news.example/agency.xml?a=1&b=%272%27"
    );
    assert_eq!(links[6].title.as_deref(), Some("وكالة <س> & ص"));
}

#[test]
fn media_are_described_with_values_escaped_once() {
    let document = atom(&View::new(vec![(nasty(), None)]));
    assert!(document.contains("url=\"https://news.example/one.jpg?a=1&amp;b=%272%27\""));
    assert!(!document.contains("&amp;amp;b="));
    let read = parser::parse(document.as_bytes()).unwrap();
    let urls: Vec<_> = read.entries[0]
        .media
        .iter()
        .flat_map(|media| &media.content)
        .filter_map(|content| content.url.as_ref())
        .map(ToString::to_string)
        .collect();
    assert!(urls.contains(&"https://news.example/clip.mp4?a=1&b=%272%27".to_owned()));
}

#[test]
fn a_foreign_language_is_said_on_each_text() {
    let article = Article {
        summary: text("Summary"),
        language: language("en"),
        ..plain("1")
    };
    let feed = reread(&View::new(vec![(article, Some(BODY)), (plain("2"), None)]));
    let entry = &feed.entries[0];
    assert_eq!(entry.title.lang.as_deref(), Some("en"));
    assert_eq!(entry.summary.as_ref().unwrap().lang.as_deref(), Some("en"));
    assert_eq!(entry.content.as_ref().unwrap().lang.as_deref(), Some("en"));
    assert_eq!(feed.entries[1].title.lang, None);
}

#[test]
fn namespaces_are_declared_where_they_are_used() {
    let document = atom(&View::new(vec![(plain("1"), None)]));
    assert!(!document.contains("xmlns:"), "{document}");
    let document = atom(&View::new(vec![(nasty(), None)]));
    for prefix in ["dc", "media", "thr"] {
        assert!(document.contains(&format!("xmlns:{prefix}=")), "{prefix}");
    }
    assert!(!document.contains("xmlns:at=") && !document.contains("xmlns:slash="));
}

#[test]
fn tombstones_stand_before_the_first_entry_whatever_the_texts_say() {
    let mut view = View::new(vec![(nasty(), Some(BODY)), (plain("2"), None)]);
    view.title = text("  <entry> & </feed>");
    view.publication.description = text("  <entry>");
    view.publication.copyright = Some(text("  <entry>"));
    view.dead = vec![
        (
            ArticleId::new("gone \"1\"").unwrap(),
            at("2026-11-23T12:00:00Z"),
        ),
        (ArticleId::new("gone2").unwrap(), at("2026-11-23T11:00:00Z")),
    ];
    let document = atom(&view);
    let names = children(&document);
    let first = names.iter().position(|name| name == "entry").unwrap();
    assert_eq!(
        names[first - 2..first],
        ["at:deleted-entry", "at:deleted-entry"]
    );
    assert_eq!(names[first..], ["entry", "entry"]);
    assert!(document.contains(
        "  <at:deleted-entry ref=\"tag:news.example,2016:gone%20%221%22\" when=\"2026-11-23T12:00:00Z\"/>\n"
    ));
    assert!(document.contains("xmlns:at=\"http://purl.org/atompub/tombstones/1.0\""));
    assert_eq!(read(&view).entries.len(), 2);
}

#[test]
fn tombstones_without_entries_stand_at_the_end() {
    let mut view = View::new(Vec::new());
    view.dead = vec![(ArticleId::new("gone").unwrap(), at("2026-11-23T12:00:00Z"))];
    let names = children(&atom(&view));
    assert_eq!(names.last().map(String::as_str), Some("at:deleted-entry"));
}

#[test]
fn another_reader_agrees() {
    let feed = read(&View::new(vec![(nasty(), Some(BODY))]));
    assert_eq!(feed.language.as_deref(), Some("ar"));
    let entry = &feed.entries[0];
    assert_eq!(entry.title.as_ref().unwrap().content, NASTY);
    assert_eq!(entry.content.as_ref().unwrap().body.as_deref(), Some(BODY));
    assert_eq!(
        entry.updated.unwrap(),
        at("2026-11-23T16:00:00Z").to_datetime()
    );
}

/// Entries do not go through the crate, and are line by line what it would write, but for the
/// attributes of media, which it does not escape.
#[test]
fn the_crate_writes_the_same_entries() {
    let foreign = Article {
        language: language("en"),
        images: Vec::new(),
        video: None,
        audio: None,
        ..nasty()
    };
    for entries in [
        vec![(foreign, Some(BODY)), (plain("2"), None)],
        vec![(plain("3"), None)],
        Vec::new(),
    ] {
        let view = View::new(entries);
        let config = WriteConfig {
            write_document_declaration: true,
            indent_size: Some(2),
        };
        let again = reread(&view).write_with_config(Vec::new(), config).unwrap();
        let again = String::from_utf8(again).unwrap();
        // The second line declares namespaces, and the crate forgets some when it reads.
        for (written, expected) in atom(&view).lines().zip(again.lines()).skip(2) {
            assert_eq!(written, expected);
        }
        assert_eq!(atom(&view).lines().count(), again.lines().count());
    }
}

#[test]
fn the_same_view_is_the_same_bytes() {
    let view = View::new(vec![(nasty(), Some(BODY))]);
    assert_eq!(atom(&view), atom(&view));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_clean_text_survives(title in ".{1,40}", summary in ".{1,80}", name in ".{1,20}") {
        let (title, summary, name) = (text(&title), text(&summary), text(&name));
        prop_assume!(!title.is_empty() && !summary.is_empty() && !name.is_empty());
        let mut article = nasty();
        article.title = title.clone();
        article.summary = summary.clone();
        article.tags = vec![name.clone()];
        article.authors[0].name = name.clone();
        article.images[0].caption = Some(name.clone());
        article.images[0].credit = Some(summary.clone());
        article.video.as_mut().unwrap().title = Some(name.clone());
        let mut view = View::new(vec![(article.clone(), Some(BODY))]);
        view.publication.copyright = Some(name.clone());
        view.title = title;
        view.dead = vec![(ArticleId::new("gone").unwrap(), at("2026-11-23T12:00:00Z"))];

        let names = children(&atom(&view));
        prop_assert_eq!(&names[names.len() - 2..], ["at:deleted-entry", "entry"]);
        let read = read(&view);
        let expected = bidi::display(&article.title, &article.language);
        let entry = &read.entries[0];
        // feed-rs trims, and so do readers; a no-break space at an end goes with it.
        prop_assert_eq!(&entry.title.as_ref().unwrap().content, expected.trim());
        prop_assert_eq!(&entry.summary.as_ref().unwrap().content, summary.as_str().trim());
        prop_assert_eq!(read.title.unwrap().content, expected.trim());
        let reread = reread(&view);
        prop_assert_eq!(&reread.entries[0].categories[2].term, name.as_str());
    }
}
