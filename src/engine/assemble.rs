//! From what is owed to a release: views are borrowed from the catalog, rendered in parallel, and
//! set against the manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::{AssembleError, Engine, Rendered, Work};
use crate::article::{Article, Timestamp, WebUrl};
use crate::catalog::{Entry, Ranks};
use crate::config::{Config, Content};
use crate::document::{
    Channel, ChannelKind, Document, DocumentKey, FeedFormat, Fingerprint, Manifest, Period, Release,
};
use crate::files::{ArchiveError, FileNo};
use crate::plan::{self, FeedPlan, SitemapPlan};
use crate::render::{
    self, ChannelView, EntryView, FeedView, IndexEntry, Label, OverviewView, Tombstone,
};

/// Whether the feeds of `channel` print bodies.
pub(super) fn is_full(config: &Config, channel: &Channel) -> bool {
    config.feeds.of(channel.kind()).content == Content::Full
}

/// An article that a document shows, and where it stands.
type Shown = (Entry, Arc<Article>);

/// Renders everything that `work` owes, and what depends on it.
pub(super) fn render(engine: &Engine, work: Work) -> Result<Rendered, AssembleError> {
    if !work.is_owed {
        return Ok(Rendered {
            release: Release {
                is_target_known: engine.is_at_home(),
                ..Release::default()
            },
            parts: engine.parts.clone(),
            ..Rendered::default()
        });
    }
    let mut listed = Listed::new(engine, &work);
    let (overviews, parts) = rayon::join(
        || render_overviews(engine),
        || {
            let mut parts = render_feeds(engine, &work.feeds)?;
            parts.extend(listed.render(engine, &work)?);
            Ok::<_, AssembleError>(parts)
        },
    );
    let mut documents = parts?;
    let lastmods = listed.lastmods;
    documents.extend(overviews?);
    documents.push(render_index(engine, &lastmods)?);
    documents.sort_by_cached_key(|document| (document.key.phase(), document.key.path()));
    let mut fingerprints: Manifest = documents
        .par_iter()
        .map(|document| (document.key.path(), Fingerprint::of(&document.bytes)))
        .collect();
    let retired = if work.is_everything {
        let published = engine.manifest.keys();
        published
            .filter(|path| !fingerprints.contains_key(*path))
            .cloned()
            .collect()
    } else {
        // What is known to be in place in these very bytes is not put there again.
        fingerprints.retain(|path, fingerprint| engine.manifest.get(path) != Some(fingerprint));
        documents.retain(|document| fingerprints.contains_key(&document.key.path()));
        stale(engine, &work, &lastmods)
    };
    Ok(Rendered {
        release: Release {
            unproven: unproven(engine, &fingerprints, &retired),
            replaced: replaced(engine, &work, &fingerprints),
            is_target_known: engine.is_at_home(),
            documents,
            retired,
        },
        fingerprints,
        parts: lastmods,
        feeds: work.feeds,
        removed_channels: work.removed_channels,
        is_everything: work.is_everything,
        foreign: BTreeSet::new(),
    })
}

/// The paths that are not known to be khabar's in the directory that is published to.
fn unproven(engine: &Engine, written: &Manifest, retired: &[String]) -> BTreeSet<String> {
    let is_proven = |path: &&String| engine.is_at_home() && engine.manifest.contains_key(*path);
    let paths = written.keys().chain(retired);
    paths.filter(|path| !is_proven(path)).cloned().collect()
}

/// The paths at which another version is known to be in the directory that is published to. What
/// everything is owed to is looked at: somebody may have altered it.
fn replaced(engine: &Engine, work: &Work, written: &Manifest) -> BTreeSet<String> {
    if work.is_everything || !engine.is_at_home() {
        return BTreeSet::new();
    }
    let is_replaced = |path: &&String| {
        let published = engine.manifest.get(*path);
        published.is_some_and(|fingerprint| *fingerprint != Fingerprint::UNKNOWN)
    };
    written.keys().filter(is_replaced).cloned().collect()
}

