//! What the loop sees of the store: opening it, its health, what is being read, what is owed.
//!
//! The store may hang, so nothing here waits for it: work on it is done in other threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::trouble::Trouble;
use super::{Daemon, LOOK_EVERY, stamp};
use crate::files::Changes;
use crate::publish::directory::{DirectoryView, Place};
use crate::store::directory::UNREADABLE;
use crate::store::{Due, Scope, Store, StoreError, Watch};

/// How long the store may take to answer that it is there.
const HEALTH_PATIENCE: Duration = Duration::from_secs(3);
const SILENT: &str = "the store does not answer; what was published stays";
/// How often a store that rings no bells is scanned.
const BLIND_SCAN: Duration = Duration::from_secs(5);
/// The longest pause before files that cannot be read are tried again; it doubles up to that.
const TRY_AGAIN_MAX: Duration = Duration::from_mins(5);

/// Work in another thread, because the store may hang.
pub(super) struct Task<T> {
    handle: JoinHandle<T>,
    since: Instant,
}

impl<T: Send + 'static> Task<T> {
    fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        Self {
            handle: tokio::task::spawn_blocking(work),
            since: Instant::now(),
        }
    }
}

/// The result of a task, or for ever nothing where there is none.
pub(super) async fn done<T>(task: &mut Option<Task<T>>) -> T {
    loop {
        let Some(running) = task else {
            return std::future::pending().await;
        };
        let result = (&mut running.handle).await;
        *task = None;
        match result {
            Ok(value) => return value,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }
}

/// What was seen of `out` and the state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// They are there, and no others.
    pub(super) are_there: bool,
    /// What stood in the way of a document is gone.
    pub(super) is_way_free: bool,
}

/// A store that is open and watched.
#[derive(Clone)]
pub(super) struct Eyes {
    pub(super) store: Arc<Store>,
    pub(super) watch: Arc<Watch>,
}

/// The store and what is going on with it.
pub(super) struct Sight {
    pub(super) eyes: Option<Eyes>,
    pub(super) opening: Option<Task<Result<(Store, Watch), StoreError>>>,
    pub(super) reading: Option<Task<Result<Changes, StoreError>>>,
    pub(super) health: Option<Task<Result<(), StoreError>>>,
    /// Whether `out` and the state are still there: they are on disks that may hang as well.
    pub(super) places: Option<Task<Places>>,
    is_full_reading: bool,
    /// A full scan is owed.
    pub(super) scan: bool,
    /// The store was lost and opened anew: if it is empty, it is no store yet.
    is_reopened: bool,
    audit_at: Instant,
    /// How soon files that cannot be read are tried again.
    try_again: Duration,
}

impl Sight {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            eyes: None,
            opening: None,
            reading: None,
            health: None,
            places: None,
            is_full_reading: false,
            scan: true,
            is_reopened: false,
            audit_at: now,
            try_again: LOOK_EVERY,
        }
    }
}

/// Whether files could not be read that may be readable in a moment.
fn has_unreadable(changes: &Changes) -> bool {
    let found = changes
        .changed
        .iter()
        .flat_map(|change| &change.diagnostics);
    found
        .into_iter()
        .any(|diagnostic| diagnostic.code == UNREADABLE)
}

impl Daemon {
    /// Looks at what rings no bell: the store's health, the configuration's file.
    pub(super) fn look(&mut self, now: Instant) {
        match (&self.sight.health, &self.sight.eyes) {
            (Some(task), _) if now.duration_since(task.since) > HEALTH_PATIENCE => {
                self.troubles.set(Trouble::Store, Some(SILENT.to_owned()));
            }
            (None, Some(eyes)) => {
                let store = Arc::clone(&eyes.store);
                self.sight.health = Some(Task::start(move || store.health()));
            }
            (None, None) => match &self.sight.opening {
                None => self.open(),
                Some(task) if now.duration_since(task.since) > HEALTH_PATIENCE => {
                    self.troubles.set(Trouble::Store, Some(SILENT.to_owned()));
                }
                Some(_) => {}
            },
            (Some(_), _) => {}
        }
        if self.sight.places.is_none() {
            let places = self.hold.places();
            let out = self.bench.config().out.clone();
            let refused = self.bench.engine().refused().clone();
            let look = move || Places {
                are_there: places.iter().all(Place::is_there),
                is_way_free: !refused.is_empty()
                    && DirectoryView::open(&out).is_ok_and(|view| {
                        view.is_some_and(|view| refused.iter().any(|path| view.is_free(path)))
                    }),
            };
            self.sight.places = Some(Task::start(look));
        }
        let stamp = stamp(&self.source.path);
        if stamp.is_some() && stamp != self.config_stamp {
            self.reload();
        }
    }

