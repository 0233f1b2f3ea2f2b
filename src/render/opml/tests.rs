use quick_xml::events::Event;

use super::super::fixtures::{Overview, language};
use super::*;

/// The outlines as depth, text and `xmlUrl`, by a strict reader.
fn outlines(document: &[u8]) -> Vec<(usize, String, Option<String>)> {
    let mut reader = quick_xml::Reader::from_reader(document);
    let mut depth = 0;
    let mut found = Vec::new();
    loop {
        let event = reader
            .read_event_into(&mut Vec::new())
            .unwrap()
            .into_owned();
        if let Event::Start(tag) | Event::Empty(tag) = &event
            && tag.name().as_ref() == b"outline"
        {
            let value = |name: &str| {
                let attribute = tag.try_get_attribute(name).unwrap()?;
                let value = std::str::from_utf8(&attribute.value).unwrap().to_owned();
                Some(quick_xml::escape::unescape(&value).unwrap().into_owned())
            };
            found.push((depth, value("text").unwrap(), value("xmlUrl")));
        }
        match event {
            Event::Start(tag) if tag.name().as_ref() == b"outline" => depth += 1,
            Event::End(tag) if tag.name().as_ref() == b"outline" => depth -= 1,
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn every_channel_once_by_its_best_feed() {
    let overview = Overview::new();
    let document = render(&overview.view()).unwrap();
    let url = |path: &str| Some(format!("https://news.example/{path}"));
    let outline = |depth, text: &str, url| (depth, text.to_owned(), url);
    assert_eq!(
        outlines(&document),
        [
            outline(0, "نيوز & إكزامبل", url("rss.xml")),
            outline(0, "الأقسام", None),
            outline(1, "العالم <&>", url("sections/world/rss.xml")),
            // Atom where there is no RSS.
            outline(
                1,
                "اقتصاد",
                url("sections/%D8%A7%D9%82%D8%AA%D8%B5%D8%A7%D8%AF/atom.xml")
            ),
            outline(0, "الملفات", None),
            // No direction mark.
            outline(1, "OPEC وقزوين", url("stories/caspian/rss.xml")),
            outline(1, "قمة", url("stories/b/rss.xml")),
            // The declared channel has JSON alone: neither it nor its group stands here.
        ]
    );
}

#[test]
fn the_head_has_the_date_of_the_content() {
    let document = String::from_utf8(render(&Overview::new().view()).unwrap()).unwrap();
    assert!(document.contains("<title>نيوز &amp; إكزامبل</title>"));
    assert!(document.contains("<dateModified>Mon, 23 Nov 2026 16:00:00 +0000</dateModified>"));
    assert!(
        document.contains(
            "htmlUrl=\"https://news.example/section?a=1&amp;b=%272%27\" language=\"ar\"/>"
        )
    );
}

#[test]
fn groups_are_named_in_the_language_of_the_publication() {
    let mut overview = Overview::new();
    overview.publication.language = language("en-GB");
    let document = String::from_utf8(render(&overview.view()).unwrap()).unwrap();
    assert!(document.contains("<outline text=\"Sections\">"));
}
