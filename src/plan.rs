//! What to publish now: each document's entries and date, computed from the catalog alone.
//!
//! A plan names articles and never holds one, so it is small whatever the documents weigh. Dates
//! come from content and deadlines, never from when a plan was made.

pub mod explain;

use chrono::{Datelike, NaiveDate};

use crate::article::{ArticleId, Timestamp};
use crate::catalog::{Catalog, Members, Rank};
use crate::config::Config;
use crate::document::{Channel, Period, Window};
use crate::files::FileNo;

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
    pub entries: Vec<FileNo>,
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
    pub entries: Vec<FileNo>,
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
    let window = window(config, channel);
    let shown: Vec<FileNo> = through(catalog, window, members.live.iter()).collect();
    let tombstones: Vec<FileNo> = through(catalog, window, merged(catalog, members))
        .filter(|no| catalog.is_among(&members.withdrawn, *no))
        .collect();
    let is_full = shown.len() >= config.feeds.of(channel.kind()).newest;
    let oldest = is_full.then(|| shown.last().copied()).flatten();
    let changed = shown.iter().map(|no| catalog.updated(*no));
    let updated = changed.chain(left(catalog, members, oldest)).max();
    let reach = oldest.map(|oldest| match tombstones.last() {
        Some(tombstone) if catalog.is_newer(oldest, *tombstone) => catalog.rank(*tombstone),
        _ => catalog.rank(oldest),
    });
    Some(FeedPlan {
        channel: channel.clone(),
        entries: shown,
        tombstones: tombstones
            .into_iter()
            .filter_map(|no| Some((catalog.rank(no).id, catalog.left_at(no)?)))
            .collect(),
        updated: updated.unwrap_or(config.publication.id_authority.since),
        reach,
    })
}

/// The parts of the news sitemap, newest first: one at least, and another for every 1,000 more.
#[must_use]
pub fn news(catalog: &Catalog) -> Vec<SitemapPlan> {
    let live = catalog.news().live.iter();
    let shown: Vec<FileNo> = through(catalog, Window::Within(Window::NEWS_SECONDS), live).collect();
    let mut parts: Vec<&[FileNo]> = shown.chunks(Window::NEWS_MAX).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    parts
        .into_iter()
        .map(|part| {
            let changed = part.iter().map(|no| catalog.updated(*no)).max();
            let oldest = (part.len() == Window::NEWS_MAX)
                .then(|| part.last().map(|no| catalog.published(*no)))
                .flatten();
            SitemapPlan {
                entries: part.to_vec(),
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
    let mut entries = Vec::new();
    let mut lastmod = None;
    for members in days {
        let start = entries.len();
        for no in members.live.iter() {
            lastmod = lastmod.max(Some(catalog.updated(no)));
            entries.push(no);
        }
        // Oldest first, and ids ascending all the same.
        entries[start..].sort_unstable_by_key(|no| (catalog.published(*no), catalog.id(*no)));
        lastmod = lastmod.max(left(catalog, members, None).max());
    }
    SitemapPlan { entries, lastmod }
}

/// What is seen through a window, of all, newest first. The floor shortens with age, so what follows
/// the first that is not seen is not seen either.
fn through(
    catalog: &Catalog,
    window: Window,
    all: impl Iterator<Item = FileNo>,
) -> impl Iterator<Item = FileNo> {
    let now = catalog.now();
    all.enumerate()
        .take_while(move |(position, no)| window.shows(*position, catalog.published(*no), now))
        .map(|(_, no)| no)
}

/// Visible and withdrawn members in one order.
fn merged(catalog: &Catalog, members: &Members) -> impl Iterator<Item = FileNo> {
    let mut live = members.live.iter().peekable();
    let mut withdrawn = members.withdrawn.iter().peekable();
    std::iter::from_fn(move || match (live.peek(), withdrawn.peek()) {
        (Some(a), Some(b)) if catalog.is_newer(*b, *a) => withdrawn.next(),
        (None, _) => withdrawn.next(),
        _ => live.next(),
    })
}

/// When members left that were published no earlier than the oldest one shown, or all that left
/// where there is no such limit.
fn left<'a>(
    catalog: &'a Catalog,
    members: &'a Members,
    oldest: Option<FileNo>,
) -> impl Iterator<Item = Timestamp> + 'a {
    let oldest = oldest.map(|oldest| catalog.published(oldest));
    let inside = move |no: &FileNo| oldest.is_none_or(|oldest| catalog.published(*no) >= oldest);
    let expired = members.expired.iter().take_while(inside);
    let withdrawn = members.withdrawn.iter().take_while(inside);
    let left = expired.chain(withdrawn);
    left.filter_map(move |no| catalog.left_at(no))
}

/// The latest instant at which an article left the news: by age, expiry or withdrawal.
fn left_news(catalog: &Catalog, oldest: Option<Timestamp>) -> Option<Timestamp> {
    let (news, now) = (catalog.news(), catalog.now());
    let mut latest: Option<Timestamp> = None;
    for ranks in [&news.live, &news.expired, &news.withdrawn] {
        for no in ranks.iter() {
            let published = catalog.published(no);
            let aged = published.plus(Window::NEWS_SECONDS);
            // Nothing further down can have left later than by its age.
            if latest.is_some_and(|latest| aged <= latest)
                || oldest.is_some_and(|oldest| published < oldest)
            {
                break;
            }
            let left = catalog.left_at(no).map_or(aged, |left| left.min(aged));
            if left <= now {
                latest = latest.max(Some(left));
            }
        }
    }
    latest
}
