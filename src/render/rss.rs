//! RSS 2.0 (specification 2.0.11 with the RSS Advisory Board's Best Practices Profile). The `rss`
//! crate writes the channel; its items are written by `render::entries`, as that crate would.
//!
//! Titles are plain text, escaped once. A description is HTML by the specification, so that a
//! summary, which is plain text, is escaped as HTML first, and what holds markup is CDATA. An item
//! never has an `author`, which would have to be a mail address: names go into `dc:creator`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use quick_xml::events::{BytesEnd, BytesStart, Event};
use rss::extension::atom::{AtomExtension, Link};
use rss::{Channel, Image, Item};
use smol_str::ToSmolStr as _;

use super::entries::{Entries, Namespace};
use super::xml::{self, Xml};
use super::{EntryView, FeedView, GENERATOR, RenderError, bidi, identity, media};
use crate::article::Article;
use crate::config::Publication;
use crate::document::{ChannelKind, FeedFormat};

/// Bytes of an item beside its summary and its body, to make room for it at once.
const ITEM: usize = 2_048;

/// Writes a feed as RSS 2.0.
///
/// # Errors
/// Where the writing crate fails, which it does not for a view made of clean values.
pub fn render(view: &FeedView<'_>) -> Result<Vec<u8>, RenderError> {
    let items = items(view)?;
    let frame = channel(view, items.declarations()).pretty_write_to(Vec::new(), b' ', 2)?;
    Ok(items.set_into(&frame, b"")?)
}

/// The channel, with an empty item in the place of all.
fn channel(view: &FeedView<'_>, namespaces: BTreeMap<String, String>) -> Channel {
    let publication = view.publication;
    let title = bidi::display(view.title, &publication.language).into_owned();
    let link = view.link.to_string();
    // RSS wants a description; one that repeats the title is better than an empty element. Unlike
    // an item's it is plain text (profile, character data).
    let description = match publication.description.as_str() {
        "" => title.clone(),
        description => description.to_owned(),
    };
    // The icon goes before the logo: RSS shows at most 144 by 400 pixels.
    let picture = publication.icon.as_ref().or(publication.logo.as_ref());
    let image = picture.map(|url| Image {
        url: url.to_string(),
        title: title.clone(),
        link: link.clone(),
        ..Image::default()
    });
    Channel {
        namespaces,
        title,
        link,
        description,
        language: Some(publication.language.to_string()),
        copyright: publication.copyright.as_ref().map(ToString::to_string),
        last_build_date: Some(view.updated.to_rfc2822()),
        generator: Some(GENERATOR.to_owned()),
        image,
        atom_ext: Some(AtomExtension { links: links(view) }),
        items: vec![Item::default()],
        ..Channel::default()
    }
}

/// Where the feed itself is, and its hubs.
fn links(view: &FeedView<'_>) -> Vec<Link> {
    let own = view.url_in(FeedFormat::Rss).map(|url| Link {
        href: url.to_owned(),
        rel: "self".to_owned(),
        mime_type: Some(FeedFormat::Rss.media_type().to_owned()),
        ..Link::default()
    });
    let hubs = view.hubs.iter().map(|hub| Link {
        href: hub.to_string(),
        rel: "hub".to_owned(),
        ..Link::default()
    });
    own.into_iter().chain(hubs).collect()
}

/// All items, in their order.
fn items(view: &FeedView<'_>) -> io::Result<Entries> {
    let publication = view.publication;
    let texts = view.entries.iter().map(|entry| {
        let summary = entry.article.summary.as_str().len();
        ITEM + summary + entry.body.map_or(0, str::len)
    });
    let mut items = Entries::new(&["rss", "channel"], "item", texts.sum())?;
    let authority = &publication.id_authority;
    let domains = Domains {
        section: identity::scheme(authority, ChannelKind::Section),
        story: identity::scheme(authority, ChannelKind::Story),
    };
    for entry in &view.entries {
        items
            .xml
            .write_event(Event::Start(BytesStart::new("item")))?;
        about(&mut items.xml, &domains, publication, entry)?;
        extensions(&mut items, publication, entry)?;
        items.xml.write_event(Event::End(BytesEnd::new("item")))?;
    }
    Ok(items)
}

