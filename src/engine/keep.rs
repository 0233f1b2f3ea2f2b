//! Last good versions and the guard: what documents show of files that are bad, gone or missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::article::{Diagnostic, Place, Severity, StorePath, Timestamp};
use crate::catalog::{Entry, Offer, Phase, Touched};
use crate::files::{Card, Changes, File, Sighting};

/// A last good version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What decides where it stands.
    pub card: Arc<Card>,
    /// Its body, where a full-content window printed it.
    pub body: Option<String>,
    /// Why it is kept.
    pub reason: Reason,
}

/// Why a last good version is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Its file is bad, or says an id or URL that another file holds.
    Bad,
    /// Its file vanished with too many others at once.
    Missing,
}

/// What the guard did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guarded {
    /// How many missing articles are held.
    pub held: usize,
    /// How many visible articles vanished and were let go.
    pub lost: usize,
    /// How many articles were visible when last published.
    pub visible: usize,
}

impl Guarded {
    /// What it did in this step and in the one after.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            lost: self.lost + next.lost,
            ..next
        }
    }
}

impl Engine {
    /// The losses that are held now, by path.
    pub fn held(&self) -> impl Iterator<Item = (&StorePath, &Kept)> {
        self.kept
            .iter()
            .filter(|(_, kept)| kept.reason == Reason::Missing)
    }

    /// A fault for every file that was an article, is none now, and whose last good version stays.
    #[must_use]
    pub fn lapsed(&self) -> Vec<Diagnostic> {
        self.kept
            .keys()
            .filter(|path| {
                let no = self.files().find(path);
                no.is_some_and(|no| self.files().is_no_article(no))
            })
            .map(|path| Diagnostic {
                severity: Severity::Fault,
                code: "no-longer-an-article",
                path: path.clone(),
                place: Place::START,
                message: "the file was an article and has no date any more; its last good version \
                          stays"
                    .to_owned(),
                remedy: "give it its date back, or set `draft: true`, or remove it".to_owned(),
                excerpt: None,
            })
            .collect()
    }

    /// Lets go of exactly what is held now; says how many articles that are.
    pub fn accept(&mut self) -> usize {
        let held: Vec<StorePath> = self.held().map(|(path, _)| path.clone()).collect();
        let touched = self.release(&held);
        self.owe(touched);
        self.owe_pages();
        // What has been accepted is no longer part of what a further loss is measured against.
        self.visible_when_published = self.visible();
        held.len()
    }

    /// Takes in new and changed files. Articles that were visible and are gone are kept as missing
    /// until [`Engine::guard`] has decided; they are returned.
    pub(super) fn take_in(&mut self, changes: Changes) -> Vec<StorePath> {
        let mut missing = Vec::new();
        let mut offers = Vec::with_capacity(changes.changed.len());
        let mut sightings = changes.sightings;
        let mut spare: BTreeMap<StorePath, Kept> = BTreeMap::new();
        for change in changes.changed {
            let path = change.path;
            let file = change.file;
            if let File::Article(_, card) = &file {
                self.archive.adopt(&card.location);
            }
            if let Some(kept) = self.last_good(&path, Reason::Bad) {
                spare.insert(path.clone(), kept);
            }
            match &file {
                // One that was an article and names no date any more is an accident, not a wish: who
                // wants it gone says `draft`, or removes it.
                File::NoArticle(_) | File::Rejected => {
                    if let Some(kept) = spare.remove(&path) {
                        self.keep(&path, kept);
                    }
                }
                File::Article(..) => {}
            }
            self.note_embargo(&path, &file, change.published);
            offers.push(self.offer(&path, Some(file)));
            sightings.push((path.clone(), change.sighting));
            self.unsaved.files.insert(path);
        }
        for path in changes.gone {
            let was_live = self
                .catalog
                .in_play(&path)
                .is_some_and(|entry| entry.phase == Phase::Live);
            let last_good = self.last_good(&path, Reason::Missing);
            self.unsaved.files.insert(path.clone());
            self.forget(&path);
            self.forget_embargo(&path);
            if let Some(kept) = last_good.filter(|_| was_live) {
                self.keep(&path, kept);
                missing.push(path.clone());
            }
            offers.push(self.offer(&path, None));
        }
        let paths: Vec<StorePath> = offers.iter().map(|offer| offer.path.clone()).collect();
        let mut touched = self.catalog.set(offers);
        self.see(sightings);
        touched.merge(self.settle_kept(&paths, spare));
        self.owe(touched);
        missing
    }

    /// Drops the last good versions of files that are good again, and keeps those of files that
    /// now say what another file holds.
    fn settle_kept(
        &mut self,
        changed: &[StorePath],
        mut spare: BTreeMap<StorePath, Kept>,
    ) -> Touched {
        let mut offers = Vec::new();
        for path in changed {
            if self.article_in(path).is_some()
                && self.catalog.is_duplicate(path)
                && let Some(kept) = spare.remove(path)
            {
                self.keep(path, kept);
                offers.push(self.offer(path, self.files().get(path)));
            }
        }
        // A file may be good again because another one left: what was kept of it is history then.
        let is_good =
            |path: &StorePath| self.article_in(path).is_some() && !self.catalog.is_duplicate(path);
        let good: Vec<StorePath> = self.kept.keys().filter(|p| is_good(p)).cloned().collect();
        for path in good {
            self.forget(&path);
            offers.push(self.offer(&path, self.files().get(&path)));
        }
        self.catalog.set(offers)
    }

