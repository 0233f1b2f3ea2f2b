//! The commands that need a configuration, one function each.

mod acts;
mod check;
mod explain;
mod watch;

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::{Build, Global, Verify};
use super::{Exit, output, project};
use crate::article::Timestamp;
use crate::config::Config;
use crate::daemon::{self, Clock, Counts, Hold, Prepared, Trust, TurnError, Workbench};
use crate::document::Receipt;
use crate::engine::{Engine, Rendered};
use crate::publish::directory::{Difference, DirectoryView, PublishError};

pub(super) use acts::{accept, restore, sync, withdraw};
pub(super) use check::check;
pub(super) use explain::explain;
pub(super) use watch::{serve, watch};

/// `khabar build`.
pub(super) fn build(options: &Build, global: &Global) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let config = project::config(&global.config)?;
    if options.dry_run {
        return dry_run(config, clock(options.clock.now), global);
    }
    let hold = Hold::take(&config)?;
    let mut bench = open(config, clock(options.clock.now), Trust::Readings)?;
    bench.write_ahead(true);
    let outcome = publish(&mut bench, &hold, global, started)?;
    let is_rejected = options.strict && bench.counts().rejected > 0;
    Ok(found(is_rejected || outcome != Outcome::Fine))
}

/// `khabar verify`.
pub(super) fn verify(options: &Verify, global: &Global) -> anyhow::Result<Exit> {
    let config = project::config(&global.config)?;
    let out = config.out.clone();
    let mut bench = open(config, clock(options.clock.now), Trust::History)?;
    let (_, (rendered, differences)) = turn(
        &mut bench,
        |bench| prepare(bench, global),
        |bench| differences(bench, &out),
    )?;
    output::results(|out| {
        for (path, what) in &differences {
            let word = match what {
                Some(Difference::Missing) => "missing",
                Some(Difference::Other) => "differs",
                Some(Difference::Foreign) => "foreign",
                None => "stale",
            };
            writeln!(out, "{word} {path}")?;
        }
        Ok(())
    })?;
    tracing::info!(
        documents = rendered.documents(),
        differences = differences.len(),
        "compared with {}",
        out.display()
    );
    Ok(found(!differences.is_empty()))
}

/// `khabar build --dry-run`: says what would change and why.
fn dry_run(config: Config, clock: Clock, global: &Global) -> anyhow::Result<Exit> {
    let out = config.out.clone();
    let mut bench = open(config, clock, Trust::Readings)?;
    let turned = turn(
        &mut bench,
        |bench| prepare(bench, global),
        |bench| differences(bench, &out),
    )?;
    let (prepared, (rendered, differences)) = turned;
    let manifest = bench.engine().manifest();
    output::results(|out| {
        for (path, what) in &differences {
            let is_known = manifest.contains_key(path);
            let is_same = rendered.is_published(path, bench.engine());
            let line = match what {
                Some(Difference::Missing) if is_known => "write (it is gone from out)",
                Some(Difference::Missing) => "write (it is new)",
                Some(Difference::Foreign) => "leave (somebody else's file is in its place)",
                Some(Difference::Other) if is_same => "write (it was altered in out)",
                Some(Difference::Other) => "write (its content changed)",
                None => "remove (nothing names it any more)",
            };
            writeln!(out, "{path}: {line}")?;
        }
        Ok(())
    })?;
    let is_foreign = |what: &Option<Difference>| *what == Some(Difference::Foreign);
    let foreign = differences.iter().filter(|(_, what)| is_foreign(what));
    let foreign = foreign.count();
    let line = line(
        bench.counts(),
        bench.engine().documents_with(&rendered) - foreign,
        differences.len() - foreign,
    );
    tracing::info!("{line} (nothing was written)");
    Ok(found(is_held(&prepared) || foreign > 0))
}

fn open(config: Config, clock: Clock, trust: Trust) -> anyhow::Result<Workbench> {
    let bench = Workbench::open(config, clock, trust)?;
    if bench.is_checkpoint_damaged {
        tracing::warn!("the checkpoint is damaged or of another version and is made again");
    }
    if bench.is_memory_torn {
        tracing::debug!("the end of the memory is not whole: a crash, or a writer at work");
    }
    Ok(bench)
}

