//! `khabar watch` and `khabar serve`: the daemon, until SIGTERM or SIGINT.

use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use super::{Clock, Hold, Trust, open};
use crate::cli::args::{self, Global};
use crate::cli::report::Style;
use crate::cli::{Exit, project};
use crate::config::Config;
use crate::daemon::{self, Signal, Source, Workbench};
use crate::serve::{self, Audience, Limits, Stand};

/// The most threads that answer readers: one answers a hundred thousand requests a second.
const THREADS_MAX: usize = 4;
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
    let mut bench = open(config, Clock::System, Trust::Readings)?;
    bench.write_ahead(true);
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
        // What is served is held in memory, and rendered for that.
        bench.start_over();
        let server = Server::start(&bench, listen)?;
        let stand = Some(Arc::clone(&server.stand));
        let ended = daemon::run(bench, hold, source, stand, signals).await;
        tokio::task::block_in_place(|| server.stop());
        ended
    });
    // A store that hangs must not keep the process.
    runtime.shutdown_background();
    ended.map(|()| Exit::Done)
}

/// The server over what is published, and that for those who run it, in threads of their own: what
/// the daemon does keeps no reader waiting, and a connection stays where it was accepted.
struct Server {
    stand: Arc<Stand>,
    shutdown: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Listens, and serves what earlier runs published until the daemon publishes more.
    fn start(bench: &Workbench, listen: Listen) -> anyhow::Result<Self> {
        let stand = Stand::new(bench.config()).context("the server cannot be started")?;
        stand.set_links(
            &bench.config().publication.feeds_url,
            &bench.config().announce.hubs,
        );
        daemon::adopt(&stand, bench);
        let (shutdown, _) = watch::channel(false);
        let mut server = Self {
            stand: Arc::new(stand),
            shutdown,
            threads: Vec::new(),
        };
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = cores.min(THREADS_MAX);
        server.listen(listen.public, Audience::Public, threads, "documents")?;
        server.listen(
            listen.operations,
            Audience::Operations,
            1,
            "/healthz and /metrics",
        )?;
        Ok(server)
    }

    /// Listens at an address, with so many threads that accept what comes.
    fn listen(
        &mut self,
        address: SocketAddr,
        audience: Audience,
        threads: usize,
        what: &str,
    ) -> anyhow::Result<()> {
        let cannot = || format!("cannot listen on {address}");
        let listener = TcpListener::bind(address).with_context(cannot)?;
        listener.set_nonblocking(true).with_context(cannot)?;
        // With the port that was found where any was asked for.
        let bound = listener.local_addr().with_context(cannot)?;
        let limits = Limits::default();
        let limits = match audience {
            Audience::Public => Limits {
                connections: connections() / threads,
                // Each thread counts by itself.
                per_address: limits.per_address.div_ceil(threads),
                ..limits
            },
            Audience::Operations => Limits {
                connections: OPERATORS,
                ..limits
            },
        };
        for number in 0..threads {
            let listener = listener.try_clone().with_context(cannot)?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .context("the server cannot be started")?;
            let stand = Arc::clone(&self.stand);
            let shutdown = self.shutdown.subscribe();
            let serve = move || {
                runtime.block_on(async {
                    match tokio::net::TcpListener::from_std(listener) {
                        Ok(listener) => {
                            serve::serve(listener, audience, stand, limits, shutdown).await;
                        }
                        Err(error) => tracing::error!("cannot listen: {error}"),
                    }
                });
                // A disk that hangs must not keep the process.
                runtime.shutdown_background();
            };
            let thread = std::thread::Builder::new()
                .name(format!("serve {number}"))
                .spawn(serve)
                .context("the server cannot be started")?;
            self.threads.push(thread);
        }
        tracing::info!(address = %bound, "serving {what}");
        Ok(())
    }

    /// Finishes what is being answered.
    fn stop(self) {
        self.shutdown.send_replace(true);
        for thread in self.threads {
            // One that has panicked has said so.
            let _ = thread.join();
        }
    }
}

/// The most connections of those who run khabar.
const OPERATORS: usize = 64;

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
            // Where the loop hangs and the queue is full, it is told nothing new; the next request to
            // stop must be heard here all the same.
            if let Err(TrySendError::Closed(_)) = sender.try_send(signal) {
                return;
            }
        }
    });
    Ok(receiver)
}

/// signal(7): the file size limit is exceeded. The number is that of Linux on all its common
/// architectures.
const SIGXFSZ: i32 = 25;