/// The paths of documents that were published and that what was rendered again has no more.
fn stale(
    engine: &Engine,
    work: &Work,
    lastmods: &BTreeMap<DocumentKey, Option<Timestamp>>,
) -> Vec<String> {
    let feeds = work.removed_channels.iter().flat_map(|channel| {
        FeedFormat::ALL.map(|format| DocumentKey::Feed(channel.clone(), format).path())
    });
    // The first news sitemap stays even when it is empty and the index does not list it.
    let parts = engine
        .parts
        .keys()
        .filter(|key| !lastmods.contains_key(*key) && **key != DocumentKey::NewsSitemap(1))
        .map(DocumentKey::path);
    feeds
        .chain(parts)
        .filter(|path| engine.manifest.contains_key(path))
        .collect()
}

fn render_feeds(engine: &Engine, plans: &[FeedPlan]) -> Result<Vec<Document>, AssembleError> {
    let documents: Vec<Vec<Document>> = plans
        .par_iter()
        .map(|plan| {
            let shown = fetch(engine, &plan.entries)?;
            let view = feed_view(engine, plan, &shown);
            let formats = &engine.config.feeds.of(plan.channel.kind()).formats;
            formats
                .iter()
                .map(|format| {
                    Ok(Document {
                        key: DocumentKey::Feed(plan.channel.clone(), *format),
                        bytes: render::feed(&view, *format)?,
                    })
                })
                .collect()
        })
        .collect::<Result<_, AssembleError>>()?;
    Ok(documents.into_iter().flatten().collect())
}

/// Sitemap parts, and the dates the index gives for them.
struct Listed {
    lastmods: BTreeMap<DocumentKey, Option<Timestamp>>,
}

impl Listed {
    fn new(engine: &Engine, work: &Work) -> Self {
        let mut lastmods = BTreeMap::new();
        if !work.is_everything {
            let rendered: Vec<Period> = work
                .months
                .iter()
                .map(|day| Period::month_of(*day))
                .collect();
            lastmods.clone_from(&engine.parts);
            lastmods.retain(|key, _| match key {
                DocumentKey::Sitemap(period, _) => !rendered.contains(&period.month()),
                DocumentKey::NewsSitemap(_) => !work.is_news,
                _ => false,
            });
        }
        Self { lastmods }
    }

    fn render(&mut self, engine: &Engine, work: &Work) -> Result<Vec<Document>, AssembleError> {
        let mut documents = Vec::new();
        let news = work.is_news.then(|| plan::news(&engine.catalog));
        for (part, plan) in (1..).zip(news.into_iter().flatten()) {
            let key = DocumentKey::NewsSitemap(part);
            if !plan.entries.is_empty() {
                self.lastmods.insert(key.clone(), plan.lastmod);
            }
            documents.push(Document {
                key,
                bytes: engine.news_sitemap(part, &plan)?,
            });
        }
        let periods: Vec<(Period, SitemapPlan)> = work
            .months
            .par_iter()
            .flat_map_iter(|day| plan::month(&engine.catalog, *day))
            .collect();
        let rendered: Vec<Vec<Vec<u8>>> = periods
            .par_iter()
            .map(|(period, plan)| engine.sitemap(*period, plan, !work.is_everything))
            .collect::<Result<_, AssembleError>>()?;
        for ((period, plan), parts) in periods.into_iter().zip(rendered) {
            for (part, bytes) in (1..).zip(parts) {
                let key = DocumentKey::Sitemap(period, part);
                self.lastmods.insert(key.clone(), plan.lastmod);
                documents.push(Document { key, bytes });
            }
        }
        Ok(documents)
    }
}

fn render_index(
    engine: &Engine,
    lastmods: &BTreeMap<DocumentKey, Option<Timestamp>>,
) -> Result<Document, AssembleError> {
    let config = &engine.config;
    let feeds_url = &config.publication.feeds_url;
    let entries: Vec<IndexEntry> = lastmods
        .iter()
        .map(|(key, lastmod)| IndexEntry {
            url: key.url(feeds_url),
            lastmod: lastmod.unwrap_or(config.publication.id_authority.since),
        })
        .collect();
    Ok(Document {
        key: DocumentKey::SitemapIndex,
        bytes: render::sitemap::render_index(&entries)?,
    })
}

