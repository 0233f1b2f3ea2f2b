//! What has been heard of a store and not looked at yet. No threads, no clock, no disk: instants are
//! arguments.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

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

/// What is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole store.
    Everything,
    /// Files and folders, by their paths from the root, and when they were heard of.
    Paths(BTreeMap<String, When>),
}

/// When something is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing was heard.
    Idle,
    /// Not before this instant.
    At(Instant),
    /// Now.
    Ready(Scope),
}

impl Heard {
    /// Something was heard of a path.
    pub(super) fn path(&mut self, path: &str, now: Instant) {
        if let Some(times) = self.paths.get_mut(path) {
            times.last = now;
            times.is_missing = false;
            return;
        }
        let when = When {
            first: now,
            last: now,
        };
        self.since(path, when);
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
        if let Some(since) = self.everything {
            let at = since + rest.settle;
            if now < at {
                return Due::At(at);
            }
            self.forget();
            return Due::Ready(Scope::Everything);
        }
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
    }

    /// Whether nothing is pending that was heard of by `then`.
    pub(super) fn is_drained(&self, then: Instant) -> bool {
        self.everything.is_none_or(|since| since > then)
            && self.paths.values().all(|times| times.first > then)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Rest = Rest {
        settle: Duration::from_millis(50),
        settle_max: Duration::from_millis(200),
        settle_delete: Duration::from_millis(500),
    };

    fn paths(due: Due) -> Vec<String> {
        match due {
            Due::Ready(Scope::Paths(paths)) => paths.into_keys().collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_path_rests_and_a_busy_one_holds_up_nobody() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut heard = Heard::default();
        assert_eq!(heard.due(at(0), REST), Due::Idle);
        heard.path("calm", at(0));
        for ms in (0..=240).step_by(40) {
            heard.path("busy", at(ms));
            match ms {
                80 => assert_eq!(paths(heard.due(at(ms), REST)), ["calm"]),
                // Heard of every 40 ms it never rests for 50, and is due after 200 all the same.
                200 => assert_eq!(paths(heard.due(at(ms), REST)), ["busy"]),
                _ => assert!(matches!(heard.due(at(ms), REST), Due::At(_)), "{ms}"),
            }
        }
        assert!(!heard.is_drained(at(240)));
        assert_eq!(paths(heard.due(at(290), REST)), ["busy"]);
        assert!(heard.is_drained(at(240)));
    }

    #[test]
    fn what_is_missing_is_looked_at_again_later_or_when_it_is_heard_of() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let when = |first, last| When {
            first: at(first),
            last: at(last),
        };
        let mut heard = Heard::default();
        heard.path("a", at(0));
        assert_eq!(paths(heard.due(at(60), REST)), ["a"]);
        assert!(!heard.is_gone("a", when(0, 0), at(60), REST));
        assert_eq!(heard.due(at(70), REST), Due::At(at(500)));
        assert!(!heard.is_drained(at(60)));
        heard.path("a", at(100));
        let Due::Ready(Scope::Paths(due)) = heard.due(at(150), REST) else {
            panic!("it is due");
        };
        // That it is missing still has not been taken in, whatever was heard since.
        assert_eq!(due["a"], when(0, 100));
        assert!(!heard.is_gone("a", due["a"], at(150), REST));
        assert!(!heard.is_drained(at(60)));
        heard.since("a", when(160, 160));
        assert_eq!(heard.due(at(400), REST), Due::At(at(600)));
        assert_eq!(paths(heard.due(at(600), REST)), ["a"]);
        assert!(heard.is_gone("a", when(0, 100), at(600), REST));
    }

    /// Removes `count` paths, one every `step` milliseconds; returns how many were gone at a time.
    fn vanish(count: u64, step: u64) -> Vec<usize> {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut heard = Heard::default();
        let mut batches = Vec::new();
        for ms in (0..count * step + 40_000).step_by(10) {
            if ms % step == 0 && ms / step < count {
                heard.path(&(ms / step).to_string(), at(ms));
            }
            let Due::Ready(Scope::Paths(due)) = heard.due(at(ms), REST) else {
                continue;
            };
            let due = due.into_iter();
            let gone = due.filter(|(path, when)| heard.is_gone(path, *when, at(ms), REST));
            match gone.count() {
                0 => {}
                count => batches.push(count),
            }
        }
        assert!(heard.is_drained(at(count * step + 40_000)));
        batches
    }

    #[test]
    fn what_vanishes_together_is_gone_together() {
        // A folder is emptied.
        assert_eq!(vanish(400, 20), [400]);
        // Now and then a file is removed.
        assert_eq!(vanish(20, 600), [1; 20]);
        // It goes on for longer than anyone waits.
        let batches = vanish(4_000, 20);
        assert_eq!(batches.iter().sum::<usize>(), 4_000);
        assert!(batches[0] > 1_400, "{batches:?}");
    }

    #[test]
    fn too_much_is_everything() {
        let start = Instant::now();
        let mut heard = Heard::default();
        for number in 0..=PATHS_MAX {
            heard.path(&number.to_string(), start);
        }
        heard.path("one more", start);
        assert!(heard.paths.is_empty());
        assert_eq!(
            heard.due(start + REST.settle, REST),
            Due::Ready(Scope::Everything)
        );
        assert_eq!(heard.due(start + REST.settle, REST), Due::Idle);
        heard.path("a", start + REST.settle);
        heard.everything(start);
        assert!(!heard.is_drained(start), "it is of when it happened");
    }
}
