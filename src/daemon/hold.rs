//! The right to write: `out` and the state belong to one process at a time, and lie apart.

use std::path::PathBuf;

use super::TurnError;
use crate::config::Config;
use crate::publish::directory::{DirectoryTarget, Lock, Place};
use crate::state::State;

/// The right to write: this process alone holds `out` and the state.
#[derive(Debug)]
pub struct Hold {
    pub(super) target: DirectoryTarget,
    state: Lock,
}

/// What was gone, or replaced, and is held again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// `out`.
    pub out: bool,
    /// The state.
    pub state: bool,
}

impl Hold {
    /// Takes `out` and the state for this process.
    ///
    /// # Errors
    /// At once where another process has one of them.
    pub fn take(config: &Config) -> Result<Self, TurnError> {
        check_paths(config)?;
        let target = DirectoryTarget::lock(&config.out)?;
        State::create(&config.state)?;
        let lock = Lock::take(&config.state)?;
        Ok(Self {
            target,
            state: lock,
        })
    }

    /// `out` and the state.
    #[must_use]
    pub fn places(&self) -> [Place; 2] {
        [self.target.place().clone(), self.state.place().clone()]
    }

    /// Takes `out` and the state again, where they are gone or others are in their place; says which
    /// were.
    ///
    /// # Errors
    /// As [`Hold::take`].
    pub fn renew(&mut self, config: &Config) -> Result<Lost, TurnError> {
        let lost = Lost {
            out: !self.target.place().is_there(),
            state: !self.state.place().is_there(),
        };
        if lost.state {
            State::create(&config.state)?;
            self.state = Lock::take(&config.state)?;
        }
        if lost.out {
            self.target = DirectoryTarget::lock(&config.out)?;
        }
        Ok(lost)
    }
}

/// Refuses a store, out and state that lie in one another, links resolved.
pub(super) fn check_paths(config: &Config) -> Result<(), TurnError> {
    let overlaps = crate::config::overlap(
        config.store.path().map(resolve_links).as_deref(),
        &resolve_links(&config.out),
        &resolve_links(&config.state),
    );
    match overlaps.into_iter().next() {
        Some(overlap) => Err(TurnError::Overlap(overlap)),
        None => Ok(()),
    }
}

/// The path with the links of the part that exists resolved.
fn resolve_links(path: &std::path::Path) -> PathBuf {
    let mut missing = Vec::new();
    let mut existing = path;
    loop {
        if let Ok(real) = existing.canonicalize() {
            return missing
                .iter()
                .rev()
                .fold(real, |path, part| path.join(part));
        }
        match (existing.parent(), existing.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name);
                existing = parent;
            }
            _ => return path.to_owned(),
        }
    }
}
