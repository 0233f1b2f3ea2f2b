//! What people ask of the running loop: commands over the socket, another configuration.

use std::time::Instant;

use super::control::{Pending, Request};
use super::service::Service;
use super::sight::Sight;
use super::trouble::Trouble;
use super::{Clock, Daemon, Trust, Workbench, misnamed, stamp};
use crate::config::Config;
use crate::files::Changes;

impl Daemon {
    pub(super) async fn command(&mut self, pending: Pending) {
        let now = self.bench.now();
        let (is_done, message) = match &pending.request {
            Request::Sync => {
                let watch = self.sight.eyes.as_ref().map(|eyes| &*eyes.watch);
                if self.waiters.add(pending, watch) {
                    self.sight.scan = true;
                }
                return;
            }
            Request::Withdraw(id) if self.bench.engine().meant(id).is_some() => {
                (false, misnamed(self.bench.engine(), id))
            }
            Request::Withdraw(id) => {
                self.bench.engine_mut().withdraw(id, Some(now));
                let is_known = self.bench.engine().catalog().entry(id).is_some();
                let more = if is_known {
                    ""
                } else {
                    " (no such article now; it will stay out if it comes)"
                };
                (true, format!("{id} is withdrawn{more}"))
            }
            Request::Restore(id) => {
                if self.bench.engine_mut().withdraw(id, None) {
                    (true, format!("{id} is restored"))
                } else {
                    (false, format!("{id} is not withdrawn by command"))
                }
            }
            Request::AcceptLoss => match self.bench.engine_mut().accept() {
                0 => (false, "nothing is held".to_owned()),
                count => (true, format!("{count} articles are let go")),
            },
            Request::AcceptClock => self.accept_clock(),
        };
        if is_done {
            self.turn(Changes::default()).await;
        }
        let is_in_trouble = self.troubles.has(Trouble::Disk);
        if is_done && self.retry.is_some() && !is_in_trouble {
            // A file changed while its body was fetched: that passes.
            self.waiters.add_published(pending, message);
        } else if self.retry.is_some() {
            pending.answer(
                false,
                format!(
                    "{message}, but it is not published yet: {}",
                    self.troubles.status()
                ),
            );
        } else {
            pending.answer(is_done, message);
        }
    }

    /// Takes the clock's word although it went back: everything is opened anew at its time.
    fn accept_clock(&mut self) -> (bool, String) {
        match self.bench.accept_clock() {
            Ok(Some(mark)) => match self.reopen(None) {
                Ok(()) => (true, "the clock is accepted".to_owned()),
                Err(error) => {
                    // What goes on is at the mark's time, and must not go back behind itself.
                    match self.bench.set_mark(Some(mark)) {
                        Ok(()) => (false, error),
                        Err(more) => (false, format!("{error}; {more}")),
                    }
                }
            },
            Ok(None) => (
                false,
                "the clock is not behind the last publication".to_owned(),
            ),
            Err(error) => (false, error.to_string()),
        }
    }

    /// Reads the configuration again. One that has faults, or asks for what a reload cannot do, is
    /// reported, and the old one goes on.
    pub(super) fn reload(&mut self) {
        Service::reloading();
        self.config_stamp = stamp(&self.source.path);
        let reloaded = (self.source.load)().and_then(|config| {
            let old = self.bench.config();
            let refused = if config.out != old.out {
                Some("out")
            } else if config.state != old.state {
                Some("state")
            } else if config.publication.id_authority != old.publication.id_authority {
                Some("id_authority")
            } else {
                None
            };
            match refused {
                Some(key) => Err(format!(
                    "`{key}` cannot change while the daemon runs; restart it"
                )),
                None => self.reopen(Some(config)),
            }
        });
        if reloaded.is_ok() {
            tracing::info!("the configuration is read again");
        }
        let why = reloaded.err();
        let why = why.map(|error| format!("the old configuration goes on: {error}"));
        self.troubles.set(Trouble::Configuration, why);
        if self.is_ready {
            Service::ready();
        }
    }

    /// Opens everything anew from what is saved, under another configuration where one is given.
    fn reopen(&mut self, config: Option<Config>) -> Result<(), String> {
        let config = config.unwrap_or_else(|| self.bench.config().clone());
        // What is not saved would be forgotten.
        let saved = self.bench.save();
        saved.map_err(|error| error.to_string())?;
        // What is still being read must not be written behind the back of the new one.
        self.bench.write_ahead(false);
        let bench = Workbench::open(config, Clock::System, Trust::Readings);
        if bench.is_err() {
            self.bench.write_ahead(true);
        }
        self.bench = bench.map_err(|error| error.to_string())?;
        self.bench.write_ahead(true);
        self.has_read = false;
        // Bodies that are still being fetched are read under the old configuration.
        self.fetching = None;
        self.telling.configured(self.bench.config());
        self.restart_announcer();
        self.sight = Sight::new(Instant::now());
        self.waiters.start_over();
        self.open();
        Ok(())
    }
}
