//! Tells hubs (WebSub) and search engines (IndexNow) of what has been published.
//!
//! Each receiver has a task and a line of its own: one that is slow or dead delays nobody else, and
//! nobody waits for it. What is told comes from outside and goes back there once it is done, so this
//! module remembers nothing beyond its own life; it speaks to configured endpoints alone, and names
//! them by their host.

mod address;
mod courier;
mod line;
mod message;
mod post;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::article::{Timestamp, WebUrl};
use crate::config::Config;
use crate::document::{Errand, Handover, Receiver};

use courier::Courier;
use line::Manners;
use post::Poster;

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
/// A receiver that fails for less passes: it is tried again by itself.
const FOR_LONG: Duration = Duration::from_mins(5);
/// A task that has ended is started again, but no sooner after its start than this.
const REVIVE_AFTER: Duration = Duration::from_mins(1);

/// Something to tell, for which change, and from when on readers find that change.
#[derive(Clone, Debug)]
struct Due {
    errand: Errand,
    turn: u64,
    found: Instant,
}

/// Why a receiver was not told.
#[derive(Clone, Debug)]
struct Failing {
    since: Instant,
    why: String,
    /// Trying again is of no use until somebody changes something.
    is_lasting: bool,
}

/// What a task is told and tells.
#[derive(Debug, Default)]
struct Exchange {
    errands: Vec<Due>,
    forgotten: Vec<Errand>,
    done: Vec<(Errand, u64)>,
    failing: Option<Failing>,
}

/// A receiver's task, seen from outside.
#[derive(Debug)]
struct Dispatch {
    host: String,
    exchange: Arc<Mutex<Exchange>>,
    /// All that was handed in and is not known to be done: what the next task begins with, should
    /// this one end.
    owed: BTreeMap<Errand, (u64, Instant)>,
    task: JoinHandle<()>,
    started: Instant,
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
    config: Arc<Config>,
    /// None where there is nobody to tell: then certificates are nobody's business.
    poster: Option<Poster>,
    dispatches: BTreeMap<Receiver, Dispatch>,
    orders: watch::Sender<Orders>,
}

impl Announcer {
    /// Starts a task for each receiver that `config` names. It has to be called inside a runtime.
    #[must_use]
    pub fn start(config: &Arc<Config>) -> Self {
        let (orders, _) = watch::channel(Orders {
            round: 0,
            end: None,
        });
        let announce = &config.announce;
        let hubs = announce.hubs.iter().cloned().map(Receiver::Hub);
        let indexnow = announce.indexnow_key.iter().map(|_| Receiver::IndexNow);
        let mut announcer = Self {
            config: Arc::clone(config),
            poster: announce
                .is_wanted()
                .then(|| Poster::new(announce.allow_private)),
            dispatches: BTreeMap::new(),
            orders,
        };
        for receiver in hubs.chain(indexnow) {
            let exchange = Arc::default();
            if let Some(task) = announcer.task(&receiver, &exchange) {
                let dispatch = Dispatch {
                    host: endpoint(&receiver, config).host(),
                    exchange,
                    owed: BTreeMap::new(),
                    task,
                    started: Instant::now(),
                };
                announcer.dispatches.insert(receiver, dispatch);
            }
        }
        announcer
    }

    fn task(&self, receiver: &Receiver, exchange: &Arc<Mutex<Exchange>>) -> Option<JoinHandle<()>> {
        let poster = self.poster.clone()?;
        let courier = Courier::new(receiver, &self.config, poster, Arc::clone(exchange));
        Some(tokio::spawn(courier.run(self.orders.subscribe())))
    }

    /// Takes what is to be told, at `now`. All that it is about must be where readers find it by now,
    /// but for a CDN in front.
    pub fn tell(&mut self, handover: Handover, now: Timestamp) {
        report(&handover);
        for errand in handover.forgotten {
            if let Some(dispatch) = self.dispatches.get_mut(&errand.receiver()) {
                dispatch.owed.remove(&errand);
                let mut exchange = lock(&dispatch.exchange);
                // One that has not been taken over yet is not to be after all.
                exchange.errands.retain(|waiting| waiting.errand != errand);
                exchange.forgotten.push(errand);
            }
        }
        let instant = Instant::now();
        for (errand, owed) in handover.errands {
            let receiver = errand.receiver();
            if let Some(dispatch) = self.dispatches.get_mut(&receiver) {
                let rest = manners(&receiver).rest;
                let wait = until_due(owed.since, now, self.config.announce.delay, rest);
                let (turn, found) = (owed.turn, instant + wait);
                dispatch.owed.insert(errand.clone(), (turn, found));
                lock(&dispatch.exchange).errands.push(Due {
                    errand,
                    turn,
                    found,
                });
            }
        }
        self.orders.send_modify(|orders| orders.round += 1);
    }

