//! Articles on a PostgreSQL server: the rows of a table, or of a query, over any schema.
//!
//! Nothing is written there. Every reading is one snapshot (`REPEATABLE READ`, read only). What a
//! reading has seen is remembered as that snapshot, so that a transaction that began earlier and is
//! committed later is not missed. A server that cannot be asked is an error and never an empty store.

mod ask;
mod horizon;
mod listen;
mod session;
mod statements;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use rayon::prelude::*;

use self::ask::Reading;
use self::session::{Failure, Session};
use super::rows::{self, RowsWatch};
use super::{Progress, Scope, StoreError};
use crate::article::StorePath;
use crate::catalog::Intake;
use crate::config::{Config, PostgresConfig};
use crate::files::{Body, Changes, Ledger};

const REMEDY: &str = "check that the server can be reached, what [store] url, url_env or url_file \
                      says, and that the role may read what [store] names";

/// How long the server may take to say that it is there.
const HEALTH_PATIENCE: Duration = Duration::from_secs(2);
/// How long it may take to hand out bodies.
const BODIES_PATIENCE: Duration = Duration::from_secs(30);

/// A store that is a table or query of a PostgreSQL server.
#[derive(Debug)]
pub struct PostgresStore {
    config: Arc<Config>,
    settings: PostgresConfig,
    /// For readings, which may take long.
    reading: Mutex<Option<Session>>,
    /// For short questions.
    asking: Mutex<Option<Session>>,
}

impl PostgresStore {
    /// Prepares to ask the server that `settings` name. Articles are read as `config` says.
    ///
    /// # Errors
    /// Where the connection string cannot be had or read. Whether the server answers is found out
    /// when it is asked.
    pub fn open(config: Arc<Config>, settings: PostgresConfig) -> Result<Self, StoreError> {
        match session::target(&settings) {
            Ok(_) => Ok(Self {
                config,
                settings,
                reading: Mutex::default(),
                asking: Mutex::default(),
            }),
            Err(failure) => Err(unusable(&settings, failure)),
        }
    }

    /// As [`super::Store::changes`].
    ///
    /// # Errors
    /// Where the server cannot be asked.
    pub fn changes(
        &self,
        known: &Ledger,
        intake: &Intake,
        progress: Progress<'_>,
    ) -> Result<Changes, StoreError> {
        let reading = self.reading_of(known, intake, progress);
        self.with(&self.reading, &async |session| {
            ask::all(session, &reading).await
        })
    }

    /// As [`super::Store::heard_changes`].
    ///
    /// # Errors
    /// Where the server cannot be asked.
    pub fn heard_changes(
        &self,
        known: &Ledger,
        intake: &Intake,
        scope: &Scope,
        watch: &RowsWatch,
    ) -> Result<Changes, StoreError> {
        // There are none of the newest where they are too many, or nothing is known yet.
        let newest = |asked: &[StorePath]| {
            let reading = self.reading_of(known, intake, &|_, _| {});
            self.with(&self.reading, &async |session| {
                ask::newest(session, &reading, asked).await
            })
        };
        let all = || self.changes(known, intake, &|_, _| {});
        rows::heard_changes(scope, watch, newest, all)
    }

    fn reading_of<'a>(
        &'a self,
        known: &'a Ledger,
        intake: &'a Intake,
        progress: Progress<'a>,
    ) -> Reading<'a> {
        Reading {
            settings: &self.settings,
            config: &self.config,
            known,
            intake,
            progress,
        }
    }

    /// As [`super::Store::bodies`].
    #[must_use]
    pub fn bodies(&self, paths: &[StorePath]) -> Vec<(StorePath, Body)> {
        let texts = self.with(&self.asking, &async |session| {
            let texts = ask::texts(session, &self.settings, paths);
            let texts = tokio::time::timeout(BODIES_PATIENCE, texts).await;
            texts.map_err(|_| Failure::Silent)?
        });
        let texts = texts.unwrap_or_else(|error| {
            // Whoever asked goes on without, and the next reading says what is wrong.
            tracing::debug!("bodies cannot be read: {error}");
            Vec::new()
        });
        texts
            .into_par_iter()
            .map(|(path, text)| {
                let body = text.body(&path, &self.config);
                (path, body)
            })
            .collect()
    }

    /// As [`super::Store::health`].
    ///
    /// # Errors
    /// Where the server does not answer.
    pub fn health(&self) -> Result<(), StoreError> {
        // Where it is being asked for bodies, whoever asks finds out.
        if let Err(TryLockError::WouldBlock) = self.asking.try_lock() {
            return Ok(());
        }
        self.with(&self.asking, &async |session| {
            let answer = tokio::time::timeout(HEALTH_PATIENCE, session.client().batch_execute(""));
            Ok(answer.await.map_err(|_| Failure::Silent)??)
        })
    }

    /// Rings `bell` whenever something was committed, until the watch is dropped.
    pub(super) fn listen(&self, bell: Box<dyn Fn() + Send + Sync>) -> RowsWatch {
        listen::start(&self.settings, bell)
    }

    /// Does `work` in the session that `slot` holds. Where it fails in an old one, which the server or
    /// the network may have ended, it is done once more in a new one.
    fn with<T>(
        &self,
        slot: &Mutex<Option<Session>>,
        work: &impl AsyncFn(&mut Session) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let mut slot = lock(slot);
        let failed = |failure| unusable(&self.settings, failure);
        if let Some(session) = slot.as_mut() {
            if let Ok(done) = session.run(work) {
                return Ok(done);
            }
            // What it knows of earlier readings goes with it.
            *slot = None;
        }
        let mut session = Session::open(&self.settings).map_err(failed)?;
        let done = session.run(work).map_err(failed)?;
        *slot = Some(session);
        Ok(done)
    }
}

/// The server cannot be used.
fn unusable(settings: &PostgresConfig, failure: Failure) -> StoreError {
    let name = session::target(settings).map_or_else(
        |_| "on a PostgreSQL server".to_owned(),
        |target| target.name(),
    );
    StoreError::new(name, failure, REMEDY)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
