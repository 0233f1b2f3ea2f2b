//! `[store]`: where articles come from, for each kind of store. A kind that this program was built
//! without is a fault here, and so is a key that belongs to another kind.

use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use globset::GlobSet;

use super::announce::variable;
use super::check::{globs, path};
use super::duration::{DAY, HOUR, MINUTE, SECOND, milliseconds, seconds};
use super::fault::Checked;
use super::typed::{Table, Value};
use super::{Secret, SectionFrom};

/// Milliseconds. More often than every second, audits would be all that is done.
const SCAN_EVERY: RangeInclusive<u64> = SECOND..=7 * DAY;
/// Milliseconds. Longer than an hour, news would no longer be news.
const SETTLE: RangeInclusive<u64> = 0..=HOUR;
/// Milliseconds. A look more often than that would be work without a gain anyone could see.
const POLL: RangeInclusive<u64> = 20..=MINUTE;

// Used where the file says nothing.

/// Milliseconds.
const DEFAULT_SETTLE: u64 = 50;
/// Milliseconds.
const DEFAULT_SETTLE_DELETE: u64 = 500;
/// Milliseconds.
const DEFAULT_SETTLE_MAX: u64 = 2 * SECOND;
/// Seconds.
const DEFAULT_SCAN_EVERY: u64 = 5 * MINUTE / SECOND;
/// Milliseconds.
const DEFAULT_POLL: u64 = 200;
/// Milliseconds. A server is far away, and tells by itself.
const DEFAULT_SERVER_POLL: u64 = SECOND;
const DEFAULT_CHANNEL: &str = "khabar";
const DEFAULT_KEY: &str = "id";

/// `[store]`.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// What it is, and how it is reached.
    pub kind: StoreKind,
    /// Where the section comes from; articles of a database have fields alone.
    pub section_from: SectionFrom,
    /// Seconds between two audits.
    pub scan_every: u64,
}

/// `[store] kind`.
#[derive(Clone, Debug)]
pub enum StoreKind {
    /// A folder of files.
    Directory(DirectoryConfig),
    /// A table or query of an SQLite database.
    Sqlite(SqliteConfig),
    /// A table or query of a PostgreSQL server.
    Postgres(PostgresConfig),
}

impl StoreConfig {
    /// Where it lies on this machine, absolute: the folder, or the database file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.kind {
            StoreKind::Directory(directory) => Some(&directory.path),
            StoreKind::Sqlite(sqlite) => Some(&sqlite.path),
            StoreKind::Postgres(_) => None,
        }
    }
}

/// `kind = "directory"`.
#[derive(Clone, Debug)]
pub struct DirectoryConfig {
    /// The root, absolute; links in it are not resolved yet.
    pub path: PathBuf,
    /// Files to read, where any are named.
    pub include: Option<GlobSet>,
    /// Files to leave out.
    pub exclude: GlobSet,
    /// Follow links out of the store and links to folders.
    pub follow_symlinks: bool,
    /// Milliseconds of quiet before a file is read.
    pub settle_ms: u64,
    /// Milliseconds before a deletion counts.
    pub settle_delete_ms: u64,
    /// Milliseconds after which a busy file is read all the same.
    pub settle_max_ms: u64,
}

/// `kind = "sqlite"`.
#[derive(Clone, Debug)]
pub struct SqliteConfig {
    /// The database file, absolute.
    pub path: PathBuf,
    /// What is read from it.
    pub rows: RowsConfig,
    /// Milliseconds between two looks whether something was committed.
    pub poll_ms: u64,
}

/// `kind = "postgres"`.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// Where the server is, and who asks.
    pub url: ConnectionUrl,
    /// A file of certificates, absolute, that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// What is read from it.
    pub rows: RowsConfig,
    /// The table that says which rows were changed, where there is one.
    pub changes: Option<String>,
    /// The channel that is notified of changes.
    pub channel: String,
    /// Milliseconds between two looks whether something was committed without a word.
    pub poll_ms: u64,
}

/// A connection string of PostgreSQL. It may hold a password: nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub enum ConnectionUrl {
    /// As the configuration has it.
    Given(String),
    /// Where it is.
    At(Secret),
}

impl std::fmt::Debug for ConnectionUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Given(_) => f.write_str("Given(…)"),
            Self::At(secret) => f.debug_tuple("At").field(secret).finish(),
        }
    }
}

