//! Opening and reading one file: beneath the root, an ordinary file, of bounded size, and whole.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::stamps::stamp;
use super::walk::Listed;
use super::{DirectoryStore, remark};
use crate::article::{Diagnostic, Severity, StorePath};
use crate::files::Stamp;

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

/// The stamp of a file, without reading it.
pub(super) fn look(store: &DirectoryStore, file: &Listed) -> Result<Stamp, Refusal> {
    let handle = open(store, file)?;
    rustix::fs::fstat(&handle)
        .map(|stat| stamp(&stat))
        .map_err(refusal)
}

/// The bytes of a file, and its stamp where it stood still meanwhile. One that changes while it is
/// read is read again.
pub(super) fn read(
    store: &DirectoryStore,
    file: &Listed,
) -> Result<(Vec<u8>, Option<Stamp>), Refusal> {
    for _ in 1..TRIES {
        let read = read_once(store, file)?;
        if read.1.is_some() {
            return Ok(read);
        }
        std::thread::sleep(PAUSE);
    }
    // Somebody writes without pause. What there is goes on to the parser, which says what is wrong.
    read_once(store, file)
}

/// The bytes, and the file's stamp where it stood still meanwhile.
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
    let after = stamp(&after);
    let is_whole = stamp(&before) == after && bytes.len() as u64 == size;
    Ok((bytes, is_whole.then_some(after)))
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
