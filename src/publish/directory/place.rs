//! File operations beneath one root, none of which follows a link.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, StatxFlags};
use rustix::io::Errno;

use super::{Difference, PublishError, parent};
use crate::document::{Document, FeedFormat, TargetId};
use crate::render;

/// The folder documents are staged in: inside the root, so that a rename never crosses file systems.
pub(super) const STAGE: &str = ".khabar-stage";
/// From so many files or folders on, one `syncfs` is cheaper than an `fsync` each.
const SYNC_ONE_BY_ONE: usize = 32;
/// A document that says who made it does so in so many bytes.
const HEAD: u64 = 64 * 1024;
/// Documents are for everyone: rw-r--r--, whatever the umask.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);
/// rwxr-xr-x.
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o755);
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// An open root directory.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    handle: OwnedFd,
}

impl Root {
    /// Opens the root, following links in its own path.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self {
            path: path.to_owned(),
            handle,
        })
    }

    pub(super) fn open_or_create(path: &Path) -> io::Result<Self> {
        let is_new = !path.exists();
        std::fs::create_dir_all(path)?;
        let root = Self::open(path)?;
        if is_new {
            rustix::fs::fchmod(&root.handle, FOLDER_MODE)?;
        }
        Ok(root)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a folder below the root, making it and its parents where they are missing.
    fn folder(&self, path: &str, create: bool) -> io::Result<OwnedFd> {
        let mut handle = rustix::fs::openat(&self.handle, ".", FOLDER, Mode::empty())?;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            handle = match rustix::fs::openat(&handle, part, FOLDER, Mode::empty()) {
                Err(Errno::NOENT) if create => {
                    make_folder(&handle, part)?;
                    rustix::fs::openat(&handle, part, FOLDER, Mode::empty())?
                }
                // The bare error ("not a directory", "too many links") would name neither.
                Err(Errno::LOOP | Errno::NOTDIR) => {
                    return Err(io::Error::other(format!(
                        "{part} is not a folder; remove it, links are not followed here"
                    )));
                }
                other => other?,
            };
        }
        Ok(handle)
    }

    /// Writes documents into the stage and makes their bytes durable. The names are theirs there.
    pub(super) fn stage<'a>(
        &self,
        documents: &[&'a Document],
    ) -> Result<Vec<(String, &'a Document)>, PublishError> {
        let error = |document: &Document, cause| PublishError {
            action: "cannot write",
            path: self.path.join(document.key.path()),
            cause,
        };
        let Some(first) = documents.first() else {
            return Ok(Vec::new());
        };
        self.sweep().map_err(|cause| error(first, cause))?;
        let stage = self
            .folder(STAGE, true)
            .map_err(|cause| error(first, cause))?;
        let one_by_one = documents.len() <= SYNC_ONE_BY_ONE;
        let staged: Result<Vec<_>, PublishError> = documents
            .par_iter()
            .enumerate()
            .map(|(number, document)| {
                let name = number.to_string();
                write(&stage, &name, &document.bytes, one_by_one)
                    .map_err(|cause| error(document, cause))?;
                Ok((name, *document))
            })
            .collect();
        let staged = staged?;
        if !one_by_one {
            rustix::fs::syncfs(&stage).map_err(|errno| error(first, errno.into()))?;
        }
        Ok(staged)
    }

    /// Moves a staged document into place, making its folder.
    pub(super) fn rename_from_stage(&self, name: &str, path: &str) -> io::Result<()> {
        let stage = self.folder(STAGE, false)?;
        let folder = self.folder(parent(path), true)?;
        rustix::fs::renameat(&stage, name, &folder, file_name(path))?;
        Ok(())
    }

    /// Makes the entries of folders durable.
    pub(super) fn sync_folders(&self, folders: &BTreeSet<String>) -> io::Result<()> {
        if folders.len() > SYNC_ONE_BY_ONE {
            return Ok(rustix::fs::syncfs(&self.handle)?);
        }
        if folders.is_empty() {
            return Ok(());
        }
        // A new folder is an entry of its parent, and so on up to the root.
        let mut whole = BTreeSet::from([""]);
        for folder in folders {
            let mut path = folder.as_str();
            while whole.insert(path) {
                path = parent(path);
            }
        }
        whole
            .into_par_iter()
            .try_for_each(|path| match self.folder(path, false) {
                Ok(handle) => Ok(rustix::fs::fsync(&handle)?),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            })
    }

    /// Removes a file or an empty folder.
    pub(super) fn remove(&self, path: &str, flags: AtFlags) -> Result<(), Errno> {
        let folder = self
            .folder(parent(path), false)
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::NOENT))?;
        rustix::fs::unlinkat(&folder, file_name(path), flags)
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        self.kind(path).is_some()
    }

    /// Whether no document can be put at `path`: a folder is there, or above it what is none.
    pub(super) fn is_blocked(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(end, _)| &path[..end]);
        self.kind(path) == Some(FileType::Directory)
            || above.into_iter().any(|folder| {
                let kind = self.kind(folder);
                kind.is_some_and(|kind| kind != FileType::Directory)
            })
    }

    /// Whether the file at `path` begins as khabar's documents do.
    pub(super) fn is_shaped(&self, path: &str) -> bool {
        self.head(path).is_ok_and(|head| render::is_shaped(&head))
    }

    /// Every file at a path that a document may have had, in the order of the file system.
    pub(super) fn documents(&self) -> Vec<String> {
        let mut found = Vec::new();
        let sitemaps = self.names("").into_iter().filter(|name| {
            let part = name.strip_suffix(".xml").unwrap_or_default();
            part.starts_with("sitemap-") || part.starts_with("news-sitemap-")
        });
        found.extend(sitemaps);
        let kinds = ["sections", "stories", "channels"];
        let folders = kinds.iter().flat_map(|kind| {
            let names = self.names(kind).into_iter();
            names.map(move |name| format!("{kind}/{name}/"))
        });
        for folder in std::iter::once(String::new()).chain(folders) {
            for format in FeedFormat::ALL {
                let path = format!("{folder}{}", format.file_name());
                if self.kind(&path) == Some(FileType::RegularFile) {
                    found.push(path);
                }
            }
        }
        found
    }

    /// The names in a folder; none where it cannot be read.
    fn names(&self, folder: &str) -> Vec<String> {
        let opened = self.folder(folder, false);
        let entries = opened.and_then(|handle| Ok(rustix::fs::Dir::read_from(&handle)?));
        let entries = entries.into_iter().flatten().flatten();
        entries
            .filter_map(|entry| Some(entry.file_name().to_str().ok()?.to_owned()))
            .filter(|name| !name.starts_with('.'))
            .collect()
    }

    fn kind(&self, path: &str) -> Option<FileType> {
        let folder = self.folder(parent(path), false).ok()?;
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let stat = rustix::fs::statat(&folder, file_name(path), flags).ok()?;
        Some(FileType::from_raw_mode(stat.st_mode))
    }

    /// Its inode and when it was made.
    pub(super) fn id(&self) -> io::Result<TargetId> {
        let wanted = StatxFlags::INO | StatxFlags::BTIME;
        let stat = rustix::fs::statx(&self.handle, "", AtFlags::EMPTY_PATH, wanted)?;
        Ok(TargetId {
            inode: stat.stx_ino,
            born: (stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec),
        })
    }

    /// Whether the file at `path` says that khabar made it.
    pub(super) fn is_signed(&self, path: &str) -> bool {
        self.head(path).is_ok_and(|head| render::is_signed(&head))
    }

    /// The first bytes of the file at `path`.
    fn head(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        let file = File::from(self.open_file(path)?);
        file.take(HEAD).read_to_end(&mut head)?;
        Ok(head)
    }

    fn open_file(&self, path: &str) -> io::Result<OwnedFd> {
        let folder = self.folder(parent(path), false)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(
            &folder,
            file_name(path),
            flags,
            Mode::empty(),
        )?)
    }

    /// How what is at `path` differs from `bytes`.
    pub(super) fn difference(&self, path: &str, bytes: &[u8]) -> Option<Difference> {
        match self.open_file(path).and_then(|file| holds(file, bytes)) {
            Ok(true) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Difference::Missing),
            Ok(false) | Err(_) => Some(Difference::Other),
        }
    }

    /// Removes the stage and everything in it.
    pub(super) fn sweep(&self) -> io::Result<()> {
        let stage = match self.folder(STAGE, false) {
            Ok(stage) => stage,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in rustix::fs::Dir::read_from(&stage)? {
            let entry = entry?;
            if entry.file_name() != c"." && entry.file_name() != c".." {
                rustix::fs::unlinkat(&stage, entry.file_name(), AtFlags::empty())?;
            }
        }
        rustix::fs::unlinkat(&self.handle, STAGE, AtFlags::REMOVEDIR)?;
        Ok(())
    }
}