/// Which rows are articles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsConfig {
    /// Where they come from.
    pub select: Select,
    /// The column that tells one row from another, for good.
    pub key: String,
    /// The column that grows with every change of a row, where there is one.
    pub sequence: Option<String>,
}

/// Where rows come from. The columns are the fields of an article, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Select {
    /// A table or view, by name.
    Table(String),
    /// One `SELECT`, without the semicolon behind it.
    Query(String),
}

/// A path, and where in the file it stands; nowhere for a default.
#[derive(Clone)]
pub(super) struct Located {
    pub(super) path: PathBuf,
    pub(super) span: Option<Range<usize>>,
}

/// The value of `path`, with its place.
pub(super) fn located(value: &Value<'_>, folder: &Path) -> Checked<Located> {
    Ok(Located {
        path: path(value, folder)?,
        span: Some(value.span()),
    })
}

/// The words of `kind`.
#[derive(Clone, Copy)]
enum Word {
    Directory,
    Sqlite,
    Postgres,
}

/// `[store]`, and its path by itself: it is compared with others even where another key of the table
/// is at fault.
pub(super) fn store(
    table: &mut Table<'_>,
    folder: &Path,
) -> (Checked<Option<Located>>, Checked<StoreConfig>) {
    let kind = table.or("kind", Word::Directory, |value| {
        let word = value.word(&[
            ("directory", Word::Directory),
            ("sqlite", Word::Sqlite),
            ("postgres", Word::Postgres),
        ])?;
        match word {
            Word::Directory => {}
            Word::Sqlite => refuse_unbuilt(value, cfg!(feature = "sqlite"), "sqlite"),
            Word::Postgres => refuse_unbuilt(value, cfg!(feature = "postgres"), "postgres"),
        }
        Ok(word)
    });
    let scan_every = table.or("scan_every", DEFAULT_SCAN_EVERY, |value| {
        seconds(value, &SCAN_EVERY)
    });
    let (path, kind, section_from) = match kind {
        Ok(Word::Sqlite) => {
            let (path, sqlite) = sqlite(table, folder);
            let kind = sqlite.map(StoreKind::Sqlite);
            (path.map(Some), kind, Ok(SectionFrom::Field))
        }
        Ok(Word::Postgres) => {
            let kind = postgres(table, folder).map(StoreKind::Postgres);
            (Ok(None), kind, Ok(SectionFrom::Field))
        }
        // Where the kind is at fault, that has been reported, and most stores are directories.
        Ok(Word::Directory) | Err(_) => {
            let section_from = table.or("section_from", SectionFrom::Field, |value| {
                value.word(&[
                    ("field", SectionFrom::Field),
                    ("directory", SectionFrom::Directory),
                ])
            });
            let (path, directory) = directory(table, folder);
            let kind = directory.map(StoreKind::Directory);
            (path.map(Some), kind, section_from)
        }
    };
    let resolve = || {
        Ok(StoreConfig {
            kind: kind?,
            section_from: section_from?,
            scan_every: scan_every?,
        })
    };
    (path, resolve())
}

/// Reports a kind that this program was built without.
fn refuse_unbuilt(value: &Value<'_>, is_built: bool, feature: &str) {
    if !is_built {
        // Reported, which is all: the keys of the table are checked all the same.
        let _ = value.fault(
            &format!("this khabar was built without stores of the kind `{feature}`"),
            &format!("build it with `cargo install --locked --path . --features {feature}`"),
        );
    }
}

fn directory(table: &mut Table<'_>, folder: &Path) -> (Checked<Located>, Checked<DirectoryConfig>) {
    let path = table.required("path", "path = \"articles\"", |value| {
        located(value, folder)
    });
    // No pattern at all means every file, not none.
    let include = table.optional("include", globs);
    let exclude = table.or("exclude", GlobSet::empty(), globs);
    let follow_symlinks = table.or("follow_symlinks", false, Value::boolean);
    let settle = table.or("settle", DEFAULT_SETTLE, |value| {
        milliseconds(value, &SETTLE)
    });
    let settle_delete = table.or("settle_delete", DEFAULT_SETTLE_DELETE, |value| {
        milliseconds(value, &SETTLE)
    });
    // A longer `settle` takes a default `settle_max` with it.
    let most = settle.map_or(DEFAULT_SETTLE_MAX, |settle| settle.max(DEFAULT_SETTLE_MAX));
    let settle_max = table.or("settle_max", most, |value| {
        let most = milliseconds(value, &SETTLE)?;
        match settle {
            Ok(settle) if most < settle => Err(value.fault(
                "`store.settle_max` is shorter than `store.settle`",
                "make it longer: it is the most that `store.settle` may be put off",
            )),
            _ => Ok(most),
        }
    });
    let resolve = || {
        Ok(DirectoryConfig {
            path: path.clone()?.path,
            include: include?.filter(|globs| !globs.is_empty()),
            exclude: exclude?,
            follow_symlinks: follow_symlinks?,
            settle_ms: settle?,
            settle_delete_ms: settle_delete?,
            settle_max_ms: settle_max?,
        })
    };
    let directory = resolve();
    (path, directory)
}

