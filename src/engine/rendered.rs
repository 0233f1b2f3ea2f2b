//! What has been rendered and handed out, until it is known to be published.

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use crate::article::Timestamp;
use crate::document::{Channel, DocumentKey, Manifest};
use crate::plan;

/// What has been rendered and handed out, and has to be remembered once it is published.
#[derive(Debug, Default)]
pub struct Rendered {
    /// Every document that was handed out.
    pub(super) fingerprints: Manifest,
    /// Paths below `out` of documents that nothing names any more.
    pub(super) retired: Vec<String>,
    pub(super) parts: BTreeMap<DocumentKey, Option<Timestamp>>,
    pub(super) overviews: Option<u64>,
    pub(super) feeds: Vec<plan::FeedPlan>,
    pub(super) removed_channels: Vec<Channel>,
    pub(super) is_everything: bool,
    /// Paths that are left to somebody else.
    pub(super) foreign: BTreeSet<String>,
}

impl Rendered {
    /// Whether the document at `path` was last published in these very bytes.
    #[must_use]
    pub fn is_published(&self, path: &str, engine: &Engine) -> bool {
        self.fingerprints.get(path) == engine.manifest.get(path)
    }

    /// Whether this is every document there is.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.is_everything
    }

    /// Whether nothing was handed out and nothing is to go.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fingerprints.is_empty() && self.retired.is_empty()
    }

    /// How many documents were handed out.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.fingerprints.len()
    }

    /// The paths of all documents that were handed out or are to go.
    pub fn paths(&self) -> impl Iterator<Item = &String> {
        self.fingerprints.keys().chain(&self.retired)
    }

    /// Tells the paths of documents that were handed out or are to go from others.
    pub fn names(&self) -> impl Fn(&str) -> bool + '_ {
        let retired: BTreeSet<&str> = self.retired.iter().map(String::as_str).collect();
        move |path| self.fingerprints.contains_key(path) || retired.contains(path)
    }

    /// The paths of documents that nothing names any more.
    #[must_use]
    pub fn retired(&self) -> &[String] {
        &self.retired
    }

    /// Documents that nobody remembers are to go as well.
    pub fn retire(&mut self, orphans: Vec<String>) {
        self.retired.extend(orphans);
    }

    /// Leaves paths alone at which somebody else's files stand: neither written nor removed.
    pub fn leave(&mut self, foreign: BTreeSet<String>) {
        self.retired.retain(|path| !foreign.contains(path));
        self.fingerprints.retain(|path, _| !foreign.contains(path));
        self.foreign = foreign;
    }
}
