//! Atom 1.0 (RFC 4287), with threads (RFC 4685) and tombstones (RFC 6721). The `atom_syndication`
//! crate writes the feed; its entries are written by `render::entries`, as that crate would, and the
//! tombstones, which it cannot place, before the first of them.
//!
//! Text constructs are plain text; bodies are `type="html"`, escaped once. The `xhtml` form, which
//! the crate writes as it is, is not used.

use std::collections::BTreeMap;
use std::io;

use atom_syndication::{Entry, Feed, FixedDateTime, Generator, Link, Person, Text, WriteConfig};
use quick_xml::events::{BytesEnd, BytesStart, Event};
use smol_str::ToSmolStr as _;

use super::entries::{Entries, Namespace};
use super::xml::{self, Xml};
use super::{EntryView, FeedView, GENERATOR, RenderError, Tombstone, bidi, identity, media};
use crate::article::{self, Article, Timestamp};
use crate::config::{IdAuthority, Publication};
use crate::document::{ChannelKind, FeedFormat};

/// Tombstones (RFC 6721 §3).
const TOMBSTONES: &str = "http://purl.org/atompub/tombstones/1.0";
/// Bytes of an entry beside its summary and its body, to make room for it at once.
const ENTRY: usize = 2_048;

/// Writes a feed as Atom 1.0.
///
/// # Errors
/// Where the writing crate fails, which it does not for a view made of clean values.
pub fn render(view: &FeedView<'_>) -> Result<Vec<u8>, RenderError> {
    let config = WriteConfig {
        write_document_declaration: true,
        indent_size: Some(2),
    };
    let entries = entries(view)?;
    let frame = feed(view, entries.declarations()).write_with_config(Vec::new(), config)?;
    // All that is not an entry stands before the first one (RFC 4287, appendix B).
    let tombstones = tombstones(&view.publication.id_authority, &view.tombstones)?;
    Ok(entries.set_into(&frame, &tombstones)?)
}

/// The feed, with an empty entry in the place of all.
fn feed(view: &FeedView<'_>, mut namespaces: BTreeMap<String, String>) -> Feed {
    let publication = view.publication;
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
        entries: vec![Entry::default()],
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
        email: email(person).map(str::to_owned),
        uri: person.url.as_ref().map(ToString::to_string),
        ..Person::default()
    }
}

/// The schema takes `.+@.+` and nothing else (RFC 4287 §3.2.3).
fn email(person: &article::Person) -> Option<&str> {
    let email = person.email.as_ref()?.as_str();
    let is_address = !email.starts_with('@') && !email.ends_with('@') && email.contains('@');
    is_address.then_some(email)
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

/// All entries, in their order.
fn entries(view: &FeedView<'_>) -> io::Result<Entries> {
    let bodies = view.entries.iter().map(|entry| {
        let body = entry.body.map_or(0, str::len);
        // An eighth of a body is what its markup takes more once it is escaped.
        ENTRY + entry.article.summary.as_str().len() + body + body / 8
    });
    let mut entries = Entries::new(&["feed"], "entry", bodies.sum())?;
    let authority = &view.publication.id_authority;
    let schemes = Schemes {
        section: identity::scheme(authority, ChannelKind::Section),
        story: identity::scheme(authority, ChannelKind::Story),
    };
    for entry in &view.entries {
        let start = Event::Start(BytesStart::new("entry"));
        entries.xml.write_event(start)?;
        about(&mut entries.xml, &schemes, view.publication, entry)?;
        texts(&mut entries.xml, view.publication, entry)?;
        extensions(&mut entries, entry.article)?;
        entries
            .xml
            .write_event(Event::End(BytesEnd::new("entry")))?;
    }
    Ok(entries)
}

/// The schemes of categories.
struct Schemes {
    section: String,
    story: String,
}

/// What an entry says before its texts, in the order in which the crate has it.
fn about(
    xml: &mut Xml,
    schemes: &Schemes,
    publication: &Publication,
    entry: &EntryView<'_>,
) -> io::Result<()> {
    let article = entry.article;
    let title = bidi::display(&article.title, &article.language);
    xml::text_with(xml, "title", language(publication, article), &title)?;
    let id = identity::article(&publication.id_authority, &article.id);
    xml::text(xml, "id", &id)?;
    xml::text(xml, "updated", &instant(entry.updated))?;
    for author in &article.authors {
        xml::nest(xml, "author", [], |xml| {
            xml::text(xml, "name", author.name.as_str())?;
            if let Some(email) = email(author) {
                xml::text(xml, "email", email)?;
            }
            match &author.url {
                Some(url) => xml::text(xml, "uri", url.as_str()),
                None => Ok(()),
            }
        })?;
    }
    categories(xml, schemes, entry)?;
    entry_links(xml, article)?;
    xml::text(xml, "published", &instant(article.published))
}

/// `xml:lang`, where it is not the feed's. The crate has it on texts, not on entries.
fn language<'a>(publication: &Publication, article: &'a Article) -> Option<(&'a str, &'a str)> {
    let is_other = article.language != publication.language;
    is_other.then(|| ("xml:lang", article.language.as_str()))
}

