//! Stub.
use super::*;
use std::collections::BTreeSet;
use std::time::Instant;

/// Scope.
#[derive(Clone, Debug)]
pub enum Scope {
    /// All.
    Everything,
    /// These.
    Paths(BTreeSet<String>),
}
impl Scope {
    /// Known.
    pub fn known(&self, files: &Files) -> Files {
        files.clone()
    }
}
/// Due.
pub enum Due {
    /// Nothing.
    Idle,
    /// Later.
    At(Instant),
    /// Now.
    Ready(Scope),
}
/// Cookie.
#[derive(Debug)]
pub struct Cookie;
/// Watch.
#[derive(Debug)]
pub struct Watch;
impl Watch {
    /// Start.
    pub fn start(_store: &DirectoryStore, _bell: Box<dyn Fn() + Send + Sync>) -> Self {
        Self
    }
    /// Blind.
    pub fn blindness(&self) -> Option<String> {
        Some("stub".to_owned())
    }
    /// Due.
    pub fn due(&self, _now: Instant) -> Due {
        Due::Idle
    }
    /// All.
    pub fn take_everything(&self) {}
    /// Ring.
    pub fn ring(&self, _paths: impl Iterator<Item = String>) {}
    /// Cookie.
    pub fn cookie(&self) -> Option<Cookie> {
        None
    }
    /// Seen.
    pub fn is_seen(&self, _cookie: &Cookie) -> bool {
        true
    }
    /// Drained.
    pub fn is_drained(&self, _since: Instant) -> bool {
        true
    }
}
impl DirectoryStore {
    /// Changes.
    pub fn changes_watched(
        &self,
        known: &Files,
        _scope: &Scope,
        _watch: Option<&Watch>,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Changes, StoreError> {
        self.changes(known, progress)
    }
    /// Health.
    pub fn health(&self) -> Result<(), StoreError> {
        let opened = Self::open(Arc::clone(&self.config))?;
        let same = rustix::fs::fstat(&opened.handle)
            .ok()
            .zip(rustix::fs::fstat(&self.handle).ok())
            .is_some_and(|(a, b)| (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino));
        if same {
            Ok(())
        } else {
            Err(StoreError {
                path: self.root.clone(),
                cause: std::io::Error::other("it was replaced by another directory"),
            })
        }
    }
}
