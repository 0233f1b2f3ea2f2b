//! One turn of the loop: changes → step → bodies → render → publish → remember.
//!
//! Here the edges meet the core: what a plan needs is fetched between plan and render, and what
//! was published is remembered. It prints nothing; what happened is returned.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::article::{Changes, Diagnostic, Severity, StorePath, Timestamp, escape_controls};
use crate::config::{Config, Overlap};
use crate::document::{Channel, ChannelKind, Receipt, Release};
use crate::engine::{Engine, Guarded, Rendered};
use crate::publish::directory::{DirectoryTarget, Lock, LockError, PublishError};
use crate::render::RenderError;
use crate::state::{State, StateError};
use crate::store::directory::{DirectoryStore, StoreError};

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
    /// The store cannot be used and there is no checkpoint to go on from.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document cannot be rendered: a bug.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A document cannot be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// Where now comes from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The system's clock, never behind the last publication.
    System,
    /// `--now`: neither reads nor moves the mark.
    Fixed(Timestamp),
}

/// How much of the checkpoint is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Files whose bytes are known are not read again.
    Readings,
    /// Every file is read again; the checkpoint only says what was good and visible before.
    History,
}

/// Everything a turn works with.
#[derive(Debug)]
pub struct Workbench {
    config: Arc<Config>,
    state: State,
    store: Result<DirectoryStore, StoreError>,
    engine: Engine,
    mark: Option<Timestamp>,
    clock: Clock,
    /// What was in play when last published, where there is no checkpoint to keep it from.
    unkept: usize,
    /// Whether there was a checkpoint that could not be used.
    pub is_checkpoint_damaged: bool,
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
    /// How many articles were published before that are not in the store and that no checkpoint
    /// holds: nothing must be published.
    pub unkept: Option<usize>,
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
    /// [`Prepared::store_error`] as long as a checkpoint says what it held.
    pub fn open(config: Config, clock: Clock, trust: Trust) -> Result<Self, TurnError> {
        let config = Arc::new(config);
        check_paths(&config)?;
        let state = State::new(&config.state);
        let loaded = state.load()?;
        let has_history = loaded.checkpoint.is_some();
        let store = match DirectoryStore::open(Arc::clone(&config)) {
            Err(error) if !has_history => return Err(error.into()),
            opened => opened,
        };
        let mark = loaded.mark;
        let unkept = if has_history {
            0
        } else {
            loaded.memory.in_play
        };
        let mut checkpoint = loaded.checkpoint;
        if let (Trust::History, Some(checkpoint)) = (trust, &mut checkpoint) {
            checkpoint.distrust_readings();
        }
        let now = now(clock, mark);
        Ok(Self {
            engine: Engine::new(Arc::clone(&config), loaded.memory, checkpoint, now),
            config,
            state,
            store,
            mark,
            clock,
            unkept,
            is_checkpoint_damaged: loaded.is_checkpoint_damaged,
        })
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

    /// Lets through the loss that is held; says how many articles that is. Where there was no
    /// checkpoint to hold them with, the store must have been read before.
    pub fn accept_loss(&mut self) -> usize {
        let held = self.engine.accept();
        let unkept = self.unkept().unwrap_or(0);
        if unkept > 0 {
            self.unkept = 0;
        }
        held + unkept
    }

    /// Writes down what must not be forgotten, where that has changed, although nothing is
    /// published.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn remember(&mut self) -> Result<(), TurnError> {
        if self.engine.is_memory_changed() {
            self.save_memory()?;
        }
        Ok(())
    }

    fn save_memory(&mut self) -> Result<(), TurnError> {
        let mut memory = self.engine.memory();
        if self.unkept().is_some() {
            // Until it is accepted, the loss is measured against what was published.
            memory.in_play = self.unkept;
        }
        self.state.save_memory(&memory)?;
        self.engine.memory_is_saved();
        Ok(())
    }

