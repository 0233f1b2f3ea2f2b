//! What stands in a directory and at the places of documents: looked at beneath one root, without
//! following a link, and never changed here.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, StatxFlags};

use super::folders::{FOLDER_MODE, Folders, Missing};
use super::{Difference, parent};
use crate::document::{FeedFormat, TargetId};
use crate::files::Stamp;
use crate::render;

/// A document that says who made it does so in so many bytes.
const HEAD: u64 = 64 * 1024;
/// So many bytes of a file are compared at a time.
const COMPARED: usize = 64 * 1024;

/// An open root directory.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    handle: Arc<OwnedFd>,
}

impl Root {
    /// Opens the root, following links in its own path.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self {
            path: path.to_owned(),
            handle: Arc::new(handle),
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

    pub(super) fn handle(&self) -> &Arc<OwnedFd> {
        &self.handle
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
}

impl Folders<'_> {
    pub(super) fn exists(&self, path: &str) -> bool {
        let folder = self.open(parent(path), Missing::Fails);
        folder.is_ok_and(|folder| kind(&folder, path).is_some())
    }

    /// Whether no document can be put at `path`: a folder is there, or above it what is none.
    pub(super) fn is_blocked(&self, path: &str) -> bool {
        match self.open(parent(path), Missing::Fails) {
            Ok(folder) => kind(&folder, path) == Some(FileType::Directory),
            Err(unopened) => unopened.is_no_folder(),
        }
    }

    /// Whether the file at `path` begins as khabar's documents do.
    pub(super) fn is_shaped(&self, path: &str) -> bool {
        self.head(path).is_ok_and(|head| render::is_shaped(&head))
    }

    /// Whether the file at `path` says that khabar made it.
    pub(super) fn is_signed(&self, path: &str) -> bool {
        self.head(path).is_ok_and(|head| render::is_signed(&head))
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
            names.map(move |name| format!("{kind}/{name}"))
        });
        for folder in std::iter::once(String::new()).chain(folders) {
            let Ok(handle) = self.open(&folder, Missing::Fails) else {
                continue;
            };
            for format in FeedFormat::ALL {
                let name = format.file_name();
                if kind(&handle, name) == Some(FileType::RegularFile) {
                    let slash = if folder.is_empty() { "" } else { "/" };
                    found.push(format!("{folder}{slash}{name}"));
                }
            }
        }
        found
    }

    /// The names in a folder; none where it cannot be read.
    fn names(&self, folder: &str) -> Vec<String> {
        let opened = self.open(folder, Missing::Fails).ok();
        let entries = opened.and_then(|handle| rustix::fs::Dir::read_from(&handle).ok());
        let entries = entries.into_iter().flatten().flatten();
        entries
            .filter_map(|entry| Some(entry.file_name().to_str().ok()?.to_owned()))
            .filter(|name| !name.starts_with('.'))
            .collect()
    }

    /// The first bytes of the file at `path`.
    fn head(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        let file = File::from(self.open_file(path)?);
        file.take(HEAD).read_to_end(&mut head)?;
        Ok(head)
    }

    fn open_file(&self, path: &str) -> io::Result<OwnedFd> {
        let folder = self.open(parent(path), Missing::Fails)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let name = file_name(path);
        Ok(rustix::fs::openat(&folder, name, flags, Mode::empty())?)
    }

    /// How the document at `path` looks; nothing where no ordinary file is there.
    pub(super) fn stamp(&self, path: &str) -> Option<Stamp> {
        let folder = self.open(parent(path), Missing::Fails).ok()?;
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let stat = rustix::fs::statat(&folder, file_name(path), flags).ok()?;
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        is_file.then(|| Stamp::from(&stat))
    }

    /// The document at `path`, and how it looked while it was read; nothing where it is no ordinary
    /// file, or stood not still.
    pub(super) fn read(&self, path: &str) -> Option<(Vec<u8>, Stamp)> {
        let handle = self.open_file(path).ok()?;
        let before = rustix::fs::fstat(&handle).ok()?;
        if FileType::from_raw_mode(before.st_mode) != FileType::RegularFile {
            return None;
        }
        let before = Stamp::from(&before);
        let mut file = File::from(handle);
        let mut bytes = Vec::with_capacity(usize::try_from(before.size).unwrap_or(0) + 1);
        file.read_to_end(&mut bytes).ok()?;
        let after = Stamp::from(&rustix::fs::fstat(&file).ok()?);
        (before == after).then_some((bytes, after))
    }

    /// How what is at `path` differs from `bytes`.
    pub(super) fn difference(&self, path: &str, bytes: &[u8]) -> Option<Difference> {
        match self.open_file(path).and_then(|file| holds(file, bytes)) {
            Ok(true) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Difference::Missing),
            Ok(false) | Err(_) => Some(Difference::Other),
        }
    }
}

/// What sort of thing is in `folder` at the end of `path`.
fn kind(folder: &OwnedFd, path: &str) -> Option<FileType> {
    let stat = rustix::fs::statat(folder, file_name(path), AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(FileType::from_raw_mode(stat.st_mode))
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
    let mut buffer = vec![0; bytes.len().clamp(1, COMPARED)];
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
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
