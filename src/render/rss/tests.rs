use feed_rs::parser;
use proptest::prelude::*;

use super::super::fixtures::{BODY, Feed, NASTY, at, language, media, nasty, plain, text};
use super::*;
use crate::article::{Article, Comments, Source as Agency, Text};

/// The document as text.
fn rss(feed: &Feed) -> String {
    String::from_utf8(render(&feed.view()).unwrap()).unwrap()
}

fn unindented(document: &str) -> String {
    document.lines().map(str::trim_start).collect()
}

/// The document, read back by the crate that did not write it.
fn read(feed: &Feed) -> feed_rs::model::Feed {
    parser::parse(render(&feed.view()).unwrap().as_slice()).unwrap()
}

/// The first item, as its extensions and all, read back by the crate that wrote it.
fn item_of(article: Article, body: Option<&'static str>) -> Item {
    let feed = Feed::new(vec![(article, body)]);
    let channel = Channel::read_from(render(&feed.view()).unwrap().as_slice()).unwrap();
    channel.items.into_iter().next().unwrap()
}

#[test]
fn a_page_that_plays_a_video_is_not_enclosed() {
    let item = item_of(
        Article {
            video: Some(media("embed/7", "text/html")),
            ..plain("1")
        },
        None,
    );
    assert!(item.enclosure.is_none());
    let content = &item.extensions["media"]["content"][0];
    assert!(!content.attrs.contains_key("url"));
    let player = &content.children["player"][0];
    assert!(player.attrs["url"].starts_with("https://news.example/embed/7"));
}

#[test]
fn the_channel_says_who_and_where() {
    let feed = Feed::new(Vec::new());
    let channel = Channel::read_from(render(&feed.view()).unwrap().as_slice()).unwrap();
    assert_eq!(channel.title, "نيوز & إكزامبل");
    assert_eq!(channel.link, "https://news.example/");
    assert_eq!(channel.description, "أخبار <العالم> كل ساعة");
    assert_eq!(channel.language.as_deref(), Some("ar"));
    assert_eq!(channel.copyright.as_deref(), Some("© نيوز & شركاه"));
    assert_eq!(
        channel.last_build_date.as_deref(),
        Some("Mon, 23 Nov 2026 16:00:00 +0000")
    );
    let image = channel.image.unwrap();
    assert_eq!((image.title, image.link), (channel.title, channel.link));
    assert_eq!(image.url, "https://news.example/icon.png?a=1&b=%272%27");
    let links = channel.atom_ext.unwrap().links;
    assert_eq!(links[0].rel, "self");
    assert_eq!(links[0].href, "https://news.example/rss.xml");
    assert_eq!(links[0].mime_type.as_deref(), Some("application/rss+xml"));
    assert_eq!(links[1].rel, "hub");
}

#[test]
fn a_publication_without_description_or_pictures_is_still_a_channel() {
    let mut feed = Feed::new(Vec::new());
    feed.publication.description = Text::default();
    feed.publication.icon = None;
    feed.publication.logo = None;
    let channel = Channel::read_from(render(&feed.view()).unwrap().as_slice()).unwrap();
    assert_eq!(channel.description, channel.title);
    assert!(channel.image.is_none());
}

#[test]
fn an_item_says_what_the_article_said() {
    let item = item_of(nasty(), Some(BODY));
    assert_eq!(item.title.as_deref(), Some(NASTY));
    assert_eq!(item.link.as_deref(), Some(nasty().url.as_str()));
    assert_eq!(item.content.as_deref(), Some(BODY));
    let guid = item.guid.unwrap();
    assert_eq!(guid.value, "tag:news.example,2016:a/1001%20%25%3C%22%3E");
    assert!(!guid.permalink);
    assert_eq!(
        item.pub_date.as_deref(),
        Some("Mon, 23 Nov 2026 15:34:37 +0000")
    );
    assert_eq!(
        item.dublin_core_ext.unwrap().creators,
        ["ليلى <حداد> & ابنها", "سامي"]
    );
    assert_eq!(item.author, None);
    let source = item.source.unwrap();
    assert_eq!(source.title.as_deref(), Some("وكالة <س> & ص"));
    assert_eq!(source.url, "https://news.example/agency.xml?a=1&b=%272%27");
    assert_eq!(
        item.comments.as_deref(),
        Some("https://news.example/talk?a=1&b=%272%27")
    );
    assert_eq!(
        item.extensions["slash"]["comments"][0].value.as_deref(),
        Some("7")
    );
    let categories: Vec<_> = item
        .categories
        .iter()
        .map(|c| (c.name.as_str(), c.domain.as_deref()))
        .collect();
    assert_eq!(
        categories,
        [
            ("أخبار <العالم>", Some("tag:news.example,2016:/sections/")),
            ("قزوين & \"البحر\"", Some("tag:news.example,2016:/stories/")),
            ("<وسم> & \"آخر\"", None),
        ]
    );
}

