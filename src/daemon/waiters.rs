//! Those who wait for `khabar sync`: answered once everything that happened in the store before
//! they asked is published.

use std::time::Instant;

use super::control::Pending;
use crate::store::{Cookie, Watch};

/// Everyone who waits.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    waiting: Vec<(Pending, Stage)>,
    /// Readings of the store that have begun; whether the last one has ended, and what it was.
    begun: u64,
    is_reading: bool,
    /// The number of the last full reading that has begun, and of the last that has ended.
    full_begun: u64,
    full_ended: u64,
}

/// How far the wait of one has come.
#[derive(Debug)]
enum Stage {
    /// Until a file written into the store is heard of: everything before it has been heard then.
    Cookie(Cookie),
    /// Until everything heard by then has been read.
    Drain(Instant),
    /// Until the reading under way then has ended, which may put back what it found missing.
    Reading(u64, Instant),
    /// Until a full reading of a higher number than this has ended.
    Scan(u64),
    /// Until what has been read is published; then there is this to say.
    Publish(String),
}

impl Waiters {
    /// Takes one in; says whether a full scan is needed for it.
    pub(super) fn add(&mut self, pending: Pending, watch: Option<&Watch>) -> bool {
        let cookie = watch.and_then(Watch::cookie);
        let stage = match cookie {
            Some(cookie) => Stage::Cookie(cookie),
            None => Stage::Scan(self.begun),
        };
        let needs_scan = matches!(stage, Stage::Scan(_));
        self.waiting.push((pending, stage));
        needs_scan
    }

    /// How many wait.
    pub(super) fn count(&self) -> usize {
        self.waiting.len()
    }

    /// Takes one in whose order is done and only has to be published.
    pub(super) fn add_published(&mut self, pending: Pending, message: String) {
        self.waiting.push((pending, Stage::Publish(message)));
    }

    /// The watch is another one: what was heard through the old one says nothing.
    pub(super) fn start_over(&mut self) {
        for (_, stage) in &mut self.waiting {
            *stage = Stage::Scan(self.begun);
        }
        self.is_reading = false;
    }

    pub(super) fn reading_begins(&mut self, is_full: bool) {
        if is_full {
            // It listens anew: a cookie still under way may never come. The scan proves as much.
            for (_, stage) in &mut self.waiting {
                if matches!(stage, Stage::Cookie(_)) {
                    *stage = Stage::Scan(self.begun);
                }
            }
            self.full_begun = self.begun + 1;
        }
        self.begun += 1;
        self.is_reading = true;
    }

    /// The reading under way has been taken in.
    pub(super) fn reading_ends(&mut self) {
        self.is_reading = false;
        if self.full_begun == self.begun {
            self.full_ended = self.begun;
        }
    }

    /// Moves everyone on as far as can be, and answers those who are through. `is_paid`: whatever
    /// has been read is published.
    pub(super) fn answer(&mut self, watch: Option<&Watch>, is_paid: bool) {
        let waiting = std::mem::take(&mut self.waiting);
        for (pending, stage) in waiting {
            if pending.is_abandoned() {
                continue;
            }
            match self.advance(stage, watch) {
                Stage::Publish(message) if is_paid => pending.answer(true, message),
                stage => self.waiting.push((pending, stage)),
            }
        }
    }

    fn advance(&self, stage: Stage, watch: Option<&Watch>) -> Stage {
        match (stage, watch) {
            (Stage::Cookie(cookie), Some(watch)) if watch.is_seen(&cookie) => {
                self.advance(Stage::Drain(Instant::now()), Some(watch))
            }
            (Stage::Drain(heard), Some(watch)) if watch.is_drained(heard) => {
                self.advance(Stage::Reading(self.begun, heard), Some(watch))
            }
            (Stage::Reading(number, heard), Some(watch))
                if !self.is_reading || self.begun > number =>
            {
                if watch.is_drained(heard) {
                    Stage::Publish("published".to_owned())
                } else {
                    Stage::Drain(heard)
                }
            }
            (Stage::Scan(number), _) if self.full_ended > number => {
                Stage::Publish("published".to_owned())
            }
            (stage, _) => stage,
        }
    }
}
