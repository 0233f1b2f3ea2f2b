//! The commands that need a configuration, one function each.

mod check;
mod explain;
mod watch;

use std::io::{ErrorKind, IsTerminal as _};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::{Accept, Build, Global, Named, Sync, Verify};
use super::{Exit, output, project};
use crate::article::Timestamp;
use crate::config::Config;
use crate::daemon::control::{self, Request};
use crate::daemon::{self, Clock, Counts, Hold, Prepared, Trust, TurnError, Workbench};
use crate::document::Receipt;
use crate::engine::Engine;
use crate::publish::directory::{Difference, DirectoryView, LockError};

pub(super) use check::check;
pub(super) use explain::explain;
pub(super) use watch::watch;

/// How long a command that changes what is published waits for another writer.
const PATIENCE: Duration = Duration::from_secs(10);

/// `khabar build`.
pub(super) fn build(options: &Build, global: &Global) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let config = project::config(&global.config)?;
    if options.dry_run {
        return dry_run(config, clock(options.clock.now), global);
    }
    let hold = Hold::take(&config)?;
    let mut bench = open(config, clock(options.clock.now), Trust::Readings)?;
    let exit = publish(&mut bench, &hold, global, started)?;
    let is_rejected = options.strict && bench.counts().rejected > 0;
    Ok(if is_rejected { Exit::Failed } else { exit })
}

/// `khabar verify`.
pub(super) fn verify(options: &Verify, global: &Global) -> anyhow::Result<Exit> {
    let config = project::config(&global.config)?;
    let out = config.out.clone();
    let mut bench = open(config, clock(options.clock.now), Trust::History)?;
    let prepared = prepare(&mut bench, global)?;
    let differences = differences(&prepared, &out)?;
    output::results(|out| {
        for (path, what) in &differences {
            let word = match what {
                Some(Difference::Missing) => "missing",
                Some(Difference::Other) => "differs",
                None => "stale",
            };
            writeln!(out, "{word} {path}")?;
        }
        Ok(())
    })?;
    let documents = prepared.rendered.release.documents.len();
    tracing::info!(
        documents,
        differences = differences.len(),
        "compared with {}",
        out.display()
    );
    Ok(found(!differences.is_empty()))
}

/// `khabar withdraw`.
pub(super) fn withdraw(options: &Named, global: &Global) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let config = project::config(&global.config)?;
    if let Some(exit) = ask(&config, &Request::Withdraw(options.id.clone()), PATIENCE)? {
        return Ok(exit);
    }
    let (mut bench, hold) = take(config)?;
    let now = bench.now();
    if !bench.engine_mut().withdraw(&options.id, Some(now)) {
        tracing::info!("{} is withdrawn already", options.id);
    }
    if bench.engine().catalog().entry(&options.id).is_none() {
        tracing::warn!(
            "the store has no article {} now; it will stay out if it comes",
            options.id
        );
    }
    publish(&mut bench, &hold, global, started)
}

/// `khabar restore`.
pub(super) fn restore(options: &Named, global: &Global) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let config = project::config(&global.config)?;
    if let Some(exit) = ask(&config, &Request::Restore(options.id.clone()), PATIENCE)? {
        return Ok(exit);
    }
    let (mut bench, hold) = take(config)?;
    if !bench.engine_mut().withdraw(&options.id, None) {
        tracing::error!("{} is not withdrawn by command", options.id);
        return Ok(Exit::Failed);
    }
    publish(&mut bench, &hold, global, started)
}

/// `khabar accept`.
pub(super) fn accept(options: &Accept, global: &Global) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let config = project::config(&global.config)?;
    let request = if options.clock {
        Request::AcceptClock
    } else {
        Request::AcceptLoss
    };
    if let Some(exit) = ask(&config, &request, PATIENCE)? {
        return Ok(exit);
    }
    let hold = hold(&config)?;
    let is_clock_accepted = options.clock && daemon::accept_clock(&config)?;
    let mut bench = open(config, Clock::System, Trust::Readings)?;
    if !is_clock_accepted && (options.clock || bench.accept_loss() == 0) {
        let what = if options.clock {
            "the clock is not behind the last publication"
        } else {
            "nothing is held"
        };
        tracing::error!("{what}");
        return Ok(Exit::Failed);
    }
    publish(&mut bench, &hold, global, started)
}

