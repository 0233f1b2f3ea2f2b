//! The documents that count and list all others: OPML, the list of stories, the page for people.

use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3Default;

use super::assemble::{feed_urls, link};
use super::{AssembleError, Engine};
use crate::article::{Article, Timestamp};
use crate::catalog::Ranks;
use crate::document::{Channel, ChannelKind, Document, DocumentKey};
use crate::files::{ArchiveError, FileNo};
use crate::plan;
use crate::render::{self, ChannelView, OverviewView};

/// The channels that are listed, each kind in its order.
struct Listed<'a> {
    sections: Vec<&'a Channel>,
    stories: Vec<&'a Channel>,
    channels: Vec<&'a Channel>,
}

impl<'a> Listed<'a> {
    fn of(engine: &'a Engine) -> Self {
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
        Self {
            sections: declared(ChannelKind::Section).chain(named).collect(),
            stories: catalog.stories_by_date().take(plan::STORIES_MAX).collect(),
            channels: declared(ChannelKind::Declared).collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &'a Channel> {
        let named = self.sections.iter().chain(&self.stories);
        let all = named.chain(&self.channels).copied();
        std::iter::once(&Channel::Front).chain(all)
    }
}

/// Tells what the overviews show from what they showed before, at a fraction of what it takes to make
/// them. What does not change while the engine lives, as the configuration, is left out.
pub(super) fn look(engine: &Engine) -> u64 {
    let catalog = &engine.catalog;
    let mut hash = Xxh3Default::new();
    updated(engine).hash(&mut hash);
    for channel in Listed::of(engine).all() {
        channel.hash(&mut hash);
        catalog.title(channel).hash(&mut hash);
        let live = catalog.members(channel).map(|members| &members.live);
        live.map_or(0, Ranks::len).hash(&mut hash);
        last_published(engine, channel).hash(&mut hash);
        for no in newest(engine, channel) {
            (no, catalog.content(no)).hash(&mut hash);
        }
    }
    hash.finish()
}

/// Renders all of them.
pub(super) fn render(engine: &Engine) -> Result<Vec<Document>, AssembleError> {
    let headlines = Headlines::fetch(engine)?;
    let overview = view(engine, &headlines);
    Ok(vec![
        Document {
            key: DocumentKey::Opml,
            bytes: render::opml::render(&overview)?,
        },
        Document {
            key: DocumentKey::Stories,
            bytes: render::stories::render(&overview)?,
        },
        Document {
            key: DocumentKey::Page,
            bytes: render::html::render(&overview),
        },
    ])
}

/// The newest articles of every channel that is listed.
struct Headlines<'a> {
    sections: Vec<Listing<'a>>,
    stories: Vec<Listing<'a>>,
    channels: Vec<Listing<'a>>,
    front: Listing<'a>,
}

/// A channel and its newest articles.
type Listing<'a> = (&'a Channel, Vec<Arc<Article>>);

impl<'a> Headlines<'a> {
    fn fetch(engine: &'a Engine) -> Result<Self, ArchiveError> {
        let listing = |channel| {
            let entries = newest(engine, channel).filter_map(|no| engine.catalog.entry_of(no));
            let articles = entries.map(|entry| engine.article(&entry.card));
            Ok((channel, articles.collect::<Result<_, _>>()?))
        };
        let listings = |channels: Vec<&'a Channel>| {
            let listings = channels.into_iter().map(listing);
            listings.collect::<Result<Vec<_>, _>>()
        };
        let listed = Listed::of(engine);
        Ok(Self {
            front: listing(&Channel::Front)?,
            sections: listings(listed.sections)?,
            stories: listings(listed.stories)?,
            channels: listings(listed.channels)?,
        })
    }
}

/// The newest articles of a channel, as many as are listed.
fn newest<'a>(engine: &'a Engine, channel: &Channel) -> impl Iterator<Item = FileNo> + 'a {
    let members = engine.catalog.members(channel);
    let live = members.into_iter().flat_map(|members| members.live.iter());
    live.take(plan::HEADLINES)
}

fn last_published(engine: &Engine, channel: &Channel) -> Option<Timestamp> {
    let newest = engine.catalog.members(channel)?.live.first()?;
    Some(engine.catalog.published(newest))
}

/// When the front last changed.
fn updated(engine: &Engine) -> Timestamp {
    let since = engine.config.publication.id_authority.since;
    plan::feed(&engine.catalog, &engine.config, &Channel::Front).map_or(since, |plan| plan.updated)
}

fn view<'a>(engine: &'a Engine, headlines: &'a Headlines<'a>) -> OverviewView<'a> {
    let config = &*engine.config;
    let feeds_url = &config.publication.feeds_url;
    let views = |listings: &'a [Listing<'a>]| {
        let views = listings.iter().map(|listing| channel_view(engine, listing));
        views.collect()
    };
    OverviewView {
        publication: &config.publication,
        front: channel_view(engine, &headlines.front),
        sections: views(&headlines.sections),
        stories: views(&headlines.stories),
        channels: views(&headlines.channels),
        sitemap_url: DocumentKey::SitemapIndex.url(feeds_url),
        opml_url: DocumentKey::Opml.url(feeds_url),
        updated: updated(engine),
    }
}

fn channel_view<'a>(engine: &'a Engine, (channel, newest): &'a Listing<'a>) -> ChannelView<'a> {
    let config = &*engine.config;
    let live = engine.catalog.members(channel).map(|members| &members.live);
    ChannelView {
        title: engine.catalog.title(channel),
        link: link(config, channel),
        feeds: feed_urls(config, channel),
        count: live.map_or(0, Ranks::len),
        last_published: last_published(engine, channel),
        newest: newest.iter().map(|article| &**article).collect(),
        channel,
    }
}
