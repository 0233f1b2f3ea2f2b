//! Atom 1.0 (RFC 4287), with threads (RFC 4685) and tombstones (RFC 6721), through the
//! `atom_syndication` crate.
//!
//! Text constructs are plain text; bodies are `type="html"`, escaped once by the crate. Its
//! `xhtml` form, which is written as it is, is not used. What the crate does not escape is escaped
//! in `render::extension`, and what it cannot place, the tombstones, is placed here.

use atom_syndication::{
    Category, Content, Entry, Feed, FixedDateTime, Generator, Link, Person, Text, WriteConfig,
};

use super::extension::{self, Element, Namespace};
use super::{EntryView, FeedView, GENERATOR, RenderError, Tombstone, bidi, identity, media, xml};
use crate::article::{self, Language, Timestamp};
use crate::config::{IdAuthority, Publication};
use crate::document::{ChannelKind, FeedFormat};

/// Tombstones (RFC 6721 §3).
const TOMBSTONES: &str = "http://purl.org/atompub/tombstones/1.0";

/// Writes a feed as Atom 1.0.
///
/// # Errors
/// Where the writing crate fails, which it does not for a view made of clean values.
pub fn render(view: &FeedView<'_>) -> Result<Vec<u8>, RenderError> {
    let config = WriteConfig {
        write_document_declaration: true,
        indent_size: Some(2),
    };
    let mut bytes = feed(view).write_with_config(Vec::new(), config)?;
    bytes.push(b'\n');
    bury(&mut bytes, view)?;
    Ok(bytes)
}

fn feed(view: &FeedView<'_>) -> Feed {
    let publication = view.publication;
    let entries: Vec<Entry> = view
        .entries
        .iter()
        .map(|entry| self::entry(publication, entry))
        .collect();
    let mut namespaces = Namespace::declarations(|prefix| {
        entries
            .iter()
            .any(|entry| entry.extensions.contains_key(prefix))
    });
    if !view.tombstones.is_empty() {
        namespaces.insert("at".to_owned(), TOMBSTONES.to_owned());
    }
    let title = bidi::display(view.title, &publication.language).into_owned();
    Feed {
        id: identity::channel(&publication.id_authority, view.channel),
        title: Text::plain(title),
        subtitle: (!publication.description.is_empty())
            .then(|| Text::plain(publication.description.as_str())),
        updated: date(view.updated),
        authors: feed_authors(publication),
        links: feed_links(view),
        rights: publication
            .copyright
            .as_ref()
            .map(|copyright| Text::plain(copyright.as_str())),
        icon: publication.icon.as_ref().map(ToString::to_string),
        logo: publication.logo.as_ref().map(ToString::to_string),
        generator: Some(Generator {
            value: GENERATOR.to_owned(),
            ..Generator::default()
        }),
        lang: Some(publication.language.to_string()),
        entries,
        namespaces,
        ..Feed::default()
    }
}

/// A feed has an author unless every entry has one (RFC 4287 §4.1.1).
fn feed_authors(publication: &Publication) -> Vec<Person> {
    if publication.authors.is_empty() {
        return vec![Person {
            name: publication.name.to_string(),
            uri: Some(publication.url.to_string()),
            ..Person::default()
        }];
    }
    publication.authors.iter().map(person).collect()
}

fn person(person: &article::Person) -> Person {
    Person {
        name: person.name.to_string(),
        // The schema takes `.+@.+` and nothing else (RFC 4287 §3.2.3).
        email: person
            .email
            .as_ref()
            .map(ToString::to_string)
            .filter(|email| {
                !email.starts_with('@') && !email.ends_with('@') && email.contains('@')
            }),
        uri: person.url.as_ref().map(ToString::to_string),
        ..Person::default()
    }
}

fn feed_links(view: &FeedView<'_>) -> Vec<Link> {
    let mut links = Vec::with_capacity(view.feeds.len() + view.hubs.len() + 1);
    for (format, url) in &view.feeds {
        let rel = match format {
            FeedFormat::Atom => "self",
            FeedFormat::Rss | FeedFormat::Json => "alternate",
        };
        links.push(link(rel, url, Some(format.media_type())));
    }
    // Readers take the first link that is an alternate for the site's page.
    links.insert(0, link("alternate", view.link.as_str(), Some("text/html")));
    links.extend(view.hubs.iter().map(|hub| link("hub", hub.as_str(), None)));
    links
}

fn link(rel: &str, href: &str, media_type: Option<&str>) -> Link {
    Link {
        href: href.to_owned(),
        rel: rel.to_owned(),
        mime_type: media_type.map(str::to_owned),
        ..Link::default()
    }
}