    /// Decides whether what has just gone missing is held, and lets go of it where it is not. What
    /// is held already stays so until it returns or is accepted.
    pub(super) fn guard(&mut self, missing: Vec<StorePath>) -> Guarded {
        let visible = self.visible_when_published;
        // An article whose id another file says now has moved, not vanished.
        let moved: Vec<StorePath> = self
            .held()
            .filter(|(_, kept)| self.catalog.is_claimed(&kept.card.id))
            .map(|(path, _)| path.clone())
            .collect();
        let touched = self.release(&moved);
        self.owe(touched);
        let held = self.held_and_live();
        let missing: Vec<StorePath> = missing
            .into_iter()
            .filter(|path| self.kept.contains_key(path))
            .collect();
        let is_emptied = held > 0 && self.files().iter().all(|no| self.files().is_no_article(no));
        if missing.is_empty() || is_emptied || self.config.guard.holds(held, visible) {
            return Guarded {
                held,
                lost: 0,
                visible,
            };
        }
        let touched = self.release(&missing);
        self.owe(touched);
        let left = self.held_and_live();
        Guarded {
            held: left,
            lost: held - left,
            visible,
        }
    }

    /// How many of the held articles would be visible. What time or a withdrawal hides is no loss,
    /// and stays known for when it does not.
    fn held_and_live(&self) -> usize {
        let is_live = |path: &StorePath| {
            let entry = self.catalog.in_play(path);
            entry.is_some_and(|entry| entry.phase == Phase::Live)
        };
        self.held().filter(|(path, _)| is_live(path)).count()
    }

    /// What the file at `path` offers under `file` and what is kept of it.
    fn offer(&self, path: &StorePath, file: Option<File>) -> Offer {
        Offer {
            path: path.clone(),
            file,
            kept: self.kept.get(path).map(|kept| Arc::clone(&kept.card)),
            is_bad: self
                .kept
                .get(path)
                .is_some_and(|kept| kept.reason == Reason::Bad),
        }
    }

    /// Remembers the embargo of an article whose file becomes bad, until the file is good, and of one
    /// that is bad from the start and says when it is to be published.
    fn note_embargo(&mut self, path: &StorePath, file: &File, published: Option<Timestamp>) {
        let now = self.catalog.now();
        let before = self.article_in(path).map(|no| self.files().published(no));
        match (file, before) {
            (File::Article(..), _) => self.forget_embargo(path),
            (_, _) if published.is_some_and(|published| published > now) => {
                self.embargoed
                    .extend(published.map(|until| (path.clone(), until)));
                self.unsaved.embargoed.insert(path.clone());
            }
            (_, Some(before)) if before > now => {
                self.embargoed.insert(path.clone(), before);
                self.unsaved.embargoed.insert(path.clone());
            }
            _ => {}
        }
    }

    fn forget_embargo(&mut self, path: &StorePath) {
        if self.embargoed.remove(path).is_some() {
            self.unsaved.embargoed.insert(path.clone());
        }
    }

    /// Remembers how files looked when they were read.
    fn see(&mut self, sightings: Vec<(StorePath, Sighting)>) {
        let ledger = self.catalog.ledger_mut();
        for (path, sighting) in sightings {
            if let Some(no) = ledger.find(&path) {
                ledger.see(no, sighting.seen);
                ledger.link(no, sighting.inode);
            }
        }
    }

    fn keep(&mut self, path: &StorePath, kept: Kept) {
        self.kept.insert(path.clone(), kept);
        self.unsaved.kept.insert(path.clone());
    }

    /// Forgets the last good version of a file; says whether there was one.
    fn forget(&mut self, path: &StorePath) -> bool {
        let was_kept = self.kept.remove(path).is_some();
        if was_kept {
            self.unsaved.kept.insert(path.clone());
        }
        was_kept
    }

    /// Forgets last good versions.
    pub(super) fn release(&mut self, paths: &[StorePath]) -> Touched {
        let mut offers = Vec::with_capacity(paths.len());
        for path in paths {
            self.forget(path);
            offers.push(self.offer(path, self.files().get(path)));
        }
        self.catalog.set(offers)
    }

    /// What documents show now of the file at `path`, to be kept for `reason`. An article that
    /// no document has shown yet is not kept: its last version may not be the one to appear.
    fn last_good(&self, path: &StorePath, reason: Reason) -> Option<Kept> {
        let entry = self.catalog.in_play(path)?;
        match entry.phase {
            Phase::Live | Phase::Withdrawn | Phase::Expired => {}
            Phase::Pending | Phase::Hidden => return None,
        }
        Some(Kept {
            body: self.body_of(&entry).map(str::to_owned),
            card: Arc::new(entry.card),
            reason,
        })
    }

    /// The body that documents print of an entry.
    pub(super) fn body_of(&self, entry: &Entry) -> Option<&str> {
        let path = &entry.card.path;
        if entry.is_kept {
            return self.kept.get(path)?.body.as_deref();
        }
        self.known_body(path)?.html.as_deref()
    }
}
