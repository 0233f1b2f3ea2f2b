//! What khabar remembers between runs, in a directory of its own.
//!
//! Two files: `memory`, which cannot be derived (what documents show of every file, last good
//! versions, withdrawals by command, the clock's mark, what in `out` is khabar's), and `checkpoint`,
//! which can: how files of the store looked when they were read, and documents when they were in
//! place, so that neither need be looked into again. Deleting it costs time and nothing else.
//! The daemon's server keeps a third beside them, an [`Aside`].
//! Another process can read and copy both at any time. A torn or foreign checkpoint is ignored with
//! a word; a damaged memory is an error, because going on without would forget a takedown.

mod aside;
mod log;

use std::borrow::Borrow;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::article::{ContentHash, StorePath, Timestamp};
use crate::document::DocumentKey;
use crate::engine::{Engine, Memory, Record};
use crate::files::{Archive, Ledger, Seen};
pub use aside::Aside;
use log::{Articles, Log};

/// The first bytes of the checkpoint, and the version of what follows.
const MAGIC: &[u8; 12] = b"khabar\0\0c002";
/// Magic, then the xxh3-128 of the payload.
const HEADER: usize = MAGIC.len() + 16;
const MEMORY: &str = "memory";
const CHECKPOINT: &str = "checkpoint";

/// The state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Reading or writing failed.
    #[error("{path} cannot be {action}: {cause}")]
    Io {
        /// "read" or "written".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The memory is torn, foreign or of another version.
    #[error(
        "{path} is damaged or of another version; restore it from a copy, or remove it: what only it \
         knows (withdrawals by command, last good versions, the time) is then forgotten"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// What can be derived from the store again: deleting it costs time and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// How files looked when they were read, and the hash of what was read.
    pub seen: Vec<(StorePath, ContentHash, Seen)>,
    /// Tells the manifest that they belong to.
    pub manifest: u64,
    /// How documents looked that are known to be in place.
    pub documents: Vec<(String, Seen)>,
    /// The sitemaps, and the dates the index gives for them.
    pub parts: Vec<(DocumentKey, Option<Timestamp>)>,
}

impl Checkpoint {
    /// What another run can rely on. Bad files are left out: their faults are to be told again.
    #[must_use]
    pub fn of(engine: &Engine, documents: Vec<(String, Seen)>) -> Self {
        let ledger = engine.files();
        let seen = ledger.iter().filter_map(|no| {
            let (hash, seen) = (ledger.hash(no)?, ledger.seen(no)?);
            Some((ledger.path(no), hash, seen))
        });
        Self {
            seen: seen.collect(),
            manifest: engine.manifest_hash(),
            documents,
            parts: engine.parts().clone().into_iter().collect(),
        }
    }

    /// Relies on it, as far as the ledger knows the same of the files.
    pub fn apply(&self, ledger: &mut Ledger) {
        for (path, hash, seen) in &self.seen {
            if let Some(no) = ledger.find(path)
                && ledger.has_read(no, *hash)
            {
                ledger.see(no, Some(*seen));
            }
        }
    }
}

/// What earlier runs left.
#[derive(Debug)]
pub struct Loaded {
    /// Empty where there was none.
    pub memory: Memory,
    /// Empty where there was none that can be used.
    pub checkpoint: Checkpoint,
    /// Whether there was one that cannot be used.
    pub is_checkpoint_damaged: bool,
    /// Whether the memory's end was cut off by a crash, and is left out.
    pub is_memory_torn: bool,
}

/// The directory of the state.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    articles: Arc<Articles>,
}

impl State {
    /// Opens the state at `path`, which need not be there, and reads what earlier runs left. Nothing
    /// is written.
    ///
    /// # Errors
    /// Where a file cannot be read, or the memory is damaged.
    pub fn open(path: &Path) -> Result<(Self, Loaded), StateError> {
        let memory = path.join(MEMORY);
        let read = match log::read(&memory) {
            Ok(read) => read,
            Err(log::Damaged::Yes) => return Err(StateError::Damaged { path: memory }),
            Err(log::Damaged::Unreadable(cause)) => return Err(error(path, "read", MEMORY, cause)),
        };
        let articles = Arc::new(Articles::new(Log::new(memory, &read)));
        let bytes = match std::fs::read(path.join(CHECKPOINT)) {
            Ok(bytes) => Some(bytes),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => return Err(error(path, "read", CHECKPOINT, cause)),
        };
        let checkpoint = bytes.as_deref().and_then(unpack);
        let loaded = Loaded {
            is_checkpoint_damaged: bytes.is_some() && checkpoint.is_none(),
            is_memory_torn: read.is_torn,
            memory: read.memory,
            checkpoint: checkpoint.unwrap_or_default(),
        };
        let path = path.to_owned();
        Ok((Self { path, articles }, loaded))
    }

