//! Why an article is where it is: a second implementation of the plan's decisions, from one
//! article's point of view. A test holds the two against each other.

use crate::article::{Status, Timestamp};
use crate::catalog::{Catalog, Entry, Phase, Ranks};
use crate::config::Config;
use crate::document::{Channel, DocumentKey, Period, Window};
use crate::files::Card;

use super::{HEADLINES, STORIES_MAX, window};

/// One group of documents, and what an article is to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Paths below `out`, of documents that decide alike.
    pub documents: Vec<String>,
    /// Whether they show it.
    pub is_carried: bool,
    /// Why, or why not.
    pub why: String,
}

/// An instant at which something about an article changes, with no change of content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: String,
}

/// Where an article stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The documents that could carry it, feeds first.
    pub standings: Vec<Standing>,
    /// What comes, soonest first.
    pub deadlines: Vec<Deadline>,
}

/// Where `entry` stands at the catalog's now.
#[must_use]
pub fn explain(catalog: &Catalog, config: &Config, entry: &Entry) -> Explanation {
    let mut standings: Vec<Standing> = entry
        .card
        .belonging
        .channels()
        .map(|channel| in_feeds(catalog, config, entry, channel))
        .collect();
    standings.extend(
        catalog
            .declared()
            .filter(|channel| !entry.card.belonging.contains(channel))
            .filter(|channel| {
                let declared = config.declared(channel);
                declared.is_some_and(|declared| declared.matches.is_some())
            })
            .map(|channel| Standing {
                documents: feeds(config, channel),
                is_carried: false,
                why: "its match does not hold".to_owned(),
            }),
    );
    standings.push(in_news(catalog, entry));
    standings.push(in_sitemap(catalog, entry));
    standings.push(on_page(catalog, entry));
    let mut deadlines = deadlines(catalog, config, entry);
    deadlines.sort();
    deadlines.dedup();
    Explanation {
        standings,
        deadlines,
    }
}

/// Why an article that is in no document now is in none; `None` where it is visible.
#[must_use]
pub fn absence(entry: &Entry) -> Option<String> {
    let card = &entry.card;
    match entry.phase {
        Phase::Live => None,
        Phase::Pending => Some(format!("it is to be published at {}", card.published)),
        Phase::Expired => Some(match card.expires {
            Some(at) => format!("it expired at {at}"),
            None => "it expired".to_owned(),
        }),
        Phase::Withdrawn => Some("it was withdrawn".to_owned()),
        Phase::Hidden => Some(hidden(card)),
    }
}

fn hidden(card: &Card) -> String {
    match card.status {
        Status::Draft => "it is a draft".to_owned(),
        Status::Withheld => "it is withheld".to_owned(),
        Status::Withdrawn | Status::Published => {
            "it was withdrawn or had expired before it was published".to_owned()
        }
    }
}

fn in_feeds(catalog: &Catalog, config: &Config, entry: &Entry, channel: &Channel) -> Standing {
    let documents = feeds(config, channel);
    let Some(members) = catalog.members(channel) else {
        return Standing {
            documents,
            is_carried: false,
            why: absence(entry).unwrap_or_else(|| "the channel does not exist".to_owned()),
        };
    };
    let newer = |ranks: &Ranks| catalog.newer(ranks, entry.no);
    let window = window(config, channel);
    let published = entry.card.published;
    let (is_carried, why) = match absence(entry) {
        None => {
            let position = newer(&members.live);
            let total = members.live.len();
            let place = format!("{} of {total}, newest first", position + 1);
            if window.shows(position, published, catalog.now()) {
                (true, place)
            } else {
                (false, format!("{place}: below the window"))
            }
        }
        Some(why) if entry.phase == Phase::Withdrawn => {
            let position = newer(&members.live) + newer(&members.withdrawn);
            let is_told = window.shows(position, published, catalog.now());
            let told = if is_told { "; Atom says so" } else { "" };
            (false, format!("{why}{told}"))
        }
        Some(why) => (false, why),
    };
    Standing {
        documents,
        is_carried,
        why,
    }
}

