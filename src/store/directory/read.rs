//! Opening and reading one file: beneath the root, an ordinary file, of bounded size, and whole.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::{Errno, IoSliceMut, ReadWriteFlags, preadv2};

use super::walk::{Listed, Real};
use super::{DirectoryStore, remark};
use crate::article::{Diagnostic, Severity, StorePath};
use crate::files::Stamp;

/// The most bytes an article may have: 5 MB.
const FILE_MAX: u64 = 5_000_000;
/// The most room, in bytes, that is kept from one file for the next.
const KEPT_MAX: usize = 256 * 1024;
/// How often a file that changes while it is read is read again.
const TRIES: usize = 5;
/// How long to wait before that.
const PAUSE: Duration = Duration::from_millis(20);

/// The code of what is said of a file that cannot be read, and may be in a moment.
pub const UNREADABLE: &str = "unreadable";

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
                UNREADABLE,
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
                UNREADABLE,
                format!("the file cannot be read: {cause}"),
                "check its permissions and the disk",
            ),
        };
        remark(Severity::Fault, code, path.as_str(), message, remedy)
    }
}

/// Opens and reads files one after the other. Of the folders, it keeps the last one open: files come
/// folder by folder, and the way to each is walked once. It lives for one listing, so that what it
/// keeps is not older than that.
pub(super) struct Reader<'s> {
    store: &'s DirectoryStore,
    folder: Option<(Arc<Path>, OwnedFd)>,
    /// What was read last; its room is used again.
    bytes: Vec<u8>,
}

impl<'s> Reader<'s> {
    /// A reader that has nothing open yet.
    pub(super) fn new(store: &'s DirectoryStore) -> Self {
        Self {
            store,
            folder: None,
            bytes: Vec::new(),
        }
    }

    /// The stamp of a file, without reading it.
    pub(super) fn look(&mut self, file: &Listed) -> Result<Stamp, Refusal> {
        let seen = self.in_folder(file).and_then(|(folder, name)| {
            let seen = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            is_ordinary(&seen).then(|| Stamp::from(&seen))
        });
        if let Some(seen) = seen {
            return Ok(seen);
        }
        let handle = self.open_by_path(file)?;
        let seen = rustix::fs::fstat(&handle).map_err(refusal)?;
        Ok(Stamp::from(&seen))
    }

    /// The bytes of a file, and its stamp where it stood still meanwhile. One that changes while it
    /// is read is read again.
    pub(super) fn read(&mut self, file: &Listed) -> Result<(&[u8], Option<Stamp>), Refusal> {
        let mut stamp = self.read_once(file)?;
        for _ in 1..TRIES {
            if stamp.is_some() {
                break;
            }
            std::thread::sleep(PAUSE);
            // Where somebody writes without pause, what there is goes on to the parser in the end,
            // which says what is wrong.
            stamp = self.read_once(file)?;
        }
        Ok((&self.bytes, stamp))
    }

    /// Reads the bytes, and says the file's stamp where it stood still meanwhile.
    fn read_once(&mut self, file: &Listed) -> Result<Option<Stamp>, Refusal> {
        let handle = self.open(file)?;
        let before = rustix::fs::fstat(&handle).map_err(refusal)?;
        if !is_ordinary(&before) {
            return Err(Refusal::NotAFile);
        }
        let size = u64::try_from(before.st_size).unwrap_or(u64::MAX);
        if size > FILE_MAX {
            return Err(Refusal::TooLarge);
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_MAX);
        fill(&handle, size, &mut self.bytes).map_err(refusal)?;
        if self.bytes.len() as u64 > FILE_MAX {
            return Err(Refusal::TooLarge);
        }
        let after = Stamp::from(&rustix::fs::fstat(&handle).map_err(refusal)?);
        let is_whole = Stamp::from(&before) == after && self.bytes.len() == size;
        Ok(is_whole.then_some(after))
    }

    /// Whether the beginning of a file is not in the page cache. Where that cannot be told, it is there.
    fn is_cold(&mut self, file: &Listed) -> bool {
        let mut byte = [0];
        let mut room = [IoSliceMut::new(&mut byte)];
        let read = self
            .open(file)
            .ok()
            .map(|handle| preadv2(handle, &mut room, 0, ReadWriteFlags::NOWAIT));
        read == Some(Err(Errno::AGAIN))
    }

