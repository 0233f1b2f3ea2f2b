//! A directory of articles: walks it, reads what may have changed, and refuses what is no
//! ordinary file.
//!
//! What was listed is never trusted when it is opened: a file is opened beneath the root without
//! following links (`openat2`), and what was opened decides. Nothing is written here but cookies, by
//! which `khabar sync` tells how far listening has come.

mod heard;
mod ignore;
mod read;
mod stamps;
mod walk;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rayon::prelude::*;
use rustix::fs::{FsWord, Mode, OFlags};

use crate::article::{
    Body, Change, Changes, ContentHash, Diagnostic, Files, Finding, Place, Severity, Sighting,
    StorePath,
};
use crate::config::Config;
use crate::store::format;

pub use heard::{Due, Scope, When};
use read::Reader;
use stamps::Stamps;
use walk::Listed;
pub use watch::{Cookie, Watch};

/// File systems (statfs(2), `f_type`) on which every change of a file sets a time that nobody else can
/// set: ext2 to ext4, XFS, Btrfs, F2FS, ZFS, tmpfs, overlayfs. On others (network, FUSE, FAT) every run
/// reads every file.
const CHANGES_ARE_TIMED: [FsWord; 7] = [
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0xf2f5_2010,
    0x2fc1_2fc1,
    0x0102_1994,
    0x794c_7630,
];

/// The store cannot be used as a whole. That is not the same as an empty store.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the store {path} cannot be used: {cause}; check [store] path, its permissions, its mount")]
pub struct StoreError {
    /// The root.
    pub path: PathBuf,
    /// Why.
    pub cause: Arc<std::io::Error>,
}

/// A store that is a directory.
#[derive(Debug)]
pub struct DirectoryStore {
    root: PathBuf,
    handle: OwnedFd,
    config: Arc<Config>,
    /// The stamps of files when they were read.
    stamps: Mutex<Stamps>,
}

impl DirectoryStore {
    /// Opens the store of `config`, resolving links in the path of its root once.
    ///
    /// # Errors
    /// Where the root is missing, not a directory, or unreadable.
    pub fn open(config: Arc<Config>) -> Result<Self, StoreError> {
        let opened = config.store.path.canonicalize().and_then(|root| {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let handle = rustix::fs::open(&root, flags, Mode::empty())?;
            Ok((root, handle))
        });
        match opened {
            Ok((root, handle)) => Ok(Self {
                root,
                handle,
                config,
                stamps: Mutex::default(),
            }),
            Err(cause) => Err(StoreError {
                path: config.store.path.clone(),
                cause: Arc::new(cause),
            }),
        }
    }

