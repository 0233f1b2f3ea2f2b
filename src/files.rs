//! What is known of the files of a store: what each was found to be, how it looked, what its body is.

mod card;
#[cfg(test)]
pub(crate) mod heap;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::article::{ContentHash, Diagnostic, StorePath, Timestamp};

pub use card::{Archive, ArchiveError, Belonging, Card, Location, UrlHash};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Device and inode.
    pub inode: (u64, u64),
    /// Bytes.
    pub size: i64,
    /// Last modification: seconds and nanoseconds.
    pub modified: (i64, i64),
    /// Last change of the inode: seconds and nanoseconds.
    pub changed: (i64, i64),
}

/// A file that was read: how it looked, and which bytes that were. A bad one has no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// How it looked.
    pub stamp: Stamp,
    /// As [`File::hash`].
    pub hash: Option<ContentHash>,
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

    /// Whether it has to be read again although it bears the same stamp.
    #[must_use]
    pub fn is_to_be_read(&self) -> bool {
        match self {
            Self::Article(hash, _) | Self::NoArticle(hash) => hash.is_none(),
            Self::Rejected => false,
        }
    }

    /// Has it read again.
    pub fn forget_hash(&mut self) {
        match self {
            Self::Article(hash, _) | Self::NoArticle(hash) => *hash = None,
            Self::Rejected => {}
        }
    }
}

/// Every file of a store that has been taken in: how far the store has been read. Ordered, so that
/// what lies below a folder is found without a look at the rest.
#[derive(Clone, Debug, Default)]
pub struct Files {
    files: BTreeMap<StorePath, File>,
    /// How many of them are bad.
    rejected: usize,
}

impl Files {
    /// What the file at `path` was found to be.
    #[must_use]
    pub fn get(&self, path: &StorePath) -> Option<&File> {
        self.files.get(path)
    }

    /// Whether exactly these bytes have been taken in from `path`.
    #[must_use]
    pub fn has_read(&self, path: &StorePath, hash: ContentHash) -> bool {
        self.get(path).and_then(File::hash) == Some(hash)
    }

    /// Every file, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&StorePath, &File)> {
        self.files.iter()
    }

    /// How many of them are bad.
    #[must_use]
    pub fn rejected(&self) -> usize {
        self.rejected
    }

    /// The file at `path`, or the files below it where it is a folder; the empty path is the root.
    pub fn at_or_below(&self, path: &str) -> impl Iterator<Item = &StorePath> {
        let whole = StorePath::new(path);
        let below = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let file = self.files.get_key_value(&whole).map(|(path, _)| path);
        let first = StorePath::new(&below);
        let folder = self
            .files
            .range(first..)
            .map(|(path, _)| path)
            .take_while(move |path| path.as_str().starts_with(&below));
        file.into_iter().chain(folder)
    }

    /// These files and no others.
    #[must_use]
    pub fn new(files: BTreeMap<StorePath, File>) -> Self {
        let rejected = files.values().filter(|file| **file == File::Rejected);
        Self {
            rejected: rejected.count(),
            files,
        }
    }

    /// Takes a file in, in place of what was at its path.
    pub fn insert(&mut self, path: StorePath, file: File) {
        self.rejected += usize::from(file == File::Rejected);
        let before = self.files.insert(path, file);
        self.rejected -= usize::from(before == Some(File::Rejected));
    }

    /// Forgets the file at `path`.
    pub fn remove(&mut self, path: &StorePath) {
        let before = self.files.remove(path);
        self.rejected -= usize::from(before == Some(File::Rejected));
    }
}

/// One file that is new or changed since it was taken in.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which file.
    pub path: StorePath,
    /// What it was found to be.
    pub file: File,
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
    /// What there is to say of files and folders that are no articles, such as a folder that could
    /// not be read. What was known below that is neither changed nor gone.
    pub remarks: Vec<Diagnostic>,
}
