//! Those who wait for `khabar sync`: answered once everything that happened in the store before
//! they asked is published.

use std::time::Instant;

use super::control::Pending;
use crate::store::directory::{Cookie, Watch};

/// Everyone who waits.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    waiting: Vec<(Pending, Stage)>,
    /// Full scans that have begun, and that have ended.
    begun: u64,
    ended: u64,
}

/// How far the wait of one has come.
#[derive(Debug)]
enum Stage {
    /// Until a file written into the store is heard of: everything before it has been heard then.
    Cookie(Cookie),
    /// Until everything heard by then has been read.
    Drain(Instant),
    /// Until a full scan that begins later than now has ended.
    Scan(u64),
    /// Until what has been read is published.
    Publish,
}

impl Waiters {
    /// Takes one in; says whether a full scan is needed for it.
    pub(super) fn add(&mut self, pending: Pending, watch: Option<&Watch>) -> bool {
        let cookie = watch.and_then(Watch::cookie);
        let stage = match cookie {
            Some(cookie) => Stage::Cookie(cookie),
            None => Stage::Scan(self.begun + 1),
        };
        let needs_scan = matches!(stage, Stage::Scan(_));
        self.waiting.push((pending, stage));
        needs_scan
    }

    /// The watch is another one: what was heard through the old one says nothing.
    pub(super) fn start_over(&mut self) {
        let next = self.begun + 1;
        for (_, stage) in &mut self.waiting {
            *stage = Stage::Scan(next);
        }
    }

    pub(super) fn scan_begins(&mut self) {
        self.begun += 1;
    }

    pub(super) fn scan_ends(&mut self) {
        self.ended = self.begun;
    }

    /// Moves everyone on as far as can be, and answers those who are through. `is_paid`: whatever
    /// has been read is published.
    pub(super) fn answer(&mut self, watch: Option<&Watch>, is_paid: bool) {
        let ended = self.ended;
        let waiting = std::mem::take(&mut self.waiting);
        for (pending, mut stage) in waiting {
            if pending.is_abandoned() {
                continue;
            }
            stage = advance(stage, watch, ended);
            if is_paid && matches!(stage, Stage::Publish) {
                pending.answer(true, "published");
            } else {
                self.waiting.push((pending, stage));
            }
        }
    }
}

fn advance(stage: Stage, watch: Option<&Watch>, ended: u64) -> Stage {
    match (stage, watch) {
        (Stage::Cookie(cookie), Some(watch)) => match watch.is_seen(&cookie) {
            true => advance(Stage::Drain(Instant::now()), Some(watch), ended),
            false => Stage::Cookie(cookie),
        },
        (Stage::Drain(heard), Some(watch)) => match watch.is_drained(heard) {
            true => Stage::Publish,
            false => Stage::Drain(heard),
        },
        (Stage::Scan(number), _) if ended >= number => Stage::Publish,
        (stage, _) => stage,
    }
}
