//! From what is owed to a release: views are borrowed from the catalog, rendered in parallel, and
//! set against the manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::overviews::Overview;
use super::{AssembleError, Engine, Rendered, Work};
use crate::article::{Article, Timestamp, WebUrl};
use crate::catalog::Entry;
use crate::config::{Config, Content};
use crate::document::{
    Channel, Document, DocumentKey, FeedFormat, Fingerprint, Manifest, Period, Release,
};
use crate::files::{ArchiveError, FileNo};
use crate::plan::{self, FeedPlan};
use crate::render::{self, EntryView, FeedView, IndexEntry, Label, Tombstone};

/// Whether the feeds of `channel` print bodies.
pub(super) fn is_full(config: &Config, channel: &Channel) -> bool {
    config.feeds.of(channel.kind()).content == Content::Full
}

/// An article that a document shows, and where it stands.
type Shown = (Entry, Arc<Article>);

/// Where documents go as they are rendered.
pub type Hand<'a, E> = &'a (dyn Fn(Release) -> Result<(), E> + Sync);

/// Renders everything that `work` owes, and what depends on it.
pub(super) fn render<E>(engine: &Engine, work: Work, hand: Hand<'_, E>) -> Result<Rendered, E>
where
    E: From<AssembleError> + Send,
{
    if !work.is_owed {
        return Ok(Rendered {
            parts: engine.parts.clone(),
            overviews: engine.overviews,
            ..Rendered::default()
        });
    }
    let press = Press {
        engine,
        is_everything: work.is_everything,
        hand,
        handed: Mutex::default(),
    };
    let overview = Overview::of(engine);
    let overviews = overview.look();
    let owes_overviews = work.is_everything || engine.overviews != Some(overviews);
    let (overviews_are_made, lastmods) = rayon::join(
        || {
            let documents = owes_overviews.then(|| overview.render(engine));
            press.put(documents.transpose()?.unwrap_or_default())
        },
        || {
            render_feeds(&press, &work.feeds)?;
            render_sitemaps(&press, &work)
        },
    );
    let lastmods = lastmods?;
    overviews_are_made?;
    press.put(vec![render_index(engine, &lastmods)?])?;
    let fingerprints = press
        .handed
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let retired = if work.is_everything {
        let published = engine.manifest.keys();
        published
            .filter(|path| !fingerprints.contains_key(*path))
            .cloned()
            .collect()
    } else {
        stale(engine, &work, &lastmods)
    };
    hand(Release {
        unproven: unproven(engine, retired.iter()),
        is_target_known: engine.is_at_home(),
        retired: retired.clone(),
        ..Release::default()
    })?;
    Ok(Rendered {
        fingerprints,
        retired,
        parts: lastmods,
        overviews: Some(overviews),
        feeds: work.feeds,
        removed_channels: work.removed_channels,
        is_everything: work.is_everything,
        foreign: BTreeSet::new(),
    })
}

/// Hands out documents as they are made, and keeps count of them.
struct Press<'a, E> {
    engine: &'a Engine,
    is_everything: bool,
    hand: Hand<'a, E>,
    handed: Mutex<Manifest>,
}

impl<E> Press<'_, E> {
    fn put(&self, mut documents: Vec<Document>) -> Result<(), E> {
        let engine = self.engine;
        let mut made: Manifest = documents
            .iter()
            .map(|document| (document.key.path(), Fingerprint::of(&document.bytes)))
            .collect();
        if !self.is_everything {
            // What is known to be in place in these very bytes is not put there again.
            made.retain(|path, fingerprint| engine.manifest.get(path) != Some(fingerprint));
            documents.retain(|document| made.contains_key(&document.key.path()));
        }
        if documents.is_empty() {
            return Ok(());
        }
        let release = Release {
            unproven: unproven(engine, made.keys()),
            replaced: self.replaced(&made),
            is_target_known: engine.is_at_home(),
            documents,
            retired: Vec::new(),
        };
        let mut handed = self.handed.lock().unwrap_or_else(PoisonError::into_inner);
        handed.append(&mut made);
        drop(handed);
        (self.hand)(release)
    }

    /// The paths at which another version is known to be in the directory that is published to. What
    /// everything is owed to is looked at: somebody may have altered it.
    fn replaced(&self, written: &Manifest) -> BTreeSet<String> {
        if self.is_everything || !self.engine.is_at_home() {
            return BTreeSet::new();
        }
        let is_replaced = |path: &&String| {
            let published = self.engine.manifest.get(*path);
            published.is_some_and(|fingerprint| *fingerprint != Fingerprint::UNKNOWN)
        };
        written.keys().filter(is_replaced).cloned().collect()
    }
}