/// Prepares a turn and does `act`; both once more, from what the store says, where part of the memory
/// turns out to be damaged.
fn turn<T>(
    bench: &mut Workbench,
    prepare: impl Fn(&mut Workbench) -> anyhow::Result<Prepared>,
    act: impl Fn(&mut Workbench) -> Result<T, TurnError>,
) -> anyhow::Result<(Prepared, T)> {
    let prepared = prepare(bench)?;
    match act(bench) {
        Err(TurnError::Archive(_)) => {
            bench.mend();
            let prepared = prepare(bench)?;
            Ok((prepared, act(bench)?))
        }
        acted => Ok((prepared, acted?)),
    }
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

/// How a publication ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Something is held, could not be read, or stands in the way.
    Wanting,
    /// All is well.
    Fine,
}

/// Prepares and publishes a turn, and ends with its line.
fn publish(
    bench: &mut Workbench,
    hold: &Hold,
    global: &Global,
    started: Instant,
) -> anyhow::Result<Outcome> {
    let (prepared, (receipt, _)) = turn(
        bench,
        |bench| prepare(bench, global),
        |bench| bench.publish(hold, false),
    )?;
    let Receipt { written, removed } = receipt;
    let is_wanting = is_held(&prepared) || prepared.store_error.is_some();
    let documents = bench.engine().manifest().len();
    bench.save()?;
    let seconds = started.elapsed().as_secs_f64();
    let line = line(bench.counts(), documents, written + removed);
    output::results(|out| writeln!(out, "{line}, {seconds:.2} s"))?;
    daemon::deliver(bench)?;
    let refused = bench.engine().refused();
    if !refused.is_empty() {
        tracing::error!("{}", daemon::refusal(bench.config(), refused));
    }
    Ok(if is_wanting || !refused.is_empty() {
        Outcome::Wanting
    } else {
        Outcome::Fine
    })
}

/// Logs what is wrong, each once.
fn report(prepared: &Prepared, engine: &Engine) {
    for diagnostic in &prepared.diagnostics {
        daemon::log(diagnostic);
    }
    if prepared.silenced > 0 {
        tracing::warn!(
            "{} files under embargo have faults; `khabar check` shows them",
            prepared.silenced
        );
    }
    let catalog = engine.catalog();
    if engine.visible() > 0 && catalog.entries().all(|entry| !entry.card.is_listed) {
        tracing::warn!(
            "no article can stand in the sitemaps: their URLs are on another site than feeds_url \
             (set [sitemap] cross_host = true, and name the sitemap in that site's robots.txt)"
        );
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
}

/// What differs at which path; nothing where a document is there that should not be.
type Differences = Vec<(String, Option<Difference>)>;

/// Every document that is not in `out` as it should be, and every one there that should not be.
fn differences(bench: &Workbench, out: &Path) -> Result<(Rendered, Differences), TurnError> {
    let view = DirectoryView::open(out).map_err(|cause| PublishError {
        action: "cannot open",
        path: out.to_owned(),
        cause,
    })?;
    let owners = view.as_ref().map(DirectoryView::owners);
    let found = Mutex::new(Differences::new());
    let rendered = bench.render(&|release| {
        let foreign = owners.as_ref().map(|owners| owners.foreign(&release));
        let foreign = foreign.unwrap_or_default();
        let documents = release.documents.iter().filter_map(|document| {
            let path = document.key.path();
            let difference = match &view {
                Some(_) if foreign.contains(&path) => Some(Difference::Foreign),
                Some(view) => view.difference(&path, &document.bytes),
                None => Some(Difference::Missing),
            };
            difference.map(|difference| (path, Some(difference)))
        });
        let is_there = |path: &&String| view.as_ref().is_some_and(|view| view.exists(path));
        let retired = release.retired.iter();
        let stale = retired.filter(|path| !foreign.contains(*path) && is_there(path));
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.extend(documents);
        found.extend(stale.map(|path| (path.clone(), None)));
        Ok(())
    })?;
    let mut differences = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(owners) = &owners {
        let orphans = owners.orphans(rendered.names());
        differences.extend(orphans.into_iter().map(|path| (path, None)));
    }
    differences.sort();
    Ok((rendered, differences))
}

fn is_held(prepared: &Prepared) -> bool {
    prepared.guarded.held > 0
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