#[test]
fn a_change_has_a_date_of_its_own() {
    let document = rss(&Feed::new(vec![(nasty(), None)]));
    assert!(document.contains("<atom:updated>2026-11-23T16:00:00Z</atom:updated>"));
    assert!(document.contains("xmlns:atom=\"http://www.w3.org/2005/Atom\""));
}

#[test]
fn a_description_is_the_summary_after_one_decoding_of_html() {
    let article = nasty();
    let description = item_of(article.clone(), Some(BODY)).description.unwrap();
    let html = quick_xml::escape::unescape(&description).unwrap();
    assert_eq!(html, article.summary.as_str());
    assert!(description.contains("&lt;b&gt;") && description.contains("&amp;amp;"));
    let document = rss(&Feed::new(vec![(article, Some(BODY))]));
    assert!(document.find("<description>ملخص") < document.find("<content:encoded>"));
}

#[test]
fn without_a_body_there_is_a_description_and_without_a_summary_the_body_is_it() {
    let item = item_of(
        Article {
            summary: text("ملخص"),
            ..plain("1")
        },
        None,
    );
    assert_eq!(item.description.as_deref(), Some("ملخص"));
    assert_eq!(item.content, None);
    let item = item_of(plain("1"), Some(BODY));
    assert_eq!(item.description.as_deref(), Some(BODY));
    assert_eq!(item.content, None);
}

#[test]
fn one_enclosure_sound_before_video_before_pictures() {
    let enclosed = |article: Article| item_of(article, None).enclosure;
    let mut article = nasty();
    assert_eq!(enclosed(article.clone()).unwrap().mime_type, "audio/mpeg");
    article.audio = None;
    let video = enclosed(article.clone()).unwrap();
    assert_eq!(video.mime_type, "video/mp4");
    assert_eq!(video.length, "9876543");
    article.video = None;
    article.images[0].length = None;
    let image = enclosed(article.clone()).unwrap();
    assert_eq!(image.url, "https://news.example/one.jpg?a=1&b=%272%27");
    assert_eq!(image.length, "0");
    article.images.clear();
    assert!(enclosed(article).is_none());
}

#[test]
fn every_medium_is_described() {
    let item = item_of(nasty(), None);
    let media = &item.extensions["media"];
    let mediums: Vec<_> = media["content"]
        .iter()
        .map(|content| content.attrs["medium"].as_str())
        .collect();
    assert_eq!(mediums, ["image", "image", "video", "audio"]);
    let image = &media["content"][0];
    assert_eq!(
        image.attrs["url"],
        "https://news.example/one.jpg?a=1&b=%272%27"
    );
    assert_eq!(image.attrs["fileSize"], "123456");
    assert_eq!(image.attrs["width"], "1200");
    let value = |name: &str| image.children[name][0].value.as_deref();
    assert_eq!(value("title"), Some("بديل \"one\" <&>"));
    assert_eq!(value("description"), Some("تعليق <one> & \"وصف\""));
    assert_eq!(value("credit"), Some("تصوير: <س> & ص"));
    assert!(image.children["credit"][0].attrs.is_empty());
    let video = &media["content"][2];
    assert_eq!(video.attrs["duration"], "95");
    assert_eq!(
        video.children["thumbnail"][0].attrs["url"],
        "https://news.example/still.jpg?a=1&b=%272%27"
    );
    assert_eq!(media["thumbnail"].len(), 1);
}

#[test]
fn what_is_the_same_as_the_channels_or_unknown_is_not_written() {
    let document = rss(&Feed::new(vec![(plain("1"), None)]));
    for absent in [
        "dc:",
        "media:",
        "slash:",
        "content:",
        "atom:updated",
        "<source",
        "<author",
        "<enclosure",
    ] {
        assert!(!document.contains(absent), "{absent}");
    }
}