/// Those of `paths` that are not known to be khabar's in the directory that is published to.
fn unproven<'a>(engine: &Engine, paths: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    let is_proven = |path: &&String| engine.is_at_home() && engine.manifest.contains_key(*path);
    paths.filter(|path| !is_proven(path)).cloned().collect()
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

fn render_feeds<E>(press: &Press<'_, E>, plans: &[FeedPlan]) -> Result<(), E>
where
    E: From<AssembleError> + Send,
{
    plans.par_iter().try_for_each(|plan| {
        let documents = feeds_of(press.engine, plan)?;
        press.put(documents)
    })
}

/// The feeds of a channel, in every format.
fn feeds_of(engine: &Engine, plan: &FeedPlan) -> Result<Vec<Document>, AssembleError> {
    let shown = fetch(engine, &plan.entries)?;
    let view = feed_view(engine, plan, &shown);
    let formats = engine.config.feeds.of(plan.channel.kind()).formats.iter();
    formats
        .map(|format| {
            Ok(Document {
                key: DocumentKey::Feed(plan.channel.clone(), *format),
                bytes: render::feed(&view, *format)?,
            })
        })
        .collect()
}

/// Renders the sitemaps that `work` owes, and says which dates the index gives for all of them.
fn render_sitemaps<E>(
    press: &Press<'_, E>,
    work: &Work,
) -> Result<BTreeMap<DocumentKey, Option<Timestamp>>, E>
where
    E: From<AssembleError> + Send,
{
    let engine = press.engine;
    let mut lastmods = lastmods_before(engine, work);
    let news = work.is_news.then(|| plan::news(&engine.catalog));
    for (part, plan) in (1..).zip(news.into_iter().flatten()) {
        let key = DocumentKey::NewsSitemap(part);
        if !plan.entries.is_empty() {
            lastmods.insert(key.clone(), plan.lastmod);
        }
        let bytes = engine.news_sitemap(part, &plan)?;
        press.put(vec![Document { key, bytes }])?;
    }
    let rendered: Vec<Vec<(DocumentKey, Option<Timestamp>)>> = work
        .months
        .par_iter()
        .flat_map_iter(|day| plan::month(&engine.catalog, *day))
        .map(|(period, plan)| {
            let parts = engine.sitemap(period, &plan, !work.is_everything)?;
            let keys = (1..).map(|part| DocumentKey::Sitemap(period, part));
            let documents: Vec<Document> = keys
                .zip(parts)
                .map(|(key, bytes)| Document { key, bytes })
                .collect();
            let dates = documents.iter().map(|d| (d.key.clone(), plan.lastmod));
            let dates = dates.collect();
            press.put(documents)?;
            Ok(dates)
        })
        .collect::<Result<_, E>>()?;
    lastmods.extend(rendered.into_iter().flatten());
    Ok(lastmods)
}

/// The dates that the index gives for sitemaps which `work` does not render.
fn lastmods_before(engine: &Engine, work: &Work) -> BTreeMap<DocumentKey, Option<Timestamp>> {
    if work.is_everything {
        return BTreeMap::new();
    }
    let months = work.months.iter();
    let rendered: Vec<Period> = months.map(|day| Period::month_of(*day)).collect();
    let mut lastmods = engine.parts.clone();
    lastmods.retain(|key, _| match key {
        DocumentKey::Sitemap(period, _) => !rendered.contains(&period.month()),
        DocumentKey::NewsSitemap(_) => !work.is_news,
        _ => false,
    });
    lastmods
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

pub(super) fn link<'a>(config: &'a Config, channel: &Channel) -> &'a WebUrl {
    config
        .declared(channel)
        .and_then(|declared| declared.url.as_ref())
        .unwrap_or(&config.publication.url)
}

pub(super) fn feed_urls(config: &Config, channel: &Channel) -> Vec<(FeedFormat, String)> {
    let feeds_url = &config.publication.feeds_url;
    let formats = config.feeds.of(channel.kind()).formats.iter();
    formats
        .map(|format| {
            let key = DocumentKey::Feed(channel.clone(), *format);
            (*format, key.url(feeds_url))
        })
        .collect()
}
