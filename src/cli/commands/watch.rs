//! `khabar watch` and `khabar serve`: the daemon, until SIGTERM or SIGINT.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::{Clock, Hold, Trust, open};
use crate::cli::args::{self, Global};
use crate::cli::report::Style;
use crate::cli::{Exit, project};
use crate::config::Config;
use crate::daemon::{self, Signal, Source, Workbench};
use crate::serve::{self, Audience, Limits, Stand};

/// Descriptors that connections leave to everything else: store, out, state, watches.
const SPARE_DESCRIPTORS: u64 = 512;

/// `khabar watch`.
pub(in crate::cli) fn watch(global: &Global) -> anyhow::Result<Exit> {
    let config = project::config(&global.config)?;
    run(global, config, None)
}

/// `khabar serve`.
pub(in crate::cli) fn serve(options: &args::Serve, global: &Global) -> anyhow::Result<Exit> {
    let config = project::config(&global.config)?;
    let listen = Listen {
        public: options.listen.unwrap_or(config.serve.listen),
        operations: config.serve.operations,
    };
    run(global, config, Some(listen))
}

/// Where to listen.
#[derive(Clone, Copy, Debug)]
struct Listen {
    public: SocketAddr,
    operations: SocketAddr,
}

/// Runs the daemon, and the server where it is asked for.
fn run(global: &Global, config: Config, listen: Option<Listen>) -> anyhow::Result<Exit> {
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
        let Some(listen) = listen else {
            return daemon::run(bench, hold, source, None, signals).await;
        };
        let server = Server::start(&bench, listen).await?;
        let stand = Some(Arc::clone(&server.stand));
        let ended = daemon::run(bench, hold, source, stand, signals).await;
        server.stop().await;
        ended
    });
    // A store that hangs must not keep the process.
    runtime.shutdown_background();
    ended.map(|()| Exit::Done)
}

/// The server over what is published, and that for those who run it.
struct Server {
    stand: Arc<Stand>,
    shutdown: watch::Sender<bool>,
    listeners: JoinSet<()>,
}

impl Server {
    /// Listens, and serves what earlier runs published until the daemon publishes more.
    async fn start(bench: &Workbench, listen: Listen) -> anyhow::Result<Self> {
        let stand = Stand::new(bench.config()).context("the server cannot be started")?;
        stand.adopt(bench.engine().manifest());
        let stand = Arc::new(stand);
        let (shutdown, stopped) = watch::channel(false);
        let mut listeners = JoinSet::new();
        let limits = Limits {
            connections: connections(),
            ..Limits::default()
        };
        for (address, audience, what) in [
            (listen.public, Audience::Public, "documents"),
            (
                listen.operations,
                Audience::Operations,
                "/healthz and /metrics",
            ),
        ] {
            let listener = TcpListener::bind(address)
                .await
                .with_context(|| format!("cannot listen on {address}"))?;
            // With the port that was found where any was asked for.
            let address = listener.local_addr()?;
            tracing::info!(%address, "serving {what}");
            let stand = Arc::clone(&stand);
            listeners.spawn(serve::serve(
                listener,
                audience,
                stand,
                limits,
                stopped.clone(),
            ));
        }
        Ok(Self {
            stand,
            shutdown,
            listeners,
        })
    }

    /// Finishes what is being answered.
    async fn stop(self) {
        self.shutdown.send_replace(true);
        self.listeners.join_all().await;
    }
}

/// How many connections the process has descriptors for, after asking for as many as it may have.
fn connections() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let most = Limits::default().connections;
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is not granted, what there is has to do.
    let _ = setrlimit(Resource::Nofile, limit);
    let Some(granted) = getrlimit(Resource::Nofile).current else {
        return most;
    };
    let left = granted.saturating_sub(SPARE_DESCRIPTORS).max(granted / 2);
    usize::try_from(left).map_or(most, |left| left.min(most))
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
