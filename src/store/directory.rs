//! A directory of articles: walks it, reads what may have changed, and refuses what is no
//! ordinary file.
//!
//! What was listed is never trusted when it is opened: a file is opened beneath the root without
//! following links (`openat2`), and what was opened decides. Nothing is written here.

mod ignore;
mod read;
mod walk;

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use rustix::fs::{Mode, OFlags};

use crate::article::{
    Body, Change, Changes, ContentHash, Diagnostic, Files, Finding, Place, Severity, StorePath,
};
use crate::config::Config;
use crate::store::format;

use walk::Listed;

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

    /// What happened since the files `known` were taken in: every file is read, and those whose bytes
    /// are known are left out. `progress` is called from many threads with how many more files have been read and
    /// how many there are.
    ///
    /// # Errors
    /// Where the root cannot be listed. Folders below it that cannot be are remarks, and what was
    /// known in them stays.
    pub fn changes(
        &self,
        known: &Files,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Changes, StoreError> {
        let listing = walk::walk(self)?;
        let total = listing.files.len() as u64;
        let mut outcomes: Vec<(StorePath, Seen)> = listing
            .files
            .par_iter()
            .map(|file| {
                let seen = self.look(file, known);
                progress(1, total);
                (file.path.clone(), seen)
            })
            .collect();
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
        changes.gone = known
            .at_or_below("")
            .filter(|path| !present.contains(*path))
            .filter(|path| !listing.unread.iter().any(|folder| is_below(path, folder)))
            .cloned()
            .collect();
        Ok(changes)
    }

    /// The bodies of articles, in the order asked for. One that cannot be read now is left out.
    #[must_use]
    pub fn bodies(&self, paths: &[StorePath]) -> Vec<(StorePath, Body)> {
        paths
            .par_iter()
            .filter_map(|path| {
                let listed = walk::locate(self, path)?;
                let bytes = read::read(self, &listed).ok()?;
                let body = Body {
                    hash: Some(ContentHash::of(&bytes)),
                    html: format::body(path, &bytes, &self.config),
                };
                Some((path.clone(), body))
            })
            .collect()
    }

    fn look(&self, file: &Listed, known: &Files) -> Seen {
        let refused = |problem: read::Refusal| {
            Seen::Changed(Box::new(Change {
                path: file.path.clone(),
                hash: None,
                finding: Finding::Rejected,
                diagnostics: vec![problem.into_diagnostic(&file.path)],
            }))
        };
        if let Some(refusal) = &file.refusal {
            return refused(refusal.clone());
        }
        let bytes = match read::read(self, file) {
            Ok(bytes) => bytes,
            Err(read::Refusal::Gone) => return Seen::Gone,
            Err(refusal) => return refused(refusal),
        };
        let hash = ContentHash::of(&bytes);
        if known.has_read(&file.path, hash) {
            return Seen::Unchanged;
        }
        let reading = format::read(&file.path, &bytes, &self.config);
        Seen::Changed(Box::new(Change {
            path: file.path.clone(),
            hash: Some(hash),
            finding: reading.finding,
            diagnostics: reading.diagnostics,
        }))
    }
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
