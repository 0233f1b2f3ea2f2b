//! What has been heard of a store and not looked at yet. No threads, no clock, no disk: instants are
//! arguments.

mod burst;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use self::burst::Bursts;
use crate::store::{Due, Scope};

/// From so many paths on, everything is looked at instead: memory stays bounded.
const PATHS_MAX: usize = 50_000;

/// One missing path is taken at its word. More are perhaps a folder that is being emptied: they wait
/// until that is done, so that they are seen as the one loss they are.
pub(super) const FEW_MISSING: usize = 1;
/// The longest that missing paths wait for more.
pub(super) const MISSING_MAX: Duration = Duration::from_secs(30);

/// How long things must rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    /// Of quiet before a path is looked at.
    pub(super) settle: Duration,
    /// After which a path is looked at all the same.
    pub(super) settle_max: Duration,
    /// Of absence before a path is gone.
    pub(super) settle_delete: Duration,
}

/// Paths that something was heard of, and when.
#[derive(Debug, Default)]
pub(super) struct Heard {
    paths: BTreeMap<String, Times>,
    /// What was found missing lately, one after the other.
    vanishing: Option<Vanishing>,
    /// Since when everything has to be looked at.
    everything: Option<Instant>,
    bursts: Bursts,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    first: Instant,
    last: Instant,
    /// It was looked at and found missing: it is looked at again when that counts.
    is_missing: bool,
}

/// Paths that vanished with no rest in between.
#[derive(Clone, Copy, Debug)]
struct Vanishing {
    first: Instant,
    last: Instant,
    count: usize,
}

/// When something was heard of a path that has not been looked at since, or was missing then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    pub(super) first: Instant,
    pub(super) last: Instant,
}

impl Heard {
    /// Something was heard of a path.
    pub(super) fn path(&mut self, path: &str, now: Instant) {
        if let Some(times) = self.paths.get_mut(path) {
            times.last = now;
            let is_news = std::mem::take(&mut times.is_missing);
            self.bursts.stir(is_news, now);
            return;
        }
        let when = When {
            first: now,
            last: now,
        };
        self.since(path, when);
        self.bursts.stir(true, now);
    }

    /// So much happened that the kernel could not tell of it.
    pub(super) fn overflow(&mut self, now: Instant) {
        self.everything(now);
        self.bursts.begin(now);
    }

    /// A path has to be looked at, where it is not about to be, for what was heard of another.
    pub(super) fn since(&mut self, path: &str, when: When) {
        if self.everything.is_some() {
            return;
        }
        if let Some(times) = self.paths.get_mut(path) {
            times.first = times.first.min(when.first);
            return;
        }
        if self.paths.len() >= PATHS_MAX {
            self.everything(when.first);
            return;
        }
        let times = Times {
            first: when.first,
            last: when.last,
            is_missing: false,
        };
        self.paths.insert(path.to_owned(), times);
    }

    /// Anything may have happened at `then`.
    pub(super) fn everything(&mut self, then: Instant) {
        let oldest = self.paths.values().map(|times| times.first).min();
        self.everything = [self.everything, oldest, Some(then)]
            .into_iter()
            .flatten()
            .min();
        self.paths.clear();
        self.bursts.stir(true, then);
    }

    /// A path of which something was heard was looked at and found missing. Says whether it is gone;
    /// otherwise it stays pending, for it may be about to be written anew.
    pub(super) fn is_gone(&mut self, path: &str, when: When, now: Instant, rest: Rest) -> bool {
        let When { first, last } = when;
        if self.gone_at(last, rest) <= now {
            return true;
        }
        let is_new = !self.paths.get(path).is_some_and(|times| times.is_missing);
        match &mut self.vanishing {
            Some(vanishing)
                if last
                    <= (vanishing.last + rest.settle_delete).min(vanishing.first + MISSING_MAX) =>
            {
                vanishing.last = vanishing.last.max(last);
                vanishing.count += usize::from(is_new);
            }
            _ => {
                self.vanishing = Some(Vanishing {
                    first: last,
                    last,
                    count: 1,
                });
            }
        }
        let times = self.paths.entry(path.to_owned()).or_insert(Times {
            first,
            last,
            is_missing: true,
        });
        times.first = times.first.min(first);
        times.is_missing = true;
        false
    }

    /// When a missing path that was last heard of at `last` is gone.
    fn gone_at(&self, last: Instant, rest: Rest) -> Instant {
        let alone = last + rest.settle_delete;
        match self.vanishing {
            Some(others) if others.count > FEW_MISSING => {
                let together = others.last + rest.settle_delete;
                alone.max(together.min(others.first + MISSING_MAX))
            }
            _ => alone,
        }
    }

    /// What is due at `now`; it is no longer pending then.
    pub(super) fn due(&mut self, now: Instant, rest: Rest) -> Due {
        self.bursts.ask(now);
        if let Some(at) = self.bursts.due_at(rest).filter(|at| now < *at) {
            return Due::At(at);
        }
        if let Some(since) = self.everything {
            let at = since + rest.settle;
            if now < at {
                return Due::At(at);
            }
            self.bursts.end(now);
            self.forget();
            return Due::Ready(Scope::Everything);
        }
        self.bursts.end(now);
        let mut ready = BTreeMap::new();
        let mut next: Option<Instant> = None;
        let mut paths = std::mem::take(&mut self.paths);
        paths.retain(|path, times| {
            let at = self.due_at(*times, rest);
            if at <= now {
                let (first, last) = (times.first, times.last);
                ready.insert(path.clone(), When { first, last });
                return false;
            }
            next = Some(next.map_or(at, |next| next.min(at)));
            true
        });
        self.paths = paths;
        match (ready.is_empty(), next) {
            (false, _) => Due::Ready(Scope::Paths(ready)),
            (true, Some(at)) => Due::At(at),
            (true, None) => Due::Idle,
        }
    }

    /// When something is due, without taking it.
    pub(super) fn next(&self, rest: Rest) -> Option<Instant> {
        // Its paths are many, and this is asked at every word of them.
        if let Some(at) = self.bursts.due_at(rest) {
            return Some(at);
        }
        let everything = self.everything.map(|since| since + rest.settle);
        let paths = self.paths.values();
        let paths = paths.map(|times| self.due_at(*times, rest));
        everything.into_iter().chain(paths).min()
    }

    fn due_at(&self, times: Times, rest: Rest) -> Instant {
        let settled = (times.last + rest.settle).min(times.first + rest.settle_max);
        if times.is_missing {
            settled.max(self.gone_at(times.last, rest))
        } else {
            settled
        }
    }

    /// Everything is about to be looked at anyway.
    pub(super) fn forget(&mut self) {
        self.everything = None;
        self.paths.clear();
        self.bursts.forget();
    }

    /// Whether nothing is pending that was heard of by `then`.
    pub(super) fn is_drained(&self, then: Instant) -> bool {
        self.everything.is_none_or(|since| since > then)
            && self.paths.values().all(|times| times.first > then)
    }
}

#[cfg(test)]
mod tests;
