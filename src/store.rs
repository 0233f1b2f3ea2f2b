//! Where articles come from: one closed set of kinds, each of which rings a bell when something may
//! have happened, says what did, and hands out bodies.
//!
//! A kind knows of files by their paths, or of rows by their keys, which stand where paths stand.
//! What cannot be read is an error and never an empty store.

pub mod directory;
pub mod format;
pub mod memory;
#[cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    allow(
        dead_code,
        unused_imports,
        reason = "without a database, little of it is needed"
    )
)]
pub mod rows;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use self::directory::{DirectoryStore, When};
use crate::article::StorePath;
use crate::catalog::Intake;
use crate::config::{Config, StoreKind};
use crate::files::{Body, Changes, Ledger};

/// The store cannot be used as a whole. That is not the same as an empty store.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the store {store} cannot be used: {cause}; {remedy}")]
pub struct StoreError {
    /// Which store: its path, or what else names it; never a secret.
    store: String,
    /// Why.
    cause: Arc<dyn std::error::Error + Send + Sync>,
    /// What to do about it.
    remedy: &'static str,
}

impl StoreError {
    /// `store` cannot be used because of `cause`; neither may hold a secret.
    pub fn new(
        store: impl std::fmt::Display,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
        remedy: &'static str,
    ) -> Self {
        Self {
            store: store.to_string(),
            cause: Arc::from(cause.into()),
            remedy,
        }
    }
}

/// A store of any kind.
#[derive(Debug)]
pub enum Store {
    /// A folder of files.
    Directory(DirectoryStore),
    /// Rows held in memory.
    Memory(memory::MemoryStore),
    /// The rows of an SQLite database.
    #[cfg(feature = "sqlite")]
    Sqlite(Box<sqlite::SqliteStore>),
    /// The rows of a PostgreSQL server.
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::PostgresStore>),
}

/// What is to be looked at. Only the store that named it knows more of it than [`Scope::Everything`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole store, whatever was heard.
    Everything,
    /// Files and folders of which something was heard.
    Paths(std::collections::BTreeMap<String, When>),
    /// Rows that may have changed.
    Rows(rows::Wanted),
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

/// Is called with how many more articles have been looked at and how many there are, as far as that
/// is known; from many threads.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);

impl Store {
    /// Opens the store of `config`.
    ///
    /// # Errors
    /// Where it is missing, cannot be read, or is none.
    pub fn open(config: Arc<Config>) -> Result<Self, StoreError> {
        match config.store.kind.clone() {
            StoreKind::Directory(rules) => DirectoryStore::open(config, rules).map(Self::Directory),
            #[cfg(feature = "sqlite")]
            StoreKind::Sqlite(settings) => sqlite::SqliteStore::open(config, settings)
                .map(|store| Self::Sqlite(Box::new(store))),
            #[cfg(feature = "postgres")]
            StoreKind::Postgres(settings) => {
                let store = postgres::PostgresStore::open(config, settings)?;
                Ok(Self::Postgres(Box::new(store)))
            }
            #[cfg(not(feature = "postgres"))]
            StoreKind::Postgres(_) => Err(StoreError::new(
                "on a server",
                "this khabar was built without stores of its kind",
                "build it with the feature `postgres`",
            )),
            #[cfg(not(feature = "sqlite"))]
            StoreKind::Sqlite(settings) => Err(StoreError::new(
                settings.path.display(),
                "this khabar was built without stores of its kind",
                "build it with the feature `sqlite`",
            )),
        }
    }

    /// What happened since what is `known` was taken in: everything is looked at, and what is the same
    /// is left out.
    ///
    /// # Errors
    /// Where the store as a whole cannot be read.
    pub fn changes(
        &self,
        known: &Ledger,
        intake: &Intake,
        progress: Progress<'_>,
    ) -> Result<Changes, StoreError> {
        match self {
            Self::Directory(store) => store.changes(known, intake, progress),
            Self::Memory(store) => store.changes(known, intake),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.changes(known, intake, progress),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.changes(known, intake, progress),
        }
    }

    /// What happened where `watch` heard something, and `known` covers that: as [`Store::changes`]
    /// says of everything.
    ///
    /// # Errors
    /// As [`Store::changes`].
    pub fn heard_changes(
        &self,
        known: &Ledger,
        intake: &Intake,
        scope: &Scope,
        watch: &Watch,
    ) -> Result<Changes, StoreError> {
        match (self, watch) {
            (Self::Directory(store), Watch::Directory(watch)) => {
                store.heard_changes(known, intake, scope, watch)
            }
            (Self::Memory(store), _) => store.changes(known, intake),
            #[cfg(feature = "sqlite")]
            (Self::Sqlite(store), Watch::Rows(watch)) => {
                store.heard_changes(known, intake, scope, watch)
            }
            // What was heard of another store says nothing of this one.
            (Self::Directory(store), Watch::Rows(_)) => store.changes(known, intake, &|_, _| {}),
            #[cfg(feature = "sqlite")]
            (Self::Sqlite(store), Watch::Directory(_)) => store.changes(known, intake, &|_, _| {}),
            #[cfg(feature = "postgres")]
            (Self::Postgres(store), Watch::Rows(watch)) => {
                store.heard_changes(known, intake, scope, watch)
            }
            #[cfg(feature = "postgres")]
            (Self::Postgres(store), Watch::Directory(_)) => {
                store.changes(known, intake, &|_, _| {})
            }
        }
    }

