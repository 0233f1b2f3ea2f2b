//! `khabar watch`: the daemon, until SIGTERM or SIGINT.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::{Clock, Hold, Trust, open};
use crate::cli::args::Global;
use crate::cli::report::Style;
use crate::cli::{Exit, project};
use crate::daemon::{self, Signal, Source};

/// `khabar watch`.
pub(in crate::cli) fn watch(global: &Global) -> anyhow::Result<Exit> {
    let config = project::config(&global.config)?;
    let hold = Hold::take(&config)?;
    let bench = open(config, Clock::System, Trust::Readings)?;
    let path = global.config.clone();
    let source = Source {
        path: path.clone(),
        load: Box::new(move || {
            project::config(&path).map_err(|unusable| unusable.shown(Style::Plain))
        }),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    let ended = runtime.block_on(async {
        let signals = signals()?;
        daemon::run(bench, hold, source, signals).await
    });
    // A store that hangs must not keep the process.
    runtime.shutdown_background();
    ended.map(|()| Exit::Done)
}

/// The signals of the process, as the loop wants them. A second request to stop ends it at once.
fn signals() -> anyhow::Result<mpsc::Receiver<Signal>> {
    let (sender, receiver) = mpsc::channel(4);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    // Over a limit of file size, a write fails and is reported; the process is not killed for it.
    let mut size_limit = signal(SignalKind::from_raw(SIGXFSZ))?;
    tokio::spawn(async move {
        let mut is_stopping = false;
        loop {
            let signal = tokio::select! {
                _ = terminate.recv() => Signal::Shutdown,
                _ = interrupt.recv() => Signal::Shutdown,
                _ = hangup.recv() => Signal::Reload,
                _ = size_limit.recv() => continue,
            };
            if is_stopping && signal == Signal::Shutdown {
                std::process::exit(1);
            }
            is_stopping |= signal == Signal::Shutdown;
            if sender.send(signal).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// signal(7): the file size limit is exceeded. The number is that of Linux on all its common
/// architectures.
const SIGXFSZ: i32 = 25;
