//! Catalog, manifest and unpaid work: what happened goes in, what to publish comes out.
//!
//! A step takes in changes and the clock and adds what they touched to the *debt*. The debt is
//! planned, rendered and handed out as a [`Release`]; only when that is known to be published is it
//! paid. A failure anywhere in between therefore leaves a debt and not a hole: the next step plans
//! it again. The engine opens nothing, waits for nothing and knows no clock.

mod assemble;
mod keep;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::article::{ArticleId, Body, Changes, Diagnostic, File, Files, StorePath, Timestamp};
use crate::catalog::{Catalog, Touched};
use crate::config::Config;
use crate::document::{Channel, DocumentKey, Manifest, Release};
use crate::plan;
use crate::render::RenderError;

pub use keep::{Guarded, Kept, Reason};

/// So many bodies more than twice those that are printed are kept before they are sorted through.
const BODIES_SPARE: usize = 1_000;

/// What must survive a restart and cannot be derived from the store.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Last good versions, by the file they were read from.
    pub kept: BTreeMap<StorePath, Kept>,
    /// Withdrawals by command, and when.
    pub withdrawals: BTreeMap<ArticleId, Timestamp>,
    /// Everything below `out` that is khabar's.
    pub manifest: Manifest,
    /// How many articles were in play when last published, for a guard without checkpoint.
    pub in_play: usize,
    /// Files that were let go since the checkpoint, which still names them: they are no new loss.
    pub let_go: BTreeSet<StorePath>,
    /// Files that became bad while their article was under embargo, and until when that was.
    pub embargoed: BTreeMap<StorePath, Timestamp>,
}

/// What can be derived from the store again: deleting it costs time and nothing else.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The configuration that articles were read under.
    pub reading_fingerprint: u64,
    /// The instant it was published at.
    pub now: Option<Timestamp>,
    /// What every file of the store was found to be.
    pub files: Vec<(StorePath, File)>,
    /// Bodies of full-content windows.
    pub bodies: Vec<(StorePath, Body)>,
}

impl Checkpoint {
    /// Has every file and body read again; what was good and visible stays known, with its body.
    pub fn distrust_readings(&mut self) {
        for (_, body) in &mut self.bodies {
            body.hash = None;
        }
        for (_, file) in &mut self.files {
            file.forget_hash();
        }
    }
}

/// Catalog, files, last good versions, manifest and debt.
#[derive(Debug)]
pub struct Engine {
    config: Arc<Config>,
    catalog: Catalog,
    files: Files,
    kept: BTreeMap<StorePath, Kept>,
    bodies: HashMap<StorePath, Body>,
    manifest: Manifest,
    parts: BTreeMap<DocumentKey, Option<Timestamp>>,
    windows: HashMap<Channel, plan::FeedPlan>,
    debt: Debt,
    visible_when_published: usize,
    bodies_needed: usize,
    is_memory_changed: bool,
    withdrawals: BTreeMap<ArticleId, Timestamp>,
    let_go: BTreeSet<StorePath>,
    embargoed: BTreeMap<StorePath, Timestamp>,
}

/// Work that is not known to be published.
#[derive(Debug)]
enum Debt {
    /// Every document: nothing is known of what is in `out`.
    All,
    /// What was touched since the last publication.
    Touched(Touched),
}

/// What a plan is made of: articles by reference, and the bodies it needs.
#[derive(Debug)]
pub struct Work {
    feeds: Vec<plan::FeedPlan>,
    removed_channels: Vec<Channel>,
    months: Vec<chrono::NaiveDate>,
    is_everything: bool,
    /// Something happened, if only to what the overviews count.
    is_owed: bool,
    /// The files whose bodies must be handed to [`Engine::take_bodies`] before rendering.
    pub needs: Vec<StorePath>,
}

impl Work {
    /// Whether nothing has to be rendered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.is_owed
    }
}

