//! Opening a database for reading, and what is asked of it.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::config::{RowsConfig, Select};

/// So often a locked database is tried again, shortly after one another at first, 5 s in all: writers
/// hold it for as long as a disk takes.
const TRIES: i32 = 300;
/// So many of them are a short pause apart.
const QUICK_TRIES: i32 = 60;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// SQLite says so.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file cannot be looked at.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// The columns are not those that are needed.
    #[error("{0}")]
    Columns(String),
    /// It is not the file that was opened.
    #[error("another file is in its place")]
    Replaced,
}

/// Which file a path leads to: its device and inode. A file that is open keeps its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

impl Identity {
    /// Of the file at `path`.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let meta = path.metadata()?;
        Ok(Self(meta.dev(), meta.ino()))
    }
}

/// Opens the database for reading. Where it is locked, it is tried for a while.
pub(super) fn open(path: &Path) -> Result<Connection, Failure> {
    let mut connection = open_impatient(path)?;
    connection.busy_handler(Some(|tries| {
        if tries >= TRIES {
            return false;
        }
        let pause = if tries < QUICK_TRIES { 2 } else { 20 };
        std::thread::sleep(Duration::from_millis(pause));
        true
    }))?;
    Ok(connection)
}

/// As [`open`], but where the database is locked, that is an error at once.
pub(super) fn open_impatient(path: &Path) -> Result<Connection, Failure> {
    // It creates nothing, and the path is no URI.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

/// A number that another one takes the place of with each commit of others
/// (<https://www.sqlite.org/pragma.html#pragma_data_version>).
pub(super) fn version(connection: &Connection) -> Result<i64, Failure> {
    Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
}

/// The queries of a store.
#[derive(Debug)]
pub(super) struct Statements {
    /// Every row.
    pub(super) all: String,
    /// The rows whose keys stand in the JSON list `?1`.
    pub(super) by_key: String,
    key: String,
    /// Without one, nothing says which rows are new.
    sequence: Option<String>,
}

impl Statements {
    /// For these rows.
    pub(super) fn new(rows: &RowsConfig) -> Self {
        let all = match &rows.select {
            Select::Table(name) => format!("SELECT * FROM {}", quoted(name)),
            // What stands behind the query may be a comment.
            Select::Query(query) => format!("SELECT * FROM (\n{query}\n)"),
        };
        let key = format!("article.{}", quoted(&rows.key));
        let by_key = format!("{all} AS article WHERE {key} IN (SELECT value FROM json_each(?1))");
        Self {
            sequence: rows.sequence.as_deref().map(quoted),
            all,
            by_key,
            key,
        }
    }

    /// The rows whose sequence is `?1` or more, for several may have the last one, and those whose
    /// keys stand in the JSON list `?2`, where `and_keys`.
    pub(super) fn newest(&self, and_keys: bool) -> Option<String> {
        let Self { all, key, .. } = self;
        let sequence = self.sequence.as_ref()?;
        let newest = format!("{all} AS article WHERE article.{sequence} >= ?1");
        Some(if and_keys {
            format!("{newest} OR {key} IN (SELECT value FROM json_each(?2))")
        } else {
            newest
        })
    }
}

/// A name as SQL takes it, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
