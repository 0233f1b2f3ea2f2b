//! An article in play, where it stands in time, and what a change of it touches.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::Rank;
use super::play::Play;
use crate::article::{ArticleId, Status, Timestamp};
use crate::document::Channel;
use crate::files::{Card, FileNo};

/// Where an article stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its first publication is still to come.
    Pending,
    /// Visible.
    Live,
    /// It left at its `expires`.
    Expired,
    /// It was public and was withdrawn.
    Withdrawn,
    /// Never visible: a draft, withheld, or withdrawn or expired before it was published.
    Hidden,
}

impl Phase {
    /// Whether documents show or count it, or are dated by it.
    pub(super) fn is_traced(self) -> bool {
        match self {
            Self::Live | Self::Expired | Self::Withdrawn => true,
            Self::Pending | Self::Hidden => false,
        }
    }
}

/// An article in play: it holds its id and its URL.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The file it is in play from.
    pub no: FileNo,
    /// What decides where it stands.
    pub card: Card,
    /// Whether this is a last good version, its file being bad, missing or a duplicate now.
    pub is_kept: bool,
    /// Where it stands in time.
    pub phase: Phase,
    /// The day of its first publication, in the publication's time zone.
    pub day: NaiveDate,
    /// When it left what documents cover, by expiry or withdrawal.
    pub left_at: Option<Timestamp>,
}

impl Entry {
    /// Its card, where search engines may see its page.
    #[must_use]
    pub fn page(&self) -> Option<&Card> {
        (self.phase == Phase::Live && self.card.index).then_some(&self.card)
    }
}

/// What a change may have altered.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    /// Channels, each with the newest rank at which something happened.
    pub channels: BTreeMap<Channel, Rank>,
    /// Days of sitemaps.
    pub days: BTreeSet<NaiveDate>,
    /// News sitemaps.
    pub news: bool,
    /// Articles, each as search engines could see it before; `None` where they could not. Empty
    /// where they are not told.
    pub articles: BTreeMap<ArticleId, Option<Card>>,
}

impl Touched {
    /// Whether no document was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.days.is_empty() && !self.news
    }

    /// Adds what `other` touched.
    pub fn merge(&mut self, other: Self) {
        for (channel, rank) in other.channels {
            self.touch(&channel, &rank);
        }
        self.days.extend(other.days);
        self.news |= other.news;
        for (id, before) in other.articles {
            self.articles.entry(id).or_insert(before);
        }
    }

    /// Adds a channel in which something happened at `rank`.
    pub fn touch(&mut self, channel: &Channel, rank: &Rank) {
        match self.channels.get_mut(channel) {
            Some(newest) if *newest <= *rank => {}
            Some(newest) => *newest = rank.clone(),
            None => {
                self.channels.insert(channel.clone(), rank.clone());
            }
        }
    }

    /// Adds the page of an article that stood as `before`.
    pub(super) fn touch_page(&mut self, id: &ArticleId, before: Option<&Entry>) {
        if !self.articles.contains_key(id) {
            let before = before.and_then(Entry::page);
            self.articles.insert(id.clone(), before.cloned());
        }
    }
}

/// Where the article of a file stands at `now`, given when it was withdrawn.
pub(super) fn phase(
    play: &Play,
    no: FileNo,
    withdrawn: Option<Timestamp>,
    now: Timestamp,
) -> Phase {
    let (published, expires) = (play.published(no), play.expires(no));
    let is_over = |at: Timestamp| expires.is_some_and(|expires| expires <= at);
    match withdrawn {
        // Only the withdrawal of something public leaves a trace.
        Some(when) if when < published => Phase::Hidden,
        Some(_) if published > now => Phase::Pending,
        Some(_) => Phase::Withdrawn,
        None if play.status(no) != Status::Published || is_over(published) => Phase::Hidden,
        None if published > now => Phase::Pending,
        None if is_over(now) => Phase::Expired,
        None => Phase::Live,
    }
}
