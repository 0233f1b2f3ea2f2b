//! What was heard of a database and not looked at yet.
//!
//! A bell of a database says that something was committed, never what. Where rows have a sequence, a
//! look at the newest is cheap and comes at once; a look at everything is not, and may take no more
//! than a share of the time, however often the bell rings.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::store::{Due, Scope};

/// Rows that may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of them.
    All,
    /// Those whose sequence has grown, and the rows of these paths.
    Newest(BTreeSet<String>),
}

/// How rows are looked at when the bell rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Look {
    /// At all of them: nothing says which are new.
    All,
    /// At the newest, and now and then at all: what was deleted has no sequence any more.
    Newest,
    /// At those that a log of changes names: it says all.
    #[cfg(feature = "postgres")]
    Logged,
}

/// A look at everything took so long; the next one waits for so many times that, where the newest rows
/// are looked at meanwhile.
const REST_BESIDE_NEWEST: u32 = 30;
/// The same where it is all that is done.
const REST_ALONE: u32 = 1;
/// So many rows are looked up by themselves; for more, everything is looked at.
const ROWS_MAX: usize = 1_000;

/// Listens to a database, until it is dropped.
pub struct RowsWatch {
    ears: Arc<Ears>,
    /// What listens in the background; dropping it ends that.
    _listener: Box<dyn Send + Sync>,
}

/// What a listener reaches.
pub(in crate::store) struct Ears {
    look: Look,
    state: Mutex<State>,
    bell: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct State {
    /// When something was first heard that was not looked at.
    heard: Option<Instant>,
    /// Rows to look at for other reasons.
    rows: BTreeSet<String>,
    /// When everything is to be looked at.
    all_at: Option<Instant>,
    /// Before this instant, everything is not looked at again.
    rested: Option<Instant>,
}

impl Ears {
    /// Nothing has been heard yet; `bell` is rung whenever something is.
    pub(in crate::store) fn new(look: Look, bell: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        Arc::new(Self {
            look,
            state: Mutex::default(),
            bell,
        })
    }

    /// Something was committed.
    pub(in crate::store) fn hear(&self) {
        self.state().hear(self.look, Instant::now());
        (self.bell)();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RowsWatch {
    /// What `listener` hears goes into `ears`, as long as it is kept.
    pub(in crate::store) fn new(ears: Arc<Ears>, listener: Box<dyn Send + Sync>) -> Self {
        Self {
            ears,
            _listener: listener,
        }
    }

    /// As [`crate::store::Watch::due`].
    pub(in crate::store) fn due(&self, now: Instant) -> Due {
        self.ears.state().due(self.ears.look, now)
    }

    /// As [`crate::store::Watch::next`].
    pub(in crate::store) fn next(&self) -> Option<Instant> {
        self.ears.state().next(self.ears.look)
    }

    /// As [`crate::store::Watch::start_over`].
    pub(in crate::store) fn forget(&self) {
        *self.ears.state() = State::default();
    }

    /// As [`crate::store::Watch::ring`].
    pub(in crate::store) fn ring(&self, path: &str) {
        self.ears.state().ring(path, Instant::now());
        (self.ears.bell)();
    }

    /// Whether a look after this, of which something is heard at once, will show everything that
    /// happened before: where rows are found by their sequence, what is deleted is not.
    pub(in crate::store) fn sounds(&self) -> bool {
        let is_exact = self.ears.look != Look::Newest;
        if is_exact {
            self.ears.hear();
        }
        is_exact
    }

    /// As [`crate::store::Watch::is_drained`].
    pub(in crate::store) fn is_drained(&self, then: Instant) -> bool {
        self.ears.state().heard.is_none_or(|heard| heard > then)
    }

    /// Everything was looked at, which took so long.
    pub(in crate::store) fn looked_at_all(&self, took: Duration) {
        self.ears.state().rest(self.ears.look, took, Instant::now());
    }
}

impl std::fmt::Debug for RowsWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = &*self.ears.state();
        f.debug_tuple("RowsWatch").field(state).finish()
    }
}

impl State {
    fn hear(&mut self, look: Look, now: Instant) {
        self.heard.get_or_insert(now);
        if look == Look::Newest {
            let rested = self.rested.unwrap_or(now).max(now);
            self.all_at.get_or_insert(rested);
        }
    }

    fn ring(&mut self, path: &str, now: Instant) {
        self.heard.get_or_insert(now);
        if self.rows.len() < ROWS_MAX {
            self.rows.insert(path.to_owned());
        } else {
            self.all_at = Some(now);
        }
    }

    fn rest(&mut self, look: Look, took: Duration, now: Instant) {
        let times = match look {
            Look::All => REST_ALONE,
            Look::Newest => REST_BESIDE_NEWEST,
            #[cfg(feature = "postgres")]
            Look::Logged => return,
        };
        self.rested = Some(now + took.saturating_mul(times));
    }

    fn next(&self, look: Look) -> Option<Instant> {
        let heard = self.heard.map(|heard| match look {
            Look::All => self.rested.map_or(heard, |rested| rested.max(heard)),
            Look::Newest => heard,
            #[cfg(feature = "postgres")]
            Look::Logged => heard,
        });
        [heard, self.all_at].into_iter().flatten().min()
    }

    fn due(&mut self, look: Look, now: Instant) -> Due {
        match self.next(look) {
            None => Due::Idle,
            Some(at) if at > now => Due::At(at),
            Some(_) => {
                let is_all = look == Look::All || self.all_at.is_some_and(|at| at <= now);
                self.heard = None;
                let rows = std::mem::take(&mut self.rows);
                if is_all {
                    self.all_at = None;
                    return Due::Ready(Scope::Rows(Wanted::All));
                }
                Due::Ready(Scope::Rows(Wanted::Newest(rows)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
