//! The stamps that files bore when they were read: an untouched one need not be read again, and one
//! that has several names is found under all of them.

use std::collections::{BTreeSet, HashMap};

use rustix::fs::Stat;

use crate::article::StorePath;
use crate::files::{Sighting, Stamp};

/// A file that was changed so shortly before it was read may be changed again within the same tick
/// of the file system's clock, and bear the same stamp. In seconds.
const FRESH: i64 = 2;

/// The stamp of a file.
pub(super) fn stamp(stat: &Stat) -> Stamp {
    Stamp {
        inode: (stat.st_dev, stat.st_ino),
        size: stat.st_size,
        modified: (stat.st_mtime, stat.st_mtime_nsec.cast_signed()),
        changed: (stat.st_ctime, stat.st_ctime_nsec.cast_signed()),
    }
}

/// Whether a change later than now would show in the stamp.
fn is_settled(stamp: &Stamp) -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.ok().and_then(|now| i64::try_from(now.as_secs()).ok());
    now.is_some_and(|now| stamp.changed.0 + FRESH < now)
}

/// What was seen by path, and paths by inode.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    files: HashMap<StorePath, (Sighting, bool)>,
    names: HashMap<(u64, u64), BTreeSet<StorePath>>,
}

impl Stamps {
    /// The file at `path` was read whole, and this was seen.
    pub(super) fn set(&mut self, path: &StorePath, seen: Sighting) {
        self.put(path, seen, is_settled(&seen.stamp));
    }

    /// An earlier run relied on this.
    pub(super) fn restore(&mut self, path: &StorePath, seen: Sighting) {
        self.put(path, seen, true);
    }

    fn put(&mut self, path: &StorePath, seen: Sighting, is_settled: bool) {
        self.remove(path);
        let names = self.names.entry(seen.stamp.inode).or_default();
        names.insert(path.clone());
        self.files.insert(path.clone(), (seen, is_settled));
    }

    pub(super) fn remove(&mut self, path: &StorePath) {
        let Some((seen, _)) = self.files.remove(path) else {
            return;
        };
        let inode = seen.stamp.inode;
        if let Some(names) = self.names.get_mut(&inode) {
            names.remove(path);
            if names.is_empty() {
                self.names.remove(&inode);
            }
        }
    }

    /// As if all had been read long after they were changed.
    #[cfg(test)]
    pub(super) fn settle(&mut self) {
        let files = self.files.values_mut();
        files.for_each(|(_, is_settled)| *is_settled = true);
    }

    /// The inode of the file at `path` when it was read.
    pub(super) fn inode(&self, path: &StorePath) -> Option<(u64, u64)> {
        self.files.get(path).map(|(seen, _)| seen.stamp.inode)
    }

    /// What was seen of the file at `path`, where that can be relied on.
    pub(super) fn get(&self, path: &StorePath) -> Option<Sighting> {
        let (seen, is_settled) = self.files.get(path)?;
        is_settled.then_some(*seen)
    }

    /// Everything that another run can rely on. Bad files are left out: their faults are to be told
    /// again.
    pub(super) fn lasting(&self) -> Vec<(StorePath, Sighting)> {
        let lasting = self.files.iter();
        let lasting = lasting.filter(|(_, (seen, is_settled))| *is_settled && seen.hash.is_some());
        let mut lasting: Vec<(StorePath, Sighting)> = lasting
            .map(|(path, (seen, _))| (path.clone(), *seen))
            .collect();
        lasting.sort_by(|a, b| a.0.cmp(&b.0));
        lasting
    }

    /// The other names of the file at `path`: a change of one is a change of all, and is heard of
    /// once.
    pub(super) fn other_names(&self, path: &StorePath) -> Vec<StorePath> {
        let names = self
            .files
            .get(path)
            .and_then(|(seen, _)| self.names.get(&seen.stamp.inode));
        let names = names.into_iter().flatten();
        names.filter(|name| *name != path).cloned().collect()
    }
}
