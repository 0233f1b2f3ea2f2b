//! The marks files bore when they were read: an untouched one need not be read again, and one that
//! has several names is found under all of them.

use std::collections::{BTreeSet, HashMap};

use rustix::fs::Stat;

use crate::article::StorePath;

/// A file that was changed so shortly before it was read may be changed again within the same tick
/// of the file system's clock, and bear the same marks. In seconds.
const FRESH: i64 = 2;

/// What is seen of a file without reading it. The time of the last change of its inode cannot be
/// set by anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    inode: (u64, u64),
    size: i64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Mark {
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            inode: (stat.st_dev, stat.st_ino),
            size: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec.cast_signed()),
            changed: (stat.st_ctime, stat.st_ctime_nsec.cast_signed()),
        }
    }

    /// Whether a later change would show in it.
    fn is_settled(&self) -> bool {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.ok().and_then(|now| i64::try_from(now.as_secs()).ok());
        now.is_some_and(|now| self.changed.0 + FRESH < now)
    }
}

/// Marks by path, and paths by inode.
#[derive(Debug, Default)]
pub(super) struct Marks {
    files: HashMap<StorePath, (Mark, bool)>,
    names: HashMap<(u64, u64), BTreeSet<StorePath>>,
}

impl Marks {
    /// The file at `path` was read whole while it bore `mark`.
    pub(super) fn set(&mut self, path: &StorePath, mark: Mark) {
        self.remove(path);
        let names = self.names.entry(mark.inode).or_default();
        names.insert(path.clone());
        self.files.insert(path.clone(), (mark, mark.is_settled()));
    }

    pub(super) fn remove(&mut self, path: &StorePath) {
        let Some((mark, _)) = self.files.remove(path) else {
            return;
        };
        if let Some(names) = self.names.get_mut(&mark.inode) {
            names.remove(path);
            if names.is_empty() {
                self.names.remove(&mark.inode);
            }
        }
    }

    /// As if all had been read long after they were changed.
    #[cfg(test)]
    pub(super) fn settle(&mut self) {
        self.files
            .values_mut()
            .for_each(|(_, settled)| *settled = true);
    }

    /// The mark of the file at `path`, where it can be relied on.
    pub(super) fn get(&self, path: &StorePath) -> Option<Mark> {
        let (mark, is_settled) = self.files.get(path)?;
        is_settled.then_some(*mark)
    }

    /// The inode of the file at `path` when it was read.
    pub(super) fn inode(&self, path: &StorePath) -> Option<(u64, u64)> {
        self.files.get(path).map(|(mark, _)| mark.inode)
    }

    /// The other names of the file at `path`: a change of one is a change of all, and is heard of
    /// once.
    pub(super) fn other_names(&self, path: &StorePath) -> Vec<StorePath> {
        let names = self
            .files
            .get(path)
            .and_then(|(mark, _)| self.names.get(&mark.inode));
        let names = names.into_iter().flatten();
        names.filter(|name| *name != path).cloned().collect()
    }
}
