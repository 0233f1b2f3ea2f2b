//! What is published, by path: nothing that is not on the shelf can be reached.
//!
//! The shell puts every release on the shelf once it is in place in `out`. What readers ask for all
//! the time is held in memory, so that it is served whatever becomes of the disk: the feeds of the
//! front, of sections (as far as there is room) and of channels, the overviews, the news, and the
//! sitemaps of the newest month.
//! The rest is read from `out` when it is asked for, and held as long as a number of bytes allows.
//!
//! **Last-Modified** is when a version's file was written, as far as that lies neither in the future
//! nor before the version before; as whole seconds must tell versions apart, the second version of a
//! second is dated a second later, and not dated at all until that has come. A restart reads the
//! dates from the files again, so of several versions within one second the last may then be dated
//! that much earlier.

mod table;

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use tokio::sync::Semaphore;

use super::cache::Cache;
use super::delta::History;
use super::disk::Out;
use super::press::Press;
use super::version::{Before, Version};
use crate::article::{ContentHash, WebUrl};
use crate::config::Config;
use crate::document::{DocumentKind, Manifest, Release};
use table::{Content, Entry, Table, is_pinned, month};

/// Bytes of documents held that are not pinned, as they are.
const CACHE_BYTES: usize = 64 << 20;
/// How many documents are read from `out` at a time. A disk that hangs keeps no more threads.
const READS: usize = 4;
/// How long a document may take to come from `out`.
const READ_PATIENCE: Duration = Duration::from_secs(5);

/// Everything that is published.
#[derive(Debug)]
pub(super) struct Shelf {
    out: Arc<Out>,
    table: RwLock<Table>,
    cache: Mutex<Cache>,
    reads: Arc<Semaphore>,
    press: Press,
    /// Something has been published, now or by an earlier run.
    is_stocked: AtomicBool,
}

/// Why there is no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// None of that name is published.
    Unknown,
    /// Nothing is published yet, or `out` cannot be read: it may be there in a moment.
    NotNow,
}

/// How much is on the shelf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stock {
    /// Documents.
    pub(super) documents: usize,
    /// Those held in memory for good.
    pub(super) pinned: usize,
    /// Bytes held of others.
    pub(super) cached_bytes: usize,
    /// Versions that wait to be compressed.
    pub(super) uncompressed: usize,
}

impl Shelf {
    /// An empty shelf.
    ///
    /// # Errors
    /// Where the system has no thread to give.
    pub(super) fn new(config: &Config) -> io::Result<Self> {
        Ok(Self {
            out: Arc::new(Out::new(config.out.clone())),
            table: RwLock::new(Table::new(&config.publication.feeds_url)),
            cache: Mutex::new(Cache::new(CACHE_BYTES)),
            reads: Arc::new(Semaphore::new(READS)),
            press: Press::start()?,
            is_stocked: AtomicBool::new(false),
        })
    }

    /// Takes over what earlier runs published, as far as it is there, and what they remembered of
    /// feeds. It may have changed since it was noted, so its bytes say what it is.
    pub(super) fn adopt(&self, manifest: &Manifest, histories: &BTreeMap<String, History>) {
        let mut table = self.write();
        let known = manifest
            .keys()
            .filter_map(|path| Some((path, DocumentKind::of_path(path)?)));
        let known: Vec<(&String, DocumentKind)> = known.collect();
        for (_, kind) in &known {
            table.month = table.month.max(month(*kind));
        }
        let found: Vec<(String, Entry)> = known
            .into_par_iter()
            .map(|(path, kind)| {
                let entry = self.found(&table, path, kind, histories.get(path));
                (path.clone(), entry)
            })
            .collect();
        self.press
            .add(found.iter().filter_map(|(_, entry)| entry.pinned()));
        table.entries.extend(found);
        let is_stocked = !table.entries.is_empty();
        self.is_stocked.store(is_stocked, Ordering::Relaxed);
    }

    /// The entry of a document that an earlier run published.
    fn found(
        &self,
        table: &Table,
        path: &str,
        kind: DocumentKind,
        history: Option<&History>,
    ) -> Entry {
        let stored = Entry {
            kind,
            content: Content::Stored(None),
            modified: 0,
        };
        // What cannot be read now may be read when it is asked for.
        let read = is_pinned(kind, table.month).then(|| self.out.read(path).ok());
        let Some((bytes, written)) = read.flatten() else {
            return stored;
        };
        if !table.pins(kind, table.month, bytes.len(), None) {
            return stored;
        }
        let modified = written.min(now());
        let before = history.map_or(Before::Nothing, Before::History);
        let version = table.version(path, kind, bytes.into(), modified, before);
        Entry {
            content: Content::Pinned(Arc::new(version)),
            modified,
            ..stored
        }
    }

    /// What the next run is to remember of feeds.
    pub(super) fn histories(&self) -> BTreeMap<String, History> {
        let pinned: Vec<(String, Arc<Version>)> = {
            let table = self.read();
            let entries = table.entries.iter();
            entries
                .filter_map(|(path, entry)| Some((path.clone(), Arc::clone(entry.pinned()?))))
                .collect()
        };
        let histories = pinned
            .into_iter()
            .filter_map(|(path, version)| Some((path, version.history()?)));
        histories.collect()
    }

