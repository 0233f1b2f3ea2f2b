//! One writer at a time: a lock on the directory itself, which the kernel releases with the process.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

/// Why a directory is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("{path} is in use by {holder}; wait for it or stop it")]
    Held {
        /// The directory.
        path: PathBuf,
        /// Who holds it, as far as can be told.
        holder: String,
    },
    /// It cannot be made, opened or locked.
    #[error("{path} cannot be used: {cause}")]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// A lock on a directory, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    // Closing the handle releases the lock.
    _handle: OwnedFd,
    place: Place,
}

/// Where a directory is, and which one it was.
#[derive(Clone, Debug)]
pub struct Place {
    path: PathBuf,
    inode: (u64, u64),
}

impl Place {
    /// Whether the directory is still there, and no other in its place. One that cannot be looked at
    /// is taken to be.
    #[must_use]
    pub fn is_there(&self) -> bool {
        match rustix::fs::stat(&self.path) {
            Ok(stat) => (stat.st_dev, stat.st_ino) == self.inode,
            Err(errno) => !matches!(errno, Errno::NOENT | Errno::NOTDIR),
        }
    }
}

impl Lock {
    /// Locks the directory at `path`, which is there.
    ///
    /// # Errors
    /// At once where another process holds it: nothing is waited for.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let unusable = |errno: Errno| LockError::Unusable {
            path: path.to_owned(),
            cause: errno.into(),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(path, flags, Mode::empty()).map_err(unusable)?;
        let stat = rustix::fs::fstat(&handle).map_err(unusable)?;
        match rustix::fs::flock(&handle, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self {
                _handle: handle,
                place: Place {
                    path: path.to_owned(),
                    inode: (stat.st_dev, stat.st_ino),
                },
            }),
            Err(Errno::WOULDBLOCK) => Err(LockError::Held {
                path: path.to_owned(),
                holder: holder(&handle).unwrap_or_else(|| "another process".to_owned()),
            }),
            Err(errno) => Err(unusable(errno)),
        }
    }

    /// The directory that is locked.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}

/// Who holds the lock on a file, by the kernel's own list (proc(5), `/proc/locks`).
fn holder(handle: &OwnedFd) -> Option<String> {
    let stat = rustix::fs::fstat(handle).ok()?;
    let (major, minor) = (
        rustix::fs::major(stat.st_dev),
        rustix::fs::minor(stat.st_dev),
    );
    let locked = format!("{major:02x}:{minor:02x}:{}", stat.st_ino);
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let pid = locks.lines().find_map(|line| {
        // "1: FLOCK  ADVISORY  WRITE 4242 fe:00:131075 0 EOF"
        let mut words = line.split_whitespace();
        let is_flock = words.nth(1)? == "FLOCK";
        let pid = words.nth(2)?;
        let file = words.next()?;
        (is_flock && file == locked).then(|| pid.to_owned())
    })?;
    let command = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    Some(match command {
        Some(command) => format!("process {pid} ({})", command.trim()),
        None => format!("process {pid}"),
    })
}
