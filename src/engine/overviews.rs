//! The documents that count and list all others: OPML, the list of stories, the page for people.
//!
//! Most of what they show stays from one publication to the next, so the list of headlines of each
//! channel is held, and nothing is made where nothing they show has changed.

use std::collections::HashMap;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::Xxh3Default;

use super::assemble::{feed_urls, link};
use super::{AssembleError, Engine};
use crate::article::{Article, Text, Timestamp};
use crate::catalog::Ranks;
use crate::document::{Channel, ChannelKind, Document, DocumentKey};
use crate::files::{ArchiveError, FileNo};
use crate::plan;
use crate::render::{self, ChannelView, OverviewView};

/// The lists of headlines that were made last, by channel, and what they were made of.
#[derive(Debug, Default)]
pub(super) struct Headlines(Mutex<HashMap<Channel, Made>>);

/// A list, and what tells the articles in it.
type Made = (u64, Arc<str>);

/// What the overviews show of a channel.
#[derive(Clone, Debug, Hash)]
struct Listing<'a> {
    channel: &'a Channel,
    title: &'a Text,
    count: usize,
    last_published: Option<Timestamp>,
    /// Tells the articles whose headlines are shown.
    newest: u64,
}

impl<'a> Listing<'a> {
    fn of(engine: &'a Engine, channel: &'a Channel) -> Self {
        let catalog = &engine.catalog;
        let live = catalog.members(channel).map(|members| &members.live);
        let mut newest = Xxh3Default::new();
        for no in self::newest(engine, channel) {
            (no, catalog.content(no)).hash(&mut newest);
        }
        Self {
            channel,
            title: catalog.title(channel),
            count: live.map_or(0, Ranks::len),
            last_published: live.and_then(|live| Some(catalog.published(live.first()?))),
            newest: newest.finish(),
        }
    }
}

/// What the overviews show, each kind of channel in its order.
#[derive(Debug, Hash)]
pub(super) struct Overview<'a> {
    /// When the front last changed.
    updated: Timestamp,
    front: Listing<'a>,
    sections: Vec<Listing<'a>>,
    stories: Vec<Listing<'a>>,
    channels: Vec<Listing<'a>>,
}

impl<'a> Overview<'a> {
    pub(super) fn of(engine: &'a Engine) -> Self {
        let (catalog, config) = (&engine.catalog, &engine.config);
        let declared = |kind| {
            catalog
                .declared()
                .filter(move |channel| channel.kind() == kind)
        };
        let named = catalog
            .channels()
            .map(|(channel, _)| channel)
            .skip_while(|channel| channel.kind() < ChannelKind::Section)
            .take_while(|channel| channel.kind() == ChannelKind::Section)
            .filter(|channel| config.declared(channel).is_none());
        let listing = |channel| Listing::of(engine, channel);
        let stories = catalog.stories_by_date().take(plan::STORIES_MAX);
        Self {
            updated: plan::feed(catalog, config, &Channel::Front)
                .map_or(config.publication.id_authority.since, |plan| plan.updated),
            front: listing(&Channel::Front),
            sections: declared(ChannelKind::Section)
                .chain(named)
                .map(listing)
                .collect(),
            stories: stories.map(listing).collect(),
            channels: declared(ChannelKind::Declared).map(listing).collect(),
        }
    }

    /// Tells it from another, as long as the engine lives: what cannot change meanwhile, as the
    /// configuration, is left out.
    pub(super) fn look(&self) -> u64 {
        let mut hash = Xxh3Default::new();
        self.hash(&mut hash);
        hash.finish()
    }

    /// Renders all of the documents.
    pub(super) fn render(&self, engine: &Engine) -> Result<Vec<Document>, AssembleError> {
        let view = self.view(engine)?;
        Ok(vec![
            Document {
                key: DocumentKey::Opml,
                bytes: render::opml::render(&view)?,
            },
            Document {
                key: DocumentKey::Stories,
                bytes: render::stories::render(&view)?,
            },
            Document {
                key: DocumentKey::Page,
                bytes: render::html::render(&view),
            },
        ])
    }

    fn view<'v>(&'v self, engine: &'v Engine) -> Result<OverviewView<'v>, ArchiveError> {
        let config = &*engine.config;
        let feeds_url = &config.publication.feeds_url;
        let held = &engine.headlines.0;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *held);
        let mut view = |listing: &'v Listing<'v>| {
            let known = before.get(listing.channel);
            let made = match known.filter(|(newest, _)| *newest == listing.newest) {
                Some(made) => made.clone(),
                None => (listing.newest, headlines(engine, listing.channel)?),
            };
            let headlines = Arc::clone(&made.1);
            held.insert(listing.channel.clone(), made);
            Ok(ChannelView {
                channel: listing.channel,
                title: listing.title,
                link: link(config, listing.channel),
                feeds: feed_urls(config, listing.channel),
                count: listing.count,
                last_published: listing.last_published,
                headlines,
            })
        };
        let mut views = |listings: &'v [Listing<'v>]| {
            let views = listings.iter().map(&mut view);
            views.collect::<Result<Vec<_>, ArchiveError>>()
        };
        Ok(OverviewView {
            publication: &config.publication,
            sections: views(&self.sections)?,
            stories: views(&self.stories)?,
            channels: views(&self.channels)?,
            front: view(&self.front)?,
            sitemap_url: DocumentKey::SitemapIndex.url(feeds_url),
            opml_url: DocumentKey::Opml.url(feeds_url),
            updated: self.updated,
        })
    }
}

/// The newest articles of a channel, as many as are listed.
fn newest<'a>(engine: &'a Engine, channel: &Channel) -> impl Iterator<Item = FileNo> + 'a {
    let members = engine.catalog.members(channel);
    let live = members.into_iter().flat_map(|members| members.live.iter());
    live.take(plan::HEADLINES)
}

/// Makes the list of the newest articles of a channel.
fn headlines(engine: &Engine, channel: &Channel) -> Result<Arc<str>, ArchiveError> {
    let entries = newest(engine, channel).filter_map(|no| engine.catalog.entry_of(no));
    let articles = entries.map(|entry| engine.article(&entry.card));
    let articles: Vec<Arc<Article>> = articles.collect::<Result<_, _>>()?;
    let articles: Vec<&Article> = articles.iter().map(|article| &**article).collect();
    Ok(render::html::headlines(&engine.config.publication, &articles).into())
}
