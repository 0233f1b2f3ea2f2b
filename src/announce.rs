//! Tells hubs (WebSub) and search engines (IndexNow) of what has been published.
//!
//! Each receiver has a task and a line of its own: one that is slow or dead delays nobody else, and
//! nobody waits for it. What is told comes from outside and goes back there once it is done, so this
//! module remembers nothing; it speaks to configured endpoints alone, and names them by their host.

mod address;
mod line;
mod message;
mod post;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::article::{Timestamp, WebUrl};
use crate::config::Config;
use crate::document::{Errand, Handover, Owed};

use line::{Line, Manners};
use message::{Key, Verdict};
use post::{Answer, Poster};

/// WebSub: ten topics a request, each at most once a second.
const OF_HUBS: Manners = Manners {
    limit: 10,
    gather: Duration::ZERO,
    rest: Duration::from_secs(1),
    pause: Duration::from_secs(1),
};
/// `IndexNow`: the protocol allows 10,000 URLs a request, and asks to let a page rest for ten
/// minutes (indexnow.org, FAQ). A mass change that comes in parts is recognised while it gathers.
const OF_INDEXNOW: Manners = Manners {
    limit: 100,
    gather: Duration::from_secs(5),
    rest: Duration::from_mins(10),
    pause: Duration::from_mins(1),
};
/// How long a receiver is left alone that will not listen until somebody changes something.
const HALT: Duration = Duration::from_hours(1);

/// Whom to tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Receiver {
    Hub(WebUrl),
    IndexNow,
}

impl Receiver {
    fn of(errand: &Errand) -> Self {
        match errand {
            Errand::Topic { hub, .. } => Self::Hub(hub.clone()),
            Errand::Page { .. } => Self::IndexNow,
        }
    }
}

/// What a task is told and tells.
#[derive(Debug, Default)]
struct Exchange {
    errands: Vec<(Errand, Owed)>,
    forgotten: Vec<Errand>,
    done: Vec<(Errand, u64)>,
}

/// A receiver's task, seen from outside.
#[derive(Debug)]
struct Courier {
    exchange: Arc<Mutex<Exchange>>,
    task: JoinHandle<()>,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Orders {
    /// Counts handovers, so that each wakes the tasks.
    round: u64,
    /// Nothing is begun after this instant, and nothing that failed is tried again.
    end: Option<Instant>,
}

/// Tells others of what is published, in the background. Dropped, it stops at once.
#[derive(Debug)]
pub struct Announcer {
    couriers: BTreeMap<Receiver, Courier>,
    orders: watch::Sender<Orders>,
}

impl Announcer {
    /// Starts a task for each receiver that `config` names. It has to be called inside a runtime.
    #[must_use]
    pub fn start(config: &Arc<Config>) -> Self {
        let (orders, heard) = watch::channel(Orders {
            round: 0,
            end: None,
        });
        let announce = &config.announce;
        let hubs = announce.hubs.iter().cloned().map(Receiver::Hub);
        let indexnow = announce.indexnow_key.iter().map(|_| Receiver::IndexNow);
        let receivers: Vec<Receiver> = hubs.chain(indexnow).collect();
        // Where there is nobody to tell, certificates are nobody's business.
        let poster = (!receivers.is_empty()).then(|| Poster::new(announce.allow_private));
        let start = |(receiver, poster): (Receiver, Poster)| {
            let exchange = Arc::default();
            let worker = Worker::new(&receiver, config, poster, Arc::clone(&exchange));
            let task = tokio::spawn(worker.run(heard.clone()));
            (receiver, Courier { exchange, task })
        };
        let posters = poster.into_iter().cycle();
        Self {
            couriers: receivers.into_iter().zip(posters).map(start).collect(),
            orders,
        }
    }

    /// Takes what is to be told. All that it is about must be where readers find it by now.
    pub fn tell(&self, handover: Handover) {
        report(&handover);
        for errand in handover.forgotten {
            self.with(&Receiver::of(&errand), |exchange| {
                // One that has not been taken over yet is not to be after all.
                exchange.errands.retain(|(waiting, _)| *waiting != errand);
                exchange.forgotten.push(errand);
            });
        }
        for (errand, owed) in handover.errands {
            self.with(&Receiver::of(&errand), |exchange| {
                exchange.errands.push((errand, owed));
            });
        }
        self.orders.send_modify(|orders| orders.round += 1);
    }

