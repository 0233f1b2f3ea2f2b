//! The folders below a root, opened as they are needed and kept open for the length of one task, so
//! that a publication does not walk down to the same folder for each thing it does there.
//!
//! No link is followed on the way: each folder is opened in the one above it. Whoever moves a folder
//! away while it is held has moved what is put there too, as if that had happened a moment later.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::parent;
use super::place::{Root, file_name};

/// So many folders are held open at the most; then all are let go. Documents come in the order of
/// their paths, so that few are needed again.
const HELD: usize = 64;
/// From so many files or folders on, one `syncfs` is cheaper than an `fsync` each.
pub(super) const SYNC_ONE_BY_ONE: usize = 32;
/// rwxr-xr-x.
pub(super) const FOLDER_MODE: Mode = Mode::from_raw_mode(0o755);
pub(super) const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Folders below a root, by path.
#[derive(Debug)]
pub(super) struct Folders<'a> {
    root: &'a Root,
    held: Mutex<BTreeMap<String, Arc<OwnedFd>>>,
}

/// Whether a folder that is missing is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is an error.
    Fails,
    /// It is made, and those above it.
    IsMade,
}

impl<'a> Folders<'a> {
    pub(super) fn below(root: &'a Root) -> Self {
        Self {
            root,
            held: Mutex::default(),
        }
    }

    pub(super) fn root(&self) -> &'a Root {
        self.root
    }

    /// Opens a folder below the root; the root itself for an empty path.
    pub(super) fn open(&self, path: &str, missing: Missing) -> Result<Arc<OwnedFd>, Unopened> {
        if path.is_empty() {
            return Ok(Arc::clone(self.root.handle()));
        }
        if let Some(handle) = self.lock().get(path) {
            return Ok(Arc::clone(handle));
        }
        let above = self.open(parent(path), missing)?;
        let opened = match open_in(&above, file_name(path)) {
            Err(Errno::NOENT) if missing == Missing::IsMade => make(&above, file_name(path)),
            other => other,
        };
        let handle = Arc::new(opened.map_err(|errno| Unopened {
            path: path.to_owned(),
            errno,
        })?);
        let mut held = self.lock();
        if held.len() >= HELD {
            held.clear();
        }
        held.insert(path.to_owned(), Arc::clone(&handle));
        Ok(handle)
    }

    /// Removes a file or an empty folder. Behind what is no folder there is nothing to remove.
    pub(super) fn remove(&self, path: &str, flags: AtFlags) -> Result<(), Errno> {
        let above = match self.open(parent(path), Missing::Fails) {
            Ok(above) => above,
            Err(unopened) if unopened.is_no_folder() => return Err(Errno::NOENT),
            Err(unopened) => return Err(unopened.errno),
        };
        self.lock().remove(path);
        rustix::fs::unlinkat(&above, file_name(path), flags)
    }

    /// Makes the entries of folders durable, and those of the folders above them: a new folder is an
    /// entry of its parent, and so on up to the root. Those that are gone have none.
    pub(super) fn sync(&self, folders: &BTreeSet<String>) -> io::Result<()> {
        if folders.len() > SYNC_ONE_BY_ONE {
            return Ok(rustix::fs::syncfs(self.root.handle())?);
        }
        let mut whole = BTreeSet::new();
        for folder in folders {
            let mut path = folder.as_str();
            while whole.insert(path) {
                path = parent(path);
            }
        }
        let mut handles = Vec::with_capacity(whole.len());
        for path in whole {
            match self.open(path, Missing::Fails) {
                Ok(handle) => handles.push(handle),
                Err(unopened) if unopened.errno == Errno::NOENT => {}
                Err(unopened) => return Err(unopened.into()),
            }
        }
        handles
            .into_par_iter()
            .try_for_each(|handle| Ok(rustix::fs::fsync(&handle)?))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<OwnedFd>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A folder that could not be opened.
#[derive(Debug)]
pub(super) struct Unopened {
    /// The first that could not, on the way down.
    path: String,
    /// Why.
    pub(super) errno: Errno,
}

impl Unopened {
    /// Whether something else is in the folder's place.
    pub(super) fn is_no_folder(&self) -> bool {
        matches!(self.errno, Errno::LOOP | Errno::NOTDIR)
    }
}

impl From<Unopened> for io::Error {
    fn from(unopened: Unopened) -> Self {
        if unopened.is_no_folder() {
            // The bare error ("not a directory", "too many links") would not say what to do.
            Self::other(format!(
                "{} is not a folder; remove it, links are not followed here",
                unopened.path
            ))
        } else {
            unopened.errno.into()
        }
    }
}

fn open_in(above: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(above, name, FOLDER, Mode::empty())
}

/// Opens a folder in the one above it, and makes it where it is missing.
pub(super) fn make(above: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    match rustix::fs::mkdirat(above, name, FOLDER_MODE) {
        Ok(()) => {
            let handle = open_in(above, name)?;
            // The umask may have taken bits away that a web server needs.
            rustix::fs::fchmod(&handle, FOLDER_MODE)?;
            Ok(handle)
        }
        // Somebody else was faster.
        Err(Errno::EXIST) => open_in(above, name),
        Err(errno) => Err(errno),
    }
}
