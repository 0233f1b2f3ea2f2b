//! The task of one receiver: takes over what it is to be told, tells it in requests as its manners
//! allow, and says what became of it. It never gives up by itself and never decides what is told.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::line::Line;
use super::message::{self, Key, Verdict};
use super::post::{Answer, Poster};
use super::{Due, Exchange, Failing, Orders, endpoint, lock, manners};
use crate::config::Config;
use crate::document::{Errand, Receiver};

/// How long a receiver is left alone that will not listen until somebody changes something.
const HALT: Duration = Duration::from_hours(1);

/// What tells one receiver.
pub(super) struct Courier {
    receiver: Receiver,
    /// How logs name it.
    host: String,
    config: Arc<Config>,
    poster: Poster,
    line: Line,
    exchange: Arc<Mutex<Exchange>>,
}

impl Courier {
    pub(super) fn new(
        receiver: &Receiver,
        config: &Arc<Config>,
        poster: Poster,
        exchange: Arc<Mutex<Exchange>>,
    ) -> Self {
        Self {
            host: endpoint(receiver, config).host(),
            receiver: receiver.clone(),
            config: Arc::clone(config),
            poster,
            line: Line::new(manners(receiver)),
            exchange,
        }
    }

    /// Tells until `orders` say when to end, or are dropped.
    pub(super) async fn run(mut self, mut orders: watch::Receiver<Orders>) {
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
        for Due {
            errand,
            turn,
            found,
        } in errands
        {
            self.line.add(errand, turn, found);
        }
    }

    /// Sends one request; says whether it was taken.
    async fn tell(&mut self, batch: Vec<(Errand, u64)>) -> bool {
        let (verdict, granted) = self.send(&batch).await;
        let now = Instant::now();
        match verdict {
            Verdict::Told => {
                self.line.told(&batch, now);
                tracing::debug!(receiver = self.host, count = batch.len(), "announced");
                let had_failed = {
                    let mut exchange = lock(&self.exchange);
                    exchange.done.extend(batch);
                    exchange.failing.take().is_some()
                };
                if had_failed {
                    tracing::info!(receiver = self.host, "{}: it listens again", self.host);
                }
                return true;
            }
            Verdict::Later(why) => {
                self.line.failed(batch, now, granted, chance());
                self.report(why, false, "it is tried again");
            }
            Verdict::Halted(why) => {
                self.line.put_back(batch, now);
                self.line.pause(now, granted.unwrap_or_default().max(HALT));
                self.report(why, true, "it is left alone for an hour");
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
                self.report(why, true, "this is not announced");
            }
        }
        false
    }

    async fn send(&self, batch: &[(Errand, u64)]) -> (Verdict, Option<Duration>) {
        let announce = &self.config.announce;
        let publication = &self.config.publication;
        let to = endpoint(&self.receiver, &self.config);
        let message = match &self.receiver {
            Receiver::Hub(_) => Ok(message::publish(batch, &publication.feeds_url)),
            Receiver::IndexNow => {
                let key = announce.indexnow_key.as_ref().map(Key::read);
                let key = key.unwrap_or_else(|| Err("there is no key".to_owned()));
                key.and_then(|key| message::submission(batch, &publication.url, &key))
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
    fn report(&mut self, why: String, is_lasting: bool, then: &str) {
        let mut exchange = lock(&self.exchange);
        let before = exchange.failing.take();
        if before.as_ref().is_none_or(|before| before.why != why) {
            tracing::warn!(receiver = self.host, "{}: {why}; {then}", self.host);
        }
        exchange.failing = Some(Failing {
            since: before.map_or_else(Instant::now, |before| before.since),
            why,
            is_lasting,
        });
    }
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
    fn chances_are_from_0_to_1() {
        assert!((0..100).all(|_| (0.0..=1.0).contains(&chance())));
    }
}
