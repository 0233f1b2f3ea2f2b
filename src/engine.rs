//! Catalog, manifest and unpaid work: what happened goes in, what to publish comes out.
//!
//! A step takes in changes and the clock and adds what they touched to the *debt*. The debt is
//! planned, rendered and handed out in parts; only when these are known to be published is it paid. A
//! failure anywhere in between therefore leaves a debt and not a hole: the next step plans it again.
//! The engine opens nothing, waits for nothing and knows no clock.

mod assemble;
mod bodies;
mod debt;
mod errands;
mod fetched;
mod keep;
mod lines;
mod memory;
mod overviews;
mod rendered;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::ErrorKind;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use crate::article::{ArticleId, Diagnostic, StorePath, Timestamp};
use crate::catalog::{Catalog, Intake, Touched};
use crate::config::Config;
use crate::document::{Channel, DocumentKey, Fingerprint, Manifest, TargetId};
use crate::files::{Archive, ArchiveError, Body, Card, Changes, FileNo, Ledger};
use crate::plan;
use crate::render::RenderError;

pub use assemble::Hand;
use debt::Debt;
pub use debt::Work;
use errands::Errands;
use fetched::Fetched;
pub use keep::{Guarded, Kept, Reason};
use lines::Lines;
use memory::Unsaved;
pub use memory::{Memory, Record};
use overviews::Headlines;
pub use rendered::Rendered;

/// Catalog, files, last good versions, manifest and debt.
#[derive(Debug)]
pub struct Engine {
    config: Arc<Config>,
    archive: Arc<dyn Archive>,
    intake: Arc<Intake>,
    fetched: Fetched,
    lines: Lines,
    headlines: Headlines,
    catalog: Catalog,
    kept: BTreeMap<StorePath, Kept>,
    bodies: HashMap<StorePath, Body>,
    manifest: Manifest,
    /// The directory that the manifest is of, and the one that is published to.
    home: Option<TargetId>,
    target: Option<TargetId>,
    /// What documents are made under: the configuration and the program.
    edition: u64,
    /// The edition in which everything was published when the memory was written.
    settled_before: Option<u64>,
    /// Every channel has its window in `windows`.
    has_windows: bool,
    /// Documents that are not published, because somebody else's files stand in their place.
    refused: BTreeSet<String>,
    parts: BTreeMap<DocumentKey, Option<Timestamp>>,
    /// Tells what the overviews show that are published, where that is known.
    overviews: Option<u64>,
    windows: HashMap<Channel, plan::FeedPlan>,
    debt: Debt,
    visible_when_published: usize,
    bodies_needed: usize,
    withdrawals: BTreeMap<ArticleId, Timestamp>,
    embargoed: BTreeMap<StorePath, Timestamp>,
    errands: Errands,
    unsaved: Unsaved,
}