    /// The root, with links resolved.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What happened since the files `known` were taken in: every file is looked at, and those whose
    /// bytes are known are left out. `progress` is called from many threads with how many more files
    /// have been looked at and how many there are.
    ///
    /// # Errors
    /// Where the root cannot be listed. Folders below it that cannot be are remarks, and what was
    /// known in them stays.
    pub fn changes(
        &self,
        known: &Files,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Changes, StoreError> {
        let listing = walk::walk(self, &|_| {})?;
        let candidates = known.at_or_below("").cloned().collect();
        Ok(self.settle(listing, candidates, known, progress))
    }

    /// What happened where `watch` heard something, and `known` covers that: as
    /// [`DirectoryStore::changes`] says of everything. What is missing counts once it has been so
    /// for a while; until then it stays pending.
    ///
    /// # Errors
    /// As [`DirectoryStore::changes`].
    pub fn heard_changes(
        &self,
        known: &Files,
        scope: &Scope,
        watch: &Watch,
    ) -> Result<Changes, StoreError> {
        match scope {
            Scope::Everything => self.changes_of_everything(known, watch),
            Scope::Paths(paths) => self.changes_of_paths(known, paths, watch),
        }
    }

    fn changes_of_everything(&self, known: &Files, watch: &Watch) -> Result<Changes, StoreError> {
        let since = Instant::now();
        let listing = walk::walk(self, &|folder| watch.arm(folder))?;
        let candidates = known.at_or_below("").cloned().collect();
        let mut changes = self.settle(listing, candidates, known, &|_, _| {});
        if !changes.gone.is_empty() {
            self.await_the_rest(&mut changes, known, watch, since);
        }
        Ok(changes)
    }

    /// Waits whether what is missing comes back, for an editor may be about to put it there, and,
    /// where it is much, until nothing more vanishes.
    fn await_the_rest(&self, changes: &mut Changes, known: &Files, watch: &Watch, since: Instant) {
        // What cannot be looked at has not vanished.
        let is_there = |path: &StorePath| {
            let seen = self.root.join(path.as_str()).symlink_metadata();
            seen.err().is_none_or(|error| {
                !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
            })
        };
        let when = When {
            first: since,
            last: since,
        };
        loop {
            std::thread::sleep(watch.settle_delete());
            changes.gone.retain(|path| {
                let is_back = is_there(path);
                if is_back {
                    watch.ring_since(path.as_str(), when);
                }
                !is_back
            });
            if changes.gone.len() <= heard::FEW_MISSING || since.elapsed() > heard::MISSING_MAX {
                return;
            }
            let mut seen: HashSet<&StorePath> = changes.gone.iter().collect();
            seen.extend(changes.changed.iter().map(|change| &change.path));
            let rest: Vec<&StorePath> = known
                .at_or_below("")
                .filter(|path| !seen.contains(*path))
                .collect();
            let more: Vec<StorePath> = rest
                .into_par_iter()
                .filter(|path| !is_there(path))
                .cloned()
                .collect();
            if more.is_empty() {
                return;
            }
            changes.gone.extend(more);
            changes.gone.sort();
        }
    }

    fn changes_of_paths(
        &self,
        known: &Files,
        paths: &BTreeMap<String, When>,
        watch: &Watch,
    ) -> Result<Changes, StoreError> {
        let here: Vec<(&String, When, walk::Here)> = paths
            .par_iter()
            .map(|(path, when)| {
                let here = walk::walk_at(self, path, &|folder| watch.arm(folder))?;
                Ok((path, *when, here))
            })
            .collect::<Result<_, StoreError>>()?;
        let mut whole = walk::Listing::default();
        let mut candidates = BTreeSet::new();
        let mut heard: HashMap<StorePath, When> = HashMap::new();
        for (path, when, here) in here {
            match here {
                walk::Here::Link => watch.escalate(when),
                walk::Here::Nothing => {
                    let below: Vec<&StorePath> = known.at_or_below(path).collect();
                    if !below.is_empty() && watch.is_gone(path, when) {
                        candidates.extend(below.into_iter().cloned());
                    }
                }
                walk::Here::Listing(listing) => {
                    let listed: HashSet<&StorePath> =
                        listing.files.iter().map(|file| &file.path).collect();
                    let missing = known
                        .at_or_below(path)
                        .filter(|path| !listed.contains(*path));
                    let gone = missing.filter(|path| watch.is_gone(path.as_str(), when));
                    candidates.extend(gone.cloned());
                    heard.extend(listing.files.iter().map(|file| (file.path.clone(), when)));
                    whole.files.extend(listing.files);
                    whole.remarks.extend(listing.remarks);
                    whole.unread.extend(listing.unread);
                }
            }
        }
        whole.files.sort_by(|a, b| a.path.cmp(&b.path));
        whole.files.dedup_by(|a, b| a.path == b.path);
        let linked = self.linked(known, paths);
        let changes = self.settle(whole, candidates, known, &|_, _| {});
        for change in &changes.changed {
            let others = self.stamps().other_names(&change.path);
            if let Some(when) = heard.get(&change.path) {
                for name in others {
                    watch.ring_since(name.as_str(), *when);
                }
            }
        }
        for linked in linked {
            // It was changed under this name, perhaps, before another file took the name.
            if self.stamps().inode(&linked.path) != Some(linked.inode) {
                for name in linked.others {
                    watch.ring_since(name.as_str(), linked.when);
                }
            }
        }
        Ok(changes)
    }

    /// The known files where something was heard that have other names.
    fn linked(&self, known: &Files, paths: &BTreeMap<String, When>) -> Vec<Linked> {
        let stamps = self.stamps();
        let heard = paths
            .iter()
            .flat_map(|(path, when)| known.at_or_below(path).map(move |path| (path, *when)));
        heard
            .filter_map(|(path, when)| {
                let others = stamps.other_names(path);
                let inode = stamps.inode(path).filter(|_| !others.is_empty())?;
                Some(Linked {
                    path: path.clone(),
                    inode,
                    others,
                    when,
                })
            })
            .collect()
    }

    /// Looks at what was listed; of the candidates, what was not seen is gone.
    fn settle(
        &self,
        listing: walk::Listing,
        candidates: BTreeSet<StorePath>,
        known: &Files,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Changes {
        let total = listing.files.len() as u64;
        let look = |reader: &mut Reader<'_>, file: &Listed| {
            let seen = self.look(reader, file, known);
            progress(1, total);
            (file.path.clone(), seen)
        };
        let is_new = |file: &Listed| known.get(&file.path).is_none();
        let mut outcomes: Vec<(StorePath, Seen)> =
            read::at_depth(self, &listing.files, is_new, || {
                let files = listing.files.par_iter();
                files.map_init(|| Reader::new(self), look).collect()
            });
        outcomes.sort_by(|a, b| a.0.cmp(&b.0));
        let mut changes = Changes {
            remarks: listing.remarks,
            ..Changes::default()
        };
        let mut present = HashSet::with_capacity(outcomes.len());
        for (path, seen) in outcomes {
            match seen {
                Seen::Gone => continue,
                Seen::Unchanged => {}
                Seen::Changed(change) => changes.changed.push(*change),
            }
            present.insert(path);
        }
        let is_unread = |path: &StorePath| listing.unread.iter().any(|f| is_below(path, f));
        changes.gone = candidates
            .into_iter()
            .filter(|path| !present.contains(path) && !is_unread(path))
            .collect();
        let mut stamps = self.stamps();
        for path in &changes.gone {
            stamps.remove(path);
        }
        drop(stamps);
        changes
    }

    /// The bodies of articles, in the order asked for. One that cannot be read now is left out.
    #[must_use]
    pub fn bodies(&self, paths: &[StorePath]) -> Vec<(StorePath, Body)> {
        paths
            .par_iter()
            .map_init(
                || Reader::new(self),
                |reader, path| {
                    let listed = walk::locate(self, path)?;
                    let (bytes, _) = reader.read(&listed).ok()?;
                    let body = Body {
                        hash: Some(ContentHash::of(bytes)),
                        html: format::body(path, bytes, &self.config),
                    };
                    Some((path.clone(), body))
                },
            )
            .flatten()
            .collect()
    }

    fn look(&self, reader: &mut Reader<'_>, file: &Listed, known: &Files) -> Seen {
        let refused = |problem: read::Refusal| {
            // It may be let go of with the stamp it bore when it was last read.
            self.stamps().remove(&file.path);
            Seen::Changed(Box::new(Change {
                path: file.path.clone(),
                hash: None,
                finding: Finding::Rejected,
                published: None,
                diagnostics: vec![problem.into_diagnostic(&file.path)],
            }))
        };
        if let Some(refusal) = &file.refusal {
            return refused(refusal.clone());
        }
        if self.is_untouched(reader, file, known) {
            return Seen::Unchanged;
        }
        let (bytes, stamp) = match reader.read(file) {
            Ok(read) => read,
            Err(read::Refusal::Gone) => return Seen::Gone,
            Err(refusal) => return refused(refusal),
        };
        let saw = |hash| match stamp {
            Some(stamp) => self.stamps().set(&file.path, Sighting { stamp, hash }),
            None => self.stamps().remove(&file.path),
        };
        let hash = ContentHash::of(bytes);
        if known.has_read(&file.path, hash) {
            saw(Some(hash));
            return Seen::Unchanged;
        }
        let reading = format::read(&file.path, bytes, &self.config);
        saw((!matches!(reading.finding, Finding::Rejected)).then_some(hash));
        Seen::Changed(Box::new(Change {
            path: file.path.clone(),
            hash: Some(hash),
            finding: reading.finding,
            published: reading.published,
            diagnostics: reading.diagnostics,
        }))
    }
}

impl DirectoryStore {
    /// Relies on what an earlier run saw, where the file system keeps the time of every change.
    #[must_use]
    pub fn with_sightings(self, sightings: &[(StorePath, Sighting)]) -> Self {
        let system = rustix::fs::fstatfs(&self.handle).map(|stat| stat.f_type);
        if system.is_ok_and(|system| CHANGES_ARE_TIMED.contains(&system)) {
            let mut stamps = self.stamps();
            for (path, seen) in sightings {
                stamps.restore(path, *seen);
            }
        }
        self
    }

