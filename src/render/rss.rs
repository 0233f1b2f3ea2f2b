//! RSS 2.0 (specification 2.0.11 with the RSS Advisory Board's Best Practices Profile), through the
//! `rss` crate.
//!
//! Titles are plain text, escaped once. A description is HTML by the specification, so that a
//! summary, which is plain text, is escaped as HTML first and as XML by the crate after. An item
//! never has an `author`, which would have to be a mail address: names go into `dc:creator`.

use quick_xml::escape::partial_escape;
use rss::extension::atom::{AtomExtension, Link};
use rss::extension::dublincore::DublinCoreExtension;
use rss::{Category, Channel, Enclosure, Guid, Image, Item, Source};

use super::extension::{self, Element, Namespace};
use super::{EntryView, FeedView, GENERATOR, RenderError, bidi, identity, media};
use crate::config::Publication;
use crate::document::{ChannelKind, FeedFormat};

/// Writes a feed as RSS 2.0.
///
/// # Errors
/// Where the writing crate fails, which it does not for a view made of clean values.
pub fn render(view: &FeedView<'_>) -> Result<Vec<u8>, RenderError> {
    let mut bytes = channel(view).pretty_write_to(Vec::new(), b' ', 2)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn channel(view: &FeedView<'_>) -> Channel {
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
    let items: Vec<Item> = view
        .entries
        .iter()
        .map(|entry| item(publication, entry))
        .collect();
    Channel {
        namespaces: Namespace::declarations(|prefix| {
            items
                .iter()
                .any(|item| item.extensions.contains_key(prefix))
        }),
        title,
        link,
        description,
        language: Some(publication.language.to_string()),
        copyright: publication.copyright.as_ref().map(ToString::to_string),
        last_build_date: Some(view.updated.to_rfc2822()),
        generator: Some(GENERATOR.to_owned()),
        image,
        atom_ext: Some(AtomExtension { links: links(view) }),
        items,
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

fn item(publication: &Publication, entry: &EntryView<'_>) -> Item {
    let article = entry.article;
    let (description, content) = texts(entry);
    let source = article.source.as_ref();
    let source_url = source.and_then(|source| source.url.as_ref());
    let comments = article.comments.as_ref();
    let dublin_core = DublinCoreExtension {
        creators: article.authors.iter().map(|a| a.name.to_string()).collect(),
        // Only where RSS has no word for it: its `source` needs a URL.
        sources: source
            .filter(|source| source.url.is_none())
            .map(|source| source.name.to_string())
            .into_iter()
            .collect(),
        languages: (article.language != publication.language)
            .then(|| article.language.to_string())
            .into_iter()
            .collect(),
        ..DublinCoreExtension::default()
    };
    Item {
        title: Some(bidi::display(&article.title, &article.language).into_owned()),
        link: Some(article.url.to_string()),
        description,
        content,
        categories: categories(publication, entry),
        comments: comments
            .and_then(|comments| comments.url.as_ref())
            .map(ToString::to_string),
        enclosure: enclosure(entry),
        guid: Some(Guid {
            value: identity::article(&publication.id_authority, &article.id),
            permalink: false,
        }),
        pub_date: Some(article.published.to_rfc2822()),
        source: source.zip(source_url).map(|(source, url)| Source {
            url: url.to_string(),
            title: Some(source.name.to_string()),
        }),
        extensions: extension::for_rss(extensions(entry)),
        // An empty extension would declare a namespace that nothing uses.
        dublin_core_ext: (dublin_core != DublinCoreExtension::default()).then_some(dublin_core),
        ..Item::default()
    }
}

/// `description` and `content:encoded`. A body without a summary is the description: the profile
/// keeps `content:encoded` for what a description already introduces.
fn texts(entry: &EntryView<'_>) -> (Option<String>, Option<String>) {
    let body = entry.body.map(str::to_owned);
    match entry.article.summary.as_str() {
        "" => (body, None),
        summary => (Some(partial_escape(summary).into_owned()), body),
    }
}

/// Sections and stories, each in its own domain; tags have none.
fn categories(publication: &Publication, entry: &EntryView<'_>) -> Vec<Category> {
    let labels = entry.labels.iter().map(|label| {
        let kind = if label.is_section {
            ChannelKind::Section
        } else {
            ChannelKind::Story
        };
        Category {
            name: label.title.to_string(),
            domain: Some(identity::scheme(&publication.id_authority, kind)),
        }
    });
    let tags = entry.article.tags.iter().map(|tag| Category {
        name: tag.to_string(),
        domain: None,
    });
    labels.chain(tags).collect()
}

/// At most one, by the profile. A length that is not known is 0, never blank.
fn enclosure(entry: &EntryView<'_>) -> Option<Enclosure> {
    let enclosure = media::enclosures(entry.article).next()?;
    Some(Enclosure {
        url: enclosure.url.to_string(),
        length: enclosure.length.unwrap_or(0).to_string(),
        mime_type: enclosure.media_type.to_owned(),
    })
}

fn extensions(entry: &EntryView<'_>) -> Vec<Element> {
    let article = entry.article;
    let mut elements = media::elements(article);
    // RSS has no date of change for an item.
    if entry.updated != article.published {
        elements.push(Element::new(Namespace::Atom, "updated").text(&entry.updated));
    }
    let count = article.comments.as_ref().and_then(|c| c.count);
    elements.extend(count.map(|n| Element::new(Namespace::Slash, "comments").text(&n)));
    elements
}

#[cfg(test)]
mod tests;