/// `khabar sync`.
pub(super) fn sync(options: &Sync, global: &Global) -> anyhow::Result<Exit> {
    let config = project::config(&global.config)?;
    if let Some(exit) = ask(&config, &Request::Sync, options.timeout)? {
        return Ok(exit);
    }
    tracing::error!("no daemon runs on {}", config.out.display());
    Ok(Exit::Failed)
}

/// Asks the running daemon, and says what it answers; `None` where none runs.
fn ask(config: &Config, request: &Request, timeout: Duration) -> anyhow::Result<Option<Exit>> {
    match control::ask(&config.state, request, timeout) {
        Ok(None) => Ok(None),
        Ok(Some(reply)) if reply.is_done => {
            tracing::info!("{}", reply.message);
            Ok(Some(Exit::Done))
        }
        Ok(Some(reply)) => {
            tracing::error!("{}", reply.message);
            Ok(Some(Exit::Failed))
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            tracing::error!("the daemon did not finish in {} s", timeout.as_secs_f64());
            Ok(Some(Exit::Failed))
        }
        Err(error) => Err(error).context("the running daemon cannot be asked"),
    }
}

/// `khabar build --dry-run`: says what would change and why.
fn dry_run(config: Config, clock: Clock, global: &Global) -> anyhow::Result<Exit> {
    let out = config.out.clone();
    let mut bench = open(config, clock, Trust::Readings)?;
    let prepared = prepare(&mut bench, global)?;
    let differences = differences(&prepared, &out)?;
    let manifest = bench.engine().manifest();
    output::results(|out| {
        for (path, what) in &differences {
            let is_known = manifest.contains_key(path);
            let is_same = prepared.rendered.is_published(path, bench.engine());
            let line = match what {
                Some(Difference::Missing) if is_known => "write (it is gone from out)",
                Some(Difference::Missing) => "write (it is new)",
                Some(Difference::Other) if !is_known => "write (another file is in its place)",
                Some(Difference::Other) if is_same => "write (it was altered in out)",
                Some(Difference::Other) => "write (its content changed)",
                None => "remove (nothing names it any more)",
            };
            writeln!(out, "{path}: {line}")?;
        }
        Ok(())
    })?;
    let line = line(
        bench.counts(),
        bench.engine().documents_with(&prepared.rendered),
        differences.len(),
    );
    tracing::info!("{line} (nothing was written)");
    Ok(found(is_held(&prepared)))
}

/// Opens the project for a command that changes what is published.
fn take(config: Config) -> anyhow::Result<(Workbench, Hold)> {
    let hold = hold(&config)?;
    Ok((open(config, Clock::System, Trust::Readings)?, hold))
}

/// Takes the right to write, waiting a while for another writer.
fn hold(config: &Config) -> anyhow::Result<Hold> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Hold::take(config) {
            Err(TurnError::Lock(LockError::Held { .. })) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(50));
            }
            taken => return Ok(taken?),
        }
    }
}

fn open(config: Config, clock: Clock, trust: Trust) -> anyhow::Result<Workbench> {
    let bench = Workbench::open(config, clock, trust)?;
    if bench.is_checkpoint_damaged {
        tracing::warn!("the checkpoint is damaged or of another version and is made again");
    }
    Ok(bench)
}

/// Prepares a turn and says what is wrong.
fn prepare(bench: &mut Workbench, global: &Global) -> anyhow::Result<Prepared> {
    let prepared = read(bench, global)?;
    report(&prepared, bench.engine());
    Ok(prepared)
}

