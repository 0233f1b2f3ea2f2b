//! A directory as target: documents are staged, synced, renamed into place, parts before indexes,
//! removals last.
//!
//! A reader sees the old or the new version of a document, never half of one, and an index never
//! names a part that is not there. What khabar did not write is never touched. Everything happens
//! beneath the target's root without following links: a link planted in place of a document is
//! replaced, and what it led to stays as it is.

mod lock;
mod place;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::AtFlags;
use rustix::io::Errno;

use crate::document::{Document, Phase, Receipt, Release, TargetId};

pub use lock::{Lock, LockError, Place};
use place::Root;

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
        root.sweep().map_err(|cause| LockError::Unusable {
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

    /// Publishes a release. When this returns, every document is in place and survives a power cut.
    ///
    /// # Errors
    /// At the first file that cannot be written, renamed or removed. Nothing half-written is left.
    pub fn apply(&self, release: &Release) -> Result<Receipt, PublishError> {
        let changed: Vec<&Document> = release
            .documents
            .iter()
            .filter(|document| {
                self.view
                    .difference(&document.key.path(), &document.bytes)
                    .is_some()
            })
            .collect();
        let published = self.put_in_place(&changed);
        // Empty now, or full of what failed: it goes in any case, and where it does not go, that is
        // owed like a document.
        let swept = self.view.root.sweep();
        published?;
        swept.map_err(|cause| self.error("cannot remove", place::STAGE, cause))?;
        Ok(Receipt {
            written: changed.len(),
            removed: self.retire(&release.retired)?,
        })
    }

    fn put_in_place(&self, documents: &[&Document]) -> Result<(), PublishError> {
        let staged = self.view.root.stage(documents)?;
        for phase in [Phase::Part, Phase::Index] {
            let mut folders = BTreeSet::new();
            for (name, document) in staged.iter().filter(|(_, d)| d.key.phase() == phase) {
                let path = document.key.path();
                self.view
                    .root
                    .rename_from_stage(name, &path)
                    .map_err(|cause| self.error("cannot put in place", &path, cause))?;
                folders.insert(parent(&path).to_owned());
            }
            self.sync(&folders)?;
        }
        Ok(())
    }

    /// Removes documents, and folders that this leaves empty.
    fn retire(&self, paths: &[String]) -> Result<usize, PublishError> {
        let mut removed = 0;
        let mut folders = BTreeSet::new();
        for path in paths {
            match self.view.root.remove(path, AtFlags::empty()) {
                Ok(()) => {
                    removed += 1;
                    folders.insert(parent(path).to_owned());
                }
                // Gone already, or a folder that somebody put in its place.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::ISDIR) => {}
                Err(errno) => return Err(self.error("cannot remove", path, errno.into())),
            }
        }
        let mut kept = BTreeSet::new();
        for folder in &folders {
            kept.insert(self.remove_empty(folder).to_owned());
        }
        self.sync(&kept)?;
        Ok(removed)
    }

    /// Removes a folder and its parents as far as they are empty; returns the first that stays.
    fn remove_empty<'a>(&self, folder: &'a str) -> &'a str {
        let mut folder = folder;
        while !folder.is_empty() && self.view.root.remove(folder, AtFlags::REMOVEDIR).is_ok() {
            folder = parent(folder);
        }
        folder
    }

    fn sync(&self, folders: &BTreeSet<String>) -> Result<(), PublishError> {
        self.view
            .root
            .sync_folders(folders)
            .map_err(|cause| self.error("cannot sync", "", cause))
    }

    fn error(&self, action: &'static str, path: &str, cause: io::Error) -> PublishError {
        PublishError {
            action,
            path: self.view.root.path().join(path),
            cause,
        }
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
        !self.root.exists(path) && !self.root.is_blocked(path)
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

    /// The paths of a release at which somebody else's files stand.
    #[must_use]
    pub fn foreign(&self, release: &Release) -> BTreeSet<String> {
        foreign(&self.root, release)
    }

    /// Documents of khabar's own that a release of everything neither writes nor removes: nobody
    /// remembers them.
    #[must_use]
    pub fn orphans(&self, release: &Release) -> Vec<String> {
        orphans(&self.root, release)
    }

    /// How the document at `path` differs from `bytes`; `None` where it does not.
    #[must_use]
    pub fn difference(&self, path: &str, bytes: &[u8]) -> Option<Difference> {
        self.root.difference(path, bytes)
    }

    /// Whether anything is at `path`.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.root.exists(path)
    }
}

/// The paths of a release at which somebody else's files stand, or a folder, or what is no folder
/// above them. What no memory knows is khabar's where it says so, or where it is what is to be written
/// anyway. Where nothing at all is remembered of the target, documents in formats that have no place
/// for that are khabar's where they look so and the front says so.
fn foreign(root: &Root, release: &Release) -> BTreeSet<String> {
    let documents = release.documents.iter();
    let bytes: HashMap<String, &[u8]> = documents
        .map(|document| (document.key.path(), document.bytes.as_slice()))
        .collect();
    let is_written = |path: &String| {
        let bytes = bytes.get(path);
        bytes.is_some_and(|bytes| root.difference(path, bytes).is_none())
    };
    let is_front_signed = !release.is_target_known && is_front_signed(root);
    let blocked = bytes.keys().filter(|path| root.is_blocked(path));
    let unproven = release.unproven.iter().filter(|path| root.exists(path));
    let others = unproven.filter(|path| !is_own(root, path, is_front_signed) && !is_written(path));
    blocked.chain(others).cloned().collect()
}

/// Documents of khabar's own that a release of everything neither writes nor removes: nobody
/// remembers them.
fn orphans(root: &Root, release: &Release) -> Vec<String> {
    let written: BTreeSet<String> = release.documents.iter().map(|d| d.key.path()).collect();
    let is_front_signed = is_front_signed(root);
    let there = root.documents().into_iter();
    there
        .filter(|path| !written.contains(path) && !release.retired.contains(path))
        .filter(|path| is_own(root, path, is_front_signed))
        .collect()
}

fn is_front_signed(root: &Root) -> bool {
    SIGNED.iter().any(|name| root.is_signed(name))
}

/// Whether the file at `path` is khabar's by what it says or looks like.
fn is_own(root: &Root, path: &str, is_front_signed: bool) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    if SIGNED.contains(&name) {
        root.is_signed(path)
    } else {
        is_front_signed && root.is_shaped(path)
    }
}

/// The folder of a path below the root, without a trailing slash; empty for the root itself.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
