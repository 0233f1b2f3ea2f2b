//! The daemon: keeps `out` true when content changes and when only time passes.
//!
//! One loop waits for a closed set of events and then does whatever has become due: read what may
//! have changed, move the clock, publish what is owed, answer who waits. Bells only say *look*; the
//! store is asked what there is. Whatever fails becomes a `Trouble`, stays
//! owed, and is tried again: the loop ends only when it is told to.
//!
//! It owns neither its signals nor its configuration: both are handed in.

mod alarm;
mod announcing;
mod bodies;
pub mod control;
mod hold;
mod orders;
mod remembering;
mod saving;
mod service;
mod sight;
mod telling;
mod trouble;
mod versions;
mod waiters;
mod words;
mod workbench;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::announce::Announcer;
use crate::article::{Diagnostic, Severity, StorePath};
use crate::config::Config;
use crate::engine::Guarded;
use crate::files::{Body, Changes};
use crate::serve::Stand;
use crate::store::{Store, StoreError, Watch};

use alarm::Alarm;
pub use announcing::deliver;
use control::{Listener, Pending};
pub use hold::Hold;
use service::Service;
use sight::{Places, Sight, done};
use telling::Telling;
use trouble::{Trouble, Troubles};
pub use versions::adopt;
use waiters::Waiters;
pub use words::{held_names, misnamed, refusal};
pub use workbench::{Clock, Counts, Prepared, Trust, TurnError, Workbench, now, system_now};

/// The longest the loop sleeps: a deadline is at most so late, whatever the clock does meanwhile.
const TICK: Duration = Duration::from_millis(250);
/// How often the store's health and the configuration's file are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The first pause after a failed publication; it doubles up to [`RETRY_MAX`].
const RETRY_MIN: Duration = Duration::from_millis(250);
/// The longest pause between two tries to publish.
const RETRY_MAX: Duration = Duration::from_secs(2);

/// What the outside asks of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Finish and return.
    Shutdown,
    /// Read the configuration again.
    Reload,
}

/// Reads the configuration; the error is for people.
pub type Load = Box<dyn Fn() -> Result<Config, String> + Send>;

/// Where the configuration comes from.
pub struct Source {
    /// Its file, which is looked at every second.
    pub path: PathBuf,
    /// Reads it.
    pub load: Load,
}

/// What the loop waits for.
enum Event {
    Bell,
    Tick,
    Signal(Signal),
    Command(Pending),
    Read(Result<Changes, StoreError>),
    Health(Result<(), StoreError>),
    Places(Places),
    Opened(Result<(Store, Watch), StoreError>),
}

/// The loop and everything it owns.
struct Daemon {
    bench: Workbench,
    hold: Hold,
    source: Source,
    bell: Arc<Notify>,
    sight: Sight,
    look_at: Instant,
    retry: Option<(Instant, Duration)>,
    body_tries: u32,
    /// Bodies that are being read.
    fetching: Option<JoinHandle<Vec<(StorePath, Body)>>>,
    waiters: Waiters,
    troubles: Troubles,
    /// Files whose fault lies in how they stand to others, and was logged.
    told: BTreeSet<StorePath>,
    service: Service,
    telling: Telling,
    config_stamp: Option<Stamp>,
    /// When the checkpoint is to be written: after the scan of everything that follows a publication,
    /// for it grows with the store as well.
    save_at: Option<Instant>,
    /// How long that took the last time: no deadline is to pass meanwhile.
    save_takes: Duration,
    is_unsaved: bool,
    announcer: Announcer,
    /// When what was told is to be written down.
    note_at: Option<Instant>,
    is_ready: bool,
    /// The whole store was read and taken in.
    has_read: bool,
}

/// What changes about a file when it is replaced or written.
type Stamp = (u64, i64, i64, u64);

