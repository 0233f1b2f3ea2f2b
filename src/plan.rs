//! What to publish now: each document's entries and date, computed from the catalog alone.
//!
//! A plan names articles and never holds one, so it is small whatever the documents weigh. Dates
//! come from content and deadlines, never from when a plan was made.

pub mod explain;

use chrono::{Datelike, NaiveDate};

use crate::article::{ArticleId, Timestamp};
use crate::catalog::{Catalog, Entry, Members, Rank};
use crate::config::Config;
use crate::document::{Channel, Period, Window};

/// How many stories the overview documents list.
pub const STORIES_MAX: usize = 100;
/// How many headlines the page shows of a channel.
pub const HEADLINES: usize = 5;

/// What a channel's feeds show now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedPlan {
    /// Which channel.
    pub channel: Channel,
    /// Its entries, newest first.
    pub entries: Vec<ArticleId>,
    /// Withdrawn articles inside the window, newest first, and when they were withdrawn.
    pub tombstones: Vec<(ArticleId, Timestamp)>,
    /// When what it covers last changed.
    pub updated: Timestamp,
    /// The oldest rank that matters to it; `None` where the window is not full and every rank does.
    pub reach: Option<Rank>,
}

impl FeedPlan {
    /// Whether something that happens at `rank` can show in it.
    #[must_use]
    pub fn reaches(&self, rank: &Rank) -> bool {
        // What leaves counts down to the very second of the oldest entry, whatever its id.
        self.reach
            .as_ref()
            .is_none_or(|reach| rank <= reach || rank.published() == reach.published())
    }
}

/// What a sitemap part shows now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SitemapPlan {
    /// Its entries, in the order of the document.
    pub entries: Vec<ArticleId>,
    /// When what it covers last changed; `None` where it covers nothing and never did.
    pub lastmod: Option<Timestamp>,
}

/// The window of a channel's feeds.
#[must_use]
pub fn window(config: &Config, channel: &Channel) -> Window {
    let settings = config.feeds.of(channel.kind());
    Window::Newest {
        count: settings.newest,
        floor: settings.floor,
    }
}

/// What the feeds of `channel` show now; `None` where it does not exist.
#[must_use]
pub fn feed(catalog: &Catalog, config: &Config, channel: &Channel) -> Option<FeedPlan> {
    let members = catalog.members(channel)?;
    let now = catalog.now();
    let window = window(config, channel);
    let shown: Vec<&Rank> = through(window, members.live.iter(), now).collect();
    let tombstones: Vec<&Rank> = through(window, merged(members), now)
        .filter(|rank| members.withdrawn.contains(*rank))
        .collect();
    let is_full = shown.len() >= config.feeds.of(channel.kind()).newest;
    let oldest = is_full.then(|| shown.last().copied()).flatten();
    let changed = shown
        .iter()
        .filter_map(|rank| Some(last_change(catalog.entry(&rank.id)?, now)));
    let left = left(catalog, members, oldest);
    let updated = changed.chain(left).max();
    let reach = oldest.map(|oldest| match tombstones.last() {
        Some(tombstone) => oldest.max(tombstone).clone(),
        None => oldest.clone(),
    });
    Some(FeedPlan {
        channel: channel.clone(),
        entries: shown.into_iter().map(|rank| rank.id.clone()).collect(),
        tombstones: tombstones
            .into_iter()
            .filter_map(|rank| {
                let when = catalog.entry(&rank.id)?.left_at(now)?;
                Some((rank.id.clone(), when))
            })
            .collect(),
        updated: updated.unwrap_or(config.publication.id_authority.since),
        reach,
    })
}

/// The parts of the news sitemap, newest first: one at least, and another for every 1,000 more.
#[must_use]
pub fn news(catalog: &Catalog) -> Vec<SitemapPlan> {
    let now = catalog.now();
    let live = catalog.news().live.iter();
    let shown: Vec<&Entry> = through(Window::Within(Window::NEWS_SECONDS), live, now)
        .filter_map(|rank| catalog.entry(&rank.id))
        .collect();
    let mut parts: Vec<&[&Entry]> = shown.chunks(Window::NEWS_MAX).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    parts
        .into_iter()
        .map(|part| {
            let changed = part.iter().map(|entry| last_change(entry, now)).max();
            let oldest = (part.len() == Window::NEWS_MAX)
                .then(|| part.last().map(|entry| entry.card.published))
                .flatten();
            SitemapPlan {
                entries: part.iter().map(|e| e.card.id.clone()).collect(),
                lastmod: changed.max(left_news(catalog, oldest)),
            }
        })
        .collect()
}

