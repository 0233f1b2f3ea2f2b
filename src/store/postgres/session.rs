//! A connection to the server: where it leads, how it is secured, and what is known over it.
//!
//! The connection string may hold a password. It is read when it is needed, and no error shows it.
//! To another machine, a connection is encrypted and the server's certificate verified, unless the
//! string says `sslmode=disable`.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::ask::Cursor;
use crate::config::{ConnectionUrl, PostgresConfig, Secret};

/// How long one address may take to accept a connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long it may take until the server is ready to be asked.
const WELCOME_MAX: Duration = Duration::from_secs(10);
/// After so long without a word, the network is asked whether the server is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// What was sent has to be acknowledged by then.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(20);

/// Why the server cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// There is no connection string.
    #[error("{0}")]
    NoUrl(String),
    /// It is none. What it says is not shown.
    #[error("its connection string cannot be understood")]
    BadUrl,
    /// Certificates cannot be read.
    #[error("{0}")]
    Certificates(String),
    /// The system refuses a runtime.
    #[error("{0}")]
    System(#[from] std::io::Error),
    /// The server, or the way to it, says so.
    #[error("{}", said(.0))]
    Server(#[from] tokio_postgres::Error),
    /// The columns are not those that are needed.
    #[error("{0}")]
    Columns(String),
    /// It does not answer.
    #[error("it does not answer")]
    Silent,
}

/// What the server said, with what lies behind it.
fn said(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    match (error.as_db_error(), error.source()) {
        (Some(said), _) => said.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// Where a connection leads.
pub(super) struct Target(tokio_postgres::Config);

/// Reads the connection string.
pub(super) fn target(settings: &PostgresConfig) -> Result<Target, Failure> {
    let text = match &settings.url {
        ConnectionUrl::Given(url) => url.clone(),
        ConnectionUrl::At(Secret::Variable(name)) => std::env::var(name)
            .map_err(|_| Failure::NoUrl(format!("the environment has no variable {name}")))?,
        ConnectionUrl::At(Secret::File(path)) => {
            let unread =
                |error| Failure::NoUrl(format!("{} cannot be read: {error}", path.display()));
            std::fs::read_to_string(path).map_err(unread)?
        }
    };
    let mut config: tokio_postgres::Config = text.trim().parse().map_err(|_| Failure::BadUrl)?;
    if config.get_application_name().is_none() {
        config.application_name("khabar");
    }
    config
        .connect_timeout(CONNECT_MAX)
        .keepalives_idle(KEEPALIVE)
        .tcp_user_timeout(UNACKNOWLEDGED_MAX);
    Ok(Target(config))
}

impl Target {
    /// What people call it: machine and database, nothing that could be a secret.
    pub(super) fn name(&self) -> String {
        let hosts = self.0.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts: Vec<String> = hosts.collect();
        format!(
            "{} on {}",
            self.0.get_dbname().unwrap_or("(default)"),
            hosts.join(", ")
        )
    }

    /// Whether every address is this machine's own.
    fn is_local(&self) -> bool {
        self.0.get_hosts().iter().all(|host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => {
                name == "localhost"
                    || name
                        .parse::<std::net::IpAddr>()
                        .is_ok_and(|address| address.is_loopback())
            }
        })
    }

    /// Connects in time; `drive` is given the connection, which has to be driven for anything to happen.
    pub(super) async fn connect<D>(
        &self,
        settings: &PostgresConfig,
        drive: D,
    ) -> Result<Client, Failure>
    where
        D: Drive,
    {
        let connected = self.connect_at_last(settings, drive);
        let connected = tokio::time::timeout(WELCOME_MAX, connected).await;
        connected.map_err(|_| Failure::Silent)?
    }

    async fn connect_at_last<D>(
        &self,
        settings: &PostgresConfig,
        drive: D,
    ) -> Result<Client, Failure>
    where
        D: Drive,
    {
        let mut config = self.0.clone();
        let is_plain = match config.get_ssl_mode() {
            SslMode::Disable => true,
            SslMode::Prefer => self.is_local(),
            _ => false,
        };
        if is_plain {
            let (client, connection) = config.connect(NoTls).await?;
            drive.drive(connection);
            return Ok(client);
        }
        // Whoever is in between must not talk us out of it.
        config.ssl_mode(SslMode::Require);
        let secure = MakeRustlsConnect::new(certificates(settings)?);
        let (client, connection) = config.connect(secure).await?;
        drive.drive(connection);
        Ok(client)
    }
}

/// What keeps a connection going.
pub(super) trait Drive {
    /// Starts to.
    fn drive<S, T>(self, connection: tokio_postgres::Connection<S, T>)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static;
}

/// Drives it in the background; nothing but answers is expected.
struct Background;

impl Drive for Background {
    fn drive<S, T>(self, connection: tokio_postgres::Connection<S, T>)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        // Where it ends, whoever asks next is told.
        tokio::spawn(async move { drop(connection.await) });
    }
}

/// Whom to trust: the system's certificates, and those of `ca_file`.
fn certificates(settings: &PostgresConfig) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &settings.ca_file {
        let unread =
            |error| Failure::Certificates(format!("{} cannot be read: {error}", path.display()));
        for certificate in CertificateDer::pem_file_iter(path).map_err(unread)? {
            let refused = |error| {
                Failure::Certificates(format!("{} cannot be used: {error}", path.display()))
            };
            roots.add(certificate.map_err(unread)?).map_err(refused)?;
        }
    }
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Certificates(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// A connection for one question after the other, and what earlier ones have shown.
pub(super) struct Session {
    /// Of its own, and driven only while something is asked. Taken when the session ends.
    runtime: Option<Runtime>,
    client: Client,
    /// What the last reading has seen.
    pub(super) cursor: Option<Cursor>,
}

impl Session {
    /// Connects.
    pub(super) fn open(settings: &PostgresConfig) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let connected = async {
            let target = target(settings)?;
            target.connect(settings, Background).await
        };
        let client = runtime.block_on(connected)?;
        Ok(Self {
            runtime: Some(runtime),
            client,
            cursor: None,
        })
    }

    /// Does `work`, and waits for it.
    pub(super) fn run<T>(
        &mut self,
        work: &impl AsyncFn(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Some(runtime) = self.runtime.take() else {
            return Err(Failure::Silent);
        };
        let done = runtime.block_on(work(self));
        self.runtime = Some(runtime);
        done
    }

    /// Whom to ask.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Whom to ask within a transaction, and where what was seen is kept.
    pub(super) fn parts(&mut self) -> (&mut Client, &mut Option<Cursor>) {
        (&mut self.client, &mut self.cursor)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may be dropped where nothing may wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
