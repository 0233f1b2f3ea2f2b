//! How the loop gets the bodies that documents print: the store is asked between plan and rendering,
//! and is not waited for beyond patience.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::trouble::Trouble;
use super::{Daemon, RETRY_MIN};
use crate::article::StorePath;

/// How long bodies may take before documents are published without them.
const BODY_PATIENCE: Duration = Duration::from_secs(3);
/// How often bodies that changed under the plan are asked for again.
const BODY_TRIES: u32 = 20;

impl Daemon {
    /// Fetches the bodies that the plan needs; says whether to go on. Where a body changed under
    /// the plan, its file is read again first.
    pub(super) async fn fetch_bodies(&mut self) -> bool {
        let needs = self.bench.engine().work().needs;
        if needs.is_empty() {
            self.body_tries = 0;
            return true;
        }
        // What must not be forgotten waits for no store.
        if let Err(error) = self.bench.remember() {
            self.retry_later(&error);
            return false;
        }
        if !self.bodies_come(needs).await {
            self.body_tries = 0;
            return true;
        }
        let missing = self.bench.engine().work().needs;
        let Some(eyes) = self.sight.eyes.as_ref().filter(|_| !missing.is_empty()) else {
            // Nobody can be asked: documents show the summary until the store answers.
            self.body_tries = 0;
            return true;
        };
        self.body_tries += 1;
        if self.body_tries > BODY_TRIES {
            self.body_tries = 0;
            return true;
        }
        for path in &missing {
            eyes.watch.ring(path.as_str());
        }
        self.retry = Some((Instant::now() + RETRY_MIN, RETRY_MIN));
        false
    }

    /// Asks the store for bodies. Says whether it answered in time: what comes later is taken in when
    /// it is there, and until then nobody is asked again.
    async fn bodies_come(&mut self, needs: Vec<StorePath>) -> bool {
        let Some(eyes) = &self.sight.eyes else {
            return false;
        };
        if self.troubles.has(Trouble::Store) {
            return false;
        }
        let store = Arc::clone(&eyes.store);
        let fetching = self
            .fetching
            .get_or_insert_with(|| tokio::task::spawn_blocking(move || store.bodies(&needs)));
        let Ok(fetched) = tokio::time::timeout(BODY_PATIENCE, fetching).await else {
            return false;
        };
        self.fetching = None;
        if let Ok(bodies) = fetched {
            self.bench.engine_mut().take_bodies(bodies);
        }
        true
    }

    /// Takes in bodies that came after the store had been given up on; says whether there were any.
    pub(super) async fn take_late_bodies(&mut self) -> bool {
        let Some(fetched) = self.fetching.take_if(|task| task.is_finished()) else {
            return false;
        };
        if let Ok(bodies) = fetched.await {
            self.bench.engine_mut().take_bodies(bodies);
        }
        true
    }
}