/// Prepares a turn, with progress on a terminal.
fn read(bench: &mut Workbench, global: &Global) -> anyhow::Result<Prepared> {
    let bar = progress_bar(global);
    let prepared = bench.prepare(&|read, total| {
        bar.set_length(total);
        bar.inc(read);
    });
    bar.finish_and_clear();
    Ok(prepared?)
}

/// Prepares and publishes a turn, and ends with its line.
fn publish(
    bench: &mut Workbench,
    hold: &Hold,
    global: &Global,
    started: Instant,
) -> anyhow::Result<Exit> {
    let prepared = prepare(bench, global)?;
    if prepared.unkept.is_some() {
        return Ok(Exit::Failed);
    }
    let is_wanting = is_held(&prepared) || prepared.store_error.is_some();
    let documents = bench.engine().documents_with(&prepared.rendered);
    let Receipt { written, removed } = bench.publish(prepared.rendered, hold)?;
    bench.save()?;
    let seconds = started.elapsed().as_secs_f64();
    let line = line(bench.counts(), documents, written + removed);
    output::results(|out| writeln!(out, "{line}, {seconds:.2} s"))?;
    Ok(found(is_wanting))
}

/// Logs what is wrong, each once.
fn report(prepared: &Prepared, engine: &Engine) {
    for diagnostic in &prepared.diagnostics {
        daemon::log(diagnostic);
    }
    if let Some(error) = &prepared.store_error {
        tracing::error!("degraded: {error}; what was published stays, and only the clock moves");
    }
    if let Some(seconds) = prepared.clock_behind {
        tracing::warn!(
            "degraded: the clock is {seconds} s behind the last publication, whose time goes on \
             to count; if the clock is right now, run `khabar accept --clock`"
        );
    }
    let guarded = prepared.guarded;
    if guarded.held > 0 {
        tracing::error!(
            "held: {} of {} visible articles are missing from the store and stay published ({}); \
             if they are meant to go, run `khabar accept`",
            guarded.held,
            guarded.visible,
            daemon::held_names(engine)
        );
    }
    if let Some(missing) = prepared.unkept {
        tracing::error!(
            "held: {missing} articles that were published are not in the store, and without a \
             checkpoint they cannot be kept, so nothing is published; if they are meant to go, \
             run `khabar accept`"
        );
    }
}

/// Every document that is not in `out` as it should be, and every one there that should not be.
fn differences(
    prepared: &Prepared,
    out: &std::path::Path,
) -> anyhow::Result<Vec<(String, Option<Difference>)>> {
    let view =
        DirectoryView::open(out).with_context(|| format!("{} cannot be opened", out.display()))?;
    let mut differences = Vec::new();
    for document in &prepared.rendered.release.documents {
        let path = document.key.path();
        let difference = match &view {
            Some(view) => view.difference(&path, &document.bytes),
            None => Some(Difference::Missing),
        };
        if difference.is_some() {
            differences.push((path, difference));
        }
    }
    for path in &prepared.rendered.release.retired {
        if view.as_ref().is_some_and(|view| view.exists(path)) {
            differences.push((path.clone(), None));
        }
    }
    differences.sort();
    Ok(differences)
}

fn is_held(prepared: &Prepared) -> bool {
    prepared.guarded.held > 0 || prepared.unkept.is_some()
}

fn found(is_found: bool) -> Exit {
    if is_found { Exit::Failed } else { Exit::Done }
}

fn clock(now: Option<Timestamp>) -> Clock {
    now.map_or(Clock::System, Clock::Fixed)
}

/// The last line of a build.
fn line(counts: Counts, documents: usize, changed: usize) -> String {
    let Counts {
        articles,
        sections,
        stories,
        rejected,
    } = counts;
    format!(
        "{articles} articles, {sections} sections, {stories} stories, {documents} documents, \
         {changed} changed, {rejected} rejected"
    )
}

fn progress_bar(global: &Global) -> ProgressBar {
    let target = if global.quiet == 0 && std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    match ProgressStyle::with_template("reading {human_pos}/{human_len} {wide_bar} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