    /// Puts a release on the shelf: its documents are in place in `out`.
    pub(super) fn put(&self, release: Release) {
        let now = now();
        let changed: Vec<(String, Entry)> = {
            let table = self.read();
            let latest = release
                .documents
                .iter()
                .filter_map(|document| month(DocumentKind::of_path(&document.key.path())?))
                .max();
            let month = table.month.max(latest);
            release
                .documents
                .into_par_iter()
                .filter_map(|document| {
                    let path = document.key.path();
                    let entry = self.entry(&table, month, &path, document.bytes, now)?;
                    Some((path, entry))
                })
                .collect()
        };
        self.press
            .add(changed.iter().filter_map(|(_, entry)| entry.pinned()));
        // What is replaced is let go after the lock is.
        let mut replaced = Vec::with_capacity(changed.len());
        let mut table = self.write();
        let mut cache = self.cache();
        let month_before = table.month;
        for path in &release.retired {
            cache.remove(path);
            if let Some(removed) = table.entries.remove(path) {
                table.unpin(&removed);
                replaced.push(removed);
            }
        }
        for (path, entry) in changed {
            cache.remove(&path);
            table.month = table.month.max(month(entry.kind));
            replaced.extend(table.entries.insert(path, entry));
        }
        if table.month != month_before {
            table.unpin_old_months();
        }
        drop((cache, table));
        self.is_stocked.store(true, Ordering::Relaxed);
    }

    /// The entry of a document that was published; `None` where it is on the shelf as it is.
    fn entry(
        &self,
        table: &Table,
        newest: Option<(i32, u32)>,
        path: &str,
        bytes: Vec<u8>,
        now: i64,
    ) -> Option<Entry> {
        let kind = DocumentKind::of_path(path)?;
        let old = table.entries.get(path);
        let known = old.and_then(Entry::hash);
        let hash = ContentHash::of(&bytes);
        if known == Some(hash) {
            return None;
        }
        let written = self
            .out
            .modified(path)
            .map_or(now, |written| written.min(now));
        let least = old.map_or(0, |old| old.modified + i64::from(known.is_some()));
        let modified = written.max(least);
        let content = if table.pins(kind, newest, bytes.len(), old) {
            let before = old.and_then(Entry::pinned);
            let before = before.map_or(Before::Nothing, |before| Before::Version(before));
            let version = table.version(path, kind, bytes.into(), modified, before);
            Content::Pinned(Arc::new(version))
        } else {
            Content::Stored(Some(hash))
        };
        Some(Entry {
            kind,
            content,
            modified,
        })
    }

    /// Has later versions name this site and these hubs, as a new configuration does. Hubs are named
    /// only where they are told of every change.
    pub(super) fn set_links(&self, site: &WebUrl, hubs: &[WebUrl]) {
        self.write().set_links(site, hubs);
    }

    /// The document at a path of a URL, decoded and without its first slash. A proxy may have taken
    /// the folder away that `out` is served below, or not.
    pub(super) async fn get(self: &Arc<Self>, path: &str) -> Result<Arc<Version>, Absent> {
        if !self.is_stocked.load(Ordering::Relaxed) {
            return Err(Absent::NotNow);
        }
        let (path, entry) = {
            let table = self.read();
            let (path, entry) = table.find(path).ok_or(Absent::Unknown)?;
            match &entry.content {
                Content::Pinned(version) => return Ok(Arc::clone(version)),
                Content::Stored(_) => (path.to_owned(), entry.clone()),
            }
        };
        self.stored(&path, &entry).await
    }

    async fn stored(self: &Arc<Self>, path: &str, entry: &Entry) -> Result<Arc<Version>, Absent> {
        let hash = entry.hash();
        if let Some(version) = self.cached(path, hash) {
            return Ok(version);
        }
        let reading = async {
            let permit = Arc::clone(&self.reads).acquire_owned().await.ok()?;
            // Somebody may have read it while this one waited.
            if let Some(version) = self.cached(path, hash) {
                return Some(version);
            }
            let reader = Arc::clone(self);
            let (path, entry) = (path.to_owned(), entry.clone());
            let read = tokio::task::spawn_blocking(move || {
                // Held until the disk has answered, so that one that hangs takes no more threads.
                let _permit = permit;
                reader.load(&path, &entry)
            });
            match read.await {
                Ok(Ok(version)) => Some(version),
                Ok(Err(error)) => {
                    tracing::debug!("a document cannot be read from out: {error}");
                    None
                }
                Err(_) => None,
            }
        };
        let read = tokio::time::timeout(READ_PATIENCE, reading).await;
        read.ok().flatten().ok_or(Absent::NotNow)
    }

    fn cached(&self, path: &str, hash: Option<ContentHash>) -> Option<Arc<Version>> {
        let version = self.cache().get(path)?;
        // The hash of what is on the shelf decides; where it is not known, what was read does.
        hash.is_none_or(|hash| hash == version.hash)
            .then_some(version)
    }

    /// Reads a document that is not held, and holds it.
    fn load(&self, path: &str, entry: &Entry) -> io::Result<Arc<Version>> {
        let (bytes, written) = self.out.read(path)?;
        let mut version = Version::new(entry.kind, bytes.into(), 0);
        let hash = version.hash;
        // While a release is put in place, the file may be newer than the entry: it is served as
        // what it is, and remembered once the entry says the same.
        let is_known = match &entry.content {
            Content::Stored(known) => known.is_none_or(|known| known == hash),
            Content::Pinned(_) => false,
        };
        let modified = if is_known && entry.hash().is_some() {
            entry.modified
        } else {
            written.min(now()).max(entry.modified)
        };
        version = version.dated(modified);
        version.link = self.read().link(path, entry.kind);
        let version = Arc::new(version);
        if is_known {
            self.cache().put(path, Arc::clone(&version));
            // This answer does not wait for it.
            self.press.add_rare(&version);
        }
        Ok(version)
    }

    /// How much there is.
    pub(super) fn stock(&self) -> Stock {
        let table = self.read();
        Stock {
            documents: table.entries.len(),
            pinned: table.entries.values().filter_map(Entry::pinned).count(),
            cached_bytes: self.cache().weight(),
            uncompressed: self.press.waiting(),
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests;