    /// What is remembered of articles, and where those that are read are kept.
    #[must_use]
    pub fn archive(&self) -> Arc<dyn Archive> {
        Arc::clone(&self.articles) as Arc<dyn Archive>
    }

    /// Says whether articles may be written as they come, before anything that speaks of them is
    /// saved: where nobody else writes, and only there.
    pub fn write_ahead(&self, may: bool) {
        self.articles.log().write_ahead_from_now_on(may);
    }

    /// Makes the directory at `path`, for its owner alone.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn create(path: &Path) -> Result<(), StateError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|cause| error(path, "written", "", cause))
    }

    /// Adds `news` to the memory, as a whole, each record as it is made; `everything` else is asked for only where the file has
    /// to be written anew, and then handed back: the articles it speaks of are elsewhere now. All of it
    /// is durable when this returns.
    ///
    /// # Errors
    /// Where it cannot be written. What was saved before stays.
    pub fn save_memory<R: Borrow<Record>>(
        &mut self,
        news: impl IntoIterator<Item = R>,
        everything: impl FnOnce() -> Vec<Record>,
    ) -> Result<Vec<Record>, StateError> {
        Self::create(&self.path)?;
        let saved = self.articles.log().save(news, everything);
        saved.map_err(|cause| error(&self.path, "written", MEMORY, cause))
    }

    /// Seals the memory, and writes it anew where most of the file is out of date: then it is handed
    /// back as by [`State::save_memory`].
    ///
    /// # Errors
    /// Where it cannot be written. What was saved before stays.
    pub fn tidy_memory(
        &mut self,
        everything: impl FnOnce() -> Vec<Record>,
    ) -> Result<Vec<Record>, StateError> {
        let mut log = self.articles.log();
        let tidied = if log.is_overgrown() {
            let records = everything();
            log.rewrite(&records).map(|()| records)
        } else {
            log.seal().map(|()| Vec::new())
        };
        drop(log);
        tidied.map_err(|cause| error(&self.path, "written", MEMORY, cause))
    }

    /// Replaces the checkpoint.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError> {
        Self::create(&self.path)?;
        let saved = replace(&self.path.join(CHECKPOINT), |mut file| {
            let payload = postcard::to_stdvec(checkpoint).map_err(io::Error::other)?;
            file.write_all(MAGIC)?;
            file.write_all(&xxh3_128(&payload).to_le_bytes())?;
            file.write_all(&payload)
        });
        saved
            .map(drop)
            .map_err(|cause| error(&self.path, "written", CHECKPOINT, cause))
    }
}

fn error(folder: &Path, action: &'static str, name: &str, cause: io::Error) -> StateError {
    StateError::Io {
        action,
        path: folder.join(name),
        cause,
    }
}

/// Writes beside the file, syncs, renames, syncs the directory. What is beside it goes where that
/// fails.
fn replace(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<File> {
    let staged = path.with_extension("new");
    let replaced = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&staged)
        .and_then(|file| {
            write(&file)?;
            file.sync_all()?;
            std::fs::rename(&staged, path)?;
            if let Some(folder) = path.parent() {
                File::open(folder)?.sync_all()?;
            }
            Ok(file)
        });
    if replaced.is_err() {
        // It is swept by the next one that succeeds, where even that fails.
        let _ = std::fs::remove_file(&staged);
    }
    replaced
}

/// The checkpoint in a file, where it is whole and of this version.
fn unpack(bytes: &[u8]) -> Option<Checkpoint> {
    let (header, payload) = bytes.split_at_checked(HEADER)?;
    let (magic, hash) = header.split_at_checked(MAGIC.len())?;
    let is_whole = magic == MAGIC && hash == xxh3_128(payload).to_le_bytes();
    is_whole.then(|| postcard::from_bytes(payload).ok())?
}

#[cfg(test)]
mod tests;
