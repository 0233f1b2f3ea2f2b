//! What is known of the files of a store: what each was found to be, how it looked, what its body is.

mod card;
#[cfg(test)]
pub(crate) mod heap;
mod ledger;
mod paths;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::article::{ContentHash, Diagnostic, StorePath, Timestamp};

pub use card::{Archive, ArchiveError, Belonging, Card, Location, UrlHash};
pub use ledger::{Ledger, Seen};
pub use paths::FileNo;

/// A body, and the version of the file it was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Hash of the bytes it was read from.
    pub hash: Option<ContentHash>,
    /// Sanitised HTML in its `div`; `None` where the article turned out to have none.
    pub html: Option<String>,
}

/// What is seen of a file without reading it: one that bears the stamp it bore when it was read holds
/// what it held then. The time of the last change of its inode cannot be set by anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Device and inode.
    pub inode: (u64, u64),
    /// How many names it has.
    pub names: u64,
    /// Bytes.
    pub size: i64,
    /// Last modification: seconds and nanoseconds.
    pub modified: (i64, i64),
    /// Last change of the inode: seconds and nanoseconds.
    pub changed: (i64, i64),
}

/// File systems (statfs(2), `f_type`) on which every change of a file sets a time that nobody else can
/// set: ext2 to ext4, XFS, Btrfs, F2FS, ZFS, tmpfs, overlayfs. On others (network, FUSE, FAT) every run
/// reads every file.
pub const CHANGES_ARE_TIMED: [rustix::fs::FsWord; 7] = [
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0xf2f5_2010,
    0x2fc1_2fc1,
    0x0102_1994,
    0x794c_7630,
];
/// A file that was changed so shortly before it was read may be changed again within the same tick
/// of the file system's clock, and bear the same stamp. In seconds.
const FRESH: i64 = 2;

impl Stamp {
    /// Whether a change later than `now`, by the system's clock, would show in the stamp.
    #[must_use]
    pub fn is_settled(&self, now: std::time::SystemTime) -> bool {
        let now = now.duration_since(std::time::UNIX_EPOCH).ok();
        let now = now.and_then(|now| i64::try_from(now.as_secs()).ok());
        now.is_some_and(|now| self.changed.0 + FRESH < now)
    }
}

impl From<&rustix::fs::Stat> for Stamp {
    fn from(stat: &rustix::fs::Stat) -> Self {
        Self {
            inode: (stat.st_dev, stat.st_ino),
            names: stat.st_nlink,
            size: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec.cast_signed()),
            changed: (stat.st_ctime, stat.st_ctime_nsec.cast_signed()),
        }
    }
}

/// How a file looked when it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// Its stamp, where that can be relied on.
    pub seen: Option<Seen>,
    /// Its inode, where it has other names.
    pub inode: Option<(u64, u64)>,
}

/// What a file was found to be, and the hash of the bytes it was read from. Without a hash it has to
/// be read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum File {
    /// A good article.
    Article(Option<ContentHash>, Arc<Card>),
    /// Deliberately no article.
    NoArticle(Option<ContentHash>),
    /// It could not be read as one.
    Rejected,
}

impl File {
    /// The bytes it was read from. A bad file is read again each time it is asked for, so that its
    /// fault is reported each time.
    #[must_use]
    pub fn hash(&self) -> Option<ContentHash> {
        match self {
            Self::Article(hash, _) | Self::NoArticle(hash) => *hash,
            Self::Rejected => None,
        }
    }
}

/// One file that is new or changed since it was taken in.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which file.
    pub path: StorePath,
    /// What it was found to be.
    pub file: File,
    /// How it looked.
    pub sighting: Sighting,
    /// Of a bad file, the first publication it names, where that could be read: until then it is under
    /// embargo all the same.
    pub published: Option<Timestamp>,
    /// Faults and doubts, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// What happened in a store since its files were taken in.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// New and changed files, in bytewise order of their paths.
    pub changed: Vec<Change>,
    /// Files that are no longer there, in the same order.
    pub gone: Vec<StorePath>,
    /// Files that hold what they held, and look otherwise.
    pub sightings: Vec<(StorePath, Sighting)>,
    /// What there is to say of files and folders that are no articles, such as a folder that could
    /// not be read. What was known below that is neither changed nor gone.
    pub remarks: Vec<Diagnostic>,
}