/// A release and what has to be remembered once it is published.
#[derive(Debug)]
pub struct Rendered {
    /// What to publish.
    pub release: Release,
    /// Every document of the release.
    fingerprints: Manifest,
    parts: BTreeMap<DocumentKey, Option<Timestamp>>,
    feeds: Vec<plan::FeedPlan>,
    removed_channels: Vec<Channel>,
}

impl Rendered {
    /// Whether the document at `path` was last published in these very bytes.
    #[must_use]
    pub fn is_published(&self, path: &str, engine: &Engine) -> bool {
        self.fingerprints.get(path) == engine.manifest.get(path)
    }
}

impl Engine {
    /// An engine that owes everything, from what earlier runs left. The clock is `now`.
    ///
    /// A checkpoint made under another reading of the configuration still says what was good and
    /// visible; every file is then read again.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        memory: Memory,
        checkpoint: Option<Checkpoint>,
        now: Timestamp,
    ) -> Self {
        let mut checkpoint = checkpoint.unwrap_or_default();
        if checkpoint.reading_fingerprint != config.reading_fingerprint() {
            checkpoint.distrust_readings();
        }
        let then = checkpoint.now.map_or(now, |then| then.min(now));
        let catalog = Catalog::new(&config, memory.withdrawals.clone(), then);
        let mut engine = Self {
            config,
            catalog,
            files: Files::default(),
            kept: memory.kept,
            bodies: checkpoint.bodies.into_iter().collect(),
            manifest: memory.manifest,
            parts: BTreeMap::new(),
            windows: HashMap::new(),
            debt: Debt::All,
            visible_when_published: 0,
            bodies_needed: 0,
            is_memory_changed: false,
            withdrawals: memory.withdrawals,
            let_go: memory.let_go,
            embargoed: memory.embargoed,
        };
        engine.load(checkpoint.files);
        engine.visible_when_published = engine.visible();
        engine
    }

    /// Every file of the store that has been taken in.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Whether the file at `path` holds an article whose first publication is still to come, or did
    /// when it could last be read: no log may name it.
    #[must_use]
    pub fn is_embargoed(&self, path: &StorePath) -> bool {
        match self.files.get(path) {
            Some(File::Article(_, article)) => article.published > self.catalog.now(),
            Some(File::NoArticle(_) | File::Rejected) | None => self
                .embargoed
                .get(path)
                .is_some_and(|until| *until > self.catalog.now()),
        }
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
        let bad = self
            .files
            .iter()
            .filter(|(_, file)| matches!(file, File::Rejected))
            .count();
        bad + self.duplicates().len() + self.lapsed().len()
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
        self.guard(missing)
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
            self.is_memory_changed = true;
            let touched = self.catalog.set_withdrawal(id, when);
            self.owe(touched);
        }
        changed
    }

    /// What is owed now.
    #[must_use]
    pub fn work(&self) -> Work {
        let mut work = match &self.debt {
            Debt::All => Work {
                feeds: self
                    .catalog
                    .channels()
                    .filter_map(|(channel, _)| plan::feed(&self.catalog, &self.config, channel))
                    .collect(),
                removed_channels: Vec::new(),
                months: plan::months(&self.catalog).collect(),
                is_everything: true,
                is_owed: true,
                needs: Vec::new(),
            },
            Debt::Touched(touched) => self.touched_work(touched),
        };
        work.needs = self.needed_bodies(&work.feeds);
        work
    }

    /// Takes in bodies that a plan needs.
    pub fn take_bodies(&mut self, bodies: impl IntoIterator<Item = (StorePath, Body)>) {
        self.bodies.extend(bodies);
    }

    /// Renders what is owed.
    ///
    /// # Errors
    /// Where a writing crate fails.
    pub fn render(&self, work: Work) -> Result<Rendered, RenderError> {
        assemble::render(self, work)
    }

    /// What must be remembered before anything of `rendered` is put in place, so that a crash leaves
    /// no document that nobody owns, and forgets no takedown; `None` where all of it is remembered.
    #[must_use]
    pub fn memory_before(&self, rendered: &Rendered) -> Option<Memory> {
        let mut names = rendered.fingerprints.keys();
        let is_new = names.any(|path| !self.manifest.contains_key(path));
        (is_new || self.is_memory_changed).then(|| {
            let mut memory = self.memory();
            // With the documents to come, and still with those to go.
            memory.manifest.extend(rendered.fingerprints.clone());
            memory
        })
    }

    /// Whether something must be remembered that is not saved yet.
    #[must_use]
    pub fn is_memory_changed(&self) -> bool {
        self.is_memory_changed
    }

    /// [`Engine::memory_before`], or all of [`Engine::memory`], is saved.
    pub fn memory_is_saved(&mut self) {
        self.is_memory_changed = false;
    }

    /// The debt is paid: `rendered` is published. Hands back what that was.
    pub fn commit(&mut self, rendered: Rendered) -> Release {
        self.manifest.extend(rendered.fingerprints);
        for path in &rendered.release.retired {
            self.manifest.remove(path);
            self.is_memory_changed = true;
        }
        self.parts = rendered.parts;
        for channel in rendered.removed_channels {
            self.windows.remove(&channel);
        }
        self.debt = Debt::Touched(self.unfinished(&rendered.feeds));
        let plans = rendered.feeds.into_iter();
        self.windows
            .extend(plans.map(|plan| (plan.channel.clone(), plan)));
        self.visible_when_published = self.visible();
        if self.bodies.len() > 2 * self.bodies_needed + BODIES_SPARE {
            self.forget_bodies();
        }
        rendered.release
    }

    /// The feeds that were published without a body that nobody could fetch: it is owed still.
    fn unfinished(&self, feeds: &[plan::FeedPlan]) -> Touched {
        let mut touched = Touched::default();
        for plan in feeds {
            let lacks = self
                .printed(std::slice::from_ref(plan))
                .find(|(entry, path)| !entry.is_kept && self.known_body(path).is_none());
            if let Some((entry, _)) = lacks {
                touched.touch(&plan.channel, &entry.rank());
            }
        }
        touched
    }

    /// How many documents are published once `rendered` is.
    #[must_use]
    pub fn documents_with(&self, rendered: &Rendered) -> usize {
        let mut names = rendered.fingerprints.keys();
        let new = names
            .by_ref()
            .filter(|path| !self.manifest.contains_key(*path));
        self.manifest.len() + new.count() - rendered.release.retired.len()
    }

    /// What must survive, as of now.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory {
            kept: self.kept.clone(),
            withdrawals: self.withdrawals.clone(),
            manifest: self.manifest.clone(),
            in_play: self.catalog.len(),
            let_go: self.let_go.clone(),
            embargoed: self.embargoed.clone(),
        }
    }

    /// [`Engine::checkpoint`] is saved: it names nothing any more that was let go.
    pub fn checkpoint_is_saved(&mut self) {
        self.is_memory_changed |= !self.let_go.is_empty();
        self.let_go.clear();
    }

    /// What can be derived again, as of now.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let files = self
            .files
            .iter()
            .map(|(path, file)| (path.clone(), file.clone()))
            .collect();
        let mut bodies: Vec<(StorePath, Body)> = self
            .bodies
            .iter()
            .map(|(path, body)| (path.clone(), body.clone()))
            .collect();
        bodies.sort_by(|a, b| a.0.cmp(&b.0));
        Checkpoint {
            reading_fingerprint: self.config.reading_fingerprint(),
            now: Some(self.catalog.now()),
            files,
            bodies,
        }
    }

    fn owe(&mut self, touched: Touched) {
        match &mut self.debt {
            Debt::All => {}
            Debt::Touched(owed) => owed.merge(touched),
        }
    }

    /// The work of what was touched: channels whose window it reaches, months, and the overviews.
    fn touched_work(&self, touched: &Touched) -> Work {
        let mut work = Work {
            feeds: Vec::new(),
            removed_channels: Vec::new(),
            months: Vec::new(),
            is_everything: false,
            is_owed: !touched.is_empty(),
            needs: Vec::new(),
        };
        for (channel, rank) in &touched.channels {
            match plan::feed(&self.catalog, &self.config, channel) {
                None => work.removed_channels.push(channel.clone()),
                Some(plan) => {
                    let before = self.windows.get(channel);
                    let is_reached =
                        before.is_none_or(|before| before.reaches(rank)) || plan.reaches(rank);
                    if is_reached {
                        work.feeds.push(plan);
                    }
                }
            }
        }
        let mut months = BTreeSet::new();
        for day in &touched.days {
            if months.insert(crate::document::Period::month_of(*day)) {
                work.months.push(*day);
            }
        }
        work
    }

    /// The files whose bodies full-content feeds print and that are not known in this version.
    fn needed_bodies(&self, feeds: &[plan::FeedPlan]) -> Vec<StorePath> {
        let mut needs = BTreeSet::new();
        for (entry, path) in self.printed(feeds) {
            if !entry.is_kept && self.known_body(path).is_none() {
                needs.insert(path.clone());
            }
        }
        needs.into_iter().collect()
    }

    /// The articles whose bodies `feeds` print.
    fn printed<'a>(
        &'a self,
        feeds: &'a [plan::FeedPlan],
    ) -> impl Iterator<Item = (&'a crate::catalog::Entry, &'a StorePath)> {
        feeds
            .iter()
            .filter(|plan| assemble::is_full(&self.config, &plan.channel))
            .flat_map(|plan| &plan.entries)
            .filter_map(|id| self.catalog.entry(id))
            .filter(|entry| assemble::prints_body(&entry.article))
            .map(|entry| (entry, &entry.article.path))
    }

    /// The body of what the file at `path` says now, where it is known.
    fn known_body(&self, path: &StorePath) -> Option<&Body> {
        let hash = self.files.get(path)?.hash();
        self.bodies.get(path).filter(|body| body.hash == hash)
    }

    /// Drops bodies that no full-content window prints any more.
    fn forget_bodies(&mut self) {
        let windows: Vec<plan::FeedPlan> = self.windows.values().cloned().collect();
        let printed: BTreeSet<StorePath> = self
            .printed(&windows)
            .map(|(_, path)| path.clone())
            .collect();
        self.bodies.retain(|path, _| printed.contains(path));
        self.bodies_needed = self.bodies.len();
    }

    /// Fills the catalog from a checkpoint, and from last good versions whose files are gone.
    fn load(&mut self, files: Vec<(StorePath, File)>) {
        let mut offers = Vec::with_capacity(files.len());
        for (path, mut file) in files {
            if self.let_go.contains(&path) {
                continue;
            }
            // What is kept is newer than a checkpoint that knows the file as good, or as there.
            match self.kept.get(&path).map(|kept| kept.reason) {
                Some(Reason::Missing) => continue,
                Some(Reason::Bad) if matches!(file, File::Article(..)) => {
                    file.forget_hash();
                    if let File::Article(_, article) = &file
                        && self
                            .kept
                            .get(&path)
                            .is_some_and(|kept| kept.article != *article)
                    {
                        file = File::Rejected;
                    }
                }
                Some(Reason::Bad) | None => {}
            }
            offers.push(self.offer(&path, &file));
            self.files.insert(path, file);
        }
        let absent = self
            .kept
            .keys()
            .filter(|path| self.files.get(path).is_none());
        let absent: Vec<StorePath> = absent.cloned().collect();
        offers.extend(absent.iter().map(|path| self.offer(path, &File::Rejected)));
        self.catalog.set(offers);
    }
}

#[cfg(test)]
mod tests;