/// The documents that count and list all others.
fn render_overviews(engine: &Engine) -> Result<Vec<Document>, AssembleError> {
    let headlines = Headlines::fetch(engine)?;
    let overview = overview_view(engine, &headlines);
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

fn feed_view<'a>(engine: &'a Engine, plan: &'a FeedPlan, shown: &'a [Shown]) -> FeedView<'a> {
    let config = &*engine.config;
    let is_full = is_full(config, &plan.channel);
    FeedView {
        publication: &config.publication,
        channel: &plan.channel,
        title: engine.catalog.title(&plan.channel),
        link: link(config, &plan.channel),
        feeds: feed_urls(config, &plan.channel),
        updated: plan.updated,
        entries: shown
            .iter()
            .map(|(entry, article)| EntryView {
                article,
                updated: engine.catalog.updated(entry.no),
                body: (is_full && entry.card.prints_body)
                    .then(|| engine.body_of(entry))
                    .flatten(),
                labels: labels(engine, entry),
            })
            .collect(),
        tombstones: plan
            .tombstones
            .iter()
            .map(|(id, when)| Tombstone { id, when: *when })
            .collect(),
        hubs: &config.announce.hubs,
    }
}

/// The newest articles of every channel that the overview lists.
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
        let listing = |channel| Ok((channel, newest(engine, channel)?));
        Ok(Self {
            front: listing(&Channel::Front)?,
            sections: declared(ChannelKind::Section)
                .chain(named)
                .map(listing)
                .collect::<Result<_, _>>()?,
            stories: catalog
                .stories_by_date()
                .take(plan::STORIES_MAX)
                .map(listing)
                .collect::<Result<_, _>>()?,
            channels: declared(ChannelKind::Declared)
                .map(listing)
                .collect::<Result<_, _>>()?,
        })
    }
}

fn newest(engine: &Engine, channel: &Channel) -> Result<Vec<Arc<Article>>, ArchiveError> {
    let members = engine.catalog.members(channel);
    let live = members.into_iter().flat_map(|members| members.live.iter());
    live.take(plan::HEADLINES)
        .filter_map(|no| engine.catalog.entry_of(no))
        .map(|entry| engine.article(&entry.card))
        .collect()
}

fn overview_view<'a>(engine: &'a Engine, headlines: &'a Headlines<'a>) -> OverviewView<'a> {
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
        updated: plan::feed(&engine.catalog, config, &Channel::Front)
            .map_or(config.publication.id_authority.since, |plan| plan.updated),
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
        last_published: live.and_then(|live| Some(engine.catalog.published(live.first()?))),
        newest: newest.iter().map(|article| &**article).collect(),
        channel,
    }
}

/// The articles of a plan, in its order.
fn fetch(engine: &Engine, files: &[FileNo]) -> Result<Vec<Shown>, ArchiveError> {
    let entries = files.iter().filter_map(|no| engine.catalog.entry_of(*no));
    let shown = entries.map(|entry| {
        let article = engine.article(&entry.card)?;
        Ok((entry, article))
    });
    shown.collect()
}

/// Sections, then stories, each with the title of its channel.
fn labels<'a>(engine: &'a Engine, entry: &'a Entry) -> Vec<Label<'a>> {
    let label = |is_section: bool| {
        entry.card.belonging.channels().filter_map(move |channel| {
            let id = match channel {
                Channel::Section(id) if is_section => id,
                Channel::Story(id) if !is_section => id,
                _ => return None,
            };
            Some(Label {
                is_section,
                id,
                title: engine.catalog.title(channel),
            })
        })
    };
    label(true).chain(label(false)).collect()
}

fn link<'a>(config: &'a Config, channel: &Channel) -> &'a WebUrl {
    config
        .declared(channel)
        .and_then(|declared| declared.url.as_ref())
        .unwrap_or(&config.publication.url)
}

fn feed_urls(config: &Config, channel: &Channel) -> Vec<(FeedFormat, String)> {
    let feeds_url = &config.publication.feeds_url;
    let formats = config.feeds.of(channel.kind()).formats.iter();
    formats
        .map(|format| {
            let key = DocumentKey::Feed(channel.clone(), *format);
            (*format, key.url(feeds_url))
        })
        .collect()
}