    /// What another run can rely on.
    #[must_use]
    pub fn sightings(&self) -> Vec<(StorePath, Sighting)> {
        self.stamps().lasting()
    }

    /// Whether a file bears the very stamp it bore when what is known of it was read: then its bytes
    /// need not be read to be known.
    fn is_untouched(&self, reader: &mut Reader<'_>, file: &Listed, known: &Files) -> bool {
        let (Some(taken), Some(seen)) = (known.get(&file.path), self.stamps().get(&file.path))
        else {
            return false;
        };
        let is_known = seen.hash == taken.hash() && !taken.is_to_be_read();
        is_known && reader.look(file).is_ok_and(|now| now == seen.stamp)
    }

    fn stamps(&self) -> MutexGuard<'_, Stamps> {
        self.stamps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file with other names, before it is looked at.
struct Linked {
    path: StorePath,
    inode: (u64, u64),
    others: Vec<StorePath>,
    when: When,
}

/// What a look at a file showed.
enum Seen {
    /// It vanished between listing and reading.
    Gone,
    /// Its bytes are known.
    Unchanged,
    /// It is new or different.
    Changed(Box<Change>),
}

/// Whether `path` is in `folder` or below; the empty folder is the root.
fn is_below(path: &StorePath, folder: &str) -> bool {
    folder.is_empty()
        || path.as_str() == folder
        || path
            .as_str()
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

fn remark(
    severity: Severity,
    code: &'static str,
    path: &str,
    message: String,
    remedy: &str,
) -> Diagnostic {
    Diagnostic {
        severity,
        code,
        path: StorePath::new(path),
        place: Place::START,
        message,
        remedy: remedy.to_owned(),
        excerpt: None,
    }
}

#[cfg(test)]
mod tests;
