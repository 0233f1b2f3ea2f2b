//! One turn of the loop: changes → step → bodies → render → publish → remember.
//!
//! Here the edges meet the core: what a plan needs is fetched between plan and render, and what
//! was published is remembered. It prints nothing; what happened is returned.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::hold::{Hold, check_paths};
use super::remembering::{Mark, edition};
use crate::article::{Diagnostic, Severity, StorePath, Timestamp};
use crate::config::{Config, Overlap};
use crate::document::{Channel, ChannelKind, Document, Receipt, Release};
use crate::engine::{AssembleError, Engine, Guarded, Hand, Rendered};
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

/// A turn up to the point where something would be rendered.
#[derive(Debug)]
pub struct Prepared {
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

/// What of a publication is staged.
#[derive(Debug, Default)]
struct Staged {
    /// Where somebody else's files stand.
    foreign: BTreeSet<String>,
    /// Documents that are wanted after.
    documents: Vec<Document>,
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

    /// Reads what changed and moves the clock. `progress` as in [`Store::changes`].
    ///
    /// # Errors
    /// Where the store fails and nothing is known of it.
    pub fn prepare(&mut self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Prepared, TurnError> {
        let mut diagnostics: BTreeMap<StorePath, Vec<Diagnostic>> = BTreeMap::new();
        let mut guarded = Guarded::default();
        let mut store_error = None;
        for _ in 0..TRIES {
            let mut tell = |changes: &Changes| collect(changes, &mut diagnostics);
            let step = match self.read(progress, &mut tell) {
                Ok(step) => step,
                // Of what nobody has read, nothing is published.
                Err(error) if self.engine.knows_nothing() => return Err(error.into()),
                Err(error) => {
                    store_error = Some(error);
                    self.take_in(Changes::default())
                }
            };
            guarded = guarded.then(step);
            if self.fetch_bodies() || store_error.is_some() {
                break;
            }
        }
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

    /// Renders what is owed, and hands it out in parts as they are made.
    ///
    /// # Errors
    /// Where a writing crate fails: a bug; where an article cannot be fetched, or `hand` fails.
    pub fn render(&self, hand: Hand<'_, TurnError>) -> Result<Rendered, TurnError> {
        self.engine.render(self.engine.work(), hand)
    }

    /// Renders and publishes what is owed, and hands back what is in place now; with its documents
    /// where these are `wanted`. What it is made from is written down before anything is put in place,
    /// so that a crash forgets nothing that was shown and leaves no document that nobody owns.
    ///
    /// # Errors
    /// Where something cannot be rendered, or the state or `out` cannot be written. What is published
    /// stays coherent, and is owed.
    pub fn publish(&mut self, hold: &Hold, wanted: bool) -> Result<(Receipt, Release), TurnError> {
        let mut publication = hold.target.begin();
        let staged = Mutex::new(Staged::default());
        let mut rendered = self.render(&|mut release| {
            let foreign = publication.owners().foreign(&release);
            release.leave(&foreign);
            publication.stage(&release)?;
            let mut staged = staged.lock().unwrap_or_else(PoisonError::into_inner);
            staged.foreign.extend(foreign);
            if wanted {
                staged.documents.append(&mut release.documents);
            }
            Ok(())
        })?;
        let staged = staged.into_inner().unwrap_or_else(PoisonError::into_inner);
        if rendered.is_everything() {
            let orphans = publication.owners().orphans(rendered.names());
            rendered.retire(orphans);
        }
        rendered.leave(staged.foreign);
        self.engine.owe_topics(&rendered);
        if let Clock::System = self.clock {
            self.mark = Some(self.now());
        }
        // Neither depends on the other, and both wait for the disk.
        let (saved, synced) = rayon::join(
            || self.save_news(Some(&rendered), Mark::IsSaved),
            || publication.sync(),
        );
        saved?;
        // From here on the memory says what is not in place yet.
        self.is_checkpoint_current &= rendered.is_empty();
        let receipt = synced
            .and_then(|()| publication.finish(rendered.retired()))
            .inspect_err(|_| self.engine.fail(&rendered))?;
        for path in rendered.paths() {
            self.looks.remove(path);
        }
        let retired = rendered.retired().to_vec();
        self.engine.commit(rendered);
        let release = Release {
            documents: staged.documents,
            retired,
            ..Release::default()
        };
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

    /// Reads what changed and takes it in; `tell` is called with it before.
    fn read(
        &mut self,
        progress: &(dyn Fn(u64, u64) + Sync),
        tell: &mut dyn FnMut(&Changes),
    ) -> Result<Guarded, StoreError> {
        let store = self.store.as_ref().map_err(Clone::clone)?;
        let intake = self.engine.intake();
        let (Store::Directory(folder), true) = (store, self.engine.knows_nothing()) else {
            let changes = store.changes(self.engine.files(), &intake, progress)?;
            tell(&changes);
            return Ok(self.take_in(changes));
        };
        // Where nothing is known, nothing can be gone, and each part counts by itself.
        let mut reading = folder.first_reading()?;
        self.is_checkpoint_current = false;
        let (engine, now) = (&mut self.engine, now(self.clock, self.mark));
        let mut guarded = Guarded::default();
        let mut found = reading.next(&intake, progress);
        while let Some(changes) = found {
            tell(&changes);
            let step = || engine.step(changes, now);
            let (step, next) = rayon::join(step, || reading.next(&intake, progress));
            guarded = guarded.then(step);
            found = next;
        }
        Ok(guarded)
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
        // What was said of an earlier version does not count any more.
        if change.diagnostics.is_empty() {
            into.remove(&change.path);
        } else {
            into.insert(change.path.clone(), change.diagnostics.clone());
        }
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