/// What is owed cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// A writing crate failed: a bug.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// What documents show cannot be fetched.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl Engine {
    /// An engine that owes everything, from what earlier runs remembered and what `archive` keeps of
    /// it. The clock is `now`.
    ///
    /// A memory of readings under another configuration still says what was good and visible; every
    /// file is then read again.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        mut memory: Memory,
        archive: Arc<dyn Archive>,
        now: Timestamp,
    ) -> Self {
        let intake = Arc::new(Intake::new(&config, Arc::clone(&archive)));
        let mut unsaved = Unsaved::default();
        if memory.rules != config.rules_fingerprint() {
            unsaved = memory.renew_cards(&intake);
        }
        if memory.reading != config.reading_fingerprint() {
            memory.distrust_readings();
        }
        let then = memory.seen_at.map_or(now, |then| then.min(now));
        let errands = Errands::new(&mut memory, &config);
        unsaved.errands.clone_from(errands.unwanted());
        let kept = memory.kept.iter();
        let kept = kept.map(|(path, kept)| {
            let is_bad = kept.reason == Reason::Bad;
            (path.clone(), Arc::clone(&kept.card), is_bad)
        });
        let catalog = Catalog::new(
            &config,
            memory.files,
            kept.collect(),
            memory.withdrawals.clone(),
            then,
        );
        let mut engine = Self {
            config,
            archive,
            intake,
            fetched: Fetched::default(),
            lines: Lines::default(),
            headlines: Headlines::default(),
            catalog,
            kept: memory.kept,
            bodies: memory.bodies,
            manifest: memory.manifest,
            home: memory.target,
            target: None,
            edition: 0,
            has_windows: false,
            settled_before: memory.settled.filter(|_| memory.seen_at == Some(then)),
            refused: BTreeSet::new(),
            parts: BTreeMap::new(),
            overviews: None,
            windows: HashMap::new(),
            debt: Debt::All,
            visible_when_published: 0,
            bodies_needed: 0,
            withdrawals: memory.withdrawals,
            embargoed: memory.embargoed,
            unsaved,
            errands,
        };
        engine.visible_when_published = engine.visible();
        engine
    }

    /// What makes cards of the articles that are read.
    #[must_use]
    pub fn intake(&self) -> Arc<Intake> {
        Arc::clone(&self.intake)
    }

    /// Has files read again of which what was archived is lost, and lets go of last good versions
    /// that are; says how many of both there are.
    pub fn mend(&mut self) -> usize {
        let files = Arc::clone(self.files());
        let articles = files.iter().filter(|no| files.is_article(*no));
        // What cannot be read for another reason may be read later.
        let is_gone = |error: &ArchiveError| {
            use ErrorKind::{InvalidData, NotFound, UnexpectedEof};
            matches!(error.cause.kind(), InvalidData | NotFound | UnexpectedEof)
        };
        let lost_card = |card: &Card| card.fetch(&*self.archive).is_err_and(|e| is_gone(&e));
        let is_lost = |no: &FileNo| lost_card(&files.card(*no));
        let lost: Vec<FileNo> = articles.filter(is_lost).collect();
        let kept = self.kept.iter().filter(|(_, kept)| lost_card(&kept.card));
        let kept: Vec<StorePath> = kept.map(|(path, _)| path.clone()).collect();
        drop(files);
        for no in &lost {
            self.catalog.ledger_mut().forget_hash(*no);
        }
        let touched = self.release(&kept);
        self.owe(touched);
        lost.len() + kept.len()
    }

    /// Says which directory is published to.
    pub fn set_target(&mut self, target: Option<TargetId>) {
        self.target = target;
    }

    /// Says what documents are made under: another edition may make others of the same articles.
    pub fn set_edition(&mut self, edition: u64) {
        self.edition = edition;
    }

    /// Whether every document was in place, and none was owed, when the memory was written; and
    /// nothing that they depend on is another now.
    #[must_use]
    pub fn was_settled(&self) -> bool {
        self.settled_before == Some(self.edition) && self.is_at_home()
    }

    /// Owes nothing but what the clock has touched since, where the documents are known to be in
    /// place as they were. `parts` are the sitemaps, and the dates the index gives for them.
    pub fn resume(&mut self, parts: BTreeMap<DocumentKey, Option<Timestamp>>) {
        self.parts = parts;
        self.debt = Debt::Touched(Touched::default());
    }

    /// Tells one manifest from another.
    #[must_use]
    pub fn manifest_hash(&self) -> u64 {
        let mut hash = Xxh3::new();
        for (path, fingerprint) in &self.manifest {
            hash.update(path.as_bytes());
            hash.update(format!("{fingerprint:?}").as_bytes());
        }
        hash.digest()
    }

    /// The sitemaps, and the dates the index gives for them.
    #[must_use]
    pub fn parts(&self) -> &BTreeMap<DocumentKey, Option<Timestamp>> {
        &self.parts
    }

    /// The edition of all that is in `out`, where nothing is owed.
    pub(in crate::engine) fn settled(&self) -> Option<u64> {
        let is_settled = !self.owes() && self.is_at_home() && self.refused.is_empty();
        is_settled.then_some(self.edition)
    }

    /// Whether a file that stands at a path of the manifest is known to be khabar's.
    pub(in crate::engine) fn is_at_home(&self) -> bool {
        self.home.is_some() && self.home == self.target
    }

    /// Documents that are not published, because somebody else's files stand in their place.
    #[must_use]
    pub fn refused(&self) -> &BTreeSet<String> {
        &self.refused
    }

    /// Every file of the store that has been taken in.
    #[must_use]
    pub fn files(&self) -> &Arc<Ledger> {
        self.catalog.ledger()
    }

    /// Whether no file of the store was ever taken in, as far as is remembered.
    #[must_use]
    pub fn knows_nothing(&self) -> bool {
        self.files().is_empty() && self.kept.is_empty()
    }

    /// Whether the file at `path` holds an article whose first publication is still to come, or did
    /// when it could last be read: no log may name it.
    #[must_use]
    pub fn is_embargoed(&self, path: &StorePath) -> bool {
        let until = match self.article_in(path) {
            Some(no) => Some(self.files().published(no)),
            None => self.embargoed.get(path).copied(),
        };
        until.is_some_and(|until| until > self.catalog.now())
    }

    /// The file at `path`, where it holds an article.
    pub(in crate::engine) fn article_in(&self, path: &StorePath) -> Option<FileNo> {
        let no = self.files().find(path)?;
        self.files().is_article(no).then_some(no)
    }

    /// The configuration it works under.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The index.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// How many articles are visible now.
    #[must_use]
    pub fn visible(&self) -> usize {
        self.catalog
            .members(&Channel::Front)
            .map_or(0, |members| members.live.len())
    }

    /// Files that are rejected now, with duplicates and those that are no articles any more.
    #[must_use]
    pub fn rejected(&self) -> usize {
        self.files().rejected() + self.duplicates().len() + self.lapsed().len()
    }

    /// A fault for every file whose id or URL another one holds.
    #[must_use]
    pub fn duplicates(&self) -> Vec<Diagnostic> {
        self.catalog.duplicates()
    }

    /// Everything khabar owns below `out`, as last remembered.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// When something changes next without any change of content.
    #[must_use]
    pub fn wake_at(&self) -> Option<Timestamp> {
        self.catalog.next_deadline()
    }

    /// Takes in what happened and moves the clock to `now`. Losses past the guard are held.
    pub fn step(&mut self, changes: Changes, now: Timestamp) -> Guarded {
        let missing = self.take_in(changes);
        let touched = self.catalog.advance(now);
        self.owe(touched);
        let guarded = self.guard(missing);
        self.owe_pages();
        guarded
    }

    /// The id that must have been meant, where no article has the id `id` and it is the path or the
    /// URL of one.
    #[must_use]
    pub fn meant(&self, id: &ArticleId) -> Option<ArticleId> {
        if self.catalog.find(id).is_some() || self.withdrawals.contains_key(id) {
            return None;
        }
        Some(self.catalog.named(id.as_str())?.card.id)
    }

    /// Withdraws an article by command at `when`, or takes that back. Says whether that changed
    /// what is remembered.
    pub fn withdraw(&mut self, id: &ArticleId, when: Option<Timestamp>) -> bool {
        let changed = match when {
            // A second withdrawal keeps the instant of the first.
            Some(_) if self.withdrawals.contains_key(id) => false,
            Some(when) => {
                self.withdrawals.insert(id.clone(), when);
                true
            }
            None => self.withdrawals.remove(id).is_some(),
        };
        if changed {
            self.unsaved.withdrawals.insert(id.clone());
            let touched = self.catalog.set_withdrawal(id, when);
            self.owe(touched);
            self.owe_pages();
        }
        changed
    }

    /// Renders what is owed, and hands it out in parts as they are made, from several threads; so
    /// nobody has to hold all of it. The last part has the paths that retire.
    ///
    /// # Errors
    /// Where an article cannot be fetched, a writing crate fails, or `hand` does.
    pub fn render<E>(&self, work: Work, hand: Hand<'_, E>) -> Result<Rendered, E>
    where
        E: From<AssembleError> + Send,
    {
        assemble::render(self, work, hand)
    }

    /// Nobody knows how much of what was handed out is in place: all of it is khabar's, and owed
    /// still.
    pub fn fail(&mut self, rendered: &Rendered) {
        self.overviews = None;
        for path in rendered.fingerprints.keys() {
            self.unsaved.manifest.insert(path.clone());
            self.manifest.insert(path.clone(), Fingerprint::UNKNOWN);
        }
    }

    /// The debt is paid: `rendered` is published.
    pub fn commit(&mut self, rendered: Rendered) {
        if rendered.is_everything {
            self.home = self.target;
            self.has_windows = true;
            self.refused.clear();
        }
        let is_published = |path: &String| rendered.fingerprints.contains_key(path);
        self.refused.retain(|path| !is_published(path));
        for path in rendered.foreign {
            self.manifest.remove(&path);
            self.unsaved.manifest.insert(path.clone());
            self.refused.insert(path);
        }
        self.manifest.extend(rendered.fingerprints);
        for path in &rendered.retired {
            self.refused.remove(path);
            self.manifest.remove(path);
            self.unsaved.manifest.insert(path.clone());
        }
        self.forget_topics(&rendered.retired);
        self.begin_to_tell();
        self.parts = rendered.parts;
        self.overviews = rendered.overviews;
        for channel in rendered.removed_channels {
            self.windows.remove(&channel);
        }
        self.debt = Debt::Touched(self.unfinished(&rendered.feeds));
        let plans = rendered.feeds.into_iter();
        self.windows
            .extend(plans.map(|plan| (plan.channel.clone(), plan)));
        self.visible_when_published = self.visible();
        self.forget_spare_bodies();
    }

    /// How many documents are published once `rendered` is.
    #[must_use]
    pub fn documents_with(&self, rendered: &Rendered) -> usize {
        let mut names = rendered.fingerprints.keys();
        let new = names
            .by_ref()
            .filter(|path| !self.manifest.contains_key(*path));
        self.manifest.len() + new.count() - rendered.retired.len()
    }
}

#[cfg(test)]
mod tests;
