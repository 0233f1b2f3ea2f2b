//! The articles in the memory's file, for whoever asks for one, in any thread.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Kept, Log};
use crate::files::{Archive, Location};

/// The memory's file, shared by those who read articles of it and the one who writes it.
#[derive(Debug)]
pub(in crate::state) struct Articles(Mutex<Log>);

impl Articles {
    pub(in crate::state) fn new(log: Log) -> Self {
        Self(Mutex::new(log))
    }

    pub(in crate::state) fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Archive for Articles {
    fn put(&self, bytes: &[u8]) -> Location {
        self.log().put(bytes)
    }

    fn get(&self, location: &Location, into: &mut Vec<u8>) -> io::Result<()> {
        let kept = self.log().kept(location)?;
        kept.read(location, into)
    }

    fn adopt(&self, location: &Location) {
        self.log().adopt(location);
    }
}

impl Kept {
    /// Appends what is kept to the empty `into`.
    pub(super) fn read(self, location: &Location, into: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => *into = bytes,
            Self::In(file, at) => {
                into.resize(location.length as usize, 0);
                file.read_exact_at(into, at)?;
            }
        }
        Ok(())
    }
}
