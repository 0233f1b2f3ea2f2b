//! Opening and reading one file: beneath the root, an ordinary file, of bounded size, and whole.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::walk::Listed;
use super::{DirectoryStore, remark};
use crate::article::{Diagnostic, Severity, StorePath};

/// The most bytes an article may have: 5 MB.
const FILE_MAX: u64 = 5_000_000;
/// How often a file that changes while it is read is read again.
const TRIES: usize = 5;
/// How long to wait before that.
const PAUSE: Duration = Duration::from_millis(20);

/// Why a file is not read.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// It is no longer there.
    Gone,
    /// A FIFO, a socket, a device.
    NotAFile,
    /// Over [`FILE_MAX`].
    TooLarge,
    /// A link to something outside the store.
    Outside,
    /// A link to nothing, or in a circle.
    Dangling,
    /// A name that is not UTF-8.
    Name,
    /// The operating system says no.
    Unreadable(String),
}

impl Refusal {
    /// The fault to report for the file at `path`.
    pub(super) fn into_diagnostic(self, path: &StorePath) -> Diagnostic {
        let (code, message, remedy) = match self {
            Self::Gone => (
                "unreadable",
                "the file is gone".to_owned(),
                "put it back, or ignore this",
            ),
            Self::NotAFile => (
                "not-a-file",
                "this is no ordinary file".to_owned(),
                "remove it from the store, or exclude it in [store]",
            ),
            Self::TooLarge => (
                "too-large",
                format!("the file is larger than {} MB", FILE_MAX / 1_000_000),
                "shorten it, or exclude it in [store]",
            ),
            Self::Outside => (
                "outside-link",
                "the link leads out of the store".to_owned(),
                "copy the file into the store, or set follow_symlinks = true in [store]",
            ),
            Self::Dangling => (
                "dangling-link",
                "the link leads nowhere".to_owned(),
                "remove it or mend its target",
            ),
            Self::Name => (
                "file-name",
                "the file's name is not UTF-8".to_owned(),
                "rename it",
            ),
            Self::Unreadable(cause) => (
                "unreadable",
                format!("the file cannot be read: {cause}"),
                "check its permissions and the disk",
            ),
        };
        remark(Severity::Fault, code, path.as_str(), message, remedy)
    }
}

/// The marks by which an untouched file is known: the time of the last change of its inode cannot be
/// set by anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: i64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file that was changed so shortly before it was read may be changed again within the same tick
/// of the file system's clock, and bear the same marks.
const FRESH: i64 = 2;

/// The marks of a file, without reading it.
pub(super) fn stamp(store: &DirectoryStore, file: &Listed) -> Result<Stamp, Refusal> {
    let handle = open(store, file)?;
    rustix::fs::fstat(&handle)
        .map(|stat| Stamp::of(&stat))
        .map_err(refusal)
}

/// The bytes of a file, and its marks where they can be relied on. One that changes while it is
/// read is read again.
pub(super) fn read(
    store: &DirectoryStore,
    file: &Listed,
) -> Result<(Vec<u8>, Option<Stamp>), Refusal> {
    for _ in 1..TRIES {
        let (bytes, stamp) = read_once(store, file)?;
        if let Some(stamp) = stamp {
            return Ok((bytes, Some(stamp).filter(Stamp::is_settled)));
        }
        std::thread::sleep(PAUSE);
    }
    // Somebody writes without pause. What there is goes on to the parser, which says what is wrong.
    read_once(store, file).map(|(bytes, _)| (bytes, None))
}

/// The bytes, and the file's marks where it stood still meanwhile.
fn read_once(store: &DirectoryStore, file: &Listed) -> Result<(Vec<u8>, Option<Stamp>), Refusal> {
    let handle = open(store, file)?;
    let before = rustix::fs::fstat(&handle).map_err(refusal)?;
    if FileType::from_raw_mode(before.st_mode) != FileType::RegularFile {
        return Err(Refusal::NotAFile);
    }
    let size = u64::try_from(before.st_size).unwrap_or(u64::MAX);
    if size > FILE_MAX {
        return Err(Refusal::TooLarge);
    }
    let mut source = File::from(handle);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    // One byte past the limit tells a file that grew past it.
    let read = (&mut source).take(FILE_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| Refusal::Unreadable(error.to_string()))?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(Refusal::TooLarge);
    }
    let after = rustix::fs::fstat(&source).map_err(refusal)?;
    let stamp = Stamp::of(&after);
    let is_whole = Stamp::of(&before) == stamp && bytes.len() as u64 == size;
    Ok((bytes, is_whole.then_some(stamp)))
}

impl Stamp {
    fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec.cast_signed()),
            changed: (stat.st_ctime, stat.st_ctime_nsec.cast_signed()),
        }
    }

    /// Whether a later change would show in it.
    fn is_settled(&self) -> bool {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.is_ok_and(|now| {
            i64::try_from(now.as_secs()).is_ok_and(|now| self.changed.0 + FRESH < now)
        })
    }
}

/// Opens a file without waiting for it (a FIFO would) and without leaving the root.
fn open(store: &DirectoryStore, file: &Listed) -> Result<OwnedFd, Refusal> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = if store.config.store.follow_symlinks {
        ResolveFlags::NO_MAGICLINKS
    } else {
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS
    };
    rustix::fs::openat2(&store.handle, &file.real, flags, Mode::empty(), resolve).map_err(refusal)
}

fn refusal(errno: Errno) -> Refusal {
    match errno {
        Errno::NOENT | Errno::NOTDIR => Refusal::Gone,
        // Since it was listed, a part of its path became a link.
        Errno::LOOP | Errno::XDEV => Refusal::Outside,
        // A socket cannot be opened at all.
        Errno::NXIO | Errno::NODEV => Refusal::NotAFile,
        other => Refusal::Unreadable(std::io::Error::from(other).to_string()),
    }
}
