//! Listing a store: every file that may be an article, under the name it is known by.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rayon::prelude::*;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir};

use super::ignore::{self, Name};
use super::read::{self, Refusal};
use super::{DirectoryStore, StoreError, remark, unusable};
use crate::article::{Diagnostic, Severity, StorePath};

/// The most folders a file may lie in.
const DEPTH_MAX: usize = 64;

/// A file that may be an article.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    /// The name it is known by.
    pub(super) path: StorePath,
    /// Where it really lies.
    pub(super) real: Real,
    /// Why it cannot be opened at all.
    pub(super) refusal: Option<Refusal>,
}

/// Where a file really lies.
#[derive(Clone, Debug)]
pub(super) enum Real {
    /// In this folder, from the root, under the last part of the name it is known by. The files of one
    /// folder share it.
    InFolder(Arc<Path>),
    /// At this path from the root, to which a link leads, or which is a link itself.
    At(PathBuf),
}

impl Listed {
    /// Where it really lies, from the root.
    pub(super) fn real_path(&self) -> Cow<'_, Path> {
        match &self.real {
            Real::InFolder(folder) => Cow::Owned(folder.join(self.path.file_name())),
            Real::At(path) => Cow::Borrowed(path),
        }
    }
}

/// Everything in a store.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) files: Vec<Listed>,
    pub(super) remarks: Vec<Diagnostic>,
    /// Folders that could not be listed.
    pub(super) unread: Vec<String>,
}

/// A folder still to be listed.
#[derive(Clone, Debug)]
struct Folder {
    /// The name it is known by, without a trailing slash; empty for the root.
    path: String,
    /// Where it really lies, from the root.
    real: Arc<Path>,
    depth: usize,
}

/// Lists a store, level by level, the folders of a level in parallel. `arm` is called with each
/// folder before it is listed, so that nothing is made in it unheard.
pub(super) fn walk(store: &DirectoryStore, arm: Arm<'_>) -> Result<Listing, StoreError> {
    let root = Folder {
        path: String::new(),
        real: Arc::from(Path::new("")),
        depth: 0,
    };
    walk_below(store, vec![root], Listing::default(), arm)
}

/// Is called with the path of each folder before it is listed.
pub(super) type Arm<'a> = &'a (dyn Fn(&Path) + Sync);

/// What stands at a path now.
pub(super) enum Here {
    /// Nothing.
    Nothing,
    /// A link, on the way there or at its end: only a walk of everything knows what it means.
    Link,
    /// A file or folder, and all it holds.
    Listing(Listing),
}