fn sqlite(table: &mut Table<'_>, folder: &Path) -> (Checked<Located>, Checked<SqliteConfig>) {
    let path = table.required("path", "path = \"cms.sqlite3\"", |value| {
        located(value, folder)
    });
    let rows = rows(table);
    let poll = table.or("poll", DEFAULT_POLL, |value| milliseconds(value, &POLL));
    let resolve = || {
        Ok(SqliteConfig {
            path: path.clone()?.path,
            rows: rows?,
            poll_ms: poll?,
        })
    };
    let sqlite = resolve();
    (path, sqlite)
}

fn postgres(table: &mut Table<'_>, folder: &Path) -> Checked<PostgresConfig> {
    let given = table.optional("url", |value| Ok(value.text()?.to_owned()));
    let variable = table.optional("url_env", |value| variable(value, "DATABASE_URL"));
    let file = table.optional("url_file", |value| path(value, folder));
    let ca_file = table.optional("ca_file", |value| path(value, folder));
    let rows = rows(table);
    let changes = table.optional("changes", name);
    let channel = table.or("channel", DEFAULT_CHANNEL.to_owned(), name);
    let poll = table.or("poll", DEFAULT_SERVER_POLL, |value| {
        milliseconds(value, &POLL)
    });
    let urls: Vec<ConnectionUrl> = [
        given?.map(ConnectionUrl::Given),
        variable?.map(|name| ConnectionUrl::At(Secret::Variable(name))),
        file?.map(|path| ConnectionUrl::At(Secret::File(path))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let url = match <[ConnectionUrl; 1]>::try_from(urls) {
        Ok([url]) => Ok(url),
        Err(_) => Err(table.fault(
            "exactly one of `store.url`, `store.url_env` and `store.url_file` has to say where the server is",
            "add `url_env = \"DATABASE_URL\"`, and put `postgres://user:password@host/database` into that variable",
        )),
    };
    Ok(PostgresConfig {
        url: url?,
        ca_file: ca_file?,
        rows: rows?,
        changes: changes?,
        channel: channel?,
        poll_ms: poll?,
    })
}

/// `table` or `query`, `key` and `sequence`.
fn rows(table: &mut Table<'_>) -> Checked<RowsConfig> {
    let from = table.optional("table", name);
    let query = table.optional("query", |value| {
        let query = value.text()?.trim().trim_end_matches(';').trim_end();
        if query.is_empty() || query.contains('\0') {
            return Err(value.fault(
                "`store.query` is no query",
                "write one `SELECT` whose columns are the fields of an article",
            ));
        }
        Ok(query.to_owned())
    });
    let key = table.or("key", DEFAULT_KEY.to_owned(), name);
    let sequence = table.optional("sequence", name);
    let select = match (from?, query?) {
        (Some(name), None) => Ok(Select::Table(name)),
        (None, Some(query)) => Ok(Select::Query(query)),
        (Some(_), Some(_)) => Err(table.fault(
            "`store.table` and `store.query` both say where articles come from",
            "remove one of the two",
        )),
        (None, None) => Err(table.fault(
            "`store.table` and `store.query` are missing",
            "add `table = \"articles\"`, or a `query` whose columns are the fields of an article",
        )),
    };
    Ok(RowsConfig {
        select: select?,
        key: key?,
        sequence: sequence?,
    })
}

/// The name of a table or column.
fn name(value: &Value<'_>) -> Checked<String> {
    let name = value.text()?;
    if name.trim().is_empty() || name.contains('\0') {
        return Err(value.fault(
            &format!("`{}` is no name", value.name()),
            "write the name as the database has it",
        ));
    }
    Ok(name.to_owned())
}