    /// The bodies of articles, in any order. One that cannot be read now is left out.
    #[must_use]
    pub fn bodies(&self, paths: &[StorePath]) -> Vec<(StorePath, Body)> {
        match self {
            Self::Directory(store) => store.bodies(paths),
            Self::Memory(store) => store.bodies(paths),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.bodies(paths),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.bodies(paths),
        }
    }

    /// Whether it is still there, and no other in its place.
    ///
    /// # Errors
    /// Where it is missing, replaced or unreadable.
    pub fn health(&self) -> Result<(), StoreError> {
        match self {
            Self::Directory(store) => store.health(),
            Self::Memory(store) => store.health(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.health(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.health(),
        }
    }

    /// What people mean by `name`: the path of a file or folder as the shell or the store sees it, or
    /// the key of a row. `None` where it cannot be of this store.
    #[must_use]
    pub fn locate(&self, name: &Path) -> Option<String> {
        match self {
            Self::Directory(store) => store.locate(name),
            Self::Memory(_) => rows::locate(name),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => rows::locate(name),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => rows::locate(name),
        }
    }
}

/// Listens to a store.
#[derive(Debug)]
pub enum Watch {
    /// To a folder.
    Directory(directory::Watch),
    /// To the rows of a database.
    Rows(rows::RowsWatch),
}

/// What was sent through a store, to tell how far listening has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// A file that was written into a folder and taken away again.
    File(directory::Cookie),
    /// A bell that was rung.
    Bell,
}

impl Watch {
    /// Starts to listen to `store`; `bell` is rung from another thread whenever something was heard.
    #[must_use]
    pub fn start(store: &Store, bell: Box<dyn Fn() + Send + Sync>) -> Self {
        match store {
            Store::Directory(store) => Self::Directory(directory::Watch::start(store, bell)),
            Store::Memory(store) => Self::Rows(store.listen(bell)),
            #[cfg(feature = "sqlite")]
            Store::Sqlite(store) => Self::Rows(store.listen(bell)),
            #[cfg(feature = "postgres")]
            Store::Postgres(store) => Self::Rows(store.listen(bell)),
        }
    }

    /// Why changes may go unheard; `None` where they do not.
    #[must_use]
    pub fn blindness(&self) -> Option<String> {
        match self {
            Self::Directory(watch) => watch.blindness(),
            // It asks the database itself, and a look that fails rings as well.
            Self::Rows(_) => None,
        }
    }

    /// What is due at `now`; it is no longer pending then.
    #[must_use]
    pub fn due(&self, now: Instant) -> Due {
        match self {
            Self::Directory(watch) => watch.due(now),
            Self::Rows(watch) => watch.due(now),
        }
    }

    /// When something is due, without taking it.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        match self {
            Self::Directory(watch) => watch.next(),
            Self::Rows(watch) => watch.next(),
        }
    }

    /// Everything is about to be looked at: what was heard until now is part of that.
    pub fn start_over(&self) {
        match self {
            Self::Directory(watch) => watch.start_over(),
            Self::Rows(watch) => watch.forget(),
        }
    }

    /// One article has to be looked at for other reasons.
    pub fn ring(&self, path: &str) {
        match self {
            Self::Directory(watch) => watch.ring(path),
            Self::Rows(watch) => watch.ring(path),
        }
    }

    /// Whether nothing is pending that was heard by `then`.
    #[must_use]
    pub fn is_drained(&self, then: Instant) -> bool {
        match self {
            Self::Directory(watch) => watch.is_drained(then),
            Self::Rows(watch) => watch.is_drained(then),
        }
    }

    /// Sends something through the store: once [`Watch::is_seen`], everything that happened before
    /// has been heard. `None` where only a look at everything proves that.
    #[must_use]
    pub fn cookie(&self) -> Option<Cookie> {
        match self {
            Self::Directory(watch) => watch.cookie().map(Cookie::File),
            // Nothing is ever written to somebody else's database, and nothing has to be: what is
            // committed is there for whoever looks.
            Self::Rows(watch) => watch.sounds().then_some(Cookie::Bell),
        }
    }

    /// Whether a cookie has come through; it is told once.
    #[must_use]
    pub fn is_seen(&self, cookie: &Cookie) -> bool {
        match (self, cookie) {
            (Self::Directory(watch), Cookie::File(cookie)) => watch.is_seen(cookie),
            (Self::Rows(_), Cookie::Bell) => true,
            // It was sent through another store.
            (Self::Directory(_), Cookie::Bell) | (Self::Rows(_), Cookie::File(_)) => false,
        }
    }
}