    /// Opens a file in its folder where it lies there, else by its whole path, which decides.
    fn open(&mut self, file: &Listed) -> Result<OwnedFd, Refusal> {
        let found = self.in_folder(file).and_then(|(folder, name)| {
            rustix::fs::openat(folder, name, OPENING | OFlags::NOFOLLOW, Mode::empty()).ok()
        });
        match found {
            Some(handle) => Ok(handle),
            None => self.open_by_path(file),
        }
    }

    /// The open folder of a file and its name there; nothing where a link led to it, or the folder
    /// cannot be opened.
    fn in_folder<'f>(&mut self, file: &'f Listed) -> Option<(BorrowedFd<'_>, &'f str)> {
        let Real::InFolder(path) = &file.real else {
            return None;
        };
        let kept = self.folder.take();
        let folder = if let Some(folder) = kept.filter(|(kept, _)| Arc::ptr_eq(kept, path)) {
            folder
        } else {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            (Arc::clone(path), beneath(self.store, path, flags).ok()?)
        };
        let (_, handle) = &*self.folder.insert(folder);
        Some((handle.as_fd(), file.path.file_name()))
    }

    fn open_by_path(&self, file: &Listed) -> Result<OwnedFd, Refusal> {
        beneath(self.store, &file.real_path(), OPENING).map_err(refusal)
    }
}

/// Files that are read at the same time from a disk that has to be waited for: a file is one wait, and
/// the disk has many heads, or channels, or servers behind it.
const DEPTH: usize = 64;
/// Files looked at to tell whether the disk has to be waited for.
const PROBES: usize = 16;

/// Does `work`, which reads `files` with rayon: by as many threads as there are cores where the page
/// cache holds them, and by [`DEPTH`] where the disk has to be waited for. `is_wanted` says of which
/// files the bytes are needed.
pub(super) fn at_depth<T: Send>(
    store: &DirectoryStore,
    files: &[Listed],
    is_wanted: impl Fn(&Listed) -> bool,
    work: impl FnOnce() -> T + Send,
) -> T {
    // A few files, or a few that are not in the cache, are no reason for threads.
    if files.len() < DEPTH {
        return work();
    }
    let probes = files.iter().step_by(files.len() / PROBES);
    let mut reader = Reader::new(store);
    let cold = probes.filter(|file| is_wanted(file) && reader.is_cold(file));
    if cold.count() * 4 < PROBES {
        return work();
    }
    match rayon::ThreadPoolBuilder::new().num_threads(DEPTH).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// How files are opened: without waiting (a FIFO would).
const OPENING: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Opens what lies at `path` from the root, without leaving the root.
fn beneath(store: &DirectoryStore, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let resolve = if store.rules.follow_symlinks {
        ResolveFlags::NO_MAGICLINKS
    } else {
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS
    };
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    rustix::fs::openat2(&store.handle, path, flags, Mode::empty(), resolve)
}

/// Whether something lies at `path`, and no part of the way there is a link.
pub(super) fn is_no_link(store: &DirectoryStore, path: &StorePath) -> bool {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    rustix::fs::openat2(&store.handle, path.as_str(), flags, Mode::empty(), resolve).is_ok()
}

fn is_ordinary(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// Reads a file to its end, which should come after `size` bytes: then one call shows that it does. It
/// stops one byte past the limit, which tells a file that grew past it.
fn fill(handle: &OwnedFd, size: usize, bytes: &mut Vec<u8>) -> rustix::io::Result<()> {
    /// Room for what a file has grown by.
    const MORE: usize = 64 * 1024;
    bytes.reserve(size + 1);
    loop {
        let count = match rustix::io::read(handle, spare_capacity(bytes)) {
            Err(Errno::INTR) => continue,
            count => count?,
        };
        let is_whole = bytes.len() == size && bytes.capacity() > size;
        if count == 0 || is_whole || bytes.len() as u64 > FILE_MAX {
            return Ok(());
        }
        if bytes.len() == bytes.capacity() {
            bytes.reserve(MORE);
        }
    }
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
