//! The bell of a server: what it is told to notify, and a look now and then whether anything was
//! committed without a word.
//!
//! A notification that comes while nobody is connected is lost. So each time it connects, it listens
//! first and rings then: whoever reads after that misses nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Connection};

use super::session::{self, Drive, Failure};
use super::statements::quoted;
use crate::config::PostgresConfig;
use crate::store::rows::{Ears, Look, RowsWatch};

/// How long to wait before connecting again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts to listen; `bell` is rung whenever something may have been committed.
pub(super) fn start(settings: &PostgresConfig, bell: Box<dyn Fn() + Send + Sync>) -> RowsWatch {
    let look = match (&settings.changes, &settings.rows.sequence) {
        (Some(_), _) => Look::Logged,
        (None, Some(_)) => Look::Newest,
        (None, None) => Look::All,
    };
    let ears = Ears::new(look, bell);
    let (end, ended) = mpsc::channel(1);
    let (settings, heard) = (settings.clone(), Arc::clone(&ears));
    // It ends with the watch, which holds the other end of the channel.
    std::thread::spawn(move || run(&settings, &heard, ended));
    RowsWatch::new(ears, Box::new(end))
}

fn run(settings: &PostgresConfig, ears: &Arc<Ears>, mut ended: mpsc::Receiver<()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("nothing is heard of the database: {error}");
            return;
        }
    };
    runtime.block_on(async {
        loop {
            tokio::select! {
                _ = ended.recv() => return,
                Err(failure) = listen(settings, ears) => {
                    // Whether the store can be used, readings find out, and tell.
                    tracing::debug!("nothing is heard of the database: {failure}");
                    ears.hear();
                }
            }
            tokio::select! {
                _ = ended.recv() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    });
}

/// Listens until that fails.
async fn listen(settings: &PostgresConfig, ears: &Arc<Ears>) -> Result<(), Failure> {
    let target = session::target(settings)?;
    let client = target.connect(settings, Listen(Arc::clone(ears))).await?;
    let listen = format!("LISTEN {}", quoted(&settings.channel));
    client.batch_execute(&listen).await?;
    ears.hear();
    let mut seen: Option<String> = None;
    loop {
        let look = client.query_one("SELECT pg_current_snapshot()::text", &[]);
        let row = tokio::time::timeout(PATIENCE, look).await;
        let row = row.map_err(|_| Failure::Silent)??;
        let now: String = row.try_get(0)?;
        let before = seen.replace(now);
        if before.is_some() && before != seen {
            ears.hear();
        }
        tokio::time::sleep(Duration::from_millis(settings.poll_ms)).await;
    }
}

/// Drives the connection, and rings at each notification.
struct Listen(Arc<Ears>);

impl Drive for Listen {
    fn drive<S, T>(self, mut connection: Connection<S, T>)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        tokio::spawn(async move {
            loop {
                let message = std::future::poll_fn(|context| connection.poll_message(context));
                match message.await {
                    Some(Ok(AsyncMessage::Notification(_))) => self.0.hear(),
                    Some(Ok(_)) => {}
                    // Whoever looks next over it is told.
                    Some(Err(_)) | None => return,
                }
            }
        });
    }
}