fn make_folder(parent: &OwnedFd, name: &str) -> io::Result<()> {
    match rustix::fs::mkdirat(parent, name, FOLDER_MODE) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(()),
        Err(errno) => return Err(errno.into()),
    }
    // The umask may have taken bits away that a web server needs.
    let handle = rustix::fs::openat(parent, name, FOLDER, Mode::empty())?;
    rustix::fs::fchmod(&handle, FOLDER_MODE)?;
    Ok(())
}

fn write(stage: &OwnedFd, name: &str, bytes: &[u8], sync: bool) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let handle = rustix::fs::openat(stage, name, flags, FILE_MODE)?;
    rustix::fs::fchmod(&handle, FILE_MODE)?;
    let mut file = File::from(handle);
    file.write_all(bytes)?;
    if sync {
        file.sync_all()?;
    }
    Ok(())
}

/// Whether an open file is an ordinary one and holds exactly `bytes`.
fn holds(handle: OwnedFd, bytes: &[u8]) -> io::Result<bool> {
    let stat = rustix::fs::fstat(&handle)?;
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    if !is_file || usize::try_from(stat.st_size) != Ok(bytes.len()) {
        return Ok(false);
    }
    let mut file = File::from(handle);
    let mut rest = bytes;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(rest.is_empty());
        }
        let Some((expected, after)) = rest.split_at_checked(count) else {
            return Ok(false);
        };
        if buffer[..count] != *expected {
            return Ok(false);
        }
        rest = after;
    }
}

/// The last part of a path below the root.
fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
