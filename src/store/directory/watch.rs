//! Listening to a directory: events ring a bell and say where to look, never what happened.
//!
//! One watch a folder, set before the folder is listed, all through one queue, whose order a cookie
//! relies on. Events may be lost, doubled or wrong; whoever asks the store gets the truth.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::heard::{Heard, Rest, When};
use super::ignore;
use super::{DirectoryStore, StoreError, unusable};
use crate::store::Due;

/// Files of this name, a process and a number pass through the queue and show how far it is.
const COOKIE: &str = ".khabar-cookie-";
/// Remembered cookies that nobody asked for, at the most.
const COOKIES_MAX: usize = 1_000;

/// A file that was written into the store and taken away again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cookie(String);

/// Listens to a store.
pub struct Watch {
    ears: Arc<Ears>,
    watcher: Mutex<Option<RecommendedWatcher>>,
    rest: Rest,
    /// Why events of this file system are not to be relied on.
    deaf: Option<String>,
    cookies: AtomicU64,
}

/// What the listening thread reaches.
struct Ears {
    root: PathBuf,
    state: Mutex<State>,
    bell: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    heard: Heard,
    cookies: HashSet<String>,
    limit: Option<String>,
}

impl Watch {
    /// Starts to listen; `bell` is rung from another thread whenever something was heard. Folders
    /// are armed by the first walk.
    #[must_use]
    pub fn start(store: &DirectoryStore, bell: Box<dyn Fn() + Send + Sync>) -> Self {
        let millis = Duration::from_millis;
        let config = &store.rules;
        let watch = Self {
            ears: Arc::new(Ears {
                root: store.root.clone(),
                state: Mutex::default(),
                bell,
            }),
            watcher: Mutex::new(None),
            rest: Rest {
                settle: millis(config.settle_ms),
                settle_max: millis(config.settle_max_ms),
                settle_delete: millis(config.settle_delete_ms),
            },
            deaf: deaf(store),
            cookies: AtomicU64::new(0),
        };
        watch.sweep();
        watch.renew();
        watch
    }

    /// Why changes may go unheard; `None` where they do not.
    #[must_use]
    pub fn blindness(&self) -> Option<String> {
        self.ears
            .state()
            .limit
            .clone()
            .or_else(|| self.deaf.clone())
    }

    /// What is due at `now`; it is no longer pending then.
    #[must_use]
    pub fn due(&self, now: Instant) -> Due {
        self.ears.state().heard.due(now, self.rest)
    }

