//! What is published, by path: nothing that is not on the shelf can be reached.
//!
//! The shell puts every release on the shelf once it is in place in `out`. What readers ask for all
//! the time is held in memory, so that it is served whatever becomes of the disk: the feeds of the
//! front, of sections and of channels, the overviews, the news, and the sitemaps of the newest month.
//! The rest is read from `out` when it is asked for, and held as long as a number of bytes allows.
//!
//! **Last-Modified** is when a version's file was written, as far as that lies neither in the future
//! nor before the version before; as whole seconds must tell versions apart, the second version of a
//! second is dated a second later, and not dated at all until that has come. A restart reads the
//! dates from the files again, so of several versions within one second the last may then be dated
//! that much earlier.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::body::Bytes;
use hyper::header::HeaderValue;
use rayon::prelude::*;
use tokio::sync::Semaphore;

use super::cache::Cache;
use super::disk::Out;
use super::path;
use super::press::Press;
use super::version::Version;
use crate::article::{ContentHash, WebUrl};
use crate::config::Config;
use crate::document::{ChannelKind, DocumentKind, Manifest, Release, url_of};

/// Bytes of documents held that are not pinned.
const CACHE_BYTES: usize = 64 << 20;
/// How many documents are read from `out` at a time. A disk that hangs keeps no more threads.
const READS: usize = 4;
/// How long a document may take to come from `out`.
const READ_PATIENCE: Duration = Duration::from_secs(5);

/// What a URL that names no file stands for.
const PAGE: &str = "index.html";

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

#[derive(Debug)]
struct Table {
    entries: HashMap<String, Entry>,
    /// The newest month that has a sitemap.
    month: Option<(i32, u32)>,
    /// Where `out` is served.
    site: WebUrl,
    /// The path of that, decoded and without its first slash.
    folder: String,
    hubs: Vec<WebUrl>,
}

#[derive(Clone, Debug)]
struct Entry {
    kind: DocumentKind,
    content: Content,
    /// See [`Version::modified`]; the least it can be where that is not known yet.
    modified: i64,
}

#[derive(Clone, Debug)]
enum Content {
    Pinned(Arc<Version>),
    /// In `out`; the hash where it is known.
    Stored(Option<ContentHash>),
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
            table: RwLock::new(Table {
                entries: HashMap::new(),
                month: None,
                folder: folder(&config.publication.feeds_url),
                site: config.publication.feeds_url.clone(),
                hubs: Vec::new(),
            }),
            cache: Mutex::new(Cache::new(CACHE_BYTES)),
            reads: Arc::new(Semaphore::new(READS)),
            press: Press::start()?,
            is_stocked: AtomicBool::new(false),
        })
    }

    /// Takes over what earlier runs published, as far as it is there. It may have changed since it
    /// was noted, so its bytes say what it is.
    pub(super) fn adopt(&self, manifest: &Manifest) {
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
                let stored = Entry {
                    kind,
                    content: Content::Stored(None),
                    modified: 0,
                };
                // What cannot be read now may be read when it is asked for.
                let read = table.pins(kind).then(|| self.out.read(path).ok()).flatten();
                let Some((bytes, written)) = read else {
                    return (path.clone(), stored);
                };
                let modified = written.min(now());
                let version = table.version(path, kind, bytes.into(), modified, None);
                let pinned = Entry {
                    content: Content::Pinned(Arc::new(version)),
                    modified,
                    ..stored
                };
                (path.clone(), pinned)
            })
            .collect();
        self.press
            .add(found.iter().filter_map(|(_, entry)| entry.pinned()));
        table.entries.extend(found);
        let is_stocked = !table.entries.is_empty();
        self.is_stocked.store(is_stocked, Ordering::Relaxed);
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
            replaced.extend(table.entries.remove(path));
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
        let content = if is_pinned(kind, newest) {
            let before = old.and_then(Entry::pinned).map(|before| &**before);
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
        let mut table = self.write();
        table.folder = folder(site);
        table.site = site.clone();
        table.hubs = hubs.to_vec();
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
        let bytes = Bytes::from(bytes);
        let hash = ContentHash::of(&bytes);
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
        let version = self.read().version(path, entry.kind, bytes, modified, None);
        version.compress(|| true);
        let version = Arc::new(version);
        if is_known {
            self.cache().put(path, Arc::clone(&version));
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

impl Table {
    /// The entry at a path of a URL, and its path below `out`.
    fn find<'a>(&'a self, path: &'a str) -> Option<(&'a str, &'a Entry)> {
        let at = |path: &'a str| {
            let path = if path.is_empty() { PAGE } else { path };
            Some((path, self.entries.get(path)?))
        };
        at(path).or_else(|| at(path.strip_prefix(&self.folder)?))
    }

    fn pins(&self, kind: DocumentKind) -> bool {
        is_pinned(kind, self.month)
    }

    /// A version with its links, and the deltas to it from those before.
    fn version(
        &self,
        path: &str,
        kind: DocumentKind,
        bytes: Bytes,
        modified: i64,
        before: Option<&Version>,
    ) -> Version {
        let mut version = Version::new(kind, bytes, modified).with_deltas(before);
        if matches!(kind, DocumentKind::Feed(..)) {
            let mut link = format!("<{}>; rel=\"self\"", url_of(path, &self.site));
            for hub in &self.hubs {
                // Writing to a String cannot fail.
                let _ = write!(link, ", <{hub}>; rel=\"hub\"");
            }
            version.link = HeaderValue::from_str(&link).ok();
        }
        version
    }

    /// Sitemaps of months that are not the newest any more are read when they are asked for.
    fn unpin_old_months(&mut self) {
        let newest = self.month;
        for entry in self.entries.values_mut() {
            if !is_pinned(entry.kind, newest)
                && let Content::Pinned(version) = &entry.content
            {
                entry.content = Content::Stored(Some(version.hash));
            }
        }
    }
}

impl Entry {
    fn hash(&self) -> Option<ContentHash> {
        match &self.content {
            Content::Pinned(version) => Some(version.hash),
            Content::Stored(hash) => *hash,
        }
    }

    fn pinned(&self) -> Option<&Arc<Version>> {
        match &self.content {
            Content::Pinned(version) => Some(version),
            Content::Stored(_) => None,
        }
    }
}

/// The decoded path of a site, without its first slash.
fn folder(site: &WebUrl) -> String {
    let url = site.to_url();
    let folder = url.and_then(|url| Some(path::decoded(url.path()).ok()?.into_owned()));
    folder.unwrap_or_default()
}

/// Whether a document is held in memory for good, where `newest` is the newest month.
fn is_pinned(kind: DocumentKind, newest: Option<(i32, u32)>) -> bool {
    match kind {
        DocumentKind::Feed(ChannelKind::Story, _) => false,
        DocumentKind::Sitemap { .. } => month(kind) == newest,
        DocumentKind::Feed(..)
        | DocumentKind::NewsSitemap
        | DocumentKind::SitemapIndex
        | DocumentKind::Opml
        | DocumentKind::Stories
        | DocumentKind::Page => true,
    }
}

fn month(kind: DocumentKind) -> Option<(i32, u32)> {
    match kind {
        DocumentKind::Sitemap { year, month } => Some((year, month)),
        _ => None,
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
