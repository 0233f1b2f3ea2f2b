//! Commands that change what is published at once: through the daemon where one runs, else by
//! themselves.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::{Outcome, found, open, publish};
use crate::cli::args::{Accept, Global, Named, Sync};
use crate::cli::{Exit, project};
use crate::config::Config;
use crate::daemon::control::{self, Request};
use crate::daemon::{self, Clock, Hold, Trust, TurnError, Workbench};
use crate::publish::directory::LockError;

/// How long to wait for another writer, or for the daemon's answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// `khabar withdraw`.
pub(in crate::cli) fn withdraw(options: &Named, global: &Global) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let config = project::config(&global.config)?;
    if let Some(exit) = ask(&config, &Request::Withdraw(options.id.clone()), PATIENCE)? {
        return Ok(exit);
    }
    let (mut bench, hold) = take(config)?;
    if bench.engine().meant(&options.id).is_some() {
        tracing::error!("{}", daemon::misnamed(bench.engine(), &options.id));
        return Ok(Exit::Failed);
    }
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
    // A loss that is held meanwhile has been said, and is not what was asked about.
    publish(&mut bench, &hold, global, started)?;
    Ok(Exit::Done)
}

/// `khabar restore`.
pub(in crate::cli) fn restore(options: &Named, global: &Global) -> anyhow::Result<Exit> {
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
    // A loss that is held meanwhile has been said, and is not what was asked about.
    publish(&mut bench, &hold, global, started)?;
    Ok(Exit::Done)
}

/// `khabar accept`.
pub(in crate::cli) fn accept(options: &Accept, global: &Global) -> anyhow::Result<Exit> {
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
    let (mut bench, hold) = take(config)?;
    if options.clock {
        if bench.accept_clock()?.is_none() {
            tracing::error!("the clock is not behind the last publication");
            return Ok(Exit::Failed);
        }
        // What is in it stands at the time that does not count any more.
        bench.write_ahead(false);
        bench = open(bench.config().clone(), Clock::System, Trust::Readings)?;
        bench.write_ahead(true);
    } else {
        let accepted = bench.engine_mut().accept();
        if accepted == 0 {
            tracing::error!("nothing is held");
            return Ok(Exit::Failed);
        }
        tracing::info!("{accepted} articles are let go");
    }
    let outcome = publish(&mut bench, &hold, global, started)?;
    Ok(found(outcome != Outcome::Fine))
}

/// `khabar sync`.
pub(in crate::cli) fn sync(options: &Sync, global: &Global) -> anyhow::Result<Exit> {
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

/// Opens the project for a command that changes what is published.
fn take(config: Config) -> anyhow::Result<(Workbench, Hold)> {
    let hold = hold(&config)?;
    let bench = open(config, Clock::System, Trust::Readings)?;
    bench.write_ahead(true);
    Ok((bench, hold))
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
