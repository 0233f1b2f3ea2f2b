//! Articles in an SQLite database: the rows of a table, or of a query.
//!
//! The database is another program's. It is opened for reading alone, every reading is one
//! transaction and so one snapshot, and none holds a lock while articles are made of what was read.
//! A database that is missing, locked for long, damaged or replaced is an error and never empty.

mod connection;
mod listen;
mod pass;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value;

use self::connection::{Failure, Identity, Statements};
use self::pass::{Ended, Pass, Stop};
use super::rows::{self, Absence, Comparison, RowsWatch, Text};
use super::{Progress, Scope, StoreError};
use crate::article::StorePath;
use crate::catalog::Intake;
use crate::config::{Config, Select, SqliteConfig};
use crate::files::{Body, Changes, Ledger};

const REMEDY: &str = "check [store] path, its permissions, and whether it has the table or answers \
                      the query, with the columns that key and sequence name";

/// A store that is an SQLite database.
pub struct SqliteStore {
    config: Arc<Config>,
    settings: SqliteConfig,
    statements: Statements,
    /// Which file was opened.
    identity: Identity,
    connection: Mutex<Connection>,
    /// Bodies do not wait for a long reading.
    for_bodies: Mutex<Connection>,
    /// The largest sequence that was read.
    newest: Mutex<Option<Value>>,
}

impl SqliteStore {
    /// Opens the database that `settings` name. Articles are read as `config` says.
    ///
    /// # Errors
    /// Where it is missing or no database, or has not the table, the query's tables, or the columns
    /// that are asked for.
    pub fn open(config: Arc<Config>, settings: SqliteConfig) -> Result<Self, StoreError> {
        let opened = || {
            let before = Identity::of(&settings.path)?;
            let connection = connection::open(&settings.path)?;
            let for_bodies = connection::open(&settings.path)?;
            let statements = Statements::new(&settings.rows);
            pass::columns(&connection.prepare(&statements.all)?, &settings.rows)?;
            if Identity::of(&settings.path)? != before {
                return Err(Failure::Replaced);
            }
            Ok((before, connection, for_bodies, statements))
        };
        match opened() {
            Ok((identity, connection, for_bodies, statements)) => Ok(Self {
                config,
                settings,
                statements,
                identity,
                connection: Mutex::new(connection),
                for_bodies: Mutex::new(for_bodies),
                newest: Mutex::default(),
            }),
            Err(failure) => Err(unusable(&settings, failure)),
        }
    }

    /// As [`super::Store::changes`].
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn changes(
        &self,
        known: &Ledger,
        intake: &Intake,
        progress: Progress<'_>,
    ) -> Result<Changes, StoreError> {
        let changes = self.changes_of_all(known, intake, progress);
        changes.map_err(|failure| unusable(&self.settings, failure))
    }

    /// As [`super::Store::heard_changes`].
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn heard_changes(
        &self,
        known: &Ledger,
        intake: &Intake,
        scope: &Scope,
        watch: &RowsWatch,
    ) -> Result<Changes, StoreError> {
        // There are none of the newest where they are too many, or nothing is known yet.
        let newest = |asked: &[StorePath]| {
            let changes = self.changes_of_newest(known, intake, asked);
            changes.map_err(|failure| unusable(&self.settings, failure))
        };
        let all = || self.changes(known, intake, &|_, _| {});
        rows::heard_changes(scope, watch, newest, all)
    }

    /// What happened to any row. The lock is let go while what was found is read, and what was gone
    /// through before is not gone through again where nothing was committed meanwhile.
    fn changes_of_all(
        &self,
        known: &Ledger,
        intake: &Intake,
        progress: Progress<'_>,
    ) -> Result<Changes, Failure> {
        let connection = lock(&self.connection);
        let mut comparison = Comparison::new(known, intake, &self.config, self.name());
        let mut newest = None;
        let mut stop = None;
        // Each pass but the last finds more to read than fits, of which the next finds nothing new.
        loop {
            let snapshot = connection.unchecked_transaction()?;
            let version = connection::version(&snapshot)?;
            let before = stop.take().filter(|stop: &Stop| stop.version == version);
            if before.is_none() {
                newest = None;
            }
            let mut pass = Pass {
                comparison: &mut comparison,
                rows: &self.settings.rows,
                newest: &mut newest,
                progress,
            };
            let ended = pass.run(&snapshot, &self.statements.all, [], before.as_ref())?;
            // Nothing was written: how it ends makes no difference but to whoever waits to write.
            drop(snapshot);
            match ended {
                Ended::AtTheEnd => break,
                Ended::Here { rows, key } => stop = Some(Stop { version, rows, key }),
                Ended::Astray => {}
            }
            comparison.read();
        }
        *lock(&self.newest) = newest;
        drop(connection);
        Ok(comparison.finish(&Absence::OfAll))
    }