    /// What was told since this was asked last, or will never be, each with its turn.
    #[must_use]
    pub fn done(&mut self) -> Vec<(Errand, u64)> {
        let mut all = Vec::new();
        for dispatch in self.dispatches.values_mut() {
            let done = std::mem::take(&mut lock(&dispatch.exchange).done);
            for (errand, turn) in &done {
                if dispatch
                    .owed
                    .get(errand)
                    .is_some_and(|(owed, _)| owed <= turn)
                {
                    dispatch.owed.remove(errand);
                }
            }
            all.extend(done);
        }
        all
    }

    /// Starts tasks again that have ended although nobody told them to, with all that they owed.
    pub fn revive(&mut self, now: Instant) {
        let has_ended = |dispatch: &Dispatch| {
            dispatch.task.is_finished() && now >= dispatch.started + REVIVE_AFTER
        };
        let ended: Vec<Receiver> = self
            .dispatches
            .iter()
            .filter(|(_, dispatch)| has_ended(dispatch))
            .map(|(receiver, _)| receiver.clone())
            .collect();
        for receiver in ended {
            let Some(exchange) = self
                .dispatches
                .get(&receiver)
                .map(|dispatch| &dispatch.exchange)
            else {
                continue;
            };
            let Some(task) = self.task(&receiver, exchange) else {
                continue;
            };
            if let Some(dispatch) = self.dispatches.get_mut(&receiver) {
                tracing::error!(
                    receiver = dispatch.host,
                    "{}: what tells it ended, which is a bug; it is started again",
                    dispatch.host
                );
                let owed = dispatch.owed.iter().map(|(errand, (turn, found))| Due {
                    errand: errand.clone(),
                    turn: *turn,
                    found: *found,
                });
                lock(&dispatch.exchange).errands = owed.collect();
                (dispatch.task, dispatch.started) = (task, now);
            }
        }
    }

    /// Who does not listen at `now`, and why: those who refuse, and those who have failed for long.
    #[must_use]
    pub fn complaints(&self, now: Instant) -> Vec<String> {
        let complaints = self.dispatches.values().filter_map(|dispatch| {
            let host = &dispatch.host;
            if dispatch.task.is_finished() {
                return Some(format!("{host}: what tells it has ended, which is a bug"));
            }
            let failing = lock(&dispatch.exchange).failing.clone()?;
            let why = failing.why;
            if failing.is_lasting {
                return Some(format!("{host}: {why}"));
            }
            let is_long = now.saturating_duration_since(failing.since) >= FOR_LONG;
            is_long.then(|| format!("{host}: for over five minutes, {why}"))
        });
        complaints.collect()
    }

