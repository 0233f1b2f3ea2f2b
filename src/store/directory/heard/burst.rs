//! Bursts: so much is heard of at once that it is looked at as a whole, once it is over, and not time and
//! again while it goes on. A checkout, a sync, a deployment: each look would cost it time, and what is
//! published of its middle is published for nothing.
//!
//! It counts and keeps instants; what was heard of is kept elsewhere.

use std::time::{Duration, Instant};

use super::Rest;

/// More files than this within [`WINDOW`] are a burst. Newsrooms and their imports save some ten a
/// second; a tool that replaces a store has come so far before its first file has rested.
const MANY: usize = 100;
/// In which files are counted.
const WINDOW: Duration = Duration::from_secs(1);
/// How long a burst must be quiet to be over: tools pause while they wait for a disk.
const QUIET: Duration = Duration::from_millis(500);
/// After which a burst is looked at all the same, once the last look is over. An edit elsewhere waits so
/// long with it, and no longer.
const LONGEST: Duration = Duration::from_secs(10);

/// Whether there is a burst, and what tells it.
#[derive(Debug, Default)]
pub(super) struct Bursts {
    /// When counting began, and how many files it has come to.
    counted: Option<(Instant, usize)>,
    /// The first and the last word of the burst that goes on.
    burst: Option<(Instant, Instant)>,
    /// Whether what was due is being looked at, as far as anyone has said.
    is_looked_at: bool,
}

impl Bursts {
    /// Something was heard at `now`; `is_news` where nothing was pending of it.
    pub(super) fn stir(&mut self, is_news: bool, now: Instant) {
        if let Some((_, last)) = &mut self.burst {
            *last = now.max(*last);
            return;
        }
        let (since, before) = match self.counted {
            Some((since, count)) if now < since + WINDOW => (since, count),
            _ => (now, 0),
        };
        let count = before + usize::from(is_news);
        self.counted = Some((since, count));
        if count > MANY {
            self.burst = Some((since, now));
        }
    }

    /// There is a burst, however little of it was heard.
    pub(super) fn begin(&mut self, now: Instant) {
        self.burst.get_or_insert((now, now));
    }

    /// When the burst that goes on is to be looked at, if nothing more is heard.
    pub(super) fn due_at(&self, rest: Rest) -> Option<Instant> {
        let (first, last) = self.burst?;
        let quiet = QUIET.max(rest.settle);
        Some((last + quiet).min(first + LONGEST))
    }

    /// Whoever looks is free at `now` to look again.
    pub(super) fn ask(&mut self, now: Instant) {
        if std::mem::take(&mut self.is_looked_at)
            && let Some((first, _)) = &mut self.burst
        {
            *first = now;
        }
    }

    /// What there is of it is looked at `now`. Where it goes on, what comes next is a burst again at once.
    pub(super) fn end(&mut self, now: Instant) {
        self.is_looked_at = true;
        if let Some((_, last)) = self.burst.take() {
            self.counted = (now < last + QUIET).then_some((now, MANY));
        }
    }
    /// It is looked at for other reasons.
    pub(super) fn forget(&mut self) {
        self.burst = None;
    }
}