    /// What was told since this was asked last, or will never be, each with its turn.
    #[must_use]
    pub fn done(&self) -> Vec<(Errand, u64)> {
        let couriers = self.couriers.values();
        couriers
            .flat_map(|courier| std::mem::take(&mut lock(&courier.exchange).done))
            .collect()
    }

    /// Ends: what is due before `end` is tried once more, and what is under way may be finished
    /// until `limit`. Says what was told.
    pub async fn finish(&mut self, end: Instant, limit: Instant) -> Vec<(Errand, u64)> {
        self.orders.send_modify(|orders| orders.end = Some(end));
        for courier in self.couriers.values_mut() {
            // One that does not end is stopped with this, and its errands stay owed.
            let _ = tokio::time::timeout_at(limit.into(), &mut courier.task).await;
        }
        self.done()
    }

    fn with(&self, receiver: &Receiver, act: impl FnOnce(&mut Exchange)) {
        if let Some(courier) = self.couriers.get(receiver) {
            act(&mut lock(&courier.exchange));
        }
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        for courier in self.couriers.values() {
            courier.task.abort();
        }
    }
}

/// Says what is told to nobody.
pub fn report(handover: &Handover) {
    if handover.spared > 0 {
        tracing::warn!(
            pages = handover.spared,
            "so many pages changed at once that search engines are not told of them"
        );
    }
    if handover.overflow > 0 {
        tracing::warn!(
            errands = handover.overflow,
            "too much waits to be announced, and this is left out"
        );
    }
}

/// A list is whole whatever became of who held it.
fn lock(exchange: &Mutex<Exchange>) -> std::sync::MutexGuard<'_, Exchange> {
    exchange.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What tells one receiver.
struct Worker {
    receiver: Receiver,
    /// How logs name it.
    host: String,
    config: Arc<Config>,
    poster: Poster,
    line: Line,
    exchange: Arc<Mutex<Exchange>>,
    trouble: Option<String>,
}

impl Worker {
    fn new(
        receiver: &Receiver,
        config: &Arc<Config>,
        poster: Poster,
        exchange: Arc<Mutex<Exchange>>,
    ) -> Self {
        let (endpoint, manners) = match receiver {
            Receiver::Hub(hub) => (hub, OF_HUBS),
            Receiver::IndexNow => (&config.announce.indexnow_endpoint, OF_INDEXNOW),
        };
        Self {
            host: endpoint.host(),
            receiver: receiver.clone(),
            config: Arc::clone(config),
            poster,
            line: Line::new(manners),
            exchange,
            trouble: None,
        }
    }

    async fn run(mut self, mut orders: watch::Receiver<Orders>) {
        loop {
            let Orders { end, .. } = *orders.borrow_and_update();
            self.collect();
            if end.is_some() {
                self.line.hurry();
            }
            let now = Instant::now();
            if end.is_some_and(|end| now >= end) {
                return;
            }
            let batch = self.line.take(now);
            if !batch.is_empty() {
                let is_told = self.tell(batch).await;
                if end.is_some() && !is_told {
                    return;
                }
                continue;
            }
            let next = self.line.next();
            if let Some(end) = end
                && next.is_none_or(|next| next >= end)
            {
                return;
            }
            let wait = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = orders.changed() => if changed.is_err() {
                    return;
                },
                () = wait => {}
            }
        }
    }

    /// Takes over what was handed in.
    fn collect(&mut self) {
        let mut exchange = lock(&self.exchange);
        let (errands, forgotten) = (
            std::mem::take(&mut exchange.errands),
            std::mem::take(&mut exchange.forgotten),
        );
        drop(exchange);
        for errand in forgotten {
            self.line.forget(&errand);
        }
        let (now, instant) = (chrono::Utc::now().timestamp(), Instant::now());
        for (errand, owed) in errands {
            let due = instant + self.until_due(owed.since, now);
            self.line.add(errand, owed.turn, due);
        }
    }

    fn until_due(&self, since: Timestamp, now: i64) -> Duration {
        until_due(since, now, self.config.announce.delay, self.line.rest())
    }

