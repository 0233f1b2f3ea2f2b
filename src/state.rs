//! What khabar remembers between runs, in a directory of its own.
//!
//! Three files: `memory`, which cannot be derived (last good versions, withdrawals by command, what
//! in `out` is khabar's); `mark`, the instant last published at, which is small because it changes
//! every time; and `checkpoint`, which can be derived (deleting it costs time and little else: what no document printed of files that are bad now, and whose losses the guard
//! could name).
//! Each is replaced whole, so another process can read or copy it at any time. A torn or foreign
//! checkpoint is ignored with a word; a torn memory or mark is an error, because going on without
//! would forget a takedown, or let time go back.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_128;

use crate::article::Timestamp;
use crate::engine::{Checkpoint, Memory};

/// The first bytes of every file, and the version of what follows.
const MAGIC: &[u8; 12] = b"khabar\0\0v002";
/// Magic, then the xxh3-128 of the payload.
const HEADER: usize = MAGIC.len() + 16;
const MEMORY: &str = "memory";
const MARK: &str = "mark";
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
         knows (withdrawals by command and last good versions, or the time) is then forgotten"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// What earlier runs left.
#[derive(Debug)]
pub struct Loaded {
    /// Empty where there was none.
    pub memory: Memory,
    /// The instant last published at: now never goes back behind it.
    pub mark: Option<Timestamp>,
    /// `None` where there was none that can be used.
    pub checkpoint: Option<Checkpoint>,
    /// Whether there was one that cannot be used.
    pub is_checkpoint_damaged: bool,
}

/// The directory of the state.
#[derive(Clone, Debug)]
pub struct State {
    path: PathBuf,
}

impl State {
    /// The state at `path`, which need not be there.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Makes the directory, for its owner alone.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn create(&self) -> Result<&Path, StateError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)
            .map_err(|cause| self.io("written", "", cause))?;
        Ok(&self.path)
    }

    /// Reads what earlier runs left; a missing file is an empty one.
    ///
    /// # Errors
    /// Where a file cannot be read, or the memory is damaged.
    pub fn load(&self) -> Result<Loaded, StateError> {
        let memory = self.read_whole(MEMORY)?.unwrap_or_default();
        let mark = self.read_whole(MARK)?.unwrap_or_default();
        let bytes = self.read(CHECKPOINT)?;
        let checkpoint = bytes.as_deref().and_then(unpack);
        Ok(Loaded {
            is_checkpoint_damaged: bytes.is_some() && checkpoint.is_none(),
            memory,
            mark,
            checkpoint,
        })
    }

    /// Replaces the mark; it is durable when this returns.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save_mark(&self, mark: Option<Timestamp>) -> Result<(), StateError> {
        self.write(MARK, &mark)
    }

    /// Replaces the memory; it is durable when this returns.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save_memory(&self, memory: &Memory) -> Result<(), StateError> {
        self.write(MEMORY, memory)
    }

    /// Replaces the checkpoint.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError> {
        self.write(CHECKPOINT, checkpoint)
    }

    /// Reads a file that must be whole where it is there.
    fn read_whole<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StateError> {
        let Some(bytes) = self.read(name)? else {
            return Ok(None);
        };
        let path = self.path.join(name);
        unpack(&bytes).map(Some).ok_or(StateError::Damaged { path })
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StateError> {
        match std::fs::read(self.path.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(self.io("read", name, cause)),
        }
    }

    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), StateError> {
        self.create()?;
        replace(&self.path, name, value).map_err(|cause| self.io("written", name, cause))
    }

    fn io(&self, action: &'static str, name: &str, cause: io::Error) -> StateError {
        StateError::Io {
            action,
            path: self.path.join(name),
            cause,
        }
    }
}

/// Writes beside the file, syncs, renames, syncs the directory.
fn replace(folder: &Path, name: &str, value: &impl Serialize) -> io::Result<()> {
    let payload = postcard::to_stdvec(value).map_err(io::Error::other)?;
    let staged = folder.join(format!("{name}.new"));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&staged)?;
    file.write_all(MAGIC)?;
    file.write_all(&xxh3_128(&payload).to_le_bytes())?;
    file.write_all(&payload)?;
    file.sync_all()?;
    std::fs::rename(&staged, folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// The value in a file, where it is whole and of this version.
fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (header, payload) = bytes.split_at_checked(HEADER)?;
    let (magic, hash) = header.split_at_checked(MAGIC.len())?;
    let is_whole = magic == MAGIC && hash == xxh3_128(payload).to_le_bytes();
    is_whole.then(|| postcard::from_bytes(payload).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::ArticleId;

    #[test]
    fn memory_comes_back_and_damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(&folder.path().join("deep/state"));
        assert!(state.load().unwrap().memory.withdrawals.is_empty());
        let mut memory = Memory::default();
        let id = ArticleId::new("خبر").unwrap();
        memory
            .withdrawals
            .insert(id.clone(), Timestamp::from_seconds(7).unwrap());
        state.save_memory(&memory).unwrap();
        state.save_mark(Timestamp::from_seconds(9)).unwrap();
        state.save_checkpoint(&Checkpoint::default()).unwrap();
        let loaded = state.load().unwrap();
        assert_eq!(loaded.memory.withdrawals, memory.withdrawals);
        assert_eq!(loaded.mark, Timestamp::from_seconds(9));
        assert!(loaded.checkpoint.is_some());

        let path = folder.path().join("deep/state");
        for name in [MEMORY, MARK, CHECKPOINT] {
            let whole = std::fs::read(path.join(name)).unwrap();
            for at in 0..whole.len() {
                let mut bytes = whole.clone();
                bytes[at] ^= 1;
                std::fs::write(path.join(name), &bytes).unwrap();
                match (name, state.load()) {
                    (MEMORY | MARK, Err(StateError::Damaged { .. })) => {}
                    (CHECKPOINT, Ok(loaded)) => assert!(loaded.is_checkpoint_damaged),
                    (name, other) => panic!("{name} with byte {at} flipped: {other:?}"),
                }
            }
            std::fs::write(path.join(name), &whole).unwrap();
        }
    }
}
