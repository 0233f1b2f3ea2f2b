//! One turn of the loop: changes → step → bodies → render → publish → remember.
//!
//! Here the edges meet the core: what a plan needs is fetched between plan and render, and what
//! was published is remembered. It prints nothing; what happened is returned.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::hold::{Hold, check_paths};
use super::remembering::edition;
use crate::article::{Diagnostic, Severity, StorePath, Timestamp};
use crate::config::{Config, Overlap};
use crate::document::{Channel, ChannelKind, Receipt, Release};
use crate::engine::{AssembleError, Engine, Guarded, Rendered};
use crate::files::{ArchiveError, Changes, Seen};
use crate::publish::directory::{DirectoryView, LockError, PublishError};
use crate::render::RenderError;
use crate::state::{State, StateError};
use crate::store::{Store, StoreError};

/// How often a store that changes while it is read is asked again within one turn.
const TRIES: usize = 5;
/// Seconds that the clock may be behind the last publication without a word.
const CLOCK_TOLERANCE: i64 = 60;

/// A turn cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// The paths of the configuration overlap once links are resolved.
    #[error("{0}")]
    Overlap(Overlap),
    /// The out or the state is another process's, or cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The store cannot be used and nothing is remembered of it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document cannot be rendered: a bug.
    #[error(transparent)]
    Render(RenderError),
    /// What documents show cannot be fetched.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A document cannot be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl From<AssembleError> for TurnError {
    fn from(error: AssembleError) -> Self {
        match error {
            AssembleError::Render(error) => Self::Render(error),
            AssembleError::Archive(error) => Self::Archive(error),
        }
    }
}

/// Where now comes from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The system's clock, never behind the last publication.
    System,
    /// `--now`: neither reads nor moves the mark.
    Fixed(Timestamp),
}

/// How much of what earlier runs left is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Files that are known are not read again.
    Readings,
    /// Every file is read again; the memory only says what was good and visible before.
    History,
}

/// Everything a turn works with.
#[derive(Debug)]
pub struct Workbench {
    pub(super) config: Arc<Config>,
    pub(super) state: State,
    store: Result<Store, StoreError>,
    pub(super) engine: Engine,
    pub(super) mark: Option<Timestamp>,
    clock: Clock,
    /// How documents looked that were read at the start and are those that were published.
    pub(super) looks: BTreeMap<String, Seen>,
    /// Whether the checkpoint says what is known, of files and documents.
    pub(super) is_checkpoint_current: bool,
    /// Whether there was a checkpoint that could not be used.
    pub is_checkpoint_damaged: bool,
    /// Whether the memory's end was cut off, by a crash or because it is being written.
    pub is_memory_torn: bool,
}

/// A turn up to the point where something would be written.
#[derive(Debug)]
pub struct Prepared {
    /// What to publish.
    pub rendered: Rendered,
    /// What the guard did.
    pub guarded: Guarded,
    /// Faults, doubts and notes of what was read in this turn, by path and place; then duplicates
    /// and files that are no articles any more.
    /// Nothing of articles under embargo: these are logged.
    pub diagnostics: Vec<Diagnostic>,
    /// How many files under embargo have faults, which are left out above.
    pub silenced: usize,
    /// Why the store was not read: only the clock has moved.
    pub store_error: Option<StoreError>,
    /// Seconds the clock is behind the last publication, where that is too many.
    pub clock_behind: Option<i64>,
}

/// Articles and channels, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Visible articles.
    pub articles: usize,
    /// Sections with visible articles.
    pub sections: usize,
    /// Stories with visible articles.
    pub stories: usize,
    /// Rejected files.
    pub rejected: usize,
}

impl Workbench {
    /// Opens what earlier runs left, and the store. Nothing is locked and nothing is written.
    ///
    /// # Errors
    /// Where the state cannot be used or paths overlap. A store that cannot be used is told in
    /// [`Prepared::store_error`] as long as the memory says what it held.
    pub fn open(config: Config, clock: Clock, trust: Trust) -> Result<Self, TurnError> {
        Self::over(Store::open, config, clock, trust)
    }

