//! Arguments in, exit code out.
//!
//! Human messages and the log go to standard error, results to standard output; a reader of results
//! that goes away is no failure. What a command does is decided elsewhere: here it is only asked
//! for, and its errors are shown.

mod args;
mod commands;
mod init;
mod log;
mod manual;
mod output;
mod project;
mod report;
mod unit;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use args::{Args, Command, Global};
use project::Unusable;
use report::Style;

/// How a command ends where no error stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// Everything is as it should be.
    Done,
    /// It was held, or it found what it looks for: exit code 1.
    Failed,
}

/// What an error ends with.
const EXIT_ERROR: u8 = 1;
/// What a configuration that cannot be used ends with; clap ends the same way on wrong usage.
const EXIT_USAGE: u8 = 2;

/// Runs the command that the arguments of the process ask for. Wrong usage, `--help` and
/// `--version` end the process here.
#[must_use]
pub fn run() -> ExitCode {
    let args = Args::parse();
    let style = Style::of(args.global.color, &std::io::stderr());
    log::start(&args.global, style);
    match dispatch(&args.command, &args.global) {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Failed) => ExitCode::from(EXIT_ERROR),
        Err(error) => {
            let (text, code) = match error.downcast_ref::<Unusable>() {
                Some(unusable) => (unusable.shown(style), EXIT_USAGE),
                None => (report::error(&error, style), EXIT_ERROR),
            };
            // Where standard error is closed, there is nowhere left to say so.
            let _ = std::io::stderr().write_all(text.as_bytes());
            ExitCode::from(code)
        }
    }
}

fn dispatch(command: &Command, global: &Global) -> anyhow::Result<Exit> {
    match command {
        Command::Build(options) => commands::build(options, global),
        Command::Watch => commands::watch(global),
        Command::Serve(options) => commands::serve(options, global),
        Command::Sync(options) => commands::sync(options, global),
        Command::Check(options) => commands::check(options, global),
        Command::Explain(options) => commands::explain(options, global),
        Command::Verify(options) => commands::verify(options, global),
        Command::Withdraw(options) => commands::withdraw(options, global),
        Command::Restore(options) => commands::restore(options, global),
        Command::Accept(options) => commands::accept(options, global),
        Command::Init(options) => init::init(&options.dir),
        Command::Completions(options) => {
            let mut script = Vec::new();
            clap_complete::generate(options.shell, &mut Args::command(), "khabar", &mut script);
            output::results(|out| out.write_all(&script))?;
            Ok(Exit::Done)
        }
        Command::Unit(options) => {
            let config = project::config(&global.config)?;
            let program = std::env::current_exe()?;
            let path = std::path::absolute(&global.config)?;
            output::results(|out| unit::write(out, &program, &path, &config, options.serve))?;
            Ok(Exit::Done)
        }
        Command::Schema(options) => {
            let text = match options.kind {
                args::Database::Postgres => include_str!("cli/schema/postgres.sql"),
            };
            output::results(|out| out.write_all(text.as_bytes()))?;
            Ok(Exit::Done)
        }
        Command::Man => {
            output::results(manual::write)?;
            Ok(Exit::Done)
        }
    }
}
