//! From a request to its answer, over what is on the shelf.

use std::sync::Arc;

use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HOST, HeaderMap,
    HeaderName, HeaderValue, LAST_MODIFIED, LINK, RETRY_AFTER, TRANSFER_ENCODING, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};

use super::Stand;
use super::coding::{self, Coding};
use super::conditions::{self, Verdict, opaque};
use super::delta::Base;
use super::listen::Answer;
use super::metrics::Listener;
use super::path;
use super::payload::Payload;
use super::shelf::{Absent, now};
use super::version::{Delta, Version};
use crate::document::DocumentKind;

/// What can be done with a document.
const METHODS: &str = "GET, HEAD, OPTIONS";
/// When to come back to a server that has nothing yet, in seconds.
const RETRY: &str = "5";
/// How many fields an answer has at the most, with those hyper adds.
const FIELDS: usize = 12;
/// 226 IM Used (RFC 3229 §10.4.1).
const IM_USED: u16 = 226;

/// Answers the public.
#[derive(Clone, Debug)]
pub(super) struct Public(pub(super) Arc<Stand>);

impl Answer for Public {
    async fn answer(&self, request: Request<Incoming>) -> Response<Payload> {
        let response = self.respond(&request).await;
        let length = response.body().length();
        let status = response.status();
        self.0.metrics.answered(Listener::Public, status, length);
        response
    }
}

impl Public {
    async fn respond(&self, request: &Request<Incoming>) -> Response<Payload> {
        if let Some(refusal) = refused(request) {
            return refusal;
        }
        let Ok(path) = path::decoded(request.uri().path()) else {
            return refusal(StatusCode::BAD_REQUEST);
        };
        let version = match self.0.shelf.get(&path).await {
            Ok(version) => version,
            Err(Absent::Unknown) => return refusal(StatusCode::NOT_FOUND),
            Err(Absent::NotNow) => {
                let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE);
                put(&mut response, RETRY_AFTER, RETRY);
                return response;
            }
        };
        self.document(request, &version)
    }

    /// What is at a path, as far as the client does not have it.
    fn document(&self, request: &Request<Incoming>, version: &Version) -> Response<Payload> {
        let (method, headers) = (request.method(), request.headers());
        let (coding, bytes) = coding::acceptable(headers)
            .find_map(|coding| Some((coding, version.coded(coding)?)))
            .unwrap_or((Coding::Identity, &version.bytes));
        let now = now();
        match conditions::evaluate(method, headers, version.validators(now), coding) {
            Verdict::Failed => return refusal(StatusCode::PRECONDITION_FAILED),
            Verdict::NotModified(known) => return not_modified(version, known.unwrap_or(coding)),
            Verdict::Proceed => {}
        }
        if *method == Method::GET
            && coding::accepts_delta(headers)
            && let Some((base, delta)) = version.delta(conditions::named_versions(headers))
        {
            let response = im_used(version, base, &delta, coding::acceptable(headers));
            let saved = bytes.len() as u64;
            let saved = saved.saturating_sub(response.body().length());
            self.0.metrics.saved(saved);
            return response;
        }
        whole(version, coding, bytes, now, *method == Method::HEAD)
    }
}

/// The refusal of a request that is none, or that asks for more than to read.
fn refused(request: &Request<Incoming>) -> Option<Response<Payload>> {
    // A host in place of a path is how a tunnel is asked for (RFC 9112 §3.2.3).
    let is_tunnel = request.uri().scheme().is_none() && request.uri().authority().is_some();
    if is_tunnel && *request.method() != Method::CONNECT {
        return Some(refusal(StatusCode::BAD_REQUEST));
    }
    // Nobody who only reads needs a body of unknown length; requests are smuggled in such (RFC 9112
    // §6.1).
    if request.headers().contains_key(TRANSFER_ENCODING) || !has_host(request) {
        return Some(refusal(StatusCode::BAD_REQUEST));
    }
    match *request.method() {
        Method::GET | Method::HEAD => None,
        Method::OPTIONS => {
            let mut response = Response::new(Payload::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            put(&mut response, ALLOW, METHODS);
            Some(response)
        }
        _ => {
            let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED);
            put(&mut response, ALLOW, METHODS);
            Some(response)
        }
    }
}

/// Whether there is exactly one host, and it can be one (RFC 9112 §3.2). Nothing else is done with
/// it: every URL khabar says comes from the configuration.
fn has_host(request: &Request<Incoming>) -> bool {
    let mut hosts = request.headers().get_all(HOST).into_iter();
    let Some(host) = hosts.next() else {
        return request.version() < hyper::Version::HTTP_11;
    };
    hosts.next().is_none() && is_host(host.as_bytes())
}

/// `host [":" port]` (RFC 3986 §3.2.2), without percent-encoding.
fn is_host(host: &[u8]) -> bool {
    let is_name = |name: &[u8]| {
        let may_stand = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
        !name.is_empty() && name != b"." && name.iter().all(may_stand)
    };
    let is_port = |port: &[u8]| port.len() <= 5 && port.iter().all(u8::is_ascii_digit);
    if let Some(rest) = host.strip_prefix(b"[") {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else {
            return false;
        };
        let (address, rest) = rest.split_at(end);
        let is_address = address
            .iter()
            .all(|b| b.is_ascii_hexdigit() || b":.".contains(b));
        return is_address
            && match rest.strip_prefix(b"]") {
                Some(b"") => true,
                Some(rest) => rest.strip_prefix(b":").is_some_and(is_port),
                None => false,
            };
    }
    match host.iter().position(|byte| *byte == b':') {
        Some(colon) => is_name(&host[..colon]) && is_port(&host[colon + 1..]),
        None => is_name(host),
    }
}