    /// As [`Workbench::open`], over the store that `open` opens instead of the one that the
    /// configuration names.
    ///
    /// # Errors
    /// As [`Workbench::open`].
    pub fn over(
        open: impl FnOnce(Arc<Config>) -> Result<Store, StoreError>,
        config: Config,
        clock: Clock,
        trust: Trust,
    ) -> Result<Self, TurnError> {
        let config = Arc::new(config);
        check_paths(&config)?;
        let (state, loaded) = State::open(&config.state)?;
        let mut memory = loaded.memory;
        match trust {
            Trust::Readings => loaded.checkpoint.apply(&mut memory.files),
            Trust::History => memory.distrust_readings(),
        }
        let store = match open(Arc::clone(&config)) {
            Ok(store) => Ok(store),
            Err(error) if memory.files.is_empty() && memory.kept.is_empty() => {
                return Err(error.into());
            }
            Err(error) => Err(error),
        };
        let mark = memory.mark;
        let archive = state.archive();
        let engine = Engine::new(Arc::clone(&config), memory, archive, now(clock, mark));
        let mut bench = Self {
            engine,
            config,
            state,
            store,
            mark,
            clock,
            looks: BTreeMap::new(),
            is_checkpoint_current: false,
            is_checkpoint_damaged: loaded.is_checkpoint_damaged,
            is_memory_torn: loaded.is_memory_torn,
        };
        bench.aim();
        bench.engine.set_edition(edition(&bench.config));
        if trust == Trust::Readings {
            bench.resume(loaded.checkpoint);
        }
        if let Clock::Fixed(_) = clock {
            // Another time than the public's.
            bench.engine.keep_quiet();
        }
        Ok(bench)
    }

    /// Says whether this process may write what it reads as it comes: only where it holds the right
    /// to write, and no other workbench does.
    pub fn write_ahead(&self, may: bool) {
        // Without the folder nothing is written ahead, and saving says why it cannot be made.
        if may && State::create(&self.config.state).is_err() {
            return;
        }
        self.state.write_ahead(may);
    }

    /// Looks which directory is published to. One that cannot be looked at is nobody's yet.
    fn aim(&mut self) {
        let out = DirectoryView::open(&self.config.out).ok().flatten();
        self.engine.set_target(out.and_then(|out| out.id().ok()));
    }

    /// `out` is another directory than before: everything is owed to it.
    pub fn start_over(&mut self) {
        self.aim();
        self.engine.owe_everything();
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The configuration, to be handed on.
    #[must_use]
    pub fn shared_config(&self) -> Arc<Config> {
        Arc::clone(&self.config)
    }

    /// As [`Store::locate`]; `None` where the store cannot be used.
    #[must_use]
    pub fn locate(&self, name: &Path) -> Option<String> {
        self.store.as_ref().ok()?.locate(name)
    }

    /// The engine, for questions.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine, for what is commanded.
    pub fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// The instant everything is seen at.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        now(self.clock, self.mark)
    }

