//! One publication: documents are staged as they come, by as many threads as the caller likes, and
//! nothing is visible before all of them are on the disk. So nobody has to hold all of them at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;
use rustix::fs::{AtFlags, FileType, IFlags, Mode, OFlags};
use rustix::io::Errno;

use super::folders::{FOLDER, Folders, Missing, SYNC_ONE_BY_ONE, make};
use super::place::{Root, file_name};
use super::{Owners, PublishError, parent};
use crate::document::{Document, Phase, Receipt, Release};

/// The folder documents are staged in: inside the root, so that a rename never crosses file systems.
const STAGE: &str = ".khabar-stage";
/// So many documents lie in one folder of the stage, where there are many.
const DRAWER: usize = 128;
/// The stage has drawers, and these have folders.
const STAGE_DEPTH: usize = 2;
/// Documents are for everyone: rw-r--r--, whatever the umask.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);

/// A publication in progress. Dropped before it is [finished](Self::finish), it leaves everything as
/// it was.
#[derive(Debug)]
pub struct Publication<'a> {
    owners: Owners<'a>,
    stage: Mutex<Stage>,
    is_synced: bool,
    is_finished: bool,
}

/// What has been staged so far.
#[derive(Debug, Default)]
struct Stage {
    handle: Option<Arc<OwnedFd>>,
    documents: Vec<Staged>,
    /// The first of them, open as long as they are few enough to be synced one by one.
    open: Vec<File>,
    /// How many documents there are, with those that are being written.
    count: usize,
    /// Tells the folders in the stage from one another.
    made: usize,
    /// The folders that are being filled, by thread.
    drawers: BTreeMap<Option<usize>, Drawer>,
}

/// A folder of the stage that one thread fills. Two that create files in one folder wait for each
/// other.
#[derive(Debug)]
struct Drawer {
    name: String,
    handle: Arc<OwnedFd>,
    count: usize,
}

/// A document in the stage, or a folder of documents that has no counterpart in the target.
#[derive(Debug)]
struct Staged {
    /// Below the stage.
    name: String,
    path: String,
    phase: Phase,
    /// What is in it, where it is a folder.
    files: Vec<String>,
}

impl<'a> Publication<'a> {
    pub(super) fn new(root: &'a Root) -> Self {
        Self {
            owners: Owners::below(root),
            stage: Mutex::default(),
            is_synced: false,
            is_finished: false,
        }
    }

