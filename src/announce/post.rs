//! One request to one configured endpoint, and nothing else.
//!
//! The name is resolved here and the address that was looked at is the one that is connected to, so
//! a name cannot lead elsewhere in between. No redirect is followed, no proxy of the environment is
//! used, and neither time nor size is without a limit. No error holds a URL or what was sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
use url::{Host, Url};

use super::address::is_public;
use crate::article::WebUrl;

/// The longest pause that a receiver is granted.
const GRANTED_MAX: Duration = Duration::from_hours(24);
/// How long a request may take in all, from the name to the head of the answer.
const TIME_MAX: Duration = Duration::from_secs(10);
/// How long one address may take to accept a connection.
const CONNECT_MAX: Duration = Duration::from_secs(4);
/// How long the rest of an answer is listened to, in which nothing matters.
const LISTEN_MAX: Duration = Duration::from_secs(1);
/// So many bytes of an answer are read: its head has half of them.
const ANSWER_MAX: usize = 64 * 1024;
/// Who is asking.
const AGENT: &str = concat!("khabar/", env!("CARGO_PKG_VERSION"));

/// What is sent.
pub(super) struct Message {
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// For how long the other side wants to be left alone.
    pub(super) retry_after: Option<Duration>,
}

/// Nothing came back.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error("its URL cannot be taken apart")]
    Url,
    #[error("it is at a private address (set `allow_private = true` for one in your own network)")]
    Private,
    #[error("it is not https, and at a public address")]
    Plain,
    #[error("its name cannot be resolved")]
    Name,
    #[error("it cannot be reached: {0}")]
    Connect(std::io::Error),
    #[error("no certificates of authorities were found on this system")]
    NoRoots,
    #[error("no secure connection can be made: {0}")]
    Secure(std::io::Error),
    #[error("it does not speak HTTP")]
    Http,
    #[error("it does not answer in time")]
    Time,
}

impl std::fmt::Debug for Poster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poster").finish_non_exhaustive()
    }
}

impl PostError {
    /// Whether trying again is of no use until somebody changes something.
    pub(super) fn is_lasting(&self) -> bool {
        match self {
            Self::Url | Self::Private | Self::Plain | Self::NoRoots => true,
            Self::Name | Self::Connect(_) | Self::Secure(_) | Self::Http | Self::Time => false,
        }
    }
}

/// What sends.
#[derive(Clone)]
pub(super) struct Poster {
    allow_private: bool,
    /// None where the system has no certificates of authorities.
    secure: Option<TlsConnector>,
}

impl Poster {
    /// Reads the system's certificates.
    pub(super) fn new(allow_private: bool) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let secure = (!roots.is_empty()).then_some(roots).and_then(|roots| {
            let provider = Arc::new(ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .ok()?
                .with_root_certificates(roots)
                .with_no_client_auth();
            Some(TlsConnector::from(Arc::new(config)))
        });
        Self {
            allow_private,
            secure,
        }
    }

    /// Sends `message` to `to`.
    pub(super) async fn post(&self, to: &WebUrl, message: Message) -> Result<Answer, PostError> {
        let end = Instant::now() + TIME_MAX;
        let url = to.to_url().ok_or(PostError::Url)?;
        let is_secure = url.scheme() == "https";
        let stream = timely(end, self.connect(&url, is_secure)).await?;
        if !is_secure {
            return exchange(stream, &url, message, end).await;
        }
        let secure = self.secure.as_ref().ok_or(PostError::NoRoots)?;
        let name = url.host_str().ok_or(PostError::Url)?;
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(name.to_owned()).map_err(|_| PostError::Url)?;
        let secured = async {
            let stream = secure.connect(name, stream).await;
            stream.map_err(PostError::Secure)
        };
        exchange(timely(end, secured).await?, &url, message, end).await
    }

    /// Connects to the first address of the host that may be spoken to and answers.
    async fn connect(&self, url: &Url, is_secure: bool) -> Result<TcpStream, PostError> {
        let found = resolve(url).await?;
        let mut last = PostError::Name;
        for address in found {
            let is_public = is_public(address.ip());
            if !is_public && !self.allow_private {
                last = PostError::Private;
                continue;
            }
            if is_public && !is_secure {
                last = PostError::Plain;
                continue;
            }
            last = match tokio::time::timeout(CONNECT_MAX, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => PostError::Connect(error),
                Err(_) => PostError::Time,
            };
        }
        Err(last)
    }
}

/// `work`, where it is done before `end`.
async fn timely<T>(
    end: Instant,
    work: impl Future<Output = Result<T, PostError>>,
) -> Result<T, PostError> {
    let done = tokio::time::timeout_at(end, work).await;
    done.unwrap_or(Err(PostError::Time))
}

async fn resolve(url: &Url) -> Result<Vec<SocketAddr>, PostError> {
    let port = url.port_or_known_default().ok_or(PostError::Url)?;
    match url.host().ok_or(PostError::Url)? {
        Host::Ipv4(address) => Ok(vec![(address, port).into()]),
        Host::Ipv6(address) => Ok(vec![(address, port).into()]),
        Host::Domain(name) => {
            let found = tokio::net::lookup_host((name, port)).await;
            Ok(found.map_err(|_| PostError::Name)?.collect())
        }
    }
}