fn entry(publication: &Publication, entry: &EntryView<'_>) -> Entry {
    let article = entry.article;
    let language = (article.language != publication.language).then_some(&article.language);
    let title = bidi::display(&article.title, &article.language);
    Entry {
        id: identity::article(&publication.id_authority, &article.id),
        title: text(&title, language),
        updated: date(entry.updated),
        published: Some(date(article.published)),
        authors: article.authors.iter().map(person).collect(),
        categories: categories(&publication.id_authority, entry),
        links: entry_links(article),
        summary: (!article.summary.is_empty()).then(|| text(article.summary.as_str(), language)),
        content: entry.body.map(|body| Content {
            value: Some(body.to_owned()),
            content_type: Some("html".to_owned()),
            lang: language.map(ToString::to_string),
            ..Content::default()
        }),
        extensions: extension::for_atom(extensions(article)),
        ..Entry::default()
    }
}

/// Plain text; the crate has `xml:lang` on texts, not on entries.
fn text(value: &str, language: Option<&Language>) -> Text {
    Text {
        lang: language.map(ToString::to_string),
        ..Text::plain(value)
    }
}

fn entry_links(article: &article::Article) -> Vec<Link> {
    let mut page = link("alternate", article.url.as_str(), Some("text/html"));
    page.hreflang = Some(article.language.to_string());
    let mut links = vec![page];
    links.extend(media::enclosures(article).map(|enclosure| Link {
        length: enclosure.length.map(|length| length.to_string()),
        title: enclosure.title.map(ToString::to_string),
        ..link(
            "enclosure",
            enclosure.url.as_str(),
            Some(enclosure.media_type),
        )
    }));
    let discussion = article.comments.as_ref().and_then(|c| c.url.as_ref());
    links.extend(discussion.map(|url| link("replies", url.as_str(), Some("text/html"))));
    // An atom:source would need the id and date of the agency's feed, which nobody knows here.
    links.extend(article.source.as_ref().and_then(|source| {
        Some(Link {
            title: Some(source.name.to_string()),
            ..link("via", source.url.as_ref()?.as_str(), None)
        })
    }));
    links
}

/// Sections and stories by id, in their own schemes; tags have none.
fn categories(authority: &IdAuthority, entry: &EntryView<'_>) -> Vec<Category> {
    let labels = entry.labels.iter().map(|label| {
        let kind = if label.is_section {
            ChannelKind::Section
        } else {
            ChannelKind::Story
        };
        Category {
            term: label.id.as_str().to_owned(),
            scheme: Some(identity::scheme(authority, kind)),
            label: Some(label.title.to_string()),
        }
    });
    let tags = entry.article.tags.iter().map(|tag| Category {
        term: tag.to_string(),
        ..Category::default()
    });
    labels.chain(tags).collect()
}

fn extensions(article: &article::Article) -> Vec<Element> {
    let mut elements = media::elements(article);
    let source = article.source.as_ref();
    elements.extend(source.map(|s| Element::new(Namespace::DublinCore, "source").text(&s.name)));
    // The crate's links cannot carry thr:count; thr:total says the same of the entry (§5).
    let count = article.comments.as_ref().and_then(|c| c.count);
    elements.extend(count.map(|n| Element::new(Namespace::Thread, "total").text(&n)));
    elements
}

fn date(instant: Timestamp) -> FixedDateTime {
    instant.to_datetime().fixed_offset()
}

/// Puts the tombstones before the first entry, where RFC 4287's schema (appendix B) wants all that
/// is not an entry; the crate would write them after the last.
///
/// The bytes `<entry>` stand nowhere but at an entry: in text and attributes `<` is escaped, by the
/// crate or in [`super::extension`].
fn bury(feed: &mut Vec<u8>, view: &FeedView<'_>) -> Result<(), RenderError> {
    if view.tombstones.is_empty() {
        return Ok(());
    }
    let position = |tag: &[u8]| feed.windows(tag.len()).position(|bytes| bytes == tag);
    let at = position(b"  <entry>")
        .or_else(|| position(b"</feed>"))
        .unwrap_or(feed.len());
    let tombstones = tombstones(&view.publication.id_authority, &view.tombstones)?;
    feed.splice(at..at, tombstones);
    Ok(())
}

/// One `at:deleted-entry` a line.
fn tombstones(authority: &IdAuthority, dead: &[Tombstone<'_>]) -> std::io::Result<Vec<u8>> {
    let mut xml = xml::Xml::new(Vec::new());
    for tombstone in dead {
        let id = identity::article(authority, tombstone.id);
        let when = tombstone.when.to_rfc3339();
        xml.get_mut().extend_from_slice(b"  ");
        xml::empty(
            &mut xml,
            "at:deleted-entry",
            &[("ref", &id), ("when", &when)],
        )?;
        xml.get_mut().push(b'\n');
    }
    Ok(xml.into_inner())
}

#[cfg(test)]
mod tests;
