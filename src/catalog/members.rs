//! The members of one channel or day, in the order documents show them.

use std::cmp::Reverse;

use super::{Phase, Ranks};
use crate::article::{ArticleId, Timestamp};
use crate::files::FileNo;

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

/// A [`Rank`] by reference: it compares as one.
pub(super) type Key<'a> = (Reverse<Timestamp>, &'a [u8]);

/// Articles by what they are to a channel now.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// Visible.
    pub live: Ranks,
    /// Withdrawn after they were public.
    pub withdrawn: Ranks,
    /// Expired.
    pub expired: Ranks,
    /// The visible ones that give the channel a title.
    pub(super) titled: Ranks,
}

impl Members {
    pub(super) fn add<'a>(&mut self, no: FileNo, phase: Phase, rank: impl Fn(FileNo) -> Key<'a>) {
        match phase {
            Phase::Live => self.live.insert(no, rank),
            Phase::Withdrawn => self.withdrawn.insert(no, rank),
            Phase::Expired => self.expired.insert(no, rank),
            Phase::Pending | Phase::Hidden => {}
        }
    }

    pub(super) fn remove<'a>(
        &mut self,
        no: FileNo,
        phase: Phase,
        rank: impl Fn(FileNo) -> Key<'a>,
    ) {
        match phase {
            Phase::Live => {
                self.live.remove(no, &rank);
                self.titled.remove(no, rank);
            }
            Phase::Withdrawn => drop(self.withdrawn.remove(no, rank)),
            Phase::Expired => drop(self.expired.remove(no, rank)),
            Phase::Pending | Phase::Hidden => {}
        }
    }

    /// Whether nothing is left that anything could show or date.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.is_empty() && self.withdrawn.is_empty() && self.expired.is_empty()
    }
}
