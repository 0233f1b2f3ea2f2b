//! What the HTTP server is told, where one runs: releases, health, figures, and how long the store's
//! changes took to be served.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Daemon;
use super::versions::Versions;
use crate::config::Config;
use crate::document::{Receipt, Release};
use crate::plan;
use crate::serve::{Figures, Health, Stand};

/// How often figures are counted while something changes: counting goes through every file.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// When the store was first heard of since it was last read. The bell's thread sets it.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<Mutex<Option<Instant>>>);

impl Heard {
    /// Something may have happened.
    pub(super) fn ring(&self) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.get_or_insert_with(Instant::now);
    }

    /// What was heard is being read, or was nothing.
    fn take(&self) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The server, and what it has not been told yet.
#[derive(Debug)]
pub(super) struct Telling {
    stand: Option<Arc<Stand>>,
    heard: Heard,
    /// When what is being read, or is owed, was first heard of.
    owed_since: Option<Instant>,
    /// When figures were last counted, and whether they may have changed since.
    counted: Option<Instant>,
    is_stale: bool,
    versions: Versions,
}

impl Telling {
    pub(super) fn new(stand: Option<Arc<Stand>>) -> Self {
        Self {
            stand,
            heard: Heard::default(),
            owed_since: None,
            counted: None,
            is_stale: false,
            versions: Versions::default(),
        }
    }

    /// For the bell's thread.
    pub(super) fn heard(&self) -> Heard {
        self.heard.clone()
    }

    /// What was heard of is read from here on.
    pub(super) fn reading(&mut self) {
        let heard = self.heard.take();
        self.owed_since = self.owed_since.or(heard);
    }

    /// What was heard of was nothing.
    pub(super) fn silence(&self) {
        self.heard.take();
    }

    /// Whether somebody serves what is published.
    pub(super) fn wants_documents(&self) -> bool {
        self.stand.is_some()
    }

    /// A release is in place.
    pub(super) fn published(&mut self, release: Release, receipt: Receipt) {
        let since = self.owed_since.take();
        if let Some(stand) = &self.stand {
            stand.put(release, receipt, since);
            self.is_stale = true;
            self.versions.changed();
        }
    }

    /// What was read owes nothing.
    pub(super) fn nothing_owed(&mut self) {
        self.owed_since = None;
        self.is_stale = true;
    }

    /// Another configuration is in force.
    pub(super) fn configured(&self, config: &Config) {
        if let Some(stand) = &self.stand {
            stand.set_links(&config.publication.feeds_url, &config.announce.hubs);
        }
    }
}

impl Daemon {
    /// Tells how things are. The loop calls it each time it comes round.
    pub(super) fn tell(&mut self) {
        let Some(stand) = &self.telling.stand else {
            return;
        };
        stand.report(Health {
            is_ready: self.is_ready,
            troubles: self.troubles.complaints(),
        });
        let is_due = |counted: Instant| counted.elapsed() >= COUNT_EVERY;
        if self.is_ready && self.telling.is_stale && self.telling.counted.is_none_or(is_due) {
            stand.count(self.figures());
            self.telling.is_stale = false;
            self.telling.counted = Some(Instant::now());
        }
        if let Some(stand) = &self.telling.stand {
            let state = &self.bench.config().state;
            self.telling.versions.save(stand, state, Instant::now());
        }
    }

    /// Nothing more is served: what the server remembers is written down for the next run.
    pub(super) async fn stop_telling(&mut self) {
        let telling = &mut self.telling;
        if let Some(stand) = &telling.stand {
            let state = &self.bench.config().state;
            telling.versions.finish(stand, state).await;
        }
    }

    fn figures(&self) -> Figures {
        let engine = self.bench.engine();
        let catalog = engine.catalog();
        let oldest_news = plan::news(catalog)
            .iter()
            .rev()
            .find_map(|part| Some(catalog.published(*part.entries.last()?)));
        Figures {
            articles: engine.visible(),
            rejected: engine.rejected(),
            held: engine.held().count(),
            windows: catalog.channels().count(),
            oldest_news,
            waiting: self.waiters.count(),
            untold: engine.errands().len(),
        }
    }
}