#[test]
fn an_agency_without_url_and_a_foreign_language_are_dublin_core() {
    let item = item_of(
        Article {
            source: Some(Agency {
                name: text("وكالة"),
                url: None,
            }),
            language: language("en"),
            comments: Some(Comments {
                url: None,
                count: Some(0),
            }),
            ..plain("1")
        },
        None,
    );
    assert!(item.source.is_none() && item.comments.is_none());
    let dublin_core = item.dublin_core_ext.unwrap();
    assert_eq!(dublin_core.sources, ["وكالة"]);
    assert_eq!(dublin_core.languages, ["en"]);
    assert_eq!(
        item.extensions["slash"]["comments"][0].value.as_deref(),
        Some("0")
    );
}

#[test]
fn a_title_that_begins_from_the_left_is_marked_in_arabic_alone() {
    let titled = |tag: &str| Article {
        title: text("OPEC+ ترفع"),
        language: language(tag),
        ..plain("1")
    };
    let title = |tag| item_of(titled(tag), None).title.unwrap();
    assert_eq!(title("ar"), "\u{200F}OPEC+ ترفع");
    assert_eq!(title("en"), "OPEC+ ترفع");
}

#[test]
fn another_reader_agrees() {
    let feed = read(&Feed::new(vec![(nasty(), Some(BODY)), (plain("2"), None)]));
    assert_eq!(feed.entries.len(), 2);
    let entry = &feed.entries[0];
    assert_eq!(entry.id, "tag:news.example,2016:a/1001%20%25%3C%22%3E");
    assert_eq!(entry.title.as_ref().unwrap().content, NASTY);
    assert_eq!(entry.content.as_ref().unwrap().body.as_deref(), Some(BODY));
    assert_eq!(
        entry.published.unwrap(),
        at("2026-11-23T15:34:37Z").to_datetime()
    );
}

/// Items do not go through the crate, and are what it would write. Two things it does not keep when
/// it reads: an item's `atom:updated`, and that an empty element is on one line.
#[test]
fn the_crate_writes_the_same_items() {
    let nasty = Article {
        updated: nasty().published,
        ..nasty()
    };
    let foreign = Article {
        language: language("en"),
        source: Some(Agency {
            name: text("وكالة & ص"),
            url: None,
        }),
        summary: Text::default(),
        ..nasty.clone()
    };
    for entries in [
        vec![
            (nasty, Some(BODY)),
            (plain("2"), None),
            (foreign, Some(BODY)),
        ],
        vec![(plain("3"), None)],
        Vec::new(),
    ] {
        let document = rss(&Feed::new(entries));
        let channel = Channel::read_from(document.as_bytes()).unwrap();
        let again = channel.pretty_write_to(Vec::new(), b' ', 2).unwrap();
        let again = String::from_utf8(again).unwrap();
        assert_eq!(unindented(&document), unindented(&again));
    }
}

#[test]
fn the_same_view_is_the_same_bytes() {
    let feed = Feed::new(vec![(nasty(), Some(BODY))]);
    assert_eq!(rss(&feed), rss(&feed));
    assert!(rss(&feed).starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_clean_text_survives(title in ".{1,40}", summary in ".{0,80}", name in ".{1,20}") {
        let (title, summary, name) = (text(&title), text(&summary), text(&name));
        prop_assume!(!title.is_empty() && !name.is_empty());
        let mut article = nasty();
        article.title = title.clone();
        article.summary = summary.clone();
        article.tags = vec![name.clone()];
        article.authors[0].name = name.clone();
        article.images[0].caption = Some(name.clone());
        let mut feed = Feed::new(vec![(article.clone(), Some(BODY))]);
        feed.publication.copyright = Some(name.clone());
        feed.title = title;

        let read = read(&feed);
        let expected = bidi::display(&article.title, &article.language);
        let entry = &read.entries[0];
        // feed-rs trims, and so do readers; a no-break space at an end goes with it.
        prop_assert_eq!(&entry.title.as_ref().unwrap().content, expected.trim());
        prop_assert_eq!(&entry.categories[2].term, name.as_str().trim());
        prop_assert_eq!(read.title.unwrap().content, expected.trim());
        let item = item_of(article, Some(BODY));
        let html = item.description.unwrap();
        if !summary.is_empty() {
            prop_assert_eq!(quick_xml::escape::unescape(&html).unwrap(), summary.as_str());
        }
    }
}