/// Lists what stands at `path`, as [`walk`] would.
pub(super) fn walk_at(
    store: &DirectoryStore,
    path: &str,
    arm: Arm<'_>,
) -> Result<Here, StoreError> {
    let mut place = store.root.clone();
    let mut depth = 0;
    let mut last = None;
    for part in path.split('/') {
        place.push(part);
        let meta = match place.symlink_metadata() {
            Ok(meta) => meta,
            Err(error) if is_absence(&error) => return Ok(Here::Nothing),
            // That it cannot be seen does not mean that it is gone.
            Err(_) => {
                return Ok(Here::Listing(Listing {
                    unread: vec![path.to_owned()],
                    ..Listing::default()
                }));
            }
        };
        if meta.is_symlink() {
            return Ok(Here::Link);
        }
        depth += 1;
        last = Some(FileType::from_raw_mode(meta.mode()));
    }
    let folder = parent(path);
    let mut out = Listing::default();
    let mut folders = Vec::new();
    if let Some(file_type) = last
        && !is_left_out(store, folder)
    {
        let folder = Folder {
            path: folder.to_owned(),
            real: Arc::from(Path::new(folder)),
            depth: depth - 1,
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        let entry = (name.as_ref(), file_type);
        sort_entry(store, &folder, path, entry, &mut out, &mut folders);
    }
    walk_below(store, folders, out, arm).map(Here::Listing)
}

fn is_absence(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// Whether a walk never comes to the folder `path`: one on its way is left out.
fn is_left_out(store: &DirectoryStore, path: &str) -> bool {
    let mut end = 0;
    while end < path.len() {
        let next = path[end..].find('/').map_or(path.len(), |at| end + at);
        let name = &path[end..next];
        if ignore::sort(name) == Name::Leftover || store.rules.exclude.is_match(&path[..next]) {
            return true;
        }
        end = next + 1;
    }
    false
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn walk_below(
    store: &DirectoryStore,
    mut level: Vec<Folder>,
    mut listing: Listing,
    arm: Arm<'_>,
) -> Result<Listing, StoreError> {
    let visited = Mutex::new(HashSet::new());
    while !level.is_empty() {
        // Which name of a folder is listed first must not depend on threads.
        let lists: Vec<(Listing, Vec<Folder>, Option<std::io::Error>)> =
            if store.rules.follow_symlinks {
                let lists = level
                    .iter()
                    .map(|folder| list(store, folder, &visited, arm));
                lists.collect()
            } else {
                let lists = level
                    .par_iter()
                    .map(|folder| list(store, folder, &visited, arm));
                lists.collect()
            };
        level.clear();
        for (part, folders, error) in lists {
            if let Some(cause) = error {
                return Err(unusable(&store.root, cause));
            }
            listing.files.extend(part.files);
            listing.remarks.extend(part.remarks);
            listing.unread.extend(part.unread);
            level.extend(folders);
        }
    }
    listing.remarks.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(listing)
}

/// The file known as `path`, as [`walk`] would list it.
pub(super) fn locate(store: &DirectoryStore, path: &StorePath) -> Option<Listed> {
    let real = if read::is_no_link(store, path) {
        Real::InFolder(Arc::from(Path::new(parent(path.as_str()))))
    } else {
        let real = store.root.join(path.as_str()).canonicalize().ok()?;
        let inside = real.strip_prefix(&store.root).map(Path::to_path_buf);
        Real::At(inside.unwrap_or(real))
    };
    Some(Listed {
        path: path.clone(),
        real,
        refusal: None,
    })
}

/// Lists one folder. The error is set only for the root, where it means the whole store.
fn list(
    store: &DirectoryStore,
    folder: &Folder,
    visited: &Mutex<HashSet<(u64, u64)>>,
    arm: Arm<'_>,
) -> (Listing, Vec<Folder>, Option<std::io::Error>) {
    let mut out = Listing::default();
    let mut folders = Vec::new();
    arm(&store.root.join(&folder.real));
    match entries(store, folder, visited) {
        Ok(None) => {}
        Ok(Some(entries)) => {
            let mut path = folder.path.clone();
            if !path.is_empty() {
                path.push('/');
            }
            let start = path.len();
            for (name, file_type) in &entries {
                path.truncate(start);
                path.push_str(&name.to_string_lossy());
                let entry = (name.as_os_str(), *file_type);
                sort_entry(store, folder, &path, entry, &mut out, &mut folders);
            }
        }
        Err(error) if folder.path.is_empty() => return (out, folders, Some(error)),
        // Removed since its parent was listed: what was below it is gone.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            out.remarks.push(remark(
                Severity::Fault,
                "unreadable-folder",
                &folder.path,
                format!("the folder cannot be listed: {error}"),
                "check its permissions; what was published from it stays meanwhile",
            ));
            out.unread.push(folder.path.clone());
        }
    }
    (out, folders, None)
}

