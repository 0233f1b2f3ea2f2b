//! The errands of one receiver, and when each may be run. It knows no clock and sends nothing.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::document::Errand;

/// The longest pause after failures.
const PAUSE_MAX: Duration = Duration::from_hours(1);

/// How a receiver likes to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    /// So many errands at the most in one request.
    pub(super) limit: usize,
    /// How long the first errand waits for more to go with it.
    pub(super) gather: Duration,
    /// How soon it may be told of the same thing again.
    pub(super) rest: Duration,
    /// The first pause after a failure; it doubles up to [`PAUSE_MAX`].
    pub(super) pause: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    turn: u64,
    due: Instant,
    /// A later change that may not be where readers find it when this one is told of.
    later: Option<Later>,
}

#[derive(Clone, Copy, Debug)]
struct Later {
    turn: u64,
    /// From here on, telling of the earlier change tells of this one, too.
    found: Instant,
    due: Instant,
}

/// The errands of one receiver.
#[derive(Debug)]
pub(super) struct Line {
    manners: Manners,
    waiting: BTreeMap<Errand, Waiting>,
    /// When it was last told of what, as long as that matters.
    told: HashMap<Errand, Instant>,
    failures: u32,
    pause: Option<Instant>,
}

impl Line {
    pub(super) fn new(manners: Manners) -> Self {
        Self {
            manners,
            waiting: BTreeMap::new(),
            told: HashMap::new(),
            failures: 0,
            pause: None,
        }
    }

    /// Adds an errand for a change that readers find from `found` on. One that waits already is run
    /// once, for the later turn, and no later than it was, unless the change cannot be found then.
    pub(super) fn add(&mut self, errand: Errand, turn: u64, found: Instant) {
        let gathered = found + self.manners.gather;
        let due = match self.told.get(&errand) {
            Some(told) => gathered.max(*told + self.manners.rest),
            None => gathered,
        };
        let new = Waiting {
            turn,
            due,
            later: None,
        };
        let waiting = self.waiting.entry(errand).or_insert(new);
        if found <= waiting.due {
            waiting.turn = waiting.turn.max(turn);
        } else {
            waiting.later = Some(Later { turn, found, due });
        }
    }

    pub(super) fn forget(&mut self, errand: &Errand) {
        self.waiting.remove(errand);
    }

    /// From now on, nothing waits for more to go with it.
    pub(super) fn hurry(&mut self) {
        let gather = std::mem::take(&mut self.manners.gather);
        for waiting in self.waiting.values_mut() {
            waiting.due = waiting.due.checked_sub(gather).unwrap_or(waiting.due);
        }
    }

    /// One errand a request from now on; says whether it were more before.
    pub(super) fn go_singly(&mut self) -> bool {
        std::mem::replace(&mut self.manners.limit, 1) > 1
    }

    /// When something is due next.
    pub(super) fn next(&self) -> Option<Instant> {
        let first = self.waiting.values().map(|waiting| waiting.due).min()?;
        Some(self.pause.map_or(first, |pause| pause.max(first)))
    }

    /// Takes out what is due at `now`, as much as goes into one request, oldest changes first.
    pub(super) fn take(&mut self, now: Instant) -> Vec<(Errand, u64)> {
        if self.pause.is_some_and(|pause| pause > now) {
            return Vec::new();
        }
        let due = self.waiting.iter().filter(|(_, w)| w.due <= now);
        let mut due: Vec<(u64, Errand)> = due.map(|(errand, w)| (w.turn, errand.clone())).collect();
        due.sort_unstable();
        due.truncate(self.manners.limit);
        let due = due.into_iter();
        due.map(|(turn, errand)| match self.take_one(&errand, now) {
            Some(later) => (errand, later),
            None => (errand, turn),
        })
        .collect()
    }

    /// Takes one errand out; says for which later turn it is run, too, where there is one.
    fn take_one(&mut self, errand: &Errand, now: Instant) -> Option<u64> {
        let Later { turn, found, due } = self.waiting.remove(errand)?.later?;
        if found <= now {
            return Some(turn);
        }
        let waiting = Waiting {
            turn,
            due,
            later: None,
        };
        self.waiting.insert(errand.clone(), waiting);
        None
    }

    /// These have been told of at `now`.
    pub(super) fn told(&mut self, batch: &[(Errand, u64)], now: Instant) {
        let rest = self.manners.rest;
        self.told.retain(|_, told| now.duration_since(*told) < rest);
        for (errand, _) in batch {
            self.told.insert(errand.clone(), now);
            // What changed meanwhile waits its turn.
            if let Some(waiting) = self.waiting.get_mut(errand) {
                waiting.due = waiting.due.max(now + rest);
            }
        }
        self.failures = 0;
        self.pause = None;
    }

