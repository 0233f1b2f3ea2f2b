//! Listing a store: every file that may be an article, under the name it is known by.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{DirEntry, FileType};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rayon::prelude::*;

use super::ignore::{self, Name};
use super::read::Refusal;
use super::{DirectoryStore, StoreError, remark};
use crate::article::{Diagnostic, Severity, StorePath};

/// The most folders a file may lie in.
const DEPTH_MAX: usize = 64;

/// A file that may be an article.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    /// The name it is known by.
    pub(super) path: StorePath,
    /// Where it really lies, from the root: differs from `path` behind a link.
    pub(super) real: PathBuf,
    /// Why it cannot be opened at all.
    pub(super) refusal: Option<Refusal>,
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
    real: PathBuf,
    depth: usize,
}

/// Lists a store, level by level, the folders of a level in parallel. `arm` is called with each
/// folder before it is listed, so that nothing is made in it unheard.
pub(super) fn walk(store: &DirectoryStore, arm: Arm<'_>) -> Result<Listing, StoreError> {
    let root = Folder {
        path: String::new(),
        real: PathBuf::new(),
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
        last = Some(meta.file_type());
    }
    let folder = parent(path);
    let mut out = Listing::default();
    let mut folders = Vec::new();
    if let Some(file_type) = last
        && !is_left_out(store, folder)
    {
        let folder = Folder {
            path: folder.to_owned(),
            real: PathBuf::from(folder),
            depth: depth - 1,
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        sort_entry(
            store,
            &folder,
            name.as_ref(),
            file_type,
            &mut out,
            &mut folders,
        );
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
        if ignore::sort(name) == Name::Leftover
            || store.config.store.exclude.is_match(&path[..next])
        {
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
            if store.config.store.follow_symlinks {
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
                return Err(StoreError {
                    path: store.root.clone(),
                    cause: cause.into(),
                });
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
    let place = store.root.join(path.as_str());
    let real = match place.canonicalize() {
        Ok(real) => real
            .strip_prefix(&store.root)
            .map_or(real.clone(), Path::to_path_buf),
        Err(_) => return None,
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
            for entry in entries {
                // One that vanished since is not there.
                if let Ok(file_type) = entry.file_type() {
                    let name = entry.file_name();
                    sort_entry(store, folder, &name, file_type, &mut out, &mut folders);
                }
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
) -> std::io::Result<Option<Vec<DirEntry>>> {
    let place = store.root.join(&folder.real);
    if store.config.store.follow_symlinks {
        let meta = place.metadata()?;
        let mut visited = visited
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if !visited.insert((meta.dev(), meta.ino())) {
            return Ok(None);
        }
    }
    let mut entries: Vec<DirEntry> = place.read_dir()?.collect::<Result<_, _>>()?;
    // With links followed, which of two names is listed first must not depend on the disk.
    entries.sort_by_key(DirEntry::file_name);
    Ok(Some(entries))
}

/// Puts one entry where it belongs.
fn sort_entry(
    store: &DirectoryStore,
    folder: &Folder,
    os_name: &OsStr,
    file_type: FileType,
    out: &mut Listing,
    folders: &mut Vec<Folder>,
) {
    let name = os_name.to_string_lossy();
    let path = if folder.path.is_empty() {
        name.clone().into_owned()
    } else {
        format!("{}/{name}", folder.path)
    };
    let rules = &store.config.store;
    let kind = ignore::sort(&name);
    if kind == Name::Leftover || rules.exclude.is_match(&path) {
        return;
    }
    let mut item = Listed {
        path: StorePath::new(&path),
        real: folder.real.join(os_name),
        refusal: None,
    };
    let target = match resolve(store, &item, file_type) {
        Target::Skip => return,
        Target::Folder(real) if os_name.to_str().is_some() && folder.depth < DEPTH_MAX => {
            let depth = folder.depth + 1;
            folders.push(Folder { path, real, depth });
            return;
        }
        Target::Folder(_) => {
            out.unread.push(path.clone());
            out.remarks.push(too_deep(&path));
            return;
        }
        Target::OutsideFolder => {
            out.remarks.push(outside_folder(&path));
            return;
        }
        Target::File(real, refusal) => (real, refusal),
    };
    let is_wanted = ignore::is_article_name(&name)
        && rules
            .include
            .as_ref()
            .is_none_or(|include| include.is_match(&path));
    if !is_wanted {
        return;
    }
    if kind == Name::ConflictCopy {
        out.remarks.push(conflict_copy(&path));
        return;
    }
    (item.real, item.refusal) = target;
    if os_name.to_str().is_none() {
        item.refusal = Some(Refusal::Name);
    }
    out.files.push(item);
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
    File(PathBuf, Option<Refusal>),
}

/// Decides what an entry stands for. A link inside the store is followed only into what is hidden
/// there (as Kubernetes publishes files): anything else is listed under its own name already.
fn resolve(store: &DirectoryStore, item: &Listed, file_type: FileType) -> Target {
    let real = item.real.clone();
    if file_type.is_dir() {
        return Target::Folder(real);
    }
    if file_type.is_file() {
        return Target::File(real, None);
    }
    if !file_type.is_symlink() {
        return Target::File(real, Some(Refusal::NotAFile));
    }
    let Ok(absolute) = store.root.join(&real).canonicalize() else {
        return Target::File(real, Some(Refusal::Dangling));
    };
    let is_dir = absolute.is_dir();
    if store.config.store.follow_symlinks {
        return if is_dir {
            Target::Folder(real)
        } else {
            Target::File(real, None)
        };
    }
    match absolute.strip_prefix(&store.root) {
        Err(_) if is_dir => Target::OutsideFolder,
        Err(_) => Target::File(real, Some(Refusal::Outside)),
        Ok(inside) if !ignore::is_hidden(inside) => Target::Skip,
        Ok(inside) if is_dir => Target::Folder(inside.to_path_buf()),
        Ok(inside) => Target::File(inside.to_path_buf(), None),
    }
}