/// A status and its words, for people.
pub(super) fn refusal(status: StatusCode) -> Response<Payload> {
    let text = format!("{status}\n");
    let length = text.len();
    let mut response = Response::new(Payload::from(text.into_bytes()));
    *response.status_mut() = status;
    put(&mut response, CONTENT_TYPE, "text/plain; charset=utf-8");
    put(&mut response, CACHE_CONTROL, "no-store");
    put(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

/// An answer with room for all the fields that a document has, so that none is put in twice.
fn roomy(payload: Payload) -> Response<Payload> {
    let mut response = Response::new(payload);
    *response.headers_mut() = HeaderMap::with_capacity(FIELDS);
    response
}

/// 200.
fn whole(
    version: &Version,
    coding: Coding,
    bytes: &Bytes,
    now: i64,
    is_head: bool,
) -> Response<Payload> {
    let payload = if is_head {
        Payload::empty()
    } else {
        Payload::from(bytes.clone()).on(version.sheet(coding, bytes))
    };
    let mut response = roomy(payload);
    represent(&mut response, version, coding, bytes.len());
    put(&mut response, CACHE_CONTROL, cache_control(version.kind));
    put(&mut response, VARY, "Accept-Encoding");
    let headers = response.headers_mut();
    insert(headers, ETAG, version.tag(coding));
    if version.modified <= now {
        insert(headers, LAST_MODIFIED, version.date.as_ref());
    }
    response
}

/// 304, with what a cache has to know (RFC 9110 §15.4.5), and the tag of what the client has.
fn not_modified(version: &Version, coding: Coding) -> Response<Payload> {
    let mut response = Response::new(Payload::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    put(&mut response, CACHE_CONTROL, cache_control(version.kind));
    put(&mut response, VARY, "Accept-Encoding");
    insert(response.headers_mut(), ETAG, version.tag(coding));
    response
}

/// 226: what is new since `base`, and the tag of what the client then has. No cache that does not
/// know instance manipulations may keep it (RFC 3229 §10.4.1, §10.8).
fn im_used(
    version: &Version,
    base: Base,
    delta: &Delta,
    codings: impl Iterator<Item = Coding>,
) -> Response<Payload> {
    let gzip = delta.gzip.as_ref().filter(|_| {
        let mut made = codings.filter(|coding| *coding != Coding::Brotli);
        made.next() == Some(Coding::Gzip)
    });
    let (coding, bytes) = match gzip {
        Some(bytes) => (Coding::Gzip, bytes),
        None => (Coding::Identity, &delta.bytes),
    };
    let mut response = roomy(bytes.clone().into());
    if let Ok(status) = StatusCode::from_u16(IM_USED) {
        *response.status_mut() = status;
    }
    represent(&mut response, version, coding, bytes.len());
    put(&mut response, CACHE_CONTROL, "no-store, im");
    put(&mut response, VARY, "A-IM, If-None-Match, Accept-Encoding");
    put(&mut response, HeaderName::from_static("im"), "feed");
    let base = format!("\"{}\"", opaque(base.hash, Coding::Identity));
    let base = HeaderValue::from_str(&base).ok();
    let headers = response.headers_mut();
    insert(
        headers,
        HeaderName::from_static("delta-base"),
        base.as_ref(),
    );
    insert(headers, ETAG, version.tag(coding));
    response
}

/// What is said of any body of a document.
fn represent(response: &mut Response<Payload>, version: &Version, coding: Coding, length: usize) {
    put(response, CONTENT_TYPE, version.kind.content_type());
    put(response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    if let Some(name) = coding.name() {
        put(response, CONTENT_ENCODING, name);
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, length.into());
    insert(headers, LINK, version.link.as_ref());
}

/// How long a copy is fresh, and how long it may stand in for a server that fails. Readers wait for
/// `max-age` before they ask again, so that it is as short as news need it.
fn cache_control(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Feed(..)
        | DocumentKind::NewsSitemap
        | DocumentKind::Opml
        | DocumentKind::Stories
        | DocumentKind::Page => "public, max-age=60, stale-if-error=86400",
        DocumentKind::Sitemap { .. } | DocumentKind::SitemapIndex => {
            "public, max-age=300, stale-if-error=604800"
        }
    }
}

pub(super) fn put(response: &mut Response<Payload>, name: HeaderName, value: &'static str) {
    let value = HeaderValue::from_static(value);
    response.headers_mut().insert(name, value);
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<&HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_by_rfc_9112_section_3_2() {
        for host in [
            "a",
            "news.example",
            "NEWS.example:8080",
            "127.0.0.1:1",
            "a:",
            "[::1]",
            "[::1]:80",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "", ".", ":80", "a:b", "a:123456", "a b", "a/b", "a@b", "[::1", "[::1]x", "[x]",
            "a:80:80", "a,b",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }
}