/// The domains of categories.
struct Domains {
    section: String,
    story: String,
}

/// The elements of RSS itself but for the body's, in the order in which the `rss` crate has them.
fn about(
    xml: &mut Xml,
    domains: &Domains,
    publication: &Publication,
    entry: &EntryView<'_>,
) -> io::Result<()> {
    let article = entry.article;
    let title = bidi::display(&article.title, &article.language);
    xml::text(xml, "title", &title)?;
    xml::text(xml, "link", article.url.as_str())?;
    if let (Some(description), _) = texts(entry) {
        xml::cdata(xml, "description", &description)?;
    }
    categories(xml, domains, entry)?;
    if let Some(url) = article.comments.as_ref().and_then(|c| c.url.as_ref()) {
        xml::text(xml, "comments", url.as_str())?;
    }
    enclosure(xml, article)?;
    let guid = identity::article(&publication.id_authority, &article.id);
    xml::text_with(xml, "guid", [("isPermaLink", "false")], &guid)?;
    xml::text(xml, "pubDate", &article.published.to_rfc2822())?;
    if let Some(source) = &article.source
        && let Some(url) = &source.url
    {
        xml::text_with(xml, "source", [("url", url.as_str())], source.name.as_str())?;
    }
    Ok(())
}

/// `description` and `content:encoded`. A body without a summary is the description: the profile
/// keeps `content:encoded` for what a description already introduces.
fn texts<'a>(entry: &EntryView<'a>) -> (Option<Cow<'a, str>>, Option<&'a str>) {
    match entry.article.summary.as_str() {
        "" => (entry.body.map(Cow::Borrowed), None),
        summary => (Some(xml::escape_html(summary)), entry.body),
    }
}

/// Sections and stories, each in its own domain; tags have none.
fn categories(xml: &mut Xml, domains: &Domains, entry: &EntryView<'_>) -> io::Result<()> {
    for label in &entry.labels {
        let domain = if label.is_section {
            domains.section.as_str()
        } else {
            domains.story.as_str()
        };
        xml::text_with(xml, "category", [("domain", domain)], label.title.as_str())?;
    }
    let mut tags = entry.article.tags.iter();
    tags.try_for_each(|tag| xml::text(xml, "category", tag.as_str()))
}

/// At most one, by the profile. A length that is not known is 0, never blank.
fn enclosure(xml: &mut Xml, article: &Article) -> io::Result<()> {
    let Some(enclosure) = media::enclosures(article).next() else {
        return Ok(());
    };
    let length = enclosure.length.unwrap_or(0).to_smolstr();
    let attributes = [
        ("url", enclosure.url.as_str()),
        ("length", &length),
        ("type", enclosure.media_type),
    ];
    xml::empty(xml, "enclosure", attributes)
}

/// The body and the elements of other namespaces, by prefix but for Dublin Core, which the `rss`
/// crate has last.
fn extensions(
    items: &mut Entries,
    publication: &Publication,
    entry: &EntryView<'_>,
) -> io::Result<()> {
    let article = entry.article;
    if let (_, Some(body)) = texts(entry) {
        items.uses(Namespace::Content);
        xml::cdata(&mut items.xml, "content:encoded", body)?;
    }
    // RSS has no date of change for an item.
    if entry.updated != article.published {
        let updated = entry.updated.to_rfc3339();
        items.foreign(Namespace::Atom, "atom:updated", &updated)?;
    }
    media::write(items, article)?;
    if let Some(count) = article.comments.as_ref().and_then(|c| c.count) {
        items.foreign(Namespace::Slash, "slash:comments", &count.to_smolstr())?;
    }
    for author in &article.authors {
        items.foreign(Namespace::DublinCore, "dc:creator", author.name.as_str())?;
    }
    if article.language != publication.language {
        let language = article.language.as_str();
        items.foreign(Namespace::DublinCore, "dc:language", language)?;
    }
    // Only where RSS has no word for it: its `source` needs a URL.
    if let Some(source) = article
        .source
        .as_ref()
        .filter(|source| source.url.is_none())
    {
        items.foreign(Namespace::DublinCore, "dc:source", source.name.as_str())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