    /// Everything but writing: reads what changed, moves the clock, renders what is owed.
    /// `progress` as in [`Store::changes`].
    ///
    /// # Errors
    /// Where the store fails and nothing is known of it, or a document cannot be rendered.
    pub fn prepare(&mut self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Prepared, TurnError> {
        match self.prepare_once(progress) {
            // What is damaged in the memory is read from the store again.
            Err(TurnError::Archive(_)) => {
                self.mend();
                self.prepare_once(progress)
            }
            prepared => prepared,
        }
    }

    fn prepare_once(
        &mut self,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Prepared, TurnError> {
        let mut diagnostics: BTreeMap<StorePath, Vec<Diagnostic>> = BTreeMap::new();
        let mut guarded = Guarded::default();
        let mut store_error = None;
        for _ in 0..TRIES {
            let changes = match self.changes(progress) {
                Ok(changes) => changes,
                // Of what nobody has read, nothing is published.
                Err(error)
                    if self.engine.files().is_empty() && self.engine.catalog().is_empty() =>
                {
                    return Err(error.into());
                }
                Err(error) => {
                    store_error = Some(error);
                    Changes::default()
                }
            };
            collect(&changes, &mut diagnostics);
            let step = self.take_in(changes);
            guarded = Guarded {
                lost: guarded.lost + step.lost,
                ..step
            };
            if self.fetch_bodies() || store_error.is_some() {
                break;
            }
        }
        let rendered = self.render()?;
        let mut diagnostics: Vec<Diagnostic> = diagnostics.into_values().flatten().collect();
        diagnostics.extend(self.engine.duplicates());
        diagnostics.extend(self.engine.lapsed());
        let mut silenced = BTreeSet::new();
        diagnostics.retain(|diagnostic| {
            let is_embargoed = self.engine.is_embargoed(&diagnostic.path);
            if is_embargoed && diagnostic.severity == Severity::Fault {
                silenced.insert(diagnostic.path.clone());
            }
            !is_embargoed
        });
        Ok(Prepared {
            rendered,
            guarded,
            diagnostics,
            silenced: silenced.len(),
            store_error,
            clock_behind: self.clock_behind(),
        })
    }

    /// Takes in what happened, and moves the clock.
    pub fn take_in(&mut self, changes: Changes) -> Guarded {
        self.is_checkpoint_current &=
            changes.changed.is_empty() && changes.gone.is_empty() && changes.sightings.is_empty();
        let now = self.now();
        self.engine.step(changes, now)
    }

    /// Renders what is owed.
    ///
    /// # Errors
    /// Where a writing crate fails: a bug.
    pub fn render(&self) -> Result<Rendered, TurnError> {
        Ok(self.engine.render(self.engine.work())?)
    }

    /// Publishes what was rendered, and hands back what is in place now. What it is made from is
    /// written down before, so that a crash forgets nothing that was shown and leaves no document
    /// that nobody owns.
    ///
    /// # Errors
    /// Where the state or `out` cannot be written. What is published stays coherent, and is owed.
    pub fn publish(
        &mut self,
        mut rendered: Rendered,
        hold: &Hold,
    ) -> Result<(Receipt, Release), TurnError> {
        if rendered.is_everything() {
            let orphans = hold.target.view().orphans(&rendered.release);
            rendered.release.retired.extend(orphans);
        }
        rendered.leave(hold.target.view().foreign(&rendered.release));
        self.engine.owe_topics(&rendered);
        let mut news = self.engine.news_before(&rendered);
        if let Clock::System = self.clock {
            self.mark = Some(self.now());
        }
        if let Some(record) = news.first_mut() {
            record.mark = Some(self.mark);
        }
        self.save_news(&news)?;
        let is_nothing =
            rendered.release.documents.is_empty() && rendered.release.retired.is_empty();
        self.is_checkpoint_current &= is_nothing;
        let receipt = hold.target.apply(&rendered.release).inspect_err(|_| {
            self.engine.fail(&rendered.release);
        })?;
        let release = self.engine.commit(rendered);
        for document in &release.documents {
            self.looks.remove(&document.key.path());
        }
        for path in &release.retired {
            self.looks.remove(path);
        }
        Ok((receipt, release))
    }

    /// Counts what is published.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let catalog = self.engine.catalog();
        let count = |kind| {
            catalog
                .channels()
                .filter(|(channel, members)| channel.kind() == kind && !members.live.is_empty())
                .count()
        };
        Counts {
            articles: catalog
                .members(&Channel::Front)
                .map_or(0, |members| members.live.len()),
            sections: count(ChannelKind::Section),
            stories: count(ChannelKind::Story),
            rejected: self.engine.rejected(),
        }
    }

    fn changes(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Changes, StoreError> {
        match &self.store {
            Ok(store) => store.changes(self.engine.files(), &self.engine.intake(), progress),
            Err(error) => Err(error.clone()),
        }
    }

    /// Fetches the bodies that the plan needs; says whether it got them in the versions it knows.
    fn fetch_bodies(&mut self) -> bool {
        let needs = self.engine.work().needs;
        if needs.is_empty() {
            return true;
        }
        let Ok(store) = &self.store else {
            return false;
        };
        let bodies = store.bodies(&needs);
        self.engine.take_bodies(bodies);
        self.engine.work().needs.is_empty()
    }

    /// Seconds the clock is behind the last publication, where that is too many.
    #[must_use]
    pub fn clock_behind(&self) -> Option<i64> {
        match (self.clock, self.mark) {
            (Clock::System, Some(mark)) => {
                let behind = mark.seconds() - system_now().seconds();
                (behind > CLOCK_TOLERANCE).then_some(behind)
            }
            _ => None,
        }
    }
}

fn collect(changes: &Changes, into: &mut BTreeMap<StorePath, Vec<Diagnostic>>) {
    for change in &changes.changed {
        into.insert(change.path.clone(), change.diagnostics.clone());
    }
    for remark in &changes.remarks {
        into.insert(remark.path.clone(), vec![remark.clone()]);
    }
}

/// The instant a turn sees everything at.
#[must_use]
pub fn now(clock: Clock, mark: Option<Timestamp>) -> Timestamp {
    match clock {
        Clock::System => mark.map_or_else(system_now, |mark| mark.max(system_now())),
        Clock::Fixed(now) => now,
    }
}

/// What the system's clock says.
#[must_use]
pub fn system_now() -> Timestamp {
    Timestamp::from_datetime(&chrono::Utc::now()).unwrap_or(Timestamp::MAX)
}
