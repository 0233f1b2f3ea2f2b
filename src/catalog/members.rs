//! The members of one channel or day, in the order documents show them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::Phase;
use crate::article::{ArticleId, Text, Timestamp};

/// The place of an article: `published` descending, then id ascending, bytewise. A smaller rank is
/// newer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank {
    published: Reverse<Timestamp>,
    /// Whose.
    pub id: ArticleId,
}

impl Rank {
    /// The rank of an article.
    #[must_use]
    pub fn new(published: Timestamp, id: ArticleId) -> Self {
        Self {
            published: Reverse(published),
            id,
        }
    }

    /// When the article was first published.
    #[must_use]
    pub fn published(&self) -> Timestamp {
        self.published.0
    }
}

/// Articles by what they are to a channel now.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// Visible.
    pub live: BTreeSet<Rank>,
    /// Withdrawn after they were public.
    pub withdrawn: BTreeSet<Rank>,
    /// Expired.
    pub expired: BTreeSet<Rank>,
    /// The visible ones that give the channel a title.
    pub titled: BTreeMap<Rank, Text>,
}

impl Members {
    pub(super) fn add(&mut self, rank: &Rank, phase: Phase) {
        match phase {
            Phase::Live => self.live.insert(rank.clone()),
            Phase::Withdrawn => self.withdrawn.insert(rank.clone()),
            Phase::Expired => self.expired.insert(rank.clone()),
            Phase::Pending | Phase::Hidden => false,
        };
    }

    pub(super) fn remove(&mut self, rank: &Rank) {
        self.live.remove(rank);
        self.withdrawn.remove(rank);
        self.expired.remove(rank);
        self.titled.remove(rank);
    }

    /// Whether nothing is left that anything could show or date.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.is_empty() && self.withdrawn.is_empty() && self.expired.is_empty()
    }
}