/// The entries of a folder, by name; none where it has been listed under another name.
fn entries(
    store: &DirectoryStore,
    folder: &Folder,
    visited: &Mutex<HashSet<(u64, u64)>>,
) -> std::io::Result<Option<Vec<(OsString, FileType)>>> {
    /// Names asked for at once, in bytes.
    const ROOM: usize = 32 * 1024;
    let place = store.root.join(&folder.real);
    if store.rules.follow_symlinks {
        let meta = place.metadata()?;
        let mut visited = visited
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if !visited.insert((meta.dev(), meta.ino())) {
            return Ok(None);
        }
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let handle = rustix::fs::openat(CWD, &place, flags, Mode::empty())?;
    let mut room = Vec::with_capacity(ROOM);
    let mut list = RawDir::new(&handle, room.spare_capacity_mut());
    let mut entries = Vec::new();
    while let Some(entry) = list.next() {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let file_type = match entry.file_type() {
            // Some file systems do not say it here.
            FileType::Unknown => {
                match rustix::fs::statat(&handle, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(seen) => FileType::from_raw_mode(seen.st_mode),
                    // One that vanished since is not there.
                    Err(_) => continue,
                }
            }
            known => known,
        };
        let name = OsString::from_vec(name.to_bytes().to_vec());
        entries.push((name, file_type));
    }
    // With links followed, which of two names is listed first must not depend on the disk.
    entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(Some(entries))
}

/// Puts one entry, known as `path`, where it belongs.
fn sort_entry(
    store: &DirectoryStore,
    folder: &Folder,
    path: &str,
    (os_name, file_type): (&OsStr, FileType),
    out: &mut Listing,
    folders: &mut Vec<Folder>,
) {
    let rules = &store.rules;
    let name = os_name.to_string_lossy();
    let kind = ignore::sort(&name);
    if kind == Name::Leftover || rules.exclude.is_match(path) {
        return;
    }
    let (real, refusal) = match resolve(store, folder, os_name, file_type) {
        Target::Skip => return,
        Target::Folder(real) if os_name.to_str().is_some() && folder.depth < DEPTH_MAX => {
            folders.push(Folder {
                path: path.to_owned(),
                real: Arc::from(real),
                depth: folder.depth + 1,
            });
            return;
        }
        Target::Folder(_) => {
            out.unread.push(path.to_owned());
            out.remarks.push(too_deep(path));
            return;
        }
        Target::OutsideFolder => {
            out.remarks.push(outside_folder(path));
            return;
        }
        Target::File(real, refusal) => (real, refusal),
    };
    let is_wanted = ignore::is_article_name(&name)
        && rules
            .include
            .as_ref()
            .is_none_or(|include| include.is_match(path));
    if !is_wanted {
        return;
    }
    if kind == Name::ConflictCopy {
        out.remarks.push(conflict_copy(path));
        return;
    }
    out.files.push(Listed {
        path: StorePath::new(path),
        real,
        refusal: match os_name.to_str() {
            Some(_) => refusal,
            None => Some(Refusal::Name),
        },
    });
}

fn too_deep(path: &str) -> Diagnostic {
    remark(
        Severity::Fault,
        "unreadable-folder",
        path,
        format!("the folder lies more than {DEPTH_MAX} deep or its name is not UTF-8"),
        "move or rename it",
    )
}

fn outside_folder(path: &str) -> Diagnostic {
    remark(
        Severity::Doubt,
        "outside-link",
        path,
        "the link leads to a folder outside the store, and it is not followed".to_owned(),
        "move the folder into the store, or set follow_symlinks = true in [store]",
    )
}

fn conflict_copy(path: &str) -> Diagnostic {
    remark(
        Severity::Doubt,
        "conflict-copy",
        path,
        "a sync tool left this copy of a conflict, and it is ignored".to_owned(),
        "merge it into the article and remove it",
    )
}

/// What an entry stands for.
enum Target {
    /// Nothing, or something that is listed under its own name.
    Skip,
    Folder(PathBuf),
    /// A link to a folder outside the store.
    OutsideFolder,
    File(Real, Option<Refusal>),
}

/// Decides what an entry stands for. A link inside the store is followed only into what is hidden
/// there (as Kubernetes publishes files): anything else is listed under its own name already.
fn resolve(
    store: &DirectoryStore,
    folder: &Folder,
    os_name: &OsStr,
    file_type: FileType,
) -> Target {
    let here = || Real::InFolder(Arc::clone(&folder.real));
    let real = || folder.real.join(os_name);
    match file_type {
        FileType::RegularFile => return Target::File(here(), None),
        FileType::Directory => return Target::Folder(real()),
        FileType::Symlink => {}
        _ => return Target::File(here(), Some(Refusal::NotAFile)),
    }
    let Ok(absolute) = store.root.join(real()).canonicalize() else {
        return Target::File(here(), Some(Refusal::Dangling));
    };
    let is_dir = absolute.is_dir();
    if store.rules.follow_symlinks {
        return if is_dir {
            Target::Folder(real())
        } else {
            Target::File(Real::At(real()), None)
        };
    }
    match absolute.strip_prefix(&store.root) {
        Err(_) if is_dir => Target::OutsideFolder,
        Err(_) => Target::File(here(), Some(Refusal::Outside)),
        Ok(inside) if !ignore::is_hidden(inside) => Target::Skip,
        Ok(inside) if is_dir => Target::Folder(inside.to_path_buf()),
        Ok(inside) => Target::File(Real::At(inside.to_path_buf()), None),
    }
}
