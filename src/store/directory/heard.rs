//! What has been heard of a store and not looked at yet. No threads, no clock, no disk: instants are
//! arguments.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::article::Files;

/// From so many paths on, everything is looked at instead: memory stays bounded.
const PATHS_MAX: usize = 50_000;

/// How long things must rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    /// Of quiet before a path is looked at.
    pub(super) settle: Duration,
    /// After which a path is looked at all the same.
    pub(super) settle_max: Duration,
}

/// Paths that something was heard of, and when.
#[derive(Debug, Default)]
pub(super) struct Heard {
    paths: BTreeMap<String, Times>,
    /// Since when everything has to be looked at.
    everything: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    first: Instant,
    last: Instant,
    /// It was looked at and found missing: not again before this.
    not_before: Option<Instant>,
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

impl Scope {
    /// What was taken in of that.
    #[must_use]
    pub fn known(&self, files: &Files) -> Files {
        match self {
            Self::Everything => files.clone(),
            Self::Paths(paths) => {
                let mut known = Files::default();
                for path in paths.keys().flat_map(|path| files.at_or_below(path)) {
                    if let Some(file) = files.get(path) {
                        known.insert(path.clone(), file.clone());
                    }
                }
                known
            }
        }
    }
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
            times.not_before = None;
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
            not_before: None,
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

    /// A path was looked at and found missing: it is looked at again `after` it was last heard of,
    /// for it may be about to be written anew.
    pub(super) fn missing(&mut self, path: &str, when: When, after: Duration) {
        let times = self.paths.entry(path.to_owned()).or_insert(Times {
            first: when.first,
            last: when.last,
            not_before: None,
        });
        times.first = times.first.min(when.first);
        times.not_before = Some(times.last + after);
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
        let together = self.missing_due(rest);
        self.paths.retain(|path, times| {
            let at = times.due(rest, together);
            if at <= now {
                let (first, last) = (times.first, times.last);
                ready.insert(path.clone(), When { first, last });
                return false;
            }
            next = Some(next.map_or(at, |next| next.min(at)));
            true
        });
        match (ready.is_empty(), next) {
            (false, _) => Due::Ready(Scope::Paths(ready)),
            (true, Some(at)) => Due::At(at),
            (true, None) => Due::Idle,
        }
    }

    /// When something is due, without taking it.
    pub(super) fn next(&self, rest: Rest) -> Option<Instant> {
        let everything = self.everything.map(|since| since + rest.settle);
        let together = self.missing_due(rest);
        let paths = self.paths.values().map(|times| times.due(rest, together));
        everything.into_iter().chain(paths).min()
    }

    /// When what is missing is looked at again: all of it at once, so that a loss that takes a
    /// while is judged whole, and not slice by slice.
    fn missing_due(&self, rest: Rest) -> Option<Instant> {
        let missing = self.paths.values().filter_map(|times| times.not_before);
        let last = missing.clone().max()?;
        Some(last.min(missing.min()? + rest.settle_max))
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

impl Times {
    /// `together`: when everything that is missing is due.
    fn due(&self, rest: Rest, together: Option<Instant>) -> Instant {
        let settled = (self.last + rest.settle).min(self.first + rest.settle_max);
        match (self.not_before, together) {
            (Some(at), Some(together)) => at.max(settled).max(together),
            _ => settled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Rest = Rest {
        settle: Duration::from_millis(50),
        settle_max: Duration::from_millis(200),
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
        let after = Duration::from_millis(500);
        let mut heard = Heard::default();
        heard.path("a", at(0));
        assert_eq!(paths(heard.due(at(60), REST)), ["a"]);
        let when = |first, last| When { first, last };
        heard.missing("a", when(at(0), at(0)), after);
        assert_eq!(heard.due(at(70), REST), Due::At(at(500)));
        assert!(!heard.is_drained(at(60)));
        heard.path("a", at(100));
        let Due::Ready(Scope::Paths(due)) = heard.due(at(150), REST) else {
            panic!("it is due");
        };
        // That it is missing still has not been taken in, whatever was heard since.
        assert_eq!(due["a"], when(at(0), at(100)));
        heard.missing("a", due["a"], after);
        assert!(!heard.is_drained(at(60)));
        heard.since("a", when(at(160), at(160)));
        assert_eq!(heard.due(at(400), REST), Due::At(at(600)));
    }

    #[test]
    fn what_goes_missing_bit_by_bit_is_looked_at_together() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let after = Duration::from_millis(500);
        let mut heard = Heard::default();
        let go = |heard: &mut Heard, path: &str, ms| {
            let (first, last) = (at(ms), at(ms));
            heard.missing(path, When { first, last }, after);
        };
        for ms in [0, 60, 120] {
            go(&mut heard, &ms.to_string(), ms);
        }
        assert_eq!(heard.next(REST), Some(at(620)));
        assert_eq!(heard.due(at(600), REST), Due::At(at(620)));
        // Not for ever.
        go(&mut heard, "300", 300);
        assert_eq!(paths(heard.due(at(700), REST)), ["0", "120", "60"]);
        assert_eq!(heard.next(REST), Some(at(800)));
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
