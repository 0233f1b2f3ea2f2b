//! Connections: how many, how long, and how they end.
//!
//! A client that does not ask in time, or does not take its answer, is closed by [`Paced`].

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use super::pace::Paced;
use super::payload::Payload;
use super::stream::{Stream, Tray};

/// What one client can take of a listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a request's head may take, and how long a connection may idle.
    pub head: Duration,
    /// How long a client may take nothing of its answer.
    pub stall: Duration,
    /// Bytes a second a client takes at the least, once [`Limits::stall`] has passed.
    pub pace: u32,
    /// Connections at a time; further ones wait to be accepted.
    pub connections: usize,
    /// Connections of one address at a time, or of one /64 of IPv6, the least that one subscriber is
    /// given; further ones are closed at once. Those of this machine are not counted: a proxy is.
    pub per_address: usize,
    /// How long open answers may take once the listener is to stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(15),
            stall: Duration::from_secs(30),
            pace: 1_024,
            connections: 4_096,
            per_address: 256,
            grace: Duration::from_secs(5),
        }
    }
}

/// The most bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;
/// The most fields of a request's head.
const HEAD_FIELDS: usize = 64;
/// The most requests of one connection: a proxy's is opened anew now and then.
const REQUESTS: u32 = 10_000;
/// How long accepting pauses where it fails, such as for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers a request; what it returns goes to the client as it is.
pub(super) trait Answer: Clone + Send + Sync + 'static {
    /// The answer to `request`.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Payload>> + Send;
}

