//! A directory as target: documents are staged, synced, renamed into place, parts before indexes,
//! removals last.
//!
//! A reader sees the old or the new version of a document, never half of one, and an index never
//! names a part that is not there. What khabar did not write is never touched. Everything happens
//! beneath the target's root without following links: a link planted in place of a document is
//! replaced, and what it led to stays as it is.

mod folders;
mod lock;
mod place;
mod publication;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use rayon::prelude::*;

use crate::document::{Fingerprint, Manifest, Release, TargetId};
use crate::files::{CHANGES_ARE_TIMED, Seen};

use folders::Folders;
pub use lock::{Lock, LockError, Place};
use place::Root;
pub use publication::Publication;

/// A publication failed; what is in place is coherent, and publishing again completes it.
#[derive(Debug, thiserror::Error)]
#[error("{action} {path}: {cause}")]
pub struct PublishError {
    /// What was being done, such as "cannot write".
    pub action: &'static str,
    /// To which file.
    pub path: PathBuf,
    /// Why it failed.
    pub cause: io::Error,
}

/// Documents that say who made them.
const SIGNED: [&str; 3] = ["rss.xml", "atom.xml", "index.html"];

/// How a document in the target differs from what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// It is not there.
    Missing,
    /// Other bytes are there, or something that is no file.
    Other,
    /// Somebody else's file is there, and stays.
    Foreign,
}

/// A target that is a directory, held by this process alone.
#[derive(Debug)]
pub struct DirectoryTarget {
    view: DirectoryView,
    lock: Lock,
}

impl DirectoryTarget {
    /// Takes the directory at `path` for this process, making it where it is missing, and sweeps
    /// what a killed process left staged.
    ///
    /// # Errors
    /// Where another process holds it, or it cannot be used.
    pub fn lock(path: &Path) -> Result<Self, LockError> {
        let root = Root::open_or_create(path).map_err(|cause| LockError::Unusable {
            path: path.to_owned(),
            cause,
        })?;
        let lock = Lock::take(path)?;
        publication::clear(&Folders::below(&root)).map_err(|cause| LockError::Unusable {
            path: path.to_owned(),
            cause,
        })?;
        let view = DirectoryView { root };
        Ok(Self { view, lock })
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        self.lock.place()
    }

    /// What is in it.
    #[must_use]
    pub fn view(&self) -> &DirectoryView {
        &self.view
    }

    /// Begins a publication whose documents are handed over as they are made.
    #[must_use]
    pub fn begin(&self) -> Publication<'_> {
        Publication::new(&self.view.root)
    }
}

/// Looks at a target without taking it: what `verify` and `build --dry-run` need.
#[derive(Debug)]
pub struct DirectoryView {
    root: Root,
}

impl DirectoryView {
    /// Whether nothing is in the way of a document at `path`.
    #[must_use]
    pub fn is_free(&self, path: &str) -> bool {
        let folders = Folders::below(&self.root);
        !folders.exists(path) && !folders.is_blocked(path)
    }

    /// Whether exactly the documents of `manifest` are in place. One that looks as it did when it was
    /// last known to be (`looks`) is not read. Says how those look that can be relied on.
    #[must_use]
    pub fn holds_exactly(
        &self,
        manifest: &Manifest,
        looks: &BTreeMap<String, Seen>,
    ) -> Option<BTreeMap<String, Seen>> {
        let system = rustix::fs::fstatfs(self.root.handle()).ok()?.f_type;
        let is_timed = CHANGES_ARE_TIMED.contains(&system);
        let folders = Folders::below(&self.root);
        if folders
            .documents()
            .iter()
            .any(|path| !manifest.contains_key(path))
        {
            return None;
        }
        let now = SystemTime::now();
        let found: Option<Vec<Option<(String, Seen)>>> = manifest
            .par_iter()
            .map(|(path, fingerprint)| {
                let seen = looks.get(path).copied().filter(|_| is_timed);
                if let Some(seen) = seen
                    && folders
                        .stamp(path)
                        .is_some_and(|now| Seen::of(&now) == seen)
                {
                    return Some(Some((path.clone(), seen)));
                }
                let (bytes, stamp) = folders.read(path)?;
                let is_same = Fingerprint::of(&bytes) == *fingerprint;
                is_same.then(|| {
                    let can_be_relied_on = is_timed && stamp.is_settled(now);
                    can_be_relied_on.then(|| (path.clone(), Seen::of(&stamp)))
                })
            })
            .collect();
        Some(found?.into_iter().flatten().collect())
    }