/// One request and its answer before `end`, over a connection that ends with it.
async fn exchange<S>(
    stream: S,
    url: &Url,
    message: Message,
    end: Instant,
) -> Result<Answer, PostError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_buf_size(ANSWER_MAX / 2);
    let (mut sender, connection) = builder
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| PostError::Http)?;
    let request = request(url, message)?;
    let exchange = async {
        let answer = async {
            let answer = sender.send_request(request).await;
            answer.map_err(|_| PostError::Http)
        };
        let answer = timely(end, answer).await?;
        let read = Answer {
            status: answer.status().as_u16(),
            retry_after: retry_after(&answer),
        };
        // The other side likes to be heard out, as far as that goes.
        let body = Limited::new(answer.into_body(), ANSWER_MAX / 2);
        let _ = tokio::time::timeout(LISTEN_MAX, body.collect()).await;
        Ok(read)
    };
    tokio::pin!(exchange, connection);
    tokio::select! {
        biased;
        answer = &mut exchange => answer,
        // It can end before its last answer is taken up.
        _ = &mut connection => exchange.await,
    }
}

fn request(url: &Url, message: Message) -> Result<Request<Full<Bytes>>, PostError> {
    let host = url.host_str().ok_or(PostError::Url)?;
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    Request::post(target)
        .header(HOST, host)
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, message.content_type)
        .header("Accept", "*/*")
        .header("Connection", "close")
        .body(Full::new(Bytes::from(message.body)))
        .map_err(|_| PostError::Url)
}

/// `Retry-After`, in seconds or as a date (RFC 9110 §10.2.3).
fn retry_after(answer: &Response<Incoming>) -> Option<Duration> {
    let text = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    parse_retry_after(text, chrono::Utc::now().timestamp())
}

fn parse_retry_after(text: &str, now: i64) -> Option<Duration> {
    let wait = if let Ok(seconds) = text.trim().parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let at = chrono::DateTime::parse_from_rfc2822(text.trim()).ok()?;
        let seconds = at.timestamp().saturating_sub(now);
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    };
    Some(wait.min(GRANTED_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let seconds = |text| parse_retry_after(text, 1_795_435_200).map(|d| d.as_secs());
        assert_eq!(seconds(" 120 "), Some(120));
        assert_eq!(seconds("Mon, 23 Nov 2026 12:01:00 GMT"), Some(60));
        assert_eq!(seconds("Mon, 23 Nov 2026 11:01:00 GMT"), Some(0));
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds("18446744073709551615"), Some(24 * 3_600));
    }

    #[tokio::test]
    async fn private_and_plain_endpoints_are_refused_in_every_spelling() {
        let message = || Message {
            content_type: "text/plain",
            body: Vec::new(),
        };
        let poster = Poster::new(false);
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/",
            "https://localhost/",
        ] {
            let refused = poster.post(&WebUrl::parse(url).unwrap(), message()).await;
            assert!(
                matches!(refused, Err(PostError::Private)),
                "{url}: {refused:?}"
            );
        }
        let plain = WebUrl::parse("http://1.1.1.1/").unwrap();
        for poster in [poster, Poster::new(true)] {
            let refused = poster.post(&plain, message()).await;
            assert!(matches!(refused, Err(PostError::Plain)), "{refused:?}");
        }
    }

    /// What a server that sends `bytes`, and then one more now and then, is understood as.
    async fn answered(bytes: &'static [u8]) -> Result<Answer, PostError> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hub?x=1", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 18];
            stream.read_exact(&mut head).await.unwrap();
            assert_eq!(&head, b"POST /hub?x=1 HTTP");
            stream.write_all(bytes).await.unwrap();
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let message = Message {
            content_type: "text/plain",
            body: b"body".to_vec(),
        };
        let url = WebUrl::parse(&url).unwrap();
        let answer = Poster::new(true).post(&url, message).await;
        server.abort();
        answer
    }

    #[tokio::test]
    async fn an_answer_counts_as_soon_as_its_head_is_there() {
        let dripping = b"HTTP/1.1 202 Accepted\r\nContent-Length: 99999999\r\n\r\n";
        assert_eq!(answered(dripping).await.unwrap().status, 202);
        let endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n";
        assert_eq!(answered(endless).await.unwrap().status, 200);
        let nonsense = answered(b"SSH-2.0-OpenSSH_9.9\r\n").await;
        assert!(matches!(nonsense, Err(PostError::Http)), "{nonsense:?}");
    }

    #[tokio::test]
    async fn a_head_without_an_end_is_not_waited_for() {
        static LONG: [u8; 1 << 20] = [b'h'; 1 << 20];
        let answer = answered(&LONG).await;
        assert!(matches!(answer, Err(PostError::Http)), "{answer:?}");
    }
}