    /// Ends: what is due before `end` is tried once more, and what is under way may be finished
    /// until `limit`. Says what was told.
    pub async fn finish(&mut self, end: Instant, limit: Instant) -> Vec<(Errand, u64)> {
        self.orders.send_modify(|orders| orders.end = Some(end));
        for dispatch in self.dispatches.values_mut() {
            // One that does not end is stopped with this, and its errands stay owed.
            let _ = tokio::time::timeout_at(limit.into(), &mut dispatch.task).await;
        }
        self.done()
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        for dispatch in self.dispatches.values() {
            dispatch.task.abort();
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

/// Where a receiver is told.
fn endpoint<'a>(receiver: &'a Receiver, config: &'a Config) -> &'a WebUrl {
    match receiver {
        Receiver::Hub(hub) => hub,
        Receiver::IndexNow => &config.announce.indexnow_endpoint,
    }
}

fn manners(receiver: &Receiver) -> Manners {
    match receiver {
        Receiver::Hub(_) => OF_HUBS,
        Receiver::IndexNow => OF_INDEXNOW,
    }
}

/// A list is whole whatever became of who held it.
fn lock(exchange: &Mutex<Exchange>) -> MutexGuard<'_, Exchange> {
    exchange.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long an errand of `since` still waits for a CDN at `now`; `delay` is in seconds.
fn until_due(since: Timestamp, now: Timestamp, delay: u64, rest: Duration) -> Duration {
    let delay = i64::try_from(delay).unwrap_or(i64::MAX);
    let left = since.plus(delay).seconds().saturating_sub(now.seconds());
    // A second more, because the fraction of the first one is not known. A clock that went back
    // holds nothing up.
    let second = i64::from(delay > 0);
    let longest = rest + Duration::from_secs(delay.unsigned_abs());
    Duration::from_secs(u64::try_from(left + second).unwrap_or(0)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Channel, DocumentKey, FeedFormat, Owed};

    #[test]
    fn a_delay_counts_from_the_publication() {
        let since = Timestamp::from_seconds(1_000).unwrap();
        let rest = Duration::from_mins(10);
        let seconds = |now, delay| {
            let now = Timestamp::from_seconds(now).unwrap();
            until_due(since, now, delay, rest).as_secs()
        };
        assert_eq!(seconds(1_000, 0), 0);
        assert_eq!(seconds(1_000, 60), 61);
        assert_eq!(seconds(1_050, 60), 11);
        assert_eq!(seconds(5_000, 60), 0);
        // A page that rests, and a clock that went back.
        assert_eq!(seconds(900, 0), 100);
        assert_eq!(seconds(-90_000, 60), 660);
    }

    /// A hub that says of each request that it came, and takes it.
    async fn hub() -> (WebUrl, tokio::sync::mpsc::Receiver<()>) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hub", listener.local_addr().unwrap());
        let (told, heard) = tokio::sync::mpsc::channel(8);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut some = [0; 4_096];
                let _ = stream.read(&mut some).await;
                let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                stream.write_all(answer).await.unwrap();
                told.send(()).await.unwrap();
            }
        });
        (WebUrl::parse(&url).unwrap(), heard)
    }

    fn config(hub: &WebUrl) -> Arc<Config> {
        let text = format!(
            "[publication]\nname = \"N\"\nlanguage = \"ar\"\nurl = \"https://n.example\"\n\
             feeds_url = \"https://n.example\"\nid_authority = \"n.example,2016\"\n\
             [store]\npath = \"s\"\n[announce]\nallow_private = true\nhubs = [\"{hub}\"]\n"
        );
        let config = Config::parse(&text, std::path::Path::new("/p"), Timestamp::MAX);
        Arc::new(config.unwrap())
    }

    fn handover(hub: &WebUrl, turn: u64) -> Handover {
        let errand = Errand::Topic {
            hub: hub.clone(),
            topic: DocumentKey::Feed(Channel::Front, FeedFormat::Rss),
        };
        let since = Timestamp::from_seconds(1_000).unwrap();
        Handover {
            errands: vec![(errand, Owed { since, turn })],
            ..Handover::default()
        }
    }

    #[tokio::test]
    async fn a_task_that_ended_is_started_again_and_tells_what_was_owed() {
        let now = Timestamp::from_seconds(1_000).unwrap();
        let (url, mut heard) = hub().await;
        let mut announcer = Announcer::start(&config(&url));
        let receiver = Receiver::Hub(url.clone());
        announcer.dispatches[&receiver].task.abort();
        while !announcer.dispatches[&receiver].task.is_finished() {
            tokio::task::yield_now().await;
        }
        announcer.tell(handover(&url, 7), now);
        let complaints = announcer.complaints(Instant::now());
        assert_eq!(
            complaints,
            ["127.0.0.1: what tells it has ended, which is a bug"]
        );
        // Not at once: one that ends each time must not fill the log.
        announcer.revive(Instant::now());
        assert!(announcer.dispatches[&receiver].task.is_finished());
        announcer.revive(Instant::now() + REVIVE_AFTER);
        heard.recv().await.unwrap();
        let end = Instant::now();
        let done = announcer.finish(end, end + Duration::from_secs(30)).await;
        assert_eq!(done, [(handover(&url, 7).errands[0].0.clone(), 7)]);
        assert!(announcer.dispatches[&receiver].owed.is_empty());
    }

    #[tokio::test]
    async fn who_refuses_is_named_at_once_and_who_fails_after_a_while() {
        let hub = WebUrl::parse("http://127.0.0.1:9/hub?planted").unwrap();
        let announcer = Announcer::start(&config(&hub));
        let now = Instant::now();
        let complaints = |is_lasting, after| {
            lock(&announcer.dispatches[&Receiver::Hub(hub.clone())].exchange).failing =
                Some(Failing {
                    since: now,
                    why: "it answers 500".to_owned(),
                    is_lasting,
                });
            announcer.complaints(now + after)
        };
        assert_eq!(
            complaints(true, Duration::ZERO),
            ["127.0.0.1: it answers 500"]
        );
        assert!(complaints(false, Duration::ZERO).is_empty());
        assert_eq!(
            complaints(false, FOR_LONG),
            ["127.0.0.1: for over five minutes, it answers 500"]
        );
    }
}
