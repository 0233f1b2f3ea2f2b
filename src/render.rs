//! From a borrowed view to bytes, one module a format.
//!
//! Rendering is pure: a view in, the same bytes out, whatever the machine, the locale, the hour.
//! It decides nothing; what stands in a document was decided by the plan.
//!
//! Every string that reaches a renderer is clean already (legal XML, NFC, absolute ASCII URLs), so
//! that a renderer only has to escape, once, for its own format.

pub mod atom;
mod bidi;
mod entries;
#[cfg(test)]
mod fixtures;
pub mod html;
pub mod identity;
pub mod json;
mod media;
pub mod news;
pub mod opml;
pub mod rss;
pub mod sitemap;
pub mod stories;
mod words;
mod xml;

use std::sync::Arc;

use crate::article::{Article, ArticleId, Text, Timestamp, TopicId, WebUrl};
use crate::config::Publication;
use crate::document::{Channel, FeedFormat};

/// What [RSS](rss) and [Atom](atom) feeds name as their generator. It has no version: an upgrade
/// that changes nothing in a feed changes none of its bytes.
const GENERATOR: &str = "khabar";

/// Whether a document that cannot say who made it begins as khabar's do: sitemaps, their index, the
/// news, OPML, the story list and JSON feeds.
#[must_use]
pub fn is_shaped(head: &[u8]) -> bool {
    let with_declaration = |rest: &str| format!("{}{rest}", xml::DECLARATION).into_bytes();
    let shapes = [
        with_declaration(sitemap::HEAD),
        with_declaration(sitemap::INDEX_HEAD),
        with_declaration(news::HEAD),
        with_declaration(opml::HEAD),
        stories::HEAD.into(),
    ];
    let ids = b"\"id\": \"tag:";
    let is_feed = head.starts_with(json::HEAD.as_bytes())
        && head.windows(ids.len()).any(|window| window == ids);
    is_feed || shapes.iter().any(|shape| head.starts_with(shape))
}

/// Whether a document says in its first bytes that khabar made it. [RSS](rss), [Atom](atom) and the
/// [page](html) do; the other formats have no place for it.
#[must_use]
pub fn is_signed(head: &[u8]) -> bool {
    let signatures = [
        format!("<generator>{GENERATOR}</generator>"),
        html::signature(),
    ];
    let holds = |signature: &String| {
        let mut windows = head.windows(signature.len());
        windows.any(|window| window == signature.as_bytes())
    };
    signatures.iter().any(holds)
}

/// A writing crate refused to write into memory. None of them does for the values a view can hold,
/// but an empty document in place of a feed would be worse than an error nobody sees.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The `rss` crate.
    #[error("cannot write RSS: {0}")]
    Rss(#[from] ::rss::Error),
    /// The `atom_syndication` crate.
    #[error("cannot write Atom: {0}")]
    Atom(#[from] atom_syndication::Error),
    /// The `serde_json` crate.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The `quick-xml` crate.
    #[error("cannot write XML: {0}")]
    Xml(#[from] std::io::Error),
}

/// Writes a feed in one of its formats.
///
/// # Errors
/// Where the writing crate fails, which it does not for a view made of clean values.
pub fn feed(view: &FeedView<'_>, format: FeedFormat) -> Result<Vec<u8>, RenderError> {
    match format {
        FeedFormat::Rss => rss::render(view),
        FeedFormat::Atom => atom::render(view),
        FeedFormat::Json => json::render(view),
    }
}

/// A feed, before it is written in a format.
#[derive(Clone, Debug)]
pub struct FeedView<'a> {
    /// Who publishes.
    pub publication: &'a Publication,
    /// Whose feed.
    pub channel: &'a Channel,
    /// The channel's title; the publication's for the front.
    pub title: &'a Text,
    /// The channel's page on the site.
    pub link: &'a WebUrl,
    /// The formats this channel is published in, and where each is served.
    pub feeds: Vec<(FeedFormat, String)>,
    /// When what it covers last changed.
    pub updated: Timestamp,
    /// Its entries, newest first.
    pub entries: Vec<EntryView<'a>>,
    /// Withdrawn articles whose place is inside the window, newest first.
    pub tombstones: Vec<Tombstone<'a>>,
    /// WebSub hubs.
    pub hubs: &'a [WebUrl],
}

impl FeedView<'_> {
    /// Where this channel is served in `format`; `None` where it is not published in it.
    fn url_in(&self, format: FeedFormat) -> Option<&str> {
        self.feeds
            .iter()
            .find(|(served, _)| *served == format)
            .map(|(_, url)| url.as_str())
    }
}

/// An article as a document shows it.
#[derive(Clone, Debug)]
pub struct EntryView<'a> {
    /// The article.
    pub article: &'a Article,
    /// Its last change that has happened.
    pub updated: Timestamp,
    /// The body to print: sanitised HTML, in its `div` with `dir` and `lang`. `None` where the feed
    /// shows summaries, the article is not free, or it has none.
    pub body: Option<&'a str>,
    /// Its sections, then its stories, each with the title of the channel.
    pub labels: Vec<Label<'a>>,
}

/// A section or story beside an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    /// A section, else a story.
    pub is_section: bool,
    /// Its id.
    pub id: &'a TopicId,
    /// Its title.
    pub title: &'a Text,
}

/// A withdrawn article (RFC 6721).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone<'a> {
    /// Whose.
    pub id: &'a ArticleId,
    /// When it was withdrawn.
    pub when: Timestamp,
}

/// One URL of a sitemap.
#[derive(Clone, Copy, Debug)]
pub struct SitemapEntry<'a> {
    /// The article.
    pub article: &'a Article,
    /// Its last change that has happened.
    pub updated: Timestamp,
}

/// One line of the sitemap index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Where the part is served.
    pub url: String,
    /// When what it covers last changed.
    pub lastmod: Timestamp,
}

/// A channel beside others: in the OPML, the story list and the page.
#[derive(Clone, Debug)]
pub struct ChannelView<'a> {
    /// Which one.
    pub channel: &'a Channel,
    /// Its title.
    pub title: &'a Text,
    /// Its page on the site.
    pub link: &'a WebUrl,
    /// Its feeds.
    pub feeds: Vec<(FeedFormat, String)>,
    /// How many visible articles it has.
    pub count: usize,
    /// When its newest visible article was published.
    pub last_published: Option<Timestamp>,
    /// The page's list of its newest visible articles, as [`html::headlines`] makes it.
    pub headlines: Arc<str>,
}

/// Everything the overview documents show: OPML, story list, page.
#[derive(Clone, Debug)]
pub struct OverviewView<'a> {
    /// Who publishes.
    pub publication: &'a Publication,
    /// The front.
    pub front: ChannelView<'a>,
    /// Every section: declared ones in their order, then the others by id.
    pub sections: Vec<ChannelView<'a>>,
    /// The stories with the newest articles, newest first.
    pub stories: Vec<ChannelView<'a>>,
    /// Declared channels, in their order.
    pub channels: Vec<ChannelView<'a>>,
    /// Where the sitemap index is served.
    pub sitemap_url: String,
    /// Where the OPML is served.
    pub opml_url: String,
    /// The date of the front, for the OPML's head.
    pub updated: Timestamp,
}
