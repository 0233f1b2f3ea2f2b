//! Commands to a running daemon, over a Unix socket in the state's folder: one request a
//! connection, one line of JSON each way.
//!
//! The socket is its owner's alone (the folder is), and nothing is asked over it that the owner
//! could not do by hand while the daemon is stopped.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream as Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, Mode, OFlags};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::article::ArticleId;

/// The socket's name in the state's folder.
const NAME: &str = "control";
/// The most bytes of a request.
const REQUEST_MAX: u64 = 64 * 1024;
/// How long a client may take to send its request.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many requests may wait for the loop.
const QUEUE: usize = 64;

/// What can be asked of a daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Answer once everything that happened in the store before now is published.
    Sync,
    /// Withdraw an article.
    Withdraw(ArticleId),
    /// Take that back.
    Restore(ArticleId),
    /// Let through the loss that is held.
    AcceptLoss,
    /// Accept a clock that went back.
    AcceptClock,
}

/// What a daemon answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Whether it was done.
    pub is_done: bool,
    /// What there is to say, for people.
    pub message: String,
}

/// Asks the daemon whose state is at `state`, and waits for its answer up to `timeout`; `None` where
/// no daemon runs.
///
/// # Errors
/// Where the daemon goes away or does not answer in time ([`io::ErrorKind::WouldBlock`] or
/// [`io::ErrorKind::TimedOut`]).
pub fn ask(state: &Path, request: &Request, timeout: Duration) -> io::Result<Option<Reply>> {
    let connected = folder(state).and_then(|folder| Connection::connect(socket_path(&folder)));
    let mut connection = match connected {
        Ok(connection) => connection,
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                _ => Err(error),
            };
        }
    };
    connection.set_read_timeout(Some(timeout.max(Duration::from_millis(1))))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    connection.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(connection).read_line(&mut answer)?;
    if answer.is_empty() {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    Ok(Some(serde_json::from_str(&answer)?))
}

/// A request that waits for its answer.
#[derive(Debug)]
pub struct Pending {
    /// What is asked.
    pub request: Request,
    reply: oneshot::Sender<Reply>,
}

impl Pending {
    /// Answers. A client that has gone away is not missed.
    pub fn answer(self, is_done: bool, message: impl Into<String>) {
        let message = message.into();
        let _ = self.reply.send(Reply { is_done, message });
    }

    /// Whether the client has gone away.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }
}

/// The listening end. Dropped, it takes the socket away.
#[derive(Debug)]
pub struct Listener {
    requests: mpsc::Receiver<Pending>,
    queue: mpsc::Sender<Pending>,
    accepting: JoinHandle<()>,
    folder: OwnedFd,
}

impl Listener {
    /// Listens in the state's folder, which this process holds: a socket that is there is a dead
    /// one's.
    ///
    /// # Errors
    /// Where the socket cannot be made.
    pub fn bind(state: &Path) -> io::Result<Self> {
        let (queue, requests) = mpsc::channel(QUEUE);
        let (accepting, folder) = listen(state, queue.clone())?;
        Ok(Self {
            requests,
            queue,
            accepting,
            folder,
        })
    }

    /// Listens again where somebody took the socket away. Who waits for an answer goes on to wait.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn renew(&mut self, state: &Path) -> io::Result<()> {
        if state.join(NAME).symlink_metadata().is_err() {
            let (accepting, folder) = listen(state, self.queue.clone())?;
            self.accepting.abort();
            self.accepting = accepting;
            self.folder = folder;
        }
        Ok(())
    }

    /// The next request.
    pub async fn next(&mut self) -> Option<Pending> {
        self.requests.recv().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
        remove(&self.folder);
    }
}

fn listen(state: &Path, queue: mpsc::Sender<Pending>) -> io::Result<(JoinHandle<()>, OwnedFd)> {
    let folder = folder(state)?;
    remove(&folder);
    let listener = UnixListener::bind(socket_path(&folder))?;
    let accepting = tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(serve(stream, queue.clone()))),
                // Out of descriptors, for instance: the next one may do.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    });
    Ok((accepting, folder))
}

async fn serve(stream: UnixStream, queue: mpsc::Sender<Pending>) {
    let (read, mut write) = stream.into_split();
    let mut lines = tokio::io::BufReader::new(read.take(REQUEST_MAX)).lines();
    let Ok(Ok(Some(line))) = tokio::time::timeout(PATIENCE, lines.next_line()).await else {
        return;
    };
    let (reply, mut answer) = oneshot::channel();
    let reply = match serde_json::from_str(&line) {
        Err(error) => Reply {
            is_done: false,
            message: format!("this is no request: {error}"),
        },
        Ok(request) => {
            if queue.send(Pending { request, reply }).await.is_err() {
                return;
            }
            tokio::select! {
                answer = &mut answer => match answer {
                    Ok(answer) => answer,
                    Err(_) => return,
                },
                // The client closes its end when it no longer waits.
                _ = lines.next_line() => return,
            }
        }
    };
    let Ok(mut line) = serde_json::to_vec(&reply) else {
        return;
    };
    line.push(b'\n');
    // A client that has gone away is not missed.
    let _ = write.write_all(&line).await;
}

fn folder(state: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(state, flags, Mode::empty())?)
}

/// The socket by way of the open folder: a path may be long, an address has 108 bytes.
fn socket_path(folder: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd()))
}

fn remove(folder: &OwnedFd) {
    // What cannot be removed makes binding fail, which says so.
    let _ = rustix::fs::unlinkat(folder, NAME, AtFlags::empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_question_is_answered_and_the_socket_goes() {
        let state = tempfile::tempdir().unwrap();
        let deep = state.path().join("x".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        assert_eq!(ask(&deep, &Request::Sync, PATIENCE).unwrap(), None);
        let mut listener = Listener::bind(&deep).unwrap();
        let asking = tokio::task::spawn_blocking({
            let deep = deep.clone();
            move || ask(&deep, &Request::AcceptLoss, PATIENCE)
        });
        let pending = listener.next().await.unwrap();
        assert_eq!(pending.request, Request::AcceptLoss);
        pending.answer(false, "nothing is held");
        let reply = asking.await.unwrap().unwrap().unwrap();
        assert_eq!(
            (reply.is_done, reply.message.as_str()),
            (false, "nothing is held")
        );
        drop(listener);
        assert_eq!(ask(&deep, &Request::Sync, PATIENCE).unwrap(), None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_that_stops_waiting_is_noticed() {
        let state = tempfile::tempdir().unwrap();
        let mut listener = Listener::bind(state.path()).unwrap();
        let path = state.path().to_owned();
        let asking = tokio::task::spawn_blocking(move || {
            ask(&path, &Request::Sync, Duration::from_millis(20))
        });
        let pending = listener.next().await.unwrap();
        assert!(asking.await.unwrap().is_err());
        while !pending.is_abandoned() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_waits_goes_on_to_wait_where_the_socket_is_taken_away() {
        let state = tempfile::tempdir().unwrap();
        let mut listener = Listener::bind(state.path()).unwrap();
        let path = state.path().to_owned();
        let asking = tokio::task::spawn_blocking(move || ask(&path, &Request::Sync, PATIENCE));
        while listener.requests.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        std::fs::remove_file(state.path().join(NAME)).unwrap();
        listener.renew(state.path()).unwrap();
        listener.next().await.unwrap().answer(true, "published");
        assert!(asking.await.unwrap().unwrap().unwrap().is_done);
    }
}