    /// Whose files stand where this publication puts and removes documents.
    #[must_use]
    pub fn owners(&self) -> &Owners<'a> {
        &self.owners
    }

    /// Stages those documents of `release` that are not in place in these bytes. They need not be kept
    /// after, and come in any order and from any thread; no path comes twice. One that was
    /// [replaced](Release::replaced) is not compared: where somebody has put these very bytes there
    /// meanwhile, they are written once more.
    ///
    /// # Errors
    /// Where one cannot be written. Then this publication is to be dropped.
    pub fn stage(&self, release: &Release) -> Result<(), PublishError> {
        let mut folders: BTreeMap<String, Vec<(String, &Document)>> = BTreeMap::new();
        for document in &release.documents {
            let path = document.key.path();
            let is_in_place = !release.replaced.contains(&path)
                && self.folders().difference(&path, &document.bytes).is_none();
            if !is_in_place {
                let folder = folders.entry(parent(&path).to_owned()).or_default();
                folder.push((path, document));
            }
        }
        for (folder, documents) in folders {
            let is_there = folder.is_empty() || self.folders().exists(&folder);
            if self.is_many() && !is_there {
                self.stage_folder(&folder, &documents)
                    .map_err(|cause| self.error("cannot write", &folder, cause))?;
                continue;
            }
            for (path, document) in documents {
                self.stage_file(&path, document)
                    .map_err(|cause| self.error("cannot write", &path, cause))?;
            }
        }
        Ok(())
    }

    /// Makes what is staged durable; nothing is to be staged after.
    ///
    /// # Errors
    /// Where it cannot be. Then this publication is to be dropped.
    pub fn sync(&mut self) -> Result<(), PublishError> {
        if self.is_synced {
            return Ok(());
        }
        let stage = self.lock();
        if let (Some(first), Some(handle)) = (stage.documents.first(), &stage.handle) {
            let synced = if stage.count > SYNC_ONE_BY_ONE {
                rustix::fs::syncfs(handle).map_err(io::Error::from)
            } else {
                stage.open.par_iter().try_for_each(File::sync_all)
            };
            synced.map_err(|cause| self.error("cannot write", &first.path, cause))?;
        }
        drop(stage);
        self.is_synced = true;
        Ok(())
    }

    /// Puts what is staged in place, parts before indexes, and then removes the documents at
    /// `retired`, with folders that this leaves empty. When this returns, everything is in place and
    /// survives a power cut.
    ///
    /// # Errors
    /// At the first file that cannot be synced, renamed or removed. What is in place is coherent.
    pub fn finish(mut self, retired: &[String]) -> Result<Receipt, PublishError> {
        self.sync()?;
        let Stage {
            handle, documents, ..
        } = std::mem::take(&mut *self.lock());
        let mut documents = documents;
        documents.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        if let Some(stage) = handle {
            for phase in [Phase::Part, Phase::Index] {
                self.put_in_place(&stage, &documents, phase)?;
            }
        }
        self.is_finished = true;
        // What was left by others goes as well, and where it does not go, that is owed like a document.
        clear(self.folders()).map_err(|cause| self.error("cannot remove", STAGE, cause))?;
        Ok(Receipt {
            written: documents
                .iter()
                .map(|staged| staged.files.len().max(1))
                .sum(),
            removed: self.retire(retired)?,
        })
    }

    /// Writes a document into the stage.
    fn stage_file(&self, path: &str, document: &Document) -> io::Result<()> {
        let mut stage = self.lock();
        let handle = self.make_stage(&mut stage)?;
        let file = stage.count.to_string();
        stage.count += 1;
        let (folder, name) = if stage.count <= SYNC_ONE_BY_ONE {
            (handle, file.clone())
        } else {
            let drawer = stage.drawer(&handle)?;
            (
                Arc::clone(&drawer.handle),
                format!("{}/{file}", drawer.name),
            )
        };
        drop(stage);
        let file = write(&folder, &file, &document.bytes)?;
        let mut stage = self.lock();
        if stage.count > SYNC_ONE_BY_ONE {
            stage.open.clear();
        } else {
            stage.open.push(file);
        }
        stage.documents.push(Staged {
            name,
            path: path.to_owned(),
            phase: document.key.phase(),
            files: Vec::new(),
        });
        Ok(())
    }

    /// Writes documents into a folder in the stage that can be put in place as a whole. Making it there
    /// is work for all threads, and in place it would be work for one.
    fn stage_folder(&self, path: &str, documents: &[(String, &Document)]) -> io::Result<()> {
        let mut stage = self.lock();
        let handle = self.make_stage(&mut stage)?;
        stage.count += documents.len();
        stage.made += 1;
        let own = format!("f{}", stage.made);
        let drawer = stage.drawer(&handle)?;
        let (name, drawer) = (format!("{}/{own}", drawer.name), Arc::clone(&drawer.handle));
        drop(stage);
        let folder = make(&drawer, &own)?;
        let mut files = Vec::with_capacity(documents.len());
        for (path, document) in documents {
            let file = file_name(path);
            write(&folder, file, &document.bytes)?;
            files.push(file.to_owned());
        }
        self.lock().documents.push(Staged {
            name,
            path: path.to_owned(),
            phase: Phase::Part,
            files,
        });
        Ok(())
    }

    /// Whether there are too many documents to sync them one by one.
    fn is_many(&self) -> bool {
        self.lock().count >= SYNC_ONE_BY_ONE
    }

    /// The stage, made where it is not there yet and emptied of what somebody left in it.
    fn make_stage(&self, stage: &mut Stage) -> io::Result<Arc<OwnedFd>> {
        if let Some(handle) = &stage.handle {
            return Ok(Arc::clone(handle));
        }
        clear(self.folders())?;
        let handle = self.folders().open(STAGE, Missing::IsMade)?;
        stage.handle = Some(Arc::clone(&handle));
        Ok(handle)
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folders(&self) -> &Folders<'a> {
        &self.owners.folders
    }

    fn put_in_place(
        &self,
        stage: &OwnedFd,
        documents: &[Staged],
        phase: Phase,
    ) -> Result<(), PublishError> {
        let mut folders = BTreeSet::new();
        for staged in documents.iter().filter(|staged| staged.phase == phase) {
            let path = staged.path.as_str();
            let put = self.move_out(stage, &staged.name, path);
            let put = if staged.files.is_empty() {
                folders.insert(parent(path).to_owned());
                put
            } else {
                folders.insert(path.to_owned());
                // Somebody has made the folder meanwhile.
                put.or_else(|_| self.move_files_out(stage, staged))
            };
            put.map_err(|cause| self.error("cannot put in place", path, cause))?;
        }
        self.sync_folders(&folders)
    }

    /// Puts what is `name` in the stage in place at `path`.
    fn move_out(&self, stage: &OwnedFd, name: &str, path: &str) -> io::Result<()> {
        let folder = self.folders().open(parent(path), Missing::IsMade)?;
        Ok(rustix::fs::renameat(stage, name, &folder, file_name(path))?)
    }

    fn move_files_out(&self, stage: &OwnedFd, folder: &Staged) -> io::Result<()> {
        let mut files = folder.files.iter();
        files.try_for_each(|file| {
            let name = format!("{}/{file}", folder.name);
            self.move_out(stage, &name, &format!("{}/{file}", folder.path))
        })
    }

    /// Removes documents, and folders that this leaves empty.
    fn retire(&self, paths: &[String]) -> Result<usize, PublishError> {
        let mut removed = 0;
        let mut folders = BTreeSet::new();
        for path in paths {
            match self.folders().remove(path, AtFlags::empty()) {
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
        self.sync_folders(&kept)?;
        Ok(removed)
    }

    /// Removes a folder and its parents as far as they are empty; returns the first that stays.
    fn remove_empty<'p>(&self, folder: &'p str) -> &'p str {
        let mut folder = folder;
        while !folder.is_empty() && self.folders().remove(folder, AtFlags::REMOVEDIR).is_ok() {
            folder = parent(folder);
        }
        folder
    }

    fn sync_folders(&self, folders: &BTreeSet<String>) -> Result<(), PublishError> {
        let synced = self.folders().sync(folders);
        synced.map_err(|cause| self.error("cannot sync", "", cause))
    }

    fn error(&self, action: &'static str, path: &str, cause: io::Error) -> PublishError {
        PublishError {
            action,
            path: self.folders().root().path().join(path),
            cause,
        }
    }
}