    /// What happened to the rows whose sequence has grown, and to those that are asked for. `None`
    /// where that cannot be told, or is too much.
    fn changes_of_newest(
        &self,
        known: &Ledger,
        intake: &Intake,
        asked: &[StorePath],
    ) -> Result<Option<Changes>, Failure> {
        let since = lock(&self.newest).clone();
        let by_sequence = self.statements.newest(!asked.is_empty());
        let (Some(since), Some(by_sequence)) = (since, by_sequence) else {
            return Ok(None);
        };
        let mut newest = Some(since.clone());
        let mut comparison = Comparison::new(known, intake, &self.config, self.name());
        let ended = {
            let connection = lock(&self.connection);
            let snapshot = connection.unchecked_transaction()?;
            let mut pass = Pass {
                comparison: &mut comparison,
                rows: &self.settings.rows,
                newest: &mut newest,
                progress: &|_, _| {},
            };
            if asked.is_empty() {
                pass.run(&snapshot, &by_sequence, [&since], None)?
            } else {
                pass.run(&snapshot, &by_sequence, (&since, keys(asked)), None)?
            }
        };
        let Ended::AtTheEnd = ended else {
            return Ok(None);
        };
        *lock(&self.newest) = newest;
        Ok(Some(comparison.finish(&Absence::Of(asked))))
    }

    /// As [`super::Store::bodies`].
    #[must_use]
    pub fn bodies(&self, paths: &[StorePath]) -> Vec<(StorePath, Body)> {
        let texts = self.texts(paths).unwrap_or_else(|failure| {
            // Whoever asked goes on without, and the next reading says what is wrong.
            tracing::debug!("bodies cannot be read: {failure}");
            Vec::new()
        });
        let body = |(path, text): (StorePath, Text)| {
            let body = text.body(&path, &self.config);
            (path, body)
        };
        texts.into_par_iter().map(body).collect()
    }

    /// The rows of these paths.
    fn texts(&self, paths: &[StorePath]) -> Result<Vec<(StorePath, Text)>, Failure> {
        let connection = lock(&self.for_bodies);
        let snapshot = connection.unchecked_transaction()?;
        let mut statement = snapshot.prepare(&self.statements.by_key)?;
        let mut texts = Vec::with_capacity(paths.len());
        let mut rows = statement.query([keys(paths)])?;
        let mut columns = None;
        while let Some(row) = rows.next()? {
            let columns = match &mut columns {
                Some(columns) => columns,
                // The table may have changed since the statement was prepared.
                none => none.insert(pass::columns(row.as_ref(), &self.settings.rows)?),
            };
            let path = columns.path(|at| pass::cell(row, at));
            texts.extend(path.map(|path| (path, columns.write(|at| pass::cell(row, at)))));
        }
        Ok(texts)
    }

    /// As [`super::Store::health`].
    ///
    /// # Errors
    /// Where the file is missing or another one.
    pub fn health(&self) -> Result<(), StoreError> {
        let same = Identity::of(&self.settings.path).and_then(|now| {
            if now == self.identity {
                Ok(())
            } else {
                Err(Failure::Replaced)
            }
        });
        same.map_err(|failure| unusable(&self.settings, failure))
    }

    /// Rings `bell` whenever something was committed, until the watch is dropped.
    pub(super) fn listen(&self, bell: Box<dyn Fn() + Send + Sync>) -> RowsWatch {
        listen::start(&self.settings, bell)
    }

    /// What remarks call the table or query.
    fn name(&self) -> &str {
        match &self.settings.rows.select {
            Select::Table(name) => name,
            Select::Query(_) => "query",
        }
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The database cannot be used.
fn unusable(settings: &SqliteConfig, failure: Failure) -> StoreError {
    StoreError::new(settings.path.display(), failure, REMEDY)
}

/// The keys of these paths as JSON, each as text, and as a number where it is one: a column without a
/// type of its own takes only the one or the other for the same.
fn keys(paths: &[StorePath]) -> String {
    let keys = paths.iter().filter_map(rows::key_of);
    let both = keys.flat_map(|key| {
        let number: Option<i64> = key.parse().ok();
        let number = number.filter(|number| number.to_string() == key);
        [
            Some(serde_json::Value::from(key)),
            number.map(serde_json::Value::from),
        ]
    });
    serde_json::Value::Array(both.flatten().collect()).to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
