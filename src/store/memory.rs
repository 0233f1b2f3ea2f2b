//! Articles held in memory: a store without a disk, for tests and for programs that use this library.
//! No configuration names it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::StoreError;
use super::rows::{self, Absence, Cell, Columns, Comparison, Ears, Look, RowsWatch};
use crate::article::StorePath;
use crate::catalog::Intake;
use crate::config::{Config, RowsConfig, Select};
use crate::files::{Body, Changes, Ledger};

/// The column that holds the key; all others are fields.
const KEY: &str = "key";

/// Rows that others change while a store reads them; a clone is the same rows.
#[derive(Clone, Debug, Default)]
pub struct MemoryRows(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    /// The fields of each row by its key.
    rows: BTreeMap<String, BTreeMap<String, String>>,
    is_lost: bool,
    listeners: Vec<Weak<Ears>>,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held")
            .field("rows", &self.rows.len())
            .field("is_lost", &self.is_lost)
            .finish_non_exhaustive()
    }
}

impl MemoryRows {
    /// Puts a row in place of the one with its key. Fields are texts; lists and objects are JSON.
    pub fn put<'f>(&self, key: &str, fields: impl IntoIterator<Item = (&'f str, String)>) {
        let fields = fields.into_iter();
        let fields = fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        self.change(|held| drop(held.rows.insert(key.to_owned(), fields)));
    }

    /// Removes a row, where it is there.
    pub fn remove(&self, key: &str) {
        self.change(|held| drop(held.rows.remove(key)));
    }

    /// Gives a row another key, where it is there.
    pub fn rename(&self, from: &str, to: &str) {
        self.change(|held| {
            if let Some(row) = held.rows.remove(from) {
                held.rows.insert(to.to_owned(), row);
            }
        });
    }

    /// From here on the store cannot be read, or can be again.
    pub fn set_lost(&self, is_lost: bool) {
        self.change(|held| held.is_lost = is_lost);
    }

    fn change(&self, change: impl FnOnce(&mut Held)) {
        let mut held = self.lock();
        change(&mut held);
        held.listeners.retain(|ears| ears.strong_count() > 0);
        let listeners: Vec<Arc<Ears>> = held.listeners.iter().filter_map(Weak::upgrade).collect();
        drop(held);
        for ears in listeners {
            ears.hear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows, while they are there.
    fn read(&self) -> Result<MutexGuard<'_, Held>, StoreError> {
        let held = self.lock();
        if held.is_lost {
            return Err(StoreError::new("in memory", "it is lost", "restore it"));
        }
        Ok(held)
    }
}

/// A store of rows in memory.
#[derive(Debug)]
pub struct MemoryStore {
    config: Arc<Config>,
    rows: MemoryRows,
}

impl MemoryStore {
    /// Opens `rows`. Articles are read as `config` says.
    ///
    /// # Errors
    /// Where they are lost.
    pub fn open(config: Arc<Config>, rows: &MemoryRows) -> Result<Self, StoreError> {
        drop(rows.read()?);
        let rows = rows.clone();
        Ok(Self { config, rows })
    }

    /// As [`super::Store::changes`].
    ///
    /// # Errors
    /// Where the rows are lost.
    pub fn changes(&self, known: &Ledger, intake: &Intake) -> Result<Changes, StoreError> {
        let held = self.rows.read()?;
        let columns = columns(&held)?;
        let mut comparison = Comparison::new(known, intake, &self.config, "memory");
        comparison.begin_pass(&columns.1);
        for row in &held.rows {
            comparison.take(&columns.1, |at| cell(row, &columns.0, at));
        }
        drop(held);
        Ok(comparison.finish(&Absence::OfAll))
    }

    /// As [`super::Store::bodies`].
    #[must_use]
    pub fn bodies(&self, paths: &[StorePath]) -> Vec<(StorePath, Body)> {
        let Ok(held) = self.rows.read() else {
            return Vec::new();
        };
        let Ok((names, columns)) = columns(&held) else {
            return Vec::new();
        };
        let body = |path: &StorePath| {
            let row = held.rows.get_key_value(&rows::key_of(path)?)?;
            let text = columns.write(|at| cell(row, &names, at));
            Some((path.clone(), text.body(path, &self.config)))
        };
        paths.iter().filter_map(body).collect()
    }

    /// As [`super::Store::health`].
    ///
    /// # Errors
    /// Where the rows are lost.
    pub fn health(&self) -> Result<(), StoreError> {
        self.rows.read().map(drop)
    }

    /// Rings `bell` at each change, until the watch is dropped.
    pub(super) fn listen(&self, bell: Box<dyn Fn() + Send + Sync>) -> RowsWatch {
        let ears = Ears::new(Look::All, bell);
        self.rows.lock().listeners.push(Arc::downgrade(&ears));
        RowsWatch::new(ears, Box::new(()))
    }
}

/// The names of all fields that any row has, behind that of the key, and what they stand for.
fn columns(held: &Held) -> Result<(Vec<String>, Columns), StoreError> {
    let fields: std::collections::BTreeSet<&String> =
        held.rows.values().flat_map(BTreeMap::keys).collect();
    let mut names = vec![KEY.to_owned()];
    names.extend(fields.into_iter().cloned());
    let rows = RowsConfig {
        select: Select::Table("memory".to_owned()),
        key: KEY.to_owned(),
        sequence: None,
    };
    let columns = Columns::new(&names, &rows)
        .map_err(|why| StoreError::new("in memory", why, "call fields as they are called"))?;
    Ok((names, columns))
}

fn cell<'r>(
    (key, fields): (&'r String, &'r BTreeMap<String, String>),
    names: &[String],
    at: usize,
) -> Cell<'r> {
    match names.get(at) {
        Some(_) if at == 0 => Cell::Text(key),
        Some(name) => fields
            .get(name)
            .map_or(Cell::Null, |value| Cell::Text(value)),
        None => Cell::Null,
    }
}