/// Serves until `shutdown` holds `true` or is dropped; then finishes what is being answered.
pub(super) async fn listen(
    listener: TcpListener,
    answer: impl Answer,
    limits: Limits,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut open = Open::default();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut shutdown) => break,
            Some(ended) = open.tasks.join_next_with_id() => open.forget(&ended),
            accepted = listener.accept(), if open.tasks.len() < limits.connections => {
                match accepted {
                    Ok((stream, from)) => {
                        let task = connection(stream, answer.clone(), limits, shutdown.clone());
                        open.add(from, limits.per_address, task);
                    }
                    Err(error) => {
                        tracing::debug!("cannot accept a connection: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    }
    drop(listener);
    let ended = async { while open.tasks.join_next().await.is_some() {} };
    // What is left is cut off when the set is dropped.
    let _ = tokio::time::timeout(limits.grace, ended).await;
}

/// Waits until `shutdown` holds `true` or is dropped.
async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // Dropped, nobody is left who could want more served.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// The connections that are open.
#[derive(Default)]
struct Open {
    tasks: JoinSet<()>,
    of_task: HashMap<Id, IpAddr>,
    by_address: HashMap<IpAddr, usize>,
}

impl Open {
    fn add(
        &mut self,
        from: SocketAddr,
        per_address: usize,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        if from.ip().to_canonical().is_loopback() {
            self.tasks.spawn(task);
            return;
        }
        let address = network(from.ip());
        let count = self.by_address.entry(address).or_default();
        if *count < per_address {
            *count += 1;
            let id = self.tasks.spawn(task).id();
            self.of_task.insert(id, address);
        }
    }

    fn forget(&mut self, ended: &Result<(Id, ()), tokio::task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => *id,
            Err(error) => {
                // The other connections go on; the panic has been printed where it happened.
                tracing::error!("a connection failed, which is a bug: {error}");
                error.id()
            }
        };
        if let Some(address) = self.of_task.remove(&id)
            && let Some(count) = self.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

/// Whom an address is counted with: one of IPv6 with all that share its first 64 bits, because that
/// is what one subscriber is given at the least (RFC 6177).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let host = u128::from(u64::MAX);
            Ipv6Addr::from_bits(address.to_bits() & !host).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

async fn connection(
    stream: TcpStream,
    answer: impl Answer,
    limits: Limits,
    mut shutdown: watch::Receiver<bool>,
) {
    // Answers are written whole: waiting for more to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let requests = AtomicU32::new(0);
    let tray = Arc::new(Tray::default());
    let stream = Stream::new(stream, Arc::clone(&tray));
    let stream = Paced::new(stream, &limits, Arc::clone(&tray));
    let service = service_fn(|request: Request<Incoming>| {
        let count = requests.fetch_add(1, Ordering::Relaxed) + 1;
        let (answer, tray) = (&answer, &tray);
        tray.begin();
        async move {
            let has_body = !hyper::body::Body::is_end_stream(request.body());
            let mut response = answer.answer(request).await;
            // Nothing here takes a body, and what is not read would be taken for a request.
            if has_body || count >= REQUESTS {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            if let Some(sheet) = response.body_mut().take_sheet() {
                tray.put(sheet);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_FIELDS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let stopping = shutdown.clone();
    let mut stop = std::pin::pin!(stopped(&mut shutdown));
    let (mut is_heard, mut is_stopping) = (false, false);
    let ended = std::future::poll_fn(|cx| {
        // Heard once, it wakes this task, which needs not listen to it anew with each request.
        if !is_heard || (!is_stopping && stopping.has_changed().unwrap_or(true)) {
            is_heard = true;
            if stop.as_mut().poll(cx).is_ready() {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
        connection.as_mut().poll(cx)
    })
    .await;
    if let Err(error) = ended {
        // Clients that go away, are too slow or speak no HTTP are none of the operator's business.
        tracing::trace!("a connection ended: {error}");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Answers everything with so many bytes.
    #[derive(Clone)]
    struct Bytes(usize);

    impl Answer for Bytes {
        async fn answer(&self, _: Request<Incoming>) -> Response<Payload> {
            Response::new(Payload::from(vec![b'x'; self.0]))
        }
    }

    /// Answers once it is let to.
    #[derive(Clone)]
    struct Gated(Arc<tokio::sync::Semaphore>);

    impl Answer for Gated {
        async fn answer(&self, _: Request<Incoming>) -> Response<Payload> {
            let _permit = self.0.acquire().await.unwrap();
            Response::new(Payload::from(b"done".to_vec()))
        }
    }

    struct Server {
        address: SocketAddr,
        stop: watch::Sender<bool>,
        task: tokio::task::JoinHandle<()>,
    }

    async fn start(bytes: usize, limits: Limits) -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(listen(listener, Bytes(bytes), limits, stopped));
        Server {
            address,
            stop,
            task,
        }
    }

    fn quick() -> Limits {
        Limits {
            head: Duration::from_millis(100),
            stall: Duration::from_millis(100),
            ..Limits::default()
        }
    }

    /// Reads until the server closes. A server that does not would hang the test.
    async fn rest(stream: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        // A reset is an end, too.
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[tokio::test]
    async fn a_client_that_connects_and_is_silent_is_closed() {
        let server = start(1, quick()).await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        assert_eq!(rest(&mut stream).await, "");
    }

    #[tokio::test]
    async fn a_head_that_does_not_end_is_closed() {
        let server = start(1, quick()).await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n")
            .await
            .unwrap();
        // A field every now and then keeps nothing open.
        while stream.write_all(b"X: y\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(!rest(&mut stream).await.contains("200 OK"));
    }

    #[tokio::test]
    async fn an_idle_connection_is_closed_after_its_answer() {
        let server = start(3, quick()).await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let said = rest(&mut stream).await;
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
        assert!(said.ends_with("xxx"), "{said}");
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_closed() {
        let limits = Limits {
            head: Duration::from_mins(10),
            grace: Duration::from_mins(10),
            ..quick()
        };
        let server = start(64 << 20, limits).await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        // Its task ends although nothing is read; stopping would wait for it.
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.stop.send(true).unwrap();
        server.task.await.unwrap();
        assert!(rest(&mut stream).await.len() < 64 << 20);
    }

    #[tokio::test]
    async fn heads_that_are_too_long_are_refused() {
        let server = start(1, Limits::default()).await;
        for head in [
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
                "y".repeat(HEAD_BYTES)
            ),
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
                "X: y\r\n".repeat(HEAD_FIELDS + 1)
            ),
        ] {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            let said = rest(&mut stream).await;
            assert!(
                said.is_empty() || said.starts_with("HTTP/1.1 431 "),
                "{said}"
            );
        }
    }

    #[tokio::test]
    async fn stopping_finishes_what_is_being_answered_and_closes_the_idle() {
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let answer = Gated(Arc::clone(&gate));
        let task = tokio::spawn(listen(listener, answer, Limits::default(), stopped));
        let mut idle = TcpStream::connect(address).await.unwrap();
        let mut busy = TcpStream::connect(address).await.unwrap();
        busy.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.send(true).unwrap();
        assert_eq!(rest(&mut idle).await, "");
        gate.add_permits(1);
        assert!(rest(&mut busy).await.ends_with("done"));
        task.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn connections_of_one_address_are_counted() {
        let mut open = Open::default();
        let from = |last| SocketAddr::from(([192, 0, 2, last], 1));
        for _ in 0..3 {
            open.add(from(1), 2, std::future::pending());
        }
        open.add(from(2), 2, std::future::ready(()));
        open.add(
            SocketAddr::from(([127, 0, 0, 1], 1)),
            0,
            std::future::pending(),
        );
        assert_eq!(open.tasks.len(), 4);
        let ended = open.tasks.join_next_with_id().await.unwrap();
        open.forget(&ended);
        assert_eq!(open.by_address.len(), 1);
    }

    #[tokio::test]
    async fn a_network_of_ipv6_counts_as_one_address() {
        let mut open = Open::default();
        for from in [
            "[2001:db8:1:2::1]:1",
            "[2001:db8:1:2:ffff::9]:1",
            "[2001:db8:1:2::2]:1",
            "[2001:db8:1:3::1]:1",
            "[::ffff:192.0.2.1]:1",
            "[::ffff:192.0.2.2]:1",
        ] {
            open.add(from.parse().unwrap(), 2, std::future::pending());
        }
        assert_eq!((open.tasks.len(), open.by_address.len()), (5, 4));
    }
}