fn in_news(catalog: &Catalog, entry: &Entry) -> Standing {
    let leaves = entry.card.published.plus(Window::NEWS_SECONDS);
    let newer = catalog.newer(&catalog.news().live, entry.no);
    let part = u32::try_from(newer / Window::NEWS_MAX + 1).unwrap_or(u32::MAX);
    let why = match absence(entry) {
        Some(why) => Some(why),
        None if !entry.card.is_listed => Some(unlisted(entry)),
        None if !entry.card.is_news => {
            Some("`news` is false, or its section is excluded".to_owned())
        }
        None if leaves <= catalog.now() => Some(format!("its 48 hours ended at {leaves}")),
        None => None,
    };
    let is_carried = why.is_none();
    Standing {
        documents: vec![DocumentKey::NewsSitemap(if is_carried { part } else { 1 }).path()],
        is_carried,
        why: why.unwrap_or_else(|| format!("until {leaves}")),
    }
}

/// Why an article that is not listed stands in no sitemap.
fn unlisted(entry: &Entry) -> String {
    if entry.card.index {
        "its URL is on another site than feeds_url (see cross_host)".to_owned()
    } else {
        "`index` is false".to_owned()
    }
}

fn in_sitemap(catalog: &Catalog, entry: &Entry) -> Standing {
    let month = Period::month_of(entry.day);
    let urls: usize = catalog
        .days()
        .iter()
        .filter(|(day, _)| Period::month_of(**day) == month)
        .map(|(_, members)| members.live.len())
        .sum();
    let period = if urls > Window::MONTH_MAX {
        Period::Day(entry.day)
    } else {
        month
    };
    let why = match absence(entry) {
        None if !entry.card.is_listed => Some(unlisted(entry)),
        absence => absence,
    };
    Standing {
        documents: vec![DocumentKey::Sitemap(period, 1).path()],
        is_carried: why.is_none(),
        why: why.unwrap_or_else(|| format!("published in {period}")),
    }
}

/// The page shows the newest headlines of the front, the sections, the declared channels, and the
/// stories with the newest articles.
fn on_page(catalog: &Catalog, entry: &Entry) -> Standing {
    let is_listed = |channel: &Channel| {
        let mut stories = catalog.stories_by_date().take(STORIES_MAX);
        !matches!(channel, Channel::Story(_)) || stories.any(|story| story == channel)
    };
    let is_headline = |channel: &&Channel| {
        let newer = catalog
            .members(channel)
            .map_or(0, |members| catalog.newer(&members.live, entry.no));
        newer < HEADLINES && is_listed(channel)
    };
    let shown = entry.card.belonging.channels().find(is_headline);
    let (is_carried, why) = match (absence(entry), shown) {
        (Some(why), _) => (false, why),
        (None, Some(channel)) => {
            let of = catalog.title(channel);
            (true, format!("among the {HEADLINES} newest of {of}"))
        }
        (None, None) => (false, format!("{HEADLINES} newer ones everywhere")),
    };
    Standing {
        documents: vec![DocumentKey::Page.path()],
        is_carried,
        why,
    }
}

fn deadlines(catalog: &Catalog, config: &Config, entry: &Entry) -> Vec<Deadline> {
    let card = &entry.card;
    let now = catalog.now();
    let mut deadlines = Vec::new();
    let mut add = |at: Timestamp, what: String| {
        if at > now {
            deadlines.push(Deadline { at, what });
        }
    };
    if entry.phase == Phase::Hidden {
        return deadlines;
    }
    add(card.published, "it enters".to_owned());
    if let Some(at) = card.expires {
        add(at, "it leaves everything".to_owned());
    }
    if card.updated > card.published {
        add(card.updated, "its last change counts".to_owned());
    }
    if entry.card.is_news && entry.phase != Phase::Withdrawn {
        let at = card.published.plus(Window::NEWS_SECONDS);
        add(at, "it leaves the news sitemap".to_owned());
    }
    if entry.phase == Phase::Withdrawn {
        return deadlines;
    }
    for channel in entry.card.belonging.channels() {
        let settings = config.feeds.of(channel.kind());
        let position = catalog
            .members(channel)
            .map_or(0, |members| catalog.newer(&members.live, entry.no));
        // Within the newest it stays whatever its age.
        if position >= settings.newest {
            let at = card.published.plus(settings.floor);
            add(
                at,
                format!("it leaves {}", feeds(config, channel).join(", ")),
            );
        }
    }
    deadlines
}

fn feeds(config: &Config, channel: &Channel) -> Vec<String> {
    let formats = config.feeds.of(channel.kind()).formats.iter();
    formats
        .map(|format| DocumentKey::Feed(channel.clone(), *format).path())
        .collect()
}