    /// Opens and watches the store, in another thread.
    pub(super) fn open(&mut self) {
        let config = self.bench.shared_config();
        let bell = Arc::clone(&self.bell);
        let heard = self.telling.heard();
        self.sight.opening = Some(Task::start(move || {
            let store = Store::open(config)?;
            let ring = move || {
                heard.ring();
                bell.notify_one();
            };
            let watch = Watch::start(&store, Box::new(ring));
            Ok((store, watch))
        }));
    }

    pub(super) fn opened(&mut self, opened: Result<(Store, Watch), StoreError>) {
        match opened {
            Ok((store, watch)) => {
                self.sight.eyes = Some(Eyes {
                    store: Arc::new(store),
                    watch: Arc::new(watch),
                });
                self.waiters.start_over();
                self.sight.scan = true;
            }
            Err(error) => self.lose_store(&error),
        }
    }

    /// The store cannot be read: what was published stays until it can be.
    fn lose_store(&mut self, error: &StoreError) {
        self.troubles.set(
            Trouble::Store,
            Some(format!(
                "{error}; what was published stays, and only the clock moves"
            )),
        );
        self.sight.eyes = None;
        self.sight.reading = None;
        self.sight.health = None;
        self.sight.is_reopened = true;
        self.waiters.start_over();
    }

    pub(super) fn healthy(&mut self, health: Result<(), StoreError>) {
        match health {
            Err(error) => self.lose_store(&error),
            // A scan proves more; where one is owed, it has the word.
            Ok(()) if !self.sight.is_reopened && !self.sight.scan => {
                self.troubles.set(Trouble::Store, None);
            }
            Ok(()) => {}
        }
    }

    /// Starts to read what may have changed, where nothing is being read.
    pub(super) fn start_reading(&mut self, now: Instant) {
        let Some(eyes) = self.sight.eyes.clone() else {
            return;
        };
        if self.sight.reading.is_some() {
            return;
        }
        if now >= self.sight.audit_at {
            self.sight.scan = true;
        }
        let scope = if self.sight.scan {
            Scope::Everything
        } else {
            match eyes.watch.due(now) {
                Due::Ready(scope) => scope,
                Due::Idle => {
                    self.telling.silence();
                    return;
                }
                Due::At(_) => return,
            }
        };
        self.sight.is_full_reading = matches!(scope, Scope::Everything);
        if self.sight.is_full_reading {
            self.sight.scan = false;
            eyes.watch.start_over();
        }
        self.waiters.reading_begins(self.sight.is_full_reading);
        self.telling.reading();
        let known = Arc::clone(self.bench.engine().files());
        let intake = self.bench.engine().intake();
        self.sight.reading = Some(Task::start(move || {
            eyes.store
                .heard_changes(&known, &intake, &scope, &eyes.watch)
        }));
    }

    pub(super) async fn read(&mut self, changes: Result<Changes, StoreError>) {
        let changes = match changes {
            Ok(changes) => changes,
            Err(error) => {
                self.sight.scan = true;
                self.lose_store(&error);
                return;
            }
        };
        if self.sight.is_full_reading {
            if self.is_unsaved {
                self.save_at.get_or_insert_with(Instant::now);
            }
            let config = self.bench.config();
            let pause = Duration::from_secs(config.store.scan_every);
            let eyes = self.sight.eyes.as_ref();
            let blindness = eyes.and_then(|eyes| eyes.watch.blindness());
            let pause = match blindness {
                Some(_) => pause.min(BLIND_SCAN),
                None => pause,
            };
            self.sight.audit_at = Instant::now() + pause;
            if !has_unreadable(&changes) {
                self.sight.try_again = LOOK_EVERY;
            }
            if self.sight.is_reopened && self.is_nothing_left(&changes) {
                self.sight.audit_at = Instant::now() + LOOK_EVERY;
                self.troubles.set(
                    Trouble::Store,
                    Some(
                        "the store came back empty, as an unmounted one does; what was published \
                         stays"
                            .to_owned(),
                    ),
                );
                return;
            }
            self.sight.is_reopened = false;
            self.has_read = true;
            self.troubles.set(Trouble::Store, None);
            self.troubles.set(Trouble::Watch, blindness);
        }
        if has_unreadable(&changes) {
            // No bell rings when a file can be read again, as when others give descriptors back.
            let soon = Instant::now() + self.sight.try_again;
            self.sight.audit_at = self.sight.audit_at.min(soon);
            self.sight.try_again = (self.sight.try_again * 2).min(TRY_AGAIN_MAX);
        }
        self.turn(changes).await;
        self.waiters.reading_ends();
    }

    /// Whether `changes` leave nothing of a store that held something.
    fn is_nothing_left(&self, changes: &Changes) -> bool {
        let known = self.bench.engine().files().len();
        known > 0 && changes.changed.is_empty() && changes.gone.len() == known
    }
}