    /// These could not be told of: they are due again, after a pause that grows from one failure to
    /// the next and is never shorter than what the receiver `granted`. `chance` is from 0 to 1.
    pub(super) fn failed(
        &mut self,
        batch: Vec<(Errand, u64)>,
        now: Instant,
        granted: Option<Duration>,
        chance: f64,
    ) {
        self.put_back(batch, now);
        let pause = PAUSE_MAX.min(self.manners.pause * 2_u32.saturating_pow(self.failures.min(16)));
        self.failures += 1;
        // Half to one and a half times as long, so that not all come back at once.
        let pause = pause.mul_f64(0.5 + chance);
        let granted = granted.unwrap_or_default();
        self.pause = Some(now + pause.max(granted));
    }

    pub(super) fn put_back(&mut self, batch: Vec<(Errand, u64)>, now: Instant) {
        for (errand, turn) in batch {
            let waiting = self.waiting.entry(errand);
            waiting.or_insert(Waiting {
                turn,
                due: now,
                later: None,
            });
        }
    }

    /// Nothing is told before `pause` is over.
    pub(super) fn pause(&mut self, now: Instant, pause: Duration) {
        self.pause = Some(now + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::WebUrl;

    const SECOND: Duration = Duration::from_secs(1);

    fn page(number: usize) -> Errand {
        Errand::Page {
            id: crate::article::ArticleId::new(&format!("{number:03}")).unwrap(),
            url: WebUrl::parse(&format!("https://news.example/{number}")).unwrap(),
        }
    }

    fn line(gather: u64, rest: u64) -> Line {
        Line::new(Manners {
            limit: 10,
            gather: SECOND * u32::try_from(gather).unwrap(),
            rest: SECOND * u32::try_from(rest).unwrap(),
            pause: SECOND,
        })
    }

    #[test]
    fn requests_are_no_longer_than_the_limit_and_oldest_first() {
        let mut line = line(0, 60);
        let now = Instant::now();
        for number in 0..25 {
            line.add(page(number), 100 - number as u64, now);
        }
        assert_eq!(line.take(now)[0], (page(24), 76));
        assert_eq!(
            [
                line.take(now).len(),
                line.take(now).len(),
                line.take(now).len()
            ],
            [10, 5, 0]
        );
        assert_eq!(line.next(), None);
    }

    #[test]
    fn what_changes_again_is_told_once_and_not_before_it_has_rested() {
        let mut line = line(5, 600);
        let now = Instant::now();
        line.add(page(1), 1, now);
        line.add(page(1), 2, now + SECOND);
        assert!(line.take(now + SECOND * 4).is_empty());
        let batch = line.take(now + SECOND * 5);
        assert_eq!(batch, [(page(1), 2)]);
        // It changes while it is told of, and again later.
        line.add(page(1), 3, now + SECOND * 5);
        line.told(&batch, now + SECOND * 6);
        line.add(page(1), 4, now + SECOND * 7);
        assert_eq!(line.next(), Some(now + SECOND * 606));
        assert!(line.take(now + SECOND * 605).is_empty());
        assert_eq!(line.take(now + SECOND * 606), [(page(1), 4)]);
    }

    #[test]
    fn a_change_that_cannot_be_found_yet_is_told_of_by_itself() {
        let mut line = line(0, 1);
        let now = Instant::now();
        // A CDN is waited for a minute; the page changes every twenty seconds.
        let mut told = Vec::new();
        for second in 0..200 {
            let now = now + SECOND * second;
            if second % 20 == 0 {
                line.add(page(1), u64::from(second), now + SECOND * 60);
            }
            let batch = line.take(now);
            if !batch.is_empty() {
                line.told(&batch, now);
                told.push((second, batch[0].1));
            }
        }
        assert_eq!(told, [(60, 0), (120, 60), (180, 120)]);
        // Where it could not be told in time, once is enough.
        let late = now + SECOND * 1_000;
        assert_eq!(line.take(late), [(page(1), 180)]);
        assert_eq!(line.next(), None);
    }

    #[test]
    fn pauses_grow_are_jittered_and_honour_what_is_granted() {
        let mut line = line(0, 0);
        let mut now = Instant::now();
        line.add(page(1), 1, now);
        let mut pauses = Vec::new();
        for _ in 0..14 {
            let batch = line.take(now);
            assert_eq!(batch.len(), 1);
            line.failed(batch, now, None, 0.5);
            pauses.push((line.next().unwrap() - now).as_secs());
            now = line.next().unwrap();
        }
        assert_eq!(pauses[..5], [1, 2, 4, 8, 16]);
        assert_eq!(pauses.last(), Some(&3_600));
        let batch = line.take(now);
        line.failed(batch, now, Some(SECOND * 7_200), 0.0);
        assert_eq!(line.next(), Some(now + SECOND * 7_200));
        now += SECOND * 7_200;
        let batch = line.take(now);
        line.told(&batch, now);
        line.add(page(1), 2, now);
        assert_eq!(line.next(), Some(now), "all is well again");
    }

    #[test]
    fn a_failure_keeps_the_newer_turn() {
        let mut line = line(0, 0);
        let now = Instant::now();
        line.add(page(1), 1, now);
        let batch = line.take(now);
        line.add(page(1), 2, now);
        line.failed(batch, now, None, 0.0);
        assert_eq!(line.take(line.next().unwrap()), [(page(1), 2)]);
    }
}
