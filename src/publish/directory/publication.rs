//! One publication: documents are staged as they come, in as many batches as the caller likes, and
//! nothing is visible before all of them are on the disk. So nobody has to hold all of them at once.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rayon::prelude::*;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::folders::{Folders, Missing, SYNC_ONE_BY_ONE};
use super::place::{Root, file_name};
use super::{PublishError, parent};
use crate::document::{Document, Phase, Receipt};

/// The folder documents are staged in: inside the root, so that a rename never crosses file systems.
const STAGE: &str = ".khabar-stage";
/// Documents are for everyone: rw-r--r--, whatever the umask.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);

/// What is remembered of the place of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing that could be relied on: what is there is compared, and equal bytes are not written
    /// again.
    Unknown,
    /// Another version was put there and has not been looked at since: nothing is compared. Where
    /// somebody has put these very bytes there meanwhile, they are written once more.
    Other,
}

/// A publication in progress. Dropped before it is [finished](Self::finish), it leaves everything as
/// it was.
#[derive(Debug)]
pub struct Publication<'a> {
    folders: Folders<'a>,
    stage: Option<Arc<OwnedFd>>,
    staged: Vec<Staged>,
    is_finished: bool,
}

/// A document in the stage.
#[derive(Debug)]
struct Staged {
    name: String,
    path: String,
    phase: Phase,
    /// Open as long as few enough are staged to be synced one by one.
    file: Option<File>,
}

impl<'a> Publication<'a> {
    pub(super) fn new(root: &'a Root) -> Self {
        Self {
            folders: Folders::below(root),
            stage: None,
            staged: Vec::new(),
            is_finished: false,
        }
    }

    /// Stages those of `documents` that are not in place in these bytes; `standing` is asked for each
    /// path. They need not be kept after, and come in any order; no path comes twice.
    ///
    /// # Errors
    /// Where one cannot be written. Then nothing of this publication becomes visible.
    pub fn stage(
        mut self,
        documents: &[Document],
        standing: impl Fn(&str) -> Standing + Sync,
    ) -> Result<Self, PublishError> {
        let differing: Vec<(String, &Document)> = documents
            .par_iter()
            .map(|document| (document.key.path(), document))
            .filter(|(path, document)| {
                standing(path) == Standing::Other
                    || self.folders.difference(path, &document.bytes).is_some()
            })
            .collect();
        let Some((first, _)) = differing.first() else {
            return Ok(self);
        };
        let stage = self
            .make_stage()
            .map_err(|cause| self.error("cannot write", first, cause))?;
        let number = self.staged.len();
        let keeps_open = number + differing.len() <= SYNC_ONE_BY_ONE;
        let staged: Result<Vec<Staged>, PublishError> = differing
            .into_par_iter()
            .enumerate()
            .map(|(place, (path, document))| {
                let name = (number + place).to_string();
                let file = write(&stage, &name, &document.bytes)
                    .map_err(|cause| self.error("cannot write", &path, cause))?;
                Ok(Staged {
                    name,
                    path,
                    phase: document.key.phase(),
                    file: keeps_open.then_some(file),
                })
            })
            .collect();
        self.staged.extend(staged?);
        if !keeps_open {
            for staged in &mut self.staged {
                staged.file = None;
            }
        }
        Ok(self)
    }

    /// Puts what is staged in place, parts before indexes, and then removes the documents at
    /// `retired`, with folders that this leaves empty. When this returns, everything is in place and
    /// survives a power cut.
    ///
    /// # Errors
    /// At the first file that cannot be synced, renamed or removed. What is in place is coherent.
    pub fn finish(mut self, retired: &[String]) -> Result<Receipt, PublishError> {
        self.sync_stage()?;
        self.staged.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        for phase in [Phase::Part, Phase::Index] {
            self.put_in_place(phase)?;
        }
        self.is_finished = true;
        // What was left by others goes as well, and where it does not go, that is owed like a document.
        clear(&self.folders).map_err(|cause| self.error("cannot remove", STAGE, cause))?;
        Ok(Receipt {
            written: self.staged.len(),
            removed: self.retire(retired)?,
        })
    }