    /// When something is due, without taking it.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.ears.state().heard.next(self.rest)
    }

    /// Everything is about to be looked at: what was heard until now is part of that. The watches
    /// are made anew, for after an overflow or a rename they may be wrong.
    pub fn start_over(&self) {
        self.ears.state().heard.forget();
        self.renew();
    }

    /// Something has to be looked at for other reasons.
    pub fn ring(&self, path: &str) {
        let first = Instant::now();
        self.ring_since(path, When { first, last: first });
    }

    /// What was heard of another name of the same file concerns this one.
    pub(super) fn ring_since(&self, path: &str, when: When) {
        self.ears.state().heard.since(path, when);
        (self.ears.bell)();
    }

    /// Whether nothing is pending that was heard by `then`.
    #[must_use]
    pub fn is_drained(&self, then: Instant) -> bool {
        self.ears.state().heard.is_drained(then)
    }

    /// Writes a file into the root and takes it away: once [`Watch::is_seen`], everything that
    /// happened before has been heard. `None` where that cannot be relied on.
    #[must_use]
    pub fn cookie(&self) -> Option<Cookie> {
        if self.blindness().is_some() {
            return None;
        }
        let number = self.cookies.fetch_add(1, Ordering::Relaxed);
        let name = format!("{COOKIE}{}-{number}", std::process::id());
        let path = self.ears.root.join(&name);
        std::fs::File::create_new(&path).ok()?;
        // Swept at the next start where it stays.
        let _ = std::fs::remove_file(&path);
        Some(Cookie(name))
    }

    /// Whether a cookie has come through; it is told once.
    #[must_use]
    pub fn is_seen(&self, cookie: &Cookie) -> bool {
        self.ears.state().cookies.remove(&cookie.0)
    }

    /// Hears of everything in a folder from now on.
    pub(super) fn arm(&self, folder: &Path) {
        let mut watcher = self.watcher();
        let Some(watcher) = watcher.as_mut() else {
            return;
        };
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive)
            && matches!(error.kind, ErrorKind::MaxFilesWatch)
        {
            self.ears.state().limit = Some(
                "the limit of watched folders is reached (sysctl fs.inotify.max_user_watches); \
                 the store is scanned instead"
                    .to_owned(),
            );
        }
    }

    /// A path was found missing: it counts once it has been so for the configured time. Says
    /// whether that is over.
    pub(super) fn is_gone(&self, path: &str, when: When) -> bool {
        let mut state = self.ears.state();
        let is_gone = state.heard.is_gone(path, when, Instant::now(), self.rest);
        drop(state);
        if !is_gone {
            (self.ears.bell)();
        }
        is_gone
    }

    /// How long a file must be missing before it is gone.
    pub(super) fn settle_delete(&self) -> Duration {
        self.rest.settle_delete
    }

    /// For what was heard, only everything will do.
    pub(super) fn escalate(&self, when: When) {
        self.ears.state().heard.everything(when.first);
        (self.ears.bell)();
    }

    fn renew(&self) {
        // Where the limit still stands, that is found anew.
        self.ears.state().limit = None;
        let ears = Arc::clone(&self.ears);
        let config = notify::Config::default().with_follow_symlinks(false);
        match RecommendedWatcher::new(move |event| ears.hear(event), config) {
            Ok(made) => {
                *self.watcher() = Some(made);
                // At once: a cookie put there before the walk comes by would never be heard of.
                self.arm(&self.ears.root);
            }
            Err(error) => {
                *self.watcher() = None;
                self.ears.state().limit = Some(format!(
                    "the store cannot be watched ({error}; sysctl fs.inotify.max_user_instances); \
                     it is scanned instead"
                ));
            }
        }
    }

    /// Takes away the cookies of processes that were killed.
    fn sweep(&self) {
        for entry in std::fs::read_dir(&self.ears.root)
            .into_iter()
            .flatten()
            .flatten()
        {
            if entry.file_name().to_string_lossy().starts_with(COOKIE) {
                // Ignored where it stays.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    fn watcher(&self) -> MutexGuard<'_, Option<RecommendedWatcher>> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("root", &self.ears.root)
            .finish_non_exhaustive()
    }
}

impl Ears {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called by the listening thread. It only writes down and rings.
    fn hear(&self, event: notify::Result<Event>) {
        let now = Instant::now();
        let is_news = {
            let mut state = self.state();
            if let Ok(event) = event {
                self.note(&mut state, &event, now)
            } else {
                state.heard.everything(now);
                true
            }
        };
        if is_news {
            (self.bell)();
        }
    }

    fn note(&self, state: &mut State, event: &Event, now: Instant) -> bool {
        // Before anything else: an overflow names no path.
        if event.need_rescan() {
            state.heard.overflow(now);
            return true;
        }
        // Opening and reading is what we do ourselves.
        let end_of_writing = EventKind::Access(AccessKind::Close(AccessMode::Write));
        if matches!(event.kind, EventKind::Access(_)) && event.kind != end_of_writing {
            return false;
        }
        let mut is_news = false;
        for path in &event.paths {
            is_news |= self.note_path(state, path, now);
        }
        is_news
    }

    fn note_path(&self, state: &mut State, path: &Path, now: Instant) -> bool {
        let inside = path.strip_prefix(&self.root).ok().and_then(Path::to_str);
        let Some(inside) = inside.filter(|inside| !inside.is_empty()) else {
            // The root itself, or a name that is no text.
            state.heard.everything(now);
            return true;
        };
        if inside.starts_with(COOKIE) {
            if state.cookies.len() >= COOKIES_MAX {
                state.cookies.clear();
            }
            return state.cookies.insert(inside.to_owned());
        }
        match ignore::heard(inside) {
            ignore::Heard::Nothing => return false,
            ignore::Heard::Path => state.heard.path(inside, now),
            ignore::Heard::Everything => state.heard.everything(now),
        }
        true
    }
}

impl DirectoryStore {
    /// Whether the root is still the directory that was opened, and can be listed.
    ///
    /// # Errors
    /// Where it is missing, replaced or unreadable.
    pub fn health(&self) -> Result<(), StoreError> {
        let now = Self::open(Arc::clone(&self.config), self.rules.clone())?;
        let identity = |store: &Self| {
            let stat = rustix::fs::fstat(&store.handle)?;
            Ok((stat.st_dev, stat.st_ino))
        };
        let same: std::io::Result<bool> = identity(&now).and_then(|now| Ok(now == identity(self)?));
        let cause = match same.and_then(|same| {
            std::fs::read_dir(&now.root)?;
            Ok(same)
        }) {
            Ok(true) => return Ok(()),
            Ok(false) => std::io::Error::other("another directory is in its place"),
            Err(error) => error,
        };
        Err(unusable(&self.root, cause))
    }
}

/// Why the events of the store's file system are not to be relied on: others write to it behind the
/// kernel's back (statfs(2)).
fn deaf(store: &DirectoryStore) -> Option<String> {
    const DEAF: [(u32, &str); 9] = [
        (0x6969, "NFS"),
        (0x517B, "SMB"),
        (0xFE53_4D42, "SMB"),
        (0xFF53_4D42, "CIFS"),
        (0x6573_5546, "FUSE"),
        (0x0102_1997, "9p"),
        (0x00C3_6400, "Ceph"),
        (0x5346_414F, "AFS"),
        (0x794C_7630, "overlay"),
    ];
    let magic = rustix::fs::fstatfs(&store.handle).ok()?.f_type;
    // The type differs between architectures; its low 32 bits do not.
    let magic = u32::try_from(magic & 0xFFFF_FFFF).ok()?;
    let (_, name) = DEAF.iter().find(|(known, _)| *known == magic)?;
    Some(format!(
        "changes on {name} may come without an event; the store is scanned every few seconds"
    ))
}
