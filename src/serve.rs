//! HTTP over what was published: conditional GET, compressed forms, deltas, and how the daemon is.
//!
//! The shell fills a [`Stand`] with every release once it is in place in `out`, and with what it
//! knows of its health; [`serve`] answers over it. What is not on the stand cannot be reached:
//! requests are looked up in a table and never turned into paths. Nothing here decides what is
//! published, and nothing waits for a reader.
//!
//! [`serve`] owns neither its socket nor its signals: both are handed in.

mod answer;
mod cache;
mod coding;
mod conditions;
mod delta;
mod disk;
mod listen;
mod metrics;
mod operations;
mod pace;
mod path;
mod payload;
mod press;
mod room;
mod shelf;
mod stream;
mod version;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::sync::watch;

pub use listen::Limits;
pub use metrics::Figures;
pub use operations::{Complaint, Health};

use crate::article::WebUrl;
use crate::config::Config;
use crate::document::{Manifest, Receipt, Release};
use delta::History;
use metrics::Metrics;
use operations::Pulse;
use shelf::Shelf;

/// Who is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Readers and crawlers: documents.
    Public,
    /// Those who run khabar: `/healthz` and `/metrics`.
    Operations,
}

/// What an earlier run remembered is of another version of khabar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is of another version of khabar")]
pub struct Foreign;

/// What is answered from: the daemon fills it, listeners read it.
#[derive(Debug)]
pub struct Stand {
    shelf: Arc<Shelf>,
    metrics: Metrics,
    pulse: Mutex<Pulse>,
}

impl Stand {
    /// A stand with nothing on it.
    ///
    /// # Errors
    /// Where the system has no thread to give.
    pub fn new(config: &Config) -> io::Result<Self> {
        Ok(Self {
            shelf: Arc::new(Shelf::new(config)?),
            metrics: Metrics::default(),
            pulse: Mutex::default(),
        })
    }

    /// Takes over what earlier runs published, so that it is served before the first publication of
    /// this one. `remembered` is what [`Stand::remembered`] said then.
    ///
    /// # Errors
    /// Where `remembered` is not of this version of khabar: deltas then begin anew, and all else is
    /// taken over.
    pub fn adopt(&self, manifest: &Manifest, remembered: Option<&[u8]>) -> Result<(), Foreign> {
        let histories = remembered.map(postcard::from_bytes::<BTreeMap<String, History>>);
        let (histories, adopted) = match histories.transpose() {
            Ok(histories) => (histories.unwrap_or_default(), Ok(())),
            Err(_) => (BTreeMap::new(), Err(Foreign)),
        };
        self.shelf.adopt(manifest, &histories);
        adopted
    }

    /// Which versions of feeds readers may have, for the next run: what deltas are made from.
    #[must_use]
    pub fn remembered(&self) -> Vec<u8> {
        // Hashes and paths always have a form.
        postcard::to_stdvec(&self.shelf.histories()).unwrap_or_default()
    }

    /// Serves a release, which is in place in `out`. `after` is how long ago the store was first
    /// heard of, where that is why it was published.
    pub fn put(&self, release: Release, receipt: Receipt, after: Option<Instant>) {
        self.shelf.put(release);
        if receipt != Receipt::default() {
            let after = after.map(|heard| heard.elapsed());
            self.metrics
                .published(receipt.written, receipt.removed, after);
        }
    }

    /// Has feeds that change from now on name this site and these hubs in their `Link` fields. Only
    /// hubs that are told of every change may be named: announcing begins here.
    pub fn set_links(&self, site: &WebUrl, hubs: &[WebUrl]) {
        self.shelf.set_links(site, hubs);
    }

    /// The daemon's loop has come round, and this is how it is.
    pub fn report(&self, health: Health) {
        let mut pulse = self.pulse();
        pulse.health = health;
        pulse.felt = Instant::now();
    }

    /// What the daemon counts.
    pub fn count(&self, figures: Figures) {
        self.metrics.set(figures);
    }

    fn pulse(&self) -> MutexGuard<'_, Pulse> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until `shutdown` holds `true` or is dropped; then finishes what is being answered.
pub async fn serve(
    listener: TcpListener,
    audience: Audience,
    stand: Arc<Stand>,
    limits: Limits,
    shutdown: watch::Receiver<bool>,
) {
    match audience {
        Audience::Public => {
            listen::listen(listener, answer::Public(stand), limits, shutdown).await;
        }
        Audience::Operations => {
            listen::listen(listener, operations::Operations(stand), limits, shutdown).await;
        }
    }
}