impl Stage {
    /// The folder that this thread fills. An ext4 without a journal tries each inode of a folder's
    /// region that was freed in the last minutes before it takes another: in one folder that is a
    /// second for a few thousand documents, where as many were removed shortly before. So there are
    /// many, and the file system is asked to spread them (`chattr(1)`, T).
    fn drawer(&mut self, stage: &OwnedFd) -> io::Result<&Drawer> {
        let thread = rayon::current_thread_index();
        let is_full = |drawer: &Drawer| drawer.count >= DRAWER;
        if self.drawers.get(&thread).is_none_or(is_full) {
            if self.drawers.is_empty()
                && let Ok(flags) = rustix::fs::ioctl_getflags(stage)
            {
                // Where it is not heeded, nothing is lost but time.
                let _ = rustix::fs::ioctl_setflags(stage, flags | IFlags::TOPDIR);
            }
            self.made += 1;
            let name = format!("d{}", self.made);
            let drawer = Drawer {
                handle: Arc::new(make(stage, &name)?),
                name,
                count: 0,
            };
            self.drawers.insert(thread, drawer);
        }
        let drawer = self.drawers.get_mut(&thread).ok_or(Errno::NOENT)?;
        drawer.count += 1;
        Ok(drawer)
    }
}

impl Drop for Publication<'_> {
    fn drop(&mut self) {
        if !self.is_finished && self.lock().handle.is_some() {
            // Why it was given up is told already; what does not go now is swept by the next one.
            let _ = clear(self.folders());
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
    empty(&stage, STAGE_DEPTH)?;
    Ok(folders.remove(STAGE, AtFlags::REMOVEDIR)?)
}

/// Removes what is in a folder, and in the folders in it down to a depth: nobody but khabar makes any in
/// the stage.
fn empty(folder: &OwnedFd, depth: usize) -> io::Result<()> {
    for entry in rustix::fs::Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if depth > 0 && entry.file_type() == FileType::Directory {
            let within = rustix::fs::openat(folder, name, FOLDER, Mode::empty())?;
            empty(&within, depth - 1)?;
            rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?;
        } else {
            rustix::fs::unlinkat(folder, name, AtFlags::empty())?;
        }
    }
    Ok(())
}

fn write(stage: &OwnedFd, name: &str, bytes: &[u8]) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let handle = rustix::fs::openat(stage, name, flags, FILE_MODE)?;
    rustix::fs::fchmod(&handle, FILE_MODE)?;
    let mut file = File::from(handle);
    file.write_all(bytes)?;
    Ok(file)
}
