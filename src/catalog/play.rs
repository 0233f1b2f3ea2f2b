//! Which version of each file is in play, if any: what it says now, or its last good version.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::Phase;
use super::members::Key;
use crate::article::{ArticleId, ContentHash, Status, Timestamp, seen_at};
use crate::files::{Belonging, Card, FileNo, Ledger, UrlHash};

/// Which version of a file is in play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seat {
    /// None.
    Out,
    /// What it says now.
    Current,
    /// Its last good version.
    Kept,
}

/// How the article of a file stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) seat: Seat,
    pub(super) phase: Phase,
    /// The file is bad: what is kept of it counts as what it says.
    pub(super) is_bad: bool,
}

const OUT: Standing = Standing {
    seat: Seat::Out,
    phase: Phase::Hidden,
    is_bad: false,
};

/// Every file, what is kept of some, and which version of each is in play.
#[derive(Debug, Default)]
pub(super) struct Play {
    pub(super) ledger: Arc<Ledger>,
    kept: HashMap<FileNo, Arc<Card>>,
    standings: Vec<Standing>,
}

impl Play {
    pub(super) fn new(ledger: Ledger) -> Self {
        Self {
            standings: vec![OUT; ledger.end()],
            ledger: Arc::new(ledger),
            kept: HashMap::new(),
        }
    }

    pub(super) fn standing(&self, no: FileNo) -> Standing {
        self.standings.get(no.index()).copied().unwrap_or(OUT)
    }

    pub(super) fn standing_mut(&mut self, no: FileNo) -> &mut Standing {
        if no.index() >= self.standings.len() {
            self.standings
                .resize(self.ledger.end().max(no.index() + 1), OUT);
        }
        &mut self.standings[no.index()]
    }

    pub(super) fn set_kept(&mut self, no: FileNo, kept: Option<Arc<Card>>) {
        match kept {
            Some(kept) => self.kept.insert(no, kept),
            None => self.kept.remove(&no),
        };
    }

    /// The last good version of a file.
    pub(super) fn kept(&self, no: FileNo) -> Option<&Arc<Card>> {
        self.kept.get(&no)
    }

    /// The last good version, where that is in play.
    fn in_kept_seat(&self, no: FileNo) -> Option<&Arc<Card>> {
        match self.standing(no).seat {
            Seat::Kept => self.kept.get(&no),
            Seat::Current | Seat::Out => None,
        }
    }

    /// The files whose articles are in play.
    pub(super) fn iter(&self) -> impl Iterator<Item = FileNo> {
        let files = self.ledger.all();
        files.filter(|no| self.standing(*no).seat != Seat::Out)
    }

    /// Whether what a file says now claims an id and a URL.
    pub(super) fn claims_now(&self, no: FileNo) -> bool {
        self.ledger.is_article(no) && self.ledger.status(no).makes_claims()
    }

    pub(super) fn card(&self, no: FileNo) -> Card {
        match self.in_kept_seat(no) {
            Some(kept) => (**kept).clone(),
            None => self.ledger.card(no),
        }
    }

    pub(super) fn id(&self, no: FileNo) -> &str {
        match self.in_kept_seat(no) {
            Some(kept) => kept.id.as_str(),
            None => self.ledger.id(no),
        }
    }

    pub(super) fn article_id(&self, no: FileNo) -> ArticleId {
        match self.in_kept_seat(no) {
            Some(kept) => kept.id.clone(),
            None => self.ledger.article_id(no),
        }
    }

    pub(super) fn url(&self, no: FileNo) -> UrlHash {
        match self.in_kept_seat(no) {
            Some(kept) => kept.url,
            None => self.ledger.url(no),
        }
    }

    pub(super) fn content(&self, no: FileNo) -> ContentHash {
        match self.in_kept_seat(no) {
            Some(kept) => kept.content,
            None => self.ledger.content(no),
        }
    }

    pub(super) fn published(&self, no: FileNo) -> Timestamp {
        match self.in_kept_seat(no) {
            Some(kept) => kept.published,
            None => self.ledger.published(no),
        }
    }

    pub(super) fn updated(&self, no: FileNo) -> Timestamp {
        match self.in_kept_seat(no) {
            Some(kept) => kept.updated,
            None => self.ledger.updated(no),
        }
    }

    /// As [`Article::updated_at`](crate::article::Article::updated_at).
    pub(super) fn updated_at(&self, no: FileNo, now: Timestamp) -> Timestamp {
        seen_at(self.published(no), self.updated(no), now)
    }

    pub(super) fn expires(&self, no: FileNo) -> Option<Timestamp> {
        match self.in_kept_seat(no) {
            Some(kept) => kept.expires,
            None => self.ledger.expires(no),
        }
    }

    pub(super) fn status(&self, no: FileNo) -> Status {
        match self.in_kept_seat(no) {
            Some(kept) => kept.status,
            None => self.ledger.status(no),
        }
    }

    pub(super) fn is_listed(&self, no: FileNo) -> bool {
        match self.in_kept_seat(no) {
            Some(kept) => kept.is_listed,
            None => self.ledger.is_listed(no),
        }
    }

    pub(super) fn is_news(&self, no: FileNo) -> bool {
        match self.in_kept_seat(no) {
            Some(kept) => kept.is_news,
            None => self.ledger.is_news(no),
        }
    }

    pub(super) fn belonging(&self, no: FileNo) -> &Arc<Belonging> {
        match self.in_kept_seat(no) {
            Some(kept) => &kept.belonging,
            None => self.ledger.belonging(no),
        }
    }

    /// The number of the list of channels, where it is what a file says now.
    pub(super) fn belonging_number(&self, no: FileNo) -> Option<usize> {
        let is_current = self.in_kept_seat(no).is_none();
        is_current.then(|| self.ledger.belonging_number(no))
    }

    /// The place of an article in every list.
    pub(super) fn key(&self, no: FileNo) -> Key<'_> {
        let id = match self.in_kept_seat(no) {
            Some(kept) => kept.id.as_str().as_bytes(),
            None => self.ledger.id_bytes(no),
        };
        (Reverse(self.published(no)), id)
    }
}
