//! The log: standard error, text for people or JSON for machines.

use tracing::level_filters::LevelFilter;

use super::args::{Global, LogForm};
use super::report::Style;

/// Starts the log of the process, as the arguments ask for it.
pub(super) fn start(global: &Global, style: Style) {
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level(global))
        .with_target(false)
        // Where standard error is closed, the complaint about it would end the process.
        .log_internal_errors(false);
    let started = match global.log {
        // Without the time: a terminal does not need it, and a journal adds its own.
        LogForm::Text => log
            .without_time()
            .with_ansi(style == Style::Coloured)
            .try_init(),
        LogForm::Json => log.json().flatten_event(true).try_init(),
    };
    // An error means that the process has a log already, which is then the one to use.
    drop(started);
}

fn level(global: &Global) -> LevelFilter {
    match (global.quiet, global.verbose) {
        (0, 0) => LevelFilter::INFO,
        (0, 1) => LevelFilter::DEBUG,
        (0, _) => LevelFilter::TRACE,
        (1, _) => LevelFilter::WARN,
        (_, _) => LevelFilter::ERROR,
    }
}