/// Runs until told to stop. `bench` was opened under `hold`; what is published is put on `stand`,
/// where there is one.
///
/// # Errors
/// Where the control socket cannot be made, or the state cannot be written at the end.
pub async fn run(
    bench: Workbench,
    hold: Hold,
    source: Source,
    stand: Option<Arc<Stand>>,
    mut signals: mpsc::Receiver<Signal>,
) -> anyhow::Result<()> {
    let mut listener = Listener::bind(&bench.config().state)?;
    let alarm = Alarm::new();
    let mut daemon = Daemon::new(bench, hold, source, stand);
    daemon.advance().await;
    loop {
        let sleep = daemon.sleep();
        let event = tokio::select! {
            biased;
            signal = signals.recv() => Event::Signal(signal.unwrap_or(Signal::Shutdown)),
            Some(pending) = listener.next() => Event::Command(pending),
            opened = done(&mut daemon.sight.opening) => Event::Opened(opened),
            changes = done(&mut daemon.sight.reading) => Event::Read(changes),
            health = done(&mut daemon.sight.health) => Event::Health(health),
            seen = done(&mut daemon.sight.places) => Event::Places(seen),
            () = daemon.bell.notified() => Event::Bell,
            () = alarm.wait(sleep) => Event::Tick,
        };
        match event {
            Event::Signal(Signal::Shutdown) => break,
            Event::Signal(Signal::Reload) => daemon.reload(),
            Event::Command(pending) => daemon.command(pending).await,
            Event::Opened(opened) => daemon.opened(opened),
            Event::Read(changes) => daemon.read(changes).await,
            Event::Health(health) => daemon.healthy(health),
            // What there is to do is found out when it is done.
            Event::Bell | Event::Tick => {}
            Event::Places(seen) => {
                if seen.is_way_free {
                    daemon.bench.engine_mut().owe_everything();
                }
                if seen.is_way_free || !seen.are_there {
                    daemon.publish().await;
                }
                // Without it the daemon cannot be asked; everything else goes on.
                if let Err(error) = listener.renew(&daemon.bench.config().state) {
                    tracing::debug!("the control socket cannot be made again: {error}");
                }
            }
        }
        daemon.advance().await;
    }
    Service::stopping();
    daemon.stop_announcing().await;
    daemon.stop_telling().await;
    daemon.bench.save()?;
    Ok(())
}

impl Daemon {
    fn new(bench: Workbench, hold: Hold, source: Source, stand: Option<Arc<Stand>>) -> Self {
        let now = Instant::now();
        Self {
            config_stamp: stamp(&source.path),
            announcer: Announcer::start(&bench.shared_config()),
            note_at: None,
            bench,
            hold,
            source,
            bell: Arc::new(Notify::new()),
            sight: Sight::new(now),
            look_at: now,
            retry: None,
            body_tries: 0,
            fetching: None,
            waiters: Waiters::default(),
            troubles: Troubles::default(),
            told: BTreeSet::new(),
            service: Service::new(),
            telling: Telling::new(stand),
            save_at: None,
            save_takes: Duration::ZERO,
            is_unsaved: false,
            is_ready: false,
            has_read: false,
        }
    }

    /// How long nothing can become due.
    fn sleep(&self) -> Duration {
        let now = Instant::now();
        let mut until = now + TICK;
        if let Some((at, _)) = self.retry {
            until = until.min(at);
        }
        if let (Some(eyes), None) = (&self.sight.eyes, &self.sight.reading)
            && let Some(at) = eyes.watch.next()
        {
            until = until.min(at);
        }
        if let Some(at) = self.bench.engine().wake_at() {
            let seconds = u64::try_from(at.seconds() - self.bench.now().seconds()).unwrap_or(0);
            // Whole seconds: the last one is waited out in ticks.
            until = until.min(now + Duration::from_secs(seconds).max(Duration::from_millis(50)));
        }
        until.saturating_duration_since(now)
    }

    /// Does whatever has become due.
    async fn advance(&mut self) {
        let now = Instant::now();
        if now >= self.look_at {
            self.look_at = now + LOOK_EVERY;
            self.look(now);
        }
        self.start_reading(now);
        let is_late = |at| at <= self.bench.now();
        let is_deadline = self.is_ready && self.bench.engine().wake_at().is_some_and(is_late);
        // With the store away, the clock goes on over what is remembered of it.
        let is_blind = !self.is_ready
            && self.troubles.has(Trouble::Store)
            && !self.bench.engine().catalog().is_empty();
        // What came too late for a publication belongs into the next.
        let has_bodies = self.take_late_bodies().await;
        if is_deadline || is_blind || has_bodies || self.retry.is_some_and(|(at, _)| at <= now) {
            self.turn(Changes::default()).await;
        }
        let behind = self.bench.clock_behind();
        self.troubles.set(
            Trouble::Clock,
            behind.map(|seconds| {
                format!(
                    "the clock is {seconds} s behind the last publication, whose time goes on to \
                     count; if the clock is right now, run `khabar accept --clock`"
                )
            }),
        );
        self.note_told(now);
        if self.save_at.is_some_and(|at| self.has_time_since(at, now)) {
            self.save();
        }
        let is_paid = self.retry.is_none() && self.is_ready;
        self.waiters
            .answer(self.sight.eyes.as_ref().map(|eyes| &*eyes.watch), is_paid);
        self.service.status(&self.troubles.status());
        self.service.alive();
        self.tell();
    }

