//! `khabar check`: everything is read, nothing is published, and every fault and doubt is shown
//! with its place, its source line and its remedy.

use std::path::PathBuf;
use std::sync::Arc;

use super::{clock, found, progress_bar};
use crate::article::{Diagnostic, Severity, StorePath};
use crate::cli::args::{Check, Global, ReportForm};
use crate::cli::report::{self, Style};
use crate::cli::{Exit, output, project};
use crate::daemon;
use crate::engine::Engine;
use crate::state::State;
use crate::store::Store;

/// `khabar check`.
pub(in crate::cli) fn check(options: &Check, global: &Global) -> anyhow::Result<Exit> {
    let config = Arc::new(project::config(&global.config)?);
    let (state, loaded) = State::open(&config.state)?;
    let mut memory = loaded.memory;
    let store = Store::open(Arc::clone(&config))?;
    let scope = scope(&options.paths, &store)?;
    let now = daemon::now(clock(options.clock.now), memory.mark);
    // What was good before says which files are no articles any more; everything is read again.
    memory.distrust_readings();
    let mut engine = Engine::new(config, memory, state.archive(), now);
    let bar = progress_bar(global);
    let changes = store.changes(engine.files(), &engine.intake(), &|read, total| {
        bar.set_length(total);
        bar.inc(read);
    });
    bar.finish_and_clear();
    let changes = changes?;
    let mut diagnostics = changes.remarks.clone();
    diagnostics.extend(changes.changed.iter().flat_map(|c| c.diagnostics.clone()));
    let files = changes.changed.len();
    engine.step(changes, now);
    diagnostics.extend(engine.duplicates());
    diagnostics.extend(engine.lapsed());
    let least = if global.verbose > 0 {
        Severity::Note
    } else {
        Severity::Doubt
    };
    diagnostics.retain(|d| d.severity <= least && is_in_scope(&d.path, &scope));
    diagnostics.sort_by(|a, b| (&a.path, a.place).cmp(&(&b.path, b.place)));
    show(&diagnostics, options.format, global)?;
    let count = |severity| {
        let counted = diagnostics.iter().filter(|d| d.severity == severity);
        counted.count()
    };
    let (faults, doubts) = (count(Severity::Fault), count(Severity::Doubt));
    tracing::info!("{files} files read: {faults} faults, {doubts} doubts");
    Ok(found(faults > 0))
}

fn show(diagnostics: &[Diagnostic], form: ReportForm, global: &Global) -> anyhow::Result<()> {
    let style = Style::of(global.color, &std::io::stdout());
    output::results(|out| {
        for diagnostic in diagnostics {
            match form {
                ReportForm::Text => {
                    out.write_all(report::diagnostic(diagnostic, style).as_bytes())?;
                }
                ReportForm::Json => writeln!(out, "{}", report::json(diagnostic)?)?,
            }
        }
        Ok(())
    })
}

/// The paths asked for, from the store's root; empty for everything.
fn scope(paths: &[PathBuf], store: &Store) -> anyhow::Result<Vec<String>> {
    paths
        .iter()
        .map(|path| {
            let seen = store.locate(path);
            seen.ok_or_else(|| anyhow::anyhow!("{} is not in the store", path.display()))
        })
        .collect()
}

fn is_in_scope(path: &StorePath, scope: &[String]) -> bool {
    let below = |folder: &String| {
        folder.is_empty()
            || path
                .as_str()
                .strip_prefix(folder.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    scope.is_empty() || scope.iter().any(below)
}