    /// The stage, made where it is not there yet and emptied of what somebody left in it.
    fn make_stage(&mut self) -> io::Result<Arc<OwnedFd>> {
        if let Some(stage) = &self.stage {
            return Ok(Arc::clone(stage));
        }
        clear(&self.folders)?;
        let stage = self.folders.open(STAGE, Missing::IsMade)?;
        self.stage = Some(Arc::clone(&stage));
        Ok(stage)
    }

    /// Makes the bytes of staged documents durable.
    fn sync_stage(&mut self) -> Result<(), PublishError> {
        let (Some(first), Some(stage)) = (self.staged.first(), &self.stage) else {
            return Ok(());
        };
        if self.staged.len() > SYNC_ONE_BY_ONE {
            return rustix::fs::syncfs(stage)
                .map_err(|errno| self.error("cannot write", &first.path, errno.into()));
        }
        self.staged.par_iter().try_for_each(|staged| {
            let synced = staged.file.as_ref().map_or(Ok(()), File::sync_all);
            synced.map_err(|cause| self.error("cannot write", &staged.path, cause))
        })
    }

    fn put_in_place(&self, phase: Phase) -> Result<(), PublishError> {
        let Some(stage) = &self.stage else {
            return Ok(());
        };
        let mut folders = BTreeSet::new();
        for staged in self.staged.iter().filter(|staged| staged.phase == phase) {
            let path = staged.path.as_str();
            let folder = self.folders.open(parent(path), Missing::IsMade);
            folder
                .map_err(io::Error::from)
                .and_then(|folder| {
                    let name = file_name(path);
                    Ok(rustix::fs::renameat(stage, &staged.name, &folder, name)?)
                })
                .map_err(|cause| self.error("cannot put in place", path, cause))?;
            folders.insert(parent(path).to_owned());
        }
        self.sync(&folders)
    }

    /// Removes documents, and folders that this leaves empty.
    fn retire(&self, paths: &[String]) -> Result<usize, PublishError> {
        let mut removed = 0;
        let mut folders = BTreeSet::new();
        for path in paths {
            match self.folders.remove(path, AtFlags::empty()) {
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
    fn remove_empty<'p>(&self, folder: &'p str) -> &'p str {
        let mut folder = folder;
        while !folder.is_empty() && self.folders.remove(folder, AtFlags::REMOVEDIR).is_ok() {
            folder = parent(folder);
        }
        folder
    }

    fn sync(&self, folders: &BTreeSet<String>) -> Result<(), PublishError> {
        let synced = self.folders.sync(folders);
        synced.map_err(|cause| self.error("cannot sync", "", cause))
    }

    fn error(&self, action: &'static str, path: &str, cause: io::Error) -> PublishError {
        PublishError {
            action,
            path: self.folders.root().path().join(path),
            cause,
        }
    }
}

impl Drop for Publication<'_> {
    fn drop(&mut self) {
        if !self.is_finished && self.stage.is_some() {
            // Why it was given up is told already; what does not go now is swept by the next one.
            let _ = clear(&self.folders);
        }
    }
}

/// Removes the stage and everything in it.
pub(super) fn clear(folders: &Folders<'_>) -> io::Result<()> {
    match folders.remove(STAGE, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // What is no folder is told when it is opened.
        Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let stage = folders.open(STAGE, Missing::Fails)?;
    for entry in rustix::fs::Dir::read_from(&stage)? {
        let entry = entry?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            rustix::fs::unlinkat(&stage, entry.file_name(), AtFlags::empty())?;
        }
    }
    Ok(folders.remove(STAGE, AtFlags::REMOVEDIR)?)
}

fn write(stage: &OwnedFd, name: &str, bytes: &[u8]) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let handle = rustix::fs::openat(stage, name, flags, FILE_MODE)?;
    rustix::fs::fchmod(&handle, FILE_MODE)?;
    let mut file = File::from(handle);
    file.write_all(bytes)?;
    Ok(file)
}
