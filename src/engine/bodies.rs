//! The bodies that full-content windows print: which are needed, which are known, which are not
//! needed any more.

use std::collections::BTreeSet;

use super::{Engine, assemble};
use crate::article::StorePath;
use crate::catalog::{Entry, Touched};
use crate::files::Body;
use crate::plan::{self, FeedPlan};

/// So many bodies more than twice those that are printed are kept before they are sorted through.
const BODIES_SPARE: usize = 1_000;

impl Engine {
    /// Takes in bodies that a plan needs.
    pub fn take_bodies(&mut self, bodies: impl IntoIterator<Item = (StorePath, Body)>) {
        for (path, body) in bodies {
            self.unsaved.bodies.insert(path.clone());
            self.bodies.insert(path, body);
        }
    }

    /// The feeds that were published without a body that nobody could fetch: it is owed still.
    pub(super) fn unfinished(&self, feeds: &[FeedPlan]) -> Touched {
        let mut touched = Touched::default();
        for plan in feeds {
            let lacks = self
                .printed(std::slice::from_ref(plan))
                .find(|entry| !entry.is_kept && self.known_body(&entry.card.path).is_none());
            if let Some(entry) = lacks {
                touched.touch(&plan.channel, &self.catalog.rank(entry.no));
            }
        }
        touched
    }

    /// The files whose bodies full-content feeds print and that are not known in this version.
    pub(super) fn needed_bodies(&self, feeds: &[FeedPlan]) -> Vec<StorePath> {
        let mut needs = BTreeSet::new();
        for entry in self.printed(feeds) {
            if !entry.is_kept && self.known_body(&entry.card.path).is_none() {
                needs.insert(entry.card.path);
            }
        }
        needs.into_iter().collect()
    }

    /// The articles whose bodies `feeds` print.
    fn printed<'a>(&'a self, feeds: &'a [FeedPlan]) -> impl Iterator<Item = Entry> + 'a {
        feeds
            .iter()
            .filter(|plan| assemble::is_full(&self.config, &plan.channel))
            .flat_map(|plan| &plan.entries)
            .filter_map(|no| self.catalog.entry_of(*no))
            .filter(|entry| entry.card.prints_body)
    }

    /// The body of what the file at `path` says now, where it is known.
    pub(super) fn known_body(&self, path: &StorePath) -> Option<&Body> {
        let hash = self.files().hash(self.files().find(path)?);
        self.bodies.get(path).filter(|body| body.hash == hash)
    }

    /// Drops bodies that no full-content window prints any more, once there are many.
    pub(super) fn forget_spare_bodies(&mut self) {
        let is_few = self.bodies.len() <= 2 * self.bodies_needed + BODIES_SPARE;
        if is_few {
            return;
        }
        if !self.has_windows {
            // What was resumed has not planned all of them yet.
            let channels = self.catalog.channels();
            let plans = channels.filter_map(|(c, _)| plan::feed(&self.catalog, &self.config, c));
            let plans: Vec<FeedPlan> = plans.collect();
            let windows = plans.into_iter().map(|plan| (plan.channel.clone(), plan));
            self.windows.extend(windows);
            self.has_windows = true;
        }
        let windows: Vec<FeedPlan> = self.windows.values().cloned().collect();
        let printed: BTreeSet<StorePath> = self
            .printed(&windows)
            .map(|entry| entry.card.path)
            .collect();
        let unsaved = &mut self.unsaved.bodies;
        self.bodies.retain(|path, _| {
            let stays = printed.contains(path);
            if !stays {
                unsaved.insert(path.clone());
            }
            stays
        });
        self.bodies_needed = self.bodies.len();
    }
}