    /// Takes in what happened, and publishes what that owes.
    async fn turn(&mut self, changes: Changes) {
        let remarks = changes.remarks.iter().cloned();
        let found = changes
            .changed
            .iter()
            .flat_map(|c| c.diagnostics.iter().cloned());
        let diagnostics: Vec<Diagnostic> = remarks.chain(found).collect();
        let Guarded { held, visible, .. } = self.bench.take_in(changes);
        self.report(diagnostics);
        self.troubles.set(
            Trouble::Held,
            (held > 0).then(|| {
                format!(
                    "held: {held} of {visible} visible articles are missing from the store and \
                     stay published ({}); if they are meant to go, run `khabar accept`",
                    held_names(self.bench.engine())
                )
            }),
        );
        self.publish().await;
    }

    /// Logs what was found, and duplicates and files that are no articles any more as they come up.
    fn report(&mut self, mut diagnostics: Vec<Diagnostic>) {
        let engine = self.bench.engine();
        let mut standing = engine.duplicates();
        standing.extend(engine.lapsed());
        let told = std::mem::take(&mut self.told);
        self.told = standing.iter().map(|fault| fault.path.clone()).collect();
        diagnostics.extend(
            standing
                .into_iter()
                .filter(|fault| !told.contains(&fault.path)),
        );
        for diagnostic in &diagnostics {
            if !engine.is_embargoed(&diagnostic.path) {
                log(diagnostic);
            }
        }
    }

    /// Publishes what is owed. What fails is owed still, and tried again.
    async fn publish(&mut self) {
        match self.hold.renew(self.bench.config()) {
            Ok(lost) => {
                if lost.out {
                    tracing::warn!("out was gone or replaced; everything is published again");
                    self.bench.start_over();
                }
                if lost.state {
                    tracing::warn!("the state was gone or replaced; it is written again");
                    self.bench.lose_checkpoint();
                    self.save();
                }
            }
            Err(error) => return self.retry_later(&error),
        }
        // Before the store was read, with nothing remembered of it, an empty index means nothing.
        let is_unread = !self.has_read && self.bench.engine().catalog().is_empty();
        if is_unread || !self.bench.engine().owes() {
            match self.bench.remember() {
                Ok(()) => {
                    self.retry = None;
                    self.telling.nothing_owed();
                    self.troubles.set(Trouble::Disk, None);
                    self.announce();
                    if !is_unread {
                        self.ready();
                    }
                }
                Err(error) => self.retry_later(&error),
            }
            return;
        }
        if !self.fetch_bodies().await {
            return;
        }
        let published = tokio::task::block_in_place(|| {
            let wanted = self.telling.wants_documents();
            let (receipt, mut release) = self.bench.publish(&self.hold, wanted)?;
            // Where another hand's file stands, nothing of khabar's is served any more.
            let refused = self.bench.engine().refused();
            release.retired.extend(refused.iter().cloned());
            self.telling.published(release, receipt);
            Ok(receipt)
        });
        match published {
            Ok(receipt) => {
                self.retry = None;
                self.troubles.set(Trouble::Disk, None);
                let refused = self.bench.engine().refused();
                let why = (!refused.is_empty()).then(|| refusal(self.bench.config(), refused));
                self.troubles.set(Trouble::Foreign, why);
                if receipt.written + receipt.removed > 0 {
                    tracing::info!(
                        written = receipt.written,
                        removed = receipt.removed,
                        "published"
                    );
                }
                self.is_unsaved = true;
                // The new bytes are served by now, where anything is.
                self.announce();
                self.ready();
            }
            Err(error) => {
                if let TurnError::Archive(_) = &error {
                    self.bench.mend();
                    self.sight.scan = true;
                }
                self.retry_later(&error);
            }
        }
    }

    fn retry_later(&mut self, error: &TurnError) {
        let pause = self
            .retry
            .map_or(RETRY_MIN, |(_, pause)| RETRY_MAX.min(pause * 2));
        self.retry = Some((Instant::now() + pause, pause));
        self.troubles.set(
            Trouble::Disk,
            Some(format!("{error}; it is tried again until it succeeds")),
        );
    }

    fn ready(&mut self) {
        if !self.is_ready {
            self.is_ready = true;
            let Counts {
                articles,
                sections,
                stories,
                rejected,
            } = self.bench.counts();
            tracing::info!(articles, sections, stories, rejected, "ready");
            Service::ready();
        }
    }
}

/// Logs what is wrong with an article, once, where it is handled.
pub fn log(diagnostic: &Diagnostic) {
    match diagnostic.severity {
        Severity::Fault => tracing::warn!(code = diagnostic.code, "{diagnostic}"),
        Severity::Doubt => tracing::debug!(code = diagnostic.code, "{diagnostic}"),
        Severity::Note => tracing::trace!(code = diagnostic.code, "{diagnostic}"),
    }
}

/// What changes about a file when it is replaced or written; `None` where it is missing.
fn stamp(path: &std::path::Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = path.metadata().ok()?;
    Some((meta.ino(), meta.ctime(), meta.ctime_nsec(), meta.size()))
}