/// Summary and body.
fn texts(xml: &mut Xml, publication: &Publication, entry: &EntryView<'_>) -> io::Result<()> {
    let article = entry.article;
    let language = language(publication, article);
    if !article.summary.is_empty() {
        xml::text_with(xml, "summary", language, article.summary.as_str())?;
    }
    let Some(body) = entry.body else {
        return Ok(());
    };
    let attributes = language.into_iter().chain([("type", "html")]);
    xml::text_with(xml, "content", attributes, body)
}

fn entry_links(xml: &mut Xml, article: &Article) -> io::Result<()> {
    let page = [
        ("href", article.url.as_str()),
        ("rel", "alternate"),
        ("hreflang", article.language.as_str()),
        ("type", "text/html"),
    ];
    xml::empty(xml, "link", page)?;
    for enclosure in media::enclosures(article) {
        let length = enclosure.length.map(|length| length.to_smolstr());
        let file = [
            Some(("href", enclosure.url.as_str())),
            Some(("rel", "enclosure")),
            Some(("type", enclosure.media_type)),
            enclosure.title.map(|title| ("title", title.as_str())),
            length.as_ref().map(|length| ("length", length.as_str())),
        ];
        xml::empty(xml, "link", file.into_iter().flatten())?;
    }
    if let Some(url) = article.comments.as_ref().and_then(|c| c.url.as_ref()) {
        let discussion = [
            ("href", url.as_str()),
            ("rel", "replies"),
            ("type", "text/html"),
        ];
        xml::empty(xml, "link", discussion)?;
    }
    // An atom:source would need the id and date of the agency's feed, which nobody knows here.
    if let Some(source) = &article.source
        && let Some(url) = &source.url
    {
        let agency = [
            ("href", url.as_str()),
            ("rel", "via"),
            ("title", source.name.as_str()),
        ];
        xml::empty(xml, "link", agency)?;
    }
    Ok(())
}

/// Sections and stories by id, in their own schemes; tags have none.
fn categories(xml: &mut Xml, schemes: &Schemes, entry: &EntryView<'_>) -> io::Result<()> {
    for label in &entry.labels {
        let scheme = if label.is_section {
            schemes.section.as_str()
        } else {
            schemes.story.as_str()
        };
        let attributes = [
            ("term", label.id.as_str()),
            ("scheme", scheme),
            ("label", label.title.as_str()),
        ];
        xml::empty(xml, "category", attributes)?;
    }
    let mut tags = entry.article.tags.iter();
    tags.try_for_each(|tag| xml::empty(xml, "category", [("term", tag.as_str())]))
}

/// The elements of other namespaces, by prefix.
fn extensions(entries: &mut Entries, article: &Article) -> io::Result<()> {
    if let Some(source) = &article.source {
        entries.foreign(Namespace::DublinCore, "dc:source", source.name.as_str())?;
    }
    media::write(entries, article)?;
    // The number of replies to the entry, which thr:count would say of the link to them (§5).
    match article.comments.as_ref().and_then(|c| c.count) {
        Some(count) => entries.foreign(Namespace::Thread, "thr:total", &count.to_smolstr()),
        None => Ok(()),
    }
}

fn date(instant: Timestamp) -> FixedDateTime {
    instant.to_datetime().fixed_offset()
}

/// An instant as the crate writes those of the feed: with an offset in digits.
fn instant(instant: Timestamp) -> String {
    let mut text = instant.to_rfc3339();
    text.truncate(text.trim_end_matches('Z').len());
    text.push_str("+00:00");
    text
}

/// One `at:deleted-entry` a line.
fn tombstones(authority: &IdAuthority, dead: &[Tombstone<'_>]) -> io::Result<Vec<u8>> {
    let mut xml = Xml::new(Vec::new());
    for tombstone in dead {
        let id = identity::article(authority, tombstone.id);
        let when = tombstone.when.to_rfc3339();
        xml.get_mut().extend_from_slice(b"\n  ");
        let attributes = [("ref", id.as_str()), ("when", when.as_str())];
        xml::empty(&mut xml, "at:deleted-entry", attributes)?;
    }
    Ok(xml.into_inner())
}

#[cfg(test)]
mod tests;