/// The sitemap parts of the month that holds `day`: the month, or its days where it has too many
/// URLs; none where nothing in it is visible.
#[must_use]
pub fn month(catalog: &Catalog, day: NaiveDate) -> Vec<(Period, SitemapPlan)> {
    let month = Period::month_of(day);
    let first = day.with_day(1).unwrap_or(day);
    let days: Vec<(NaiveDate, &Members)> = catalog
        .days()
        .range(first..)
        .take_while(|(day, _)| Period::month_of(**day) == month)
        .map(|(day, members)| (*day, members))
        .collect();
    let urls: usize = days.iter().map(|(_, members)| members.live.len()).sum();
    let parts: Vec<(Period, Vec<&Members>)> = if urls > Window::MONTH_MAX {
        days.iter()
            .map(|(day, members)| (Period::Day(*day), vec![*members]))
            .collect()
    } else {
        vec![(month, days.iter().map(|(_, members)| *members).collect())]
    };
    parts
        .into_iter()
        .filter(|(_, days)| days.iter().any(|members| !members.live.is_empty()))
        .map(|(period, days)| (period, sitemap(catalog, &days)))
        .collect()
}

/// The days on which one month each begins to be counted: the first day with members of each.
pub fn months(catalog: &Catalog) -> impl Iterator<Item = NaiveDate> {
    let mut last = None;
    catalog.days().keys().copied().filter(move |day| {
        let month = Period::month_of(*day);
        last.replace(month) != Some(month)
    })
}

fn sitemap(catalog: &Catalog, days: &[&Members]) -> SitemapPlan {
    let now = catalog.now();
    let mut entries = Vec::new();
    let mut lastmod = None;
    for members in days {
        let start = entries.len();
        for rank in &members.live {
            if let Some(entry) = catalog.entry(&rank.id) {
                lastmod = lastmod.max(Some(last_change(entry, now)));
                entries.push((rank.published(), rank.id.clone()));
            }
        }
        // Oldest first, and ids ascending all the same.
        entries[start..].sort_unstable();
        lastmod = lastmod.max(left(catalog, members, None).max());
    }
    SitemapPlan {
        entries: entries.into_iter().map(|(_, id)| id).collect(),
        lastmod,
    }
}

/// The ranks that are seen through a window, from all, newest first. The floor shortens with age,
/// so what follows the first rank that is not seen is not seen either.
fn through<'a>(
    window: Window,
    ranks: impl Iterator<Item = &'a Rank>,
    now: Timestamp,
) -> impl Iterator<Item = &'a Rank> {
    ranks
        .enumerate()
        .take_while(move |(position, rank)| window.shows(*position, rank.published(), now))
        .map(|(_, rank)| rank)
}

/// Visible and withdrawn members in one order.
fn merged(members: &Members) -> impl Iterator<Item = &Rank> {
    let mut live = members.live.iter().peekable();
    let mut withdrawn = members.withdrawn.iter().peekable();
    std::iter::from_fn(move || match (live.peek(), withdrawn.peek()) {
        (Some(a), Some(b)) if b < a => withdrawn.next(),
        (None, _) => withdrawn.next(),
        _ => live.next(),
    })
}

/// When an entry entered or last changed.
fn last_change(entry: &Entry, now: Timestamp) -> Timestamp {
    entry.card.updated_at(now)
}

/// When members left that were published no earlier than the oldest one shown, or all that left
/// where there is no such limit.
fn left<'a>(
    catalog: &'a Catalog,
    members: &'a Members,
    oldest: Option<&'a Rank>,
) -> impl Iterator<Item = Timestamp> + 'a {
    let now = catalog.now();
    let inside =
        move |rank: &&Rank| oldest.is_none_or(|oldest| rank.published() >= oldest.published());
    let expired = members.expired.iter().take_while(inside);
    let withdrawn = members.withdrawn.iter().take_while(inside);
    expired
        .chain(withdrawn)
        .filter_map(move |rank| catalog.entry(&rank.id)?.left_at(now))
}

/// The latest instant at which an article left the news: by age, expiry or withdrawal.
fn left_news(catalog: &Catalog, oldest: Option<Timestamp>) -> Option<Timestamp> {
    let (news, now) = (catalog.news(), catalog.now());
    let mut latest: Option<Timestamp> = None;
    for ranks in [&news.live, &news.expired, &news.withdrawn] {
        for rank in ranks {
            let aged = rank.published().plus(Window::NEWS_SECONDS);
            // Nothing further down can have left later than by its age.
            if latest.is_some_and(|latest| aged <= latest)
                || oldest.is_some_and(|oldest| rank.published() < oldest)
            {
                break;
            }
            let Some(entry) = catalog.entry(&rank.id) else {
                continue;
            };
            let left = entry.left_at(now).map_or(aged, |left| left.min(aged));
            if left <= now {
                latest = latest.max(Some(left));
            }
        }
    }
    latest
}
