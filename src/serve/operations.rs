//! `/healthz` and `/metrics`, for those who run khabar. They name troubles, files and figures of the
//! newsroom, and so have a listener of their own, on this machine alone unless it is configured
//! otherwise.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;

use super::Stand;
use super::answer::{put, refusal};
use super::listen::Answer;
use super::metrics::Listener;
use super::payload::Payload;
use super::shelf::now;

/// The daemon's loop comes round several times a second; after so long it hangs.
const HANGS_AFTER: Duration = Duration::from_secs(30);

/// What the daemon says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Everything there was has been published once.
    pub is_ready: bool,
    /// What is wrong.
    pub troubles: Vec<Complaint>,
}

/// Something that is wrong while the daemon goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// One word.
    pub trouble: &'static str,
    /// The reason and the remedy, for people.
    pub why: String,
    /// A loss of articles waits to be accepted; otherwise the daemon is degraded.
    #[serde(skip)]
    pub is_held: bool,
}

/// What the daemon said, and when it last came round.
#[derive(Debug)]
pub(super) struct Pulse {
    pub(super) health: Health,
    pub(super) felt: Instant,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            health: Health::default(),
            felt: Instant::now(),
        }
    }
}

impl Pulse {
    /// What is wrong, a loop that hangs among it.
    pub(super) fn complaints(&self) -> Vec<Complaint> {
        let mut complaints = self.health.troubles.clone();
        let silence = self.felt.elapsed();
        if silence > HANGS_AFTER {
            complaints.push(Complaint {
                trouble: "loop",
                why: format!(
                    "the daemon has not come round for {} s; what was published is served",
                    silence.as_secs()
                ),
                is_held: false,
            });
        }
        complaints
    }

    /// The word for all of it.
    fn status(&self, complaints: &[Complaint]) -> &'static str {
        if !self.health.is_ready {
            "starting"
        } else if complaints.iter().any(|complaint| !complaint.is_held) {
            "degraded"
        } else if complaints.is_empty() {
            "ready"
        } else {
            "held"
        }
    }
}

/// Answers those who run khabar.
#[derive(Clone, Debug)]
pub(super) struct Operations(pub(super) Arc<Stand>);

impl Answer for Operations {
    async fn answer(&self, request: Request<Incoming>) -> Response<Payload> {
        let response = self.respond(&request);
        let length = response.body().length();
        let status = response.status();
        self.0
            .metrics
            .answered(Listener::Operations, status, length);
        response
    }
}

impl Operations {
    fn respond(&self, request: &Request<Incoming>) -> Response<Payload> {
        let is_head = *request.method() == Method::HEAD;
        if !is_head && *request.method() != Method::GET {
            let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED);
            put(&mut response, ALLOW, "GET, HEAD");
            return response;
        }
        let (status, kind, text) = match request.uri().path() {
            "/healthz" => self.health(),
            "/metrics" => (
                StatusCode::OK,
                "text/plain; version=0.0.4; charset=utf-8",
                self.metrics(),
            ),
            _ => return refusal(StatusCode::NOT_FOUND),
        };
        let length = text.len();
        let payload = if is_head {
            Payload::empty()
        } else {
            text.into_bytes().into()
        };
        let mut response = Response::new(payload);
        *response.status_mut() = status;
        put(&mut response, CONTENT_TYPE, kind);
        put(&mut response, CACHE_CONTROL, "no-store");
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
        response
    }

    /// 503 until everything has been published once. A daemon that is degraded or holds a loss goes
    /// on serving what is right to serve, and nobody is helped by taking it out of service.
    fn health(&self) -> (StatusCode, &'static str, String) {
        #[derive(Serialize)]
        struct Said<'a> {
            status: &'static str,
            troubles: &'a [Complaint],
        }
        let pulse = self.0.pulse();
        let troubles = pulse.complaints();
        let code = if pulse.health.is_ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let said = Said {
            status: pulse.status(&troubles),
            troubles: &troubles,
        };
        // Words and texts always have a form in JSON.
        let mut text = serde_json::to_string(&said).unwrap_or_default();
        text.push('\n');
        (code, "application/json", text)
    }

    fn metrics(&self) -> String {
        let (is_ready, troubles) = {
            let pulse = self.0.pulse();
            let troubles = pulse.complaints();
            let troubles: Vec<_> = troubles.iter().map(|complaint| complaint.trouble).collect();
            (pulse.health.is_ready, troubles)
        };
        let stock = self.0.shelf.stock();
        self.0.metrics.text(stock, is_ready, &troubles, now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_gives_the_status_its_word() {
        let complaint = |trouble, is_held| Complaint {
            trouble,
            why: "why".to_owned(),
            is_held,
        };
        let mut pulse = Pulse::default();
        assert_eq!(pulse.status(&pulse.complaints()), "starting");
        pulse.health.is_ready = true;
        assert_eq!(pulse.status(&pulse.complaints()), "ready");
        pulse.health.troubles = vec![complaint("held", true)];
        assert_eq!(pulse.status(&pulse.complaints()), "held");
        pulse.health.troubles.push(complaint("store", false));
        assert_eq!(pulse.status(&pulse.complaints()), "degraded");
    }
}