    /// Everything but writing: reads what changed, moves the clock, renders what is owed.
    /// `progress` as in [`DirectoryStore::changes`].
    ///
    /// # Errors
    /// Where the store fails and nothing is known of it, or a document cannot be rendered.
    pub fn prepare(&mut self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Prepared, TurnError> {
        let mut diagnostics: BTreeMap<StorePath, Vec<Diagnostic>> = BTreeMap::new();
        let mut guarded = Guarded::default();
        let mut store_error = None;
        for _ in 0..TRIES {
            let changes = match self.changes(progress) {
                Ok(changes) => changes,
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
            unkept: self.unkept(),
        })
    }

    /// Takes in what happened, and moves the clock.
    pub fn take_in(&mut self, changes: Changes) -> Guarded {
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

    /// How many articles were published before that are not in the store and that no checkpoint
    /// holds; `None` where that is no reason to publish nothing.
    #[must_use]
    pub fn unkept(&self) -> Option<usize> {
        let in_play = self.engine.catalog().len();
        let missing = self.unkept.saturating_sub(in_play);
        let is_held =
            missing > 0 && (in_play == 0 || self.config.guard.holds(missing, self.unkept));
        is_held.then_some(missing)
    }

    /// Publishes what was rendered, and hands it back. What is khabar's in `out` is written down before anything is put there, so that a
    /// crash leaves no document that nobody owns.
    ///
    /// # Errors
    /// Where the state or `out` cannot be written. What is published stays coherent, and is owed.
    pub fn publish(
        &mut self,
        rendered: Rendered,
        hold: &Hold,
    ) -> Result<(Receipt, Release), TurnError> {
        let mark = match self.clock {
            Clock::System => Some(self.now()),
            Clock::Fixed(_) => self.mark,
        };
        if let Some(memory) = self.engine.memory_before(&rendered) {
            self.state.save_memory(&memory)?;
            self.engine.memory_is_saved();
        }
        if mark != self.mark {
            self.state.save_mark(mark)?;
            self.mark = mark;
        }
        let receipt = hold.target.apply(&rendered.release)?;
        Ok((receipt, self.engine.commit(rendered)))
    }

    /// Writes down everything for the next start.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn save(&mut self) -> Result<(), TurnError> {
        self.state.save_checkpoint(&self.engine.checkpoint())?;
        self.engine.checkpoint_is_saved();
        self.save_memory()?;
        Ok(())
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
            Ok(store) => store.changes(self.engine.files(), progress),
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

/// The right to write: this process alone holds `out` and the state.
#[derive(Debug)]
pub struct Hold {
    target: DirectoryTarget,
    // Held for its drop.
    _state: Lock,
}

impl Hold {
    /// Takes `out` and the state for this process.
    ///
    /// # Errors
    /// At once where another process has one of them.
    pub fn take(config: &Config) -> Result<Self, TurnError> {
        check_paths(config)?;
        let target = DirectoryTarget::lock(&config.out)?;
        let state = State::new(&config.state);
        let lock = Lock::take(state.create()?)?;
        Ok(Self {
            target,
            _state: lock,
        })
    }
}

/// Accepts a clock that went back: forgets the mark, so that the next turn takes the clock's word.
/// Says whether the clock was behind it. The caller holds the state.
///
/// # Errors
/// Where the state cannot be used.
pub fn accept_clock(config: &Config) -> Result<bool, TurnError> {
    let state = State::new(&config.state);
    let is_behind = state.load()?.mark.is_some_and(|mark| system_now() < mark);
    if is_behind {
        state.save_mark(None)?;
    }
    Ok(is_behind)
}

/// Refuses a store, out and state that lie in one another, links resolved.
fn check_paths(config: &Config) -> Result<(), TurnError> {
    let resolved = |path: &PathBuf| resolve_links(path);
    let overlaps = crate::config::overlap(
        &resolved(&config.store.path),
        &resolved(&config.out),
        &resolved(&config.state),
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

fn collect(changes: &Changes, into: &mut BTreeMap<StorePath, Vec<Diagnostic>>) {
    for change in &changes.changed {
        into.insert(change.path.clone(), change.diagnostics.clone());
    }
    for remark in &changes.remarks {
        into.insert(remark.path.clone(), vec![remark.clone()]);
    }
}

/// The files of the articles that are held, the first few by name, for people.
#[must_use]
pub fn held_names(engine: &Engine) -> String {
    const NAMED: usize = 5;
    let mut held = engine.held().map(|(path, _)| path.as_str());
    let named: Vec<String> = held.by_ref().take(NAMED).map(escape_controls).collect();
    match held.count() {
        0 => named.join(", "),
        more => format!("{}, and {more} more", named.join(", ")),
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

fn system_now() -> Timestamp {
    Timestamp::from_datetime(&chrono::Utc::now()).unwrap_or(Timestamp::MAX)
}