    /// Sends one request; says whether it was taken.
    async fn tell(&mut self, batch: Vec<(Errand, u64)>) -> bool {
        let (verdict, granted) = self.send(&batch).await;
        let now = Instant::now();
        match verdict {
            Verdict::Told => {
                self.line.told(&batch, now);
                tracing::debug!(receiver = self.host, count = batch.len(), "announced");
                lock(&self.exchange).done.extend(batch);
                if self.trouble.take().is_some() {
                    tracing::info!(receiver = self.host, "{}: it listens again", self.host);
                }
                return true;
            }
            Verdict::Later(why) => {
                self.line.failed(batch, now, granted, chance());
                self.report(why, "it is tried again");
            }
            Verdict::Halted(why) => {
                self.line.put_back(batch, now);
                self.line.pause(now, granted.unwrap_or_default().max(HALT));
                self.report(why, "it is left alone for an hour");
            }
            // Some take one topic a request.
            Verdict::Refused(_) if batch.len() > 1 && self.is_hub() && self.line.go_singly() => {
                self.line.put_back(batch, now);
                return true;
            }
            Verdict::Refused(why) => {
                lock(&self.exchange).done.extend(batch);
                if self.is_hub() {
                    self.line.failed(Vec::new(), now, granted, chance());
                } else {
                    self.line.pause(now, HALT);
                }
                self.report(why, "this is not announced");
            }
        }
        false
    }

    async fn send(&self, batch: &[(Errand, u64)]) -> (Verdict, Option<Duration>) {
        let announce = &self.config.announce;
        let publication = &self.config.publication;
        let (to, message) = match &self.receiver {
            Receiver::Hub(hub) => (hub, Ok(message::publish(batch, &publication.feeds_url))),
            Receiver::IndexNow => {
                let key = announce.indexnow_key.as_ref().map(Key::read);
                let key = key.unwrap_or_else(|| Err("there is no key".to_owned()));
                let message =
                    key.and_then(|key| message::submission(batch, &publication.url, &key));
                (&announce.indexnow_endpoint, message)
            }
        };
        let message = match message {
            Ok(message) => message,
            Err(why) => return (Verdict::Halted(why), None),
        };
        let answer = self.poster.post(to, message).await;
        let granted = answer
            .as_ref()
            .ok()
            .and_then(|Answer { retry_after, .. }| *retry_after);
        let verdict = match self.receiver {
            Receiver::Hub(_) => message::of_hub(answer),
            Receiver::IndexNow => message::of_indexnow(answer),
        };
        (verdict, granted)
    }

    fn is_hub(&self) -> bool {
        matches!(self.receiver, Receiver::Hub(_))
    }

    /// Says what is wrong, once as long as it is the same.
    fn report(&mut self, why: String, then: &str) {
        if self.trouble.as_ref() != Some(&why) {
            tracing::warn!(receiver = self.host, "{}: {why}; {then}", self.host);
        }
        self.trouble = Some(why);
    }
}

/// How long an errand of `since` still waits for a CDN at `now`, both in whole seconds.
fn until_due(since: Timestamp, now: i64, delay: u64, rest: Duration) -> Duration {
    let delay = i64::try_from(delay).unwrap_or(i64::MAX);
    let left = since.plus(delay).seconds().saturating_sub(now);
    // A second more, because the fraction of the first one is not known. A clock that went back
    // holds nothing up.
    let second = i64::from(delay > 0);
    let longest = rest + Duration::from_secs(delay.unsigned_abs());
    Duration::from_secs(u64::try_from(left + second).unwrap_or(0)).min(longest)
}

/// A number from 0 to 1 that nobody can foretell.
fn chance() -> f64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    let bits = std::hash::RandomState::new().build_hasher().finish();
    f64::from((bits >> 32) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_counts_from_the_publication() {
        let since = Timestamp::from_seconds(1_000).unwrap();
        let rest = Duration::from_mins(10);
        let seconds = |now, delay| until_due(since, now, delay, rest).as_secs();
        assert_eq!(seconds(1_000, 0), 0);
        assert_eq!(seconds(1_000, 60), 61);
        assert_eq!(seconds(1_050, 60), 11);
        assert_eq!(seconds(5_000, 60), 0);
        // A page that rests, and a clock that went back.
        assert_eq!(seconds(900, 0), 100);
        assert_eq!(seconds(-90_000, 60), 660);
    }

    #[test]
    fn chances_are_from_0_to_1() {
        assert!((0..100).all(|_| (0.0..=1.0).contains(&chance())));
    }
}
