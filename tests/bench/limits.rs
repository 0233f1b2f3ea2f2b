//! The least that the machine needs for what khabar does, done by a program that does nothing else:
//! walking, stating, arming, reading and parsing a store, and writing documents.

mod edit;
mod write;

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::hint::black_box;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anyhow::Context as _;
use rayon::prelude::*;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{Advice, AtFlags, CWD, FileType, Mode, OFlags, RawDir};
use serde::Deserialize;

pub(crate) use edit::{StateFiles, least_for_edit};
pub(crate) use write::{Outputs, clear};

/// Directory entries asked for at once, in bytes.
const ENTRIES: usize = 64 * 1024;
/// Read at once, in bytes: every article fits.
const FILE: usize = 256 * 1024;
/// Files read at the same time from a disk that is cold.
const DEPTH: usize = 64;
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// What a reader of articles needs, borrowed from the bytes where they have no escapes.
#[derive(Deserialize)]
struct Eight<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    summary: Cow<'a, str>,
    #[serde(borrow)]
    body: Cow<'a, str>,
    #[serde(borrow)]
    published: Cow<'a, str>,
    #[serde(borrow)]
    updated: Option<Cow<'a, str>>,
    #[serde(borrow)]
    section: Cow<'a, str>,
    #[serde(borrow)]
    story: Option<Cow<'a, str>>,
}

/// Buffers that one thread uses again and again.
struct Buffers {
    entries: Vec<u8>,
    file: Vec<u8>,
}

impl Buffers {
    fn new() -> Self {
        Self {
            entries: Vec::with_capacity(ENTRIES),
            file: Vec::with_capacity(FILE),
        }
    }
}

/// What is done with each file, by the open folder and its name there.
type Look<'a> = &'a (dyn Fn(BorrowedFd<'_>, &CStr, &mut Vec<u8>) -> anyhow::Result<()> + Sync);
/// What is done with each folder before it is listed.
type Arm<'a> = &'a (dyn Fn(&Path) -> anyhow::Result<()> + Sync);

/// Walks and stats every file on all cores.
pub(crate) fn stat(root: &Path) -> anyhow::Result<()> {
    walk(root, &|_| Ok(()), &look_at)
}

/// The same with a watch on each folder, set before it is listed.
pub(crate) fn watch(root: &Path) -> anyhow::Result<()> {
    let ears = inotify::init(CreateFlags::CLOEXEC)?;
    let wanted = WatchFlags::CREATE
        | WatchFlags::CLOSE_WRITE
        | WatchFlags::MOVE
        | WatchFlags::DELETE
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF;
    let arm = |folder: &Path| {
        inotify::add_watch(&ears, folder, wanted)
            .with_context(|| format!("{} cannot be watched", folder.display()))?;
        Ok(())
    };
    walk(root, &arm, &look_at)
}

/// Reads and parses every file on all cores.
pub(crate) fn parse(root: &Path) -> anyhow::Result<()> {
    walk(root, &|_| Ok(()), &|folder, name, buffer| {
        read(folder, name, buffer)?;
        black_box(eight(buffer)?);
        Ok(())
    })
}

/// Reads every file, many at a time.
pub(crate) fn read_deep(root: &Path) -> anyhow::Result<()> {
    let files = files(root)?;
    let root = rustix::fs::openat(CWD, root, FOLDER, Mode::empty())?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(DEPTH).build()?;
    pool.install(|| {
        files.par_iter().with_max_len(1).try_for_each_init(
            || Vec::with_capacity(FILE),
            |buffer, path| {
                read(root.as_fd(), path, buffer)?;
                black_box(&buffer);
                Ok(())
            },
        )
    })
}

/// Takes every file's data out of the page cache. Names and inodes stay.
pub(crate) fn evict(root: &Path) -> anyhow::Result<()> {
    walk(root, &|_| Ok(()), &|folder, name, _| {
        let file = open(folder, name)?;
        Ok(rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?)
    })
}

fn look_at(folder: BorrowedFd<'_>, name: &CStr, _: &mut Vec<u8>) -> anyhow::Result<()> {
    black_box(rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?);
    Ok(())
}

/// The fields, together as long as they are: nothing of them is left out by the compiler.
fn eight(bytes: &[u8]) -> anyhow::Result<usize> {
    let found: Eight<'_> = serde_json::from_slice(bytes)?;
    let always = [
        &found.id,
        &found.title,
        &found.summary,
        &found.body,
        &found.published,
        &found.section,
    ];
    let sometimes = [&found.updated, &found.story];
    Ok(always.iter().map(|text| text.len()).sum::<usize>()
        + sometimes
            .iter()
            .filter_map(|text| text.as_ref())
            .map(|text| text.len())
            .sum::<usize>())
}

fn open(folder: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(
        folder,
        name,
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

/// Opens, reads and closes: three calls a file. Less than there was room for is the end of it.
fn read(folder: BorrowedFd<'_>, name: &CStr, buffer: &mut Vec<u8>) -> anyhow::Result<()> {
    let file = open(folder, name)?;
    buffer.clear();
    loop {
        buffer.reserve(FILE);
        let room = buffer.spare_capacity_mut().len();
        let count = rustix::io::read(&file, rustix::buffer::spare_capacity(buffer))?;
        if count < room {
            return Ok(());
        }
    }
}

fn walk(root: &Path, arm: Arm<'_>, look: Look<'_>) -> anyhow::Result<()> {
    arm(root)?;
    let folder = rustix::fs::openat(CWD, root, FOLDER, Mode::empty())?;
    visit(&folder, root, arm, look, &mut Buffers::new())
}

/// The files of one folder by this thread, the folders in it by all.
fn visit(
    folder: &OwnedFd,
    path: &Path,
    arm: Arm<'_>,
    look: Look<'_>,
    buffers: &mut Buffers,
) -> anyhow::Result<()> {
    let mut folders: Vec<CString> = Vec::new();
    let Buffers { entries, file } = buffers;
    let mut entries = RawDir::new(folder, entries.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if entry.file_type() != FileType::Directory {
            look(folder.as_fd(), entry.file_name(), file)?;
        } else if entry.file_name() != c"." && entry.file_name() != c".." {
            folders.push(entry.file_name().to_owned());
        }
    }
    folders
        .into_par_iter()
        .try_for_each_init(Buffers::new, |buffers, name| {
            let path = path.join(std::ffi::OsStr::from_bytes(name.as_bytes()));
            arm(&path)?;
            let inner = rustix::fs::openat(folder, &*name, FOLDER, Mode::empty())?;
            visit(&inner, &path, arm, look, buffers)
        })
}

/// The paths of all files from the root: what is read many at a time must be known before.
fn files(root: &Path) -> anyhow::Result<Vec<CString>> {
    let top = rustix::fs::openat(CWD, root, FOLDER, Mode::empty())?;
    let mut folders = vec![CString::default()];
    let mut buffer: Vec<u8> = Vec::with_capacity(ENTRIES);
    let mut found = Vec::new();
    while let Some(path) = folders.pop() {
        let here = if path.is_empty() { c"." } else { &*path };
        let folder = rustix::fs::openat(&top, here, FOLDER, Mode::empty())?;
        let mut entries = RawDir::new(&folder, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let mut inside = path.to_bytes().to_vec();
            if !inside.is_empty() {
                inside.push(b'/');
            }
            inside.extend_from_slice(name);
            let inside = CString::new(inside)?;
            match entry.file_type() {
                FileType::Directory => folders.push(inside),
                _ => found.push(inside),
            }
        }
    }
    Ok(found)
}