    /// Opens the directory at `path`; `None` where it is missing.
    ///
    /// # Errors
    /// Where it is there and cannot be opened.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        match Root::open(path) {
            Ok(root) => Ok(Some(Self { root })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Which directory it is.
    ///
    /// # Errors
    /// Where it cannot be looked at.
    pub fn id(&self) -> io::Result<TargetId> {
        self.root.id()
    }

    /// Whose files stand where a publication would put and remove documents, as things are now.
    #[must_use]
    pub fn owners(&self) -> Owners<'_> {
        Owners::below(&self.root)
    }

    /// How the document at `path` differs from `bytes`; `None` where it does not.
    #[must_use]
    pub fn difference(&self, path: &str, bytes: &[u8]) -> Option<Difference> {
        Folders::below(&self.root).difference(path, bytes)
    }

    /// Whether anything is at `path`.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        Folders::below(&self.root).exists(path)
    }
}

/// Tells khabar's own files from those of others, for the length of one publication.
#[derive(Debug)]
pub struct Owners<'a> {
    folders: Folders<'a>,
    /// The front says that it is khabar's.
    is_front_signed: OnceLock<bool>,
}

impl<'a> Owners<'a> {
    fn below(root: &'a Root) -> Self {
        Self {
            folders: Folders::below(root),
            is_front_signed: OnceLock::new(),
        }
    }

    /// The paths of a release at which somebody else's files stand, or a folder, or what is no folder
    /// above them. What no memory knows is khabar's where it says so, or where it is what is to be
    /// written anyway. Where nothing at all is remembered of the target, documents in formats that have
    /// no place for that are khabar's where they look so and the front says so.
    #[must_use]
    pub fn foreign(&self, release: &Release) -> BTreeSet<String> {
        let documents = release.documents.iter();
        let bytes: HashMap<String, &[u8]> = documents
            .map(|document| (document.key.path(), document.bytes.as_slice()))
            .collect();
        let is_written = |path: &String| {
            let bytes = bytes.get(path);
            bytes.is_some_and(|bytes| self.folders.difference(path, bytes).is_none())
        };
        let blocked = bytes.keys().filter(|path| self.folders.is_blocked(path));
        let unproven = release.unproven.iter();
        let unproven = unproven.filter(|path| self.folders.exists(path));
        let others = unproven.filter(|path| {
            let is_signed = !release.is_target_known && self.is_front_signed();
            !is_own(&self.folders, path, is_signed) && !is_written(path)
        });
        blocked.chain(others).cloned().collect()
    }

    /// Documents of khabar's own of which nobody knows: `is_known` says which paths are written or
    /// removed.
    #[must_use]
    pub fn orphans(&self, is_known: impl Fn(&str) -> bool) -> Vec<String> {
        let there = self.folders.documents().into_iter();
        there
            .filter(|path| !is_known(path) && is_own(&self.folders, path, self.is_front_signed()))
            .collect()
    }

    fn is_front_signed(&self) -> bool {
        let is_signed = || SIGNED.iter().any(|name| self.folders.is_signed(name));
        *self.is_front_signed.get_or_init(is_signed)
    }
}

/// Whether the file at `path` is khabar's by what it says or looks like.
fn is_own(folders: &Folders<'_>, path: &str, is_front_signed: bool) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    if SIGNED.contains(&name) {
        folders.is_signed(path)
    } else {
        is_front_signed && folders.is_shaped(path)
    }
}

/// The folder of a path below the root, without a trailing slash; empty for the root itself.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests;
