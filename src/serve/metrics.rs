//! Figures for operators, in the text format of Prometheus (version 0.0.4). It is a handful of lines
//! to write; a library would bring more types than there are figures.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;

use super::shelf::Stock;
use crate::article::Timestamp;

/// Which of the two listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listener {
    Public,
    Operations,
}

impl Listener {
    const ALL: [Self; 2] = [Self::Public, Self::Operations];

    fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Operations => "operations",
        }
    }
}

/// The statuses khabar answers with itself. hyper's own (a head that is too long or no HTTP) are not
/// seen here.
const STATUSES: [u16; 9] = [200, 204, 226, 304, 400, 404, 405, 412, 503];
/// Upper bounds of the latency's buckets, in milliseconds.
const BUCKETS: [u64; 10] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
];

/// What the daemon counts, as of some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Visible articles.
    pub articles: usize,
    /// Articles that are rejected.
    pub rejected: usize,
    /// Articles that vanished and are held.
    pub held: usize,
    /// Channels, and so windows that move with time.
    pub windows: usize,
    /// When the oldest article of the news sitemap was published.
    pub oldest_news: Option<Timestamp>,
    /// Those who wait for `khabar sync`.
    pub waiting: usize,
    /// Feeds and pages that hubs and search engines are still to be told of.
    pub untold: usize,
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    answers: [[AtomicU64; STATUSES.len()]; 2],
    bytes: [AtomicU64; 2],
    saved: AtomicU64,
    publications: AtomicU64,
    written: AtomicU64,
    removed: AtomicU64,
    /// Of publications that had a change of the store to wait for.
    latency: [AtomicU64; BUCKETS.len() + 1],
    latency_micros: AtomicU64,
    figures: Mutex<Option<Figures>>,
}

impl Metrics {
    /// An answer went out with so many bytes.
    pub(super) fn answered(&self, listener: Listener, status: StatusCode, bytes: u64) {
        let place = STATUSES.iter().position(|known| *known == status.as_u16());
        if let Some(place) = place {
            self.answers[listener as usize][place].fetch_add(1, Ordering::Relaxed);
        }
        self.bytes[listener as usize].fetch_add(bytes, Ordering::Relaxed);
    }

    /// A delta saved so many bytes.
    pub(super) fn saved(&self, bytes: u64) {
        self.saved.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Documents were published.
    pub(super) fn published(&self, written: usize, removed: usize, after: Option<Duration>) {
        self.publications.fetch_add(1, Ordering::Relaxed);
        self.written.fetch_add(written as u64, Ordering::Relaxed);
        self.removed.fetch_add(removed as u64, Ordering::Relaxed);
        let Some(after) = after else {
            return;
        };
        let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let place = BUCKETS.iter().position(|bound| millis <= *bound);
        self.latency[place.unwrap_or(BUCKETS.len())].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        self.latency_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn set(&self, figures: Figures) {
        let mut held = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some(figures);
    }

    /// All of it, with what is on the shelf, how the daemon is, and the time of now.
    pub(super) fn text(
        &self,
        stock: Stock,
        is_ready: bool,
        troubles: &[&'static str],
        now: i64,
    ) -> String {
        let mut text = Text(String::new());
        text.gauge(
            "khabar_ready",
            "Whether everything there was has been published once.",
            usize::from(is_ready),
        );
        let name = "khabar_trouble";
        text.head(name, "gauge", "What is wrong now; absent where nothing is.");
        for trouble in troubles {
            text.line(name, &format!("{{trouble=\"{trouble}\"}}"), 1);
        }
        self.answers(&mut text);
        for (name, help, counter) in [
            (
                "khabar_delta_saved_bytes_total",
                "Bytes that deltas were shorter than the whole.",
                &self.saved,
            ),
            (
                "khabar_publications_total",
                "Publications that changed something.",
                &self.publications,
            ),
            (
                "khabar_documents_written_total",
                "Documents put in place.",
                &self.written,
            ),
            (
                "khabar_documents_removed_total",
                "Documents removed.",
                &self.removed,
            ),
        ] {
            text.head(name, "counter", help);
            text.line(name, "", load(counter));
        }
        self.latency(&mut text);
        let figures = *self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        amounts(&mut text, stock, figures.unwrap_or_default(), now);
        text.0
    }

    fn answers(&self, text: &mut Text) {
        let name = "khabar_http_answers_total";
        text.head(name, "counter", "Answers, by listener and status.");
        for listener in Listener::ALL {
            for (status, count) in STATUSES.iter().zip(&self.answers[listener as usize]) {
                let listener = listener.name();
                let labels = format!("{{listener=\"{listener}\",status=\"{status}\"}}");
                text.line(name, &labels, load(count));
            }
        }
        let name = "khabar_http_body_bytes_total";
        text.head(name, "counter", "Bytes of answers' bodies, by listener.");
        for listener in Listener::ALL {
            let labels = format!("{{listener=\"{}\"}}", listener.name());
            text.line(name, &labels, load(&self.bytes[listener as usize]));
        }
    }

    fn latency(&self, text: &mut Text) {
        let name = "khabar_publish_latency_seconds";
        let help = "From the first word of a change in the store until its documents are served.";
        text.head(name, "histogram", help);
        let mut count = 0;
        let bounds = BUCKETS.iter().map(ToString::to_string);
        for (bound, bucket) in bounds.chain(["+Inf".to_owned()]).zip(&self.latency) {
            count += bucket.load(Ordering::Relaxed);
            let bound = match bound.parse() {
                Ok(millis) => Duration::from_millis(millis).as_secs_f64().to_string(),
                Err(_) => bound,
            };
            text.line(
                &format!("{name}_bucket"),
                &format!("{{le=\"{bound}\"}}"),
                count,
            );
        }
        let micros = self.latency_micros.load(Ordering::Relaxed);
        let sum = Duration::from_micros(micros).as_secs_f64();
        text.line(&format!("{name}_sum"), "", sum);
        text.line(&format!("{name}_count"), "", count);
    }
}

/// How much there is of what.
fn amounts(text: &mut Text, stock: Stock, figures: Figures, now: i64) {
    for (name, help, value) in [
        ("khabar_documents", "Published documents.", stock.documents),
        (
            "khabar_documents_pinned",
            "Documents held in memory for good.",
            stock.pinned,
        ),
        (
            "khabar_cache_bytes",
            "Bytes held of other documents.",
            stock.cached_bytes,
        ),
        (
            "khabar_windows",
            "Channels, whose windows move with time.",
            figures.windows,
        ),
        ("khabar_articles", "Visible articles.", figures.articles),
        (
            "khabar_articles_rejected",
            "Articles that are rejected.",
            figures.rejected,
        ),
        (
            "khabar_articles_held",
            "Articles that vanished and stay published.",
            figures.held,
        ),
    ] {
        text.gauge(name, help, value);
    }
    let name = "khabar_oldest_news_age_seconds";
    text.head(name, "gauge", "Age of the oldest item of the news sitemap.");
    if let Some(oldest) = figures.oldest_news {
        text.line(name, "", now.saturating_sub(oldest.seconds()).max(0));
    }
    let name = "khabar_queue_length";
    text.head(name, "gauge", "What waits, by queue.");
    text.line(name, "{queue=\"compress\"}", stock.uncompressed);
    text.line(name, "{queue=\"sync\"}", figures.waiting);
    text.line(name, "{queue=\"announce\"}", figures.untold);
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Lines of the format. Writing to a String cannot fail.
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: usize) {
        self.head(name, "gauge", help);
        self.line(name, "", value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_what_was_counted() {
        let metrics = Metrics::default();
        metrics.answered(Listener::Public, StatusCode::OK, 10);
        metrics.answered(Listener::Public, StatusCode::OK, 5);
        metrics.answered(Listener::Operations, StatusCode::NOT_FOUND, 1);
        metrics.published(3, 1, Some(Duration::from_millis(70)));
        metrics.published(1, 0, Some(Duration::from_mins(10)));
        metrics.published(1, 0, None);
        let oldest_news = Timestamp::from_seconds(1_000);
        metrics.set(Figures {
            rejected: 2,
            oldest_news,
            ..Figures::default()
        });
        let text = metrics.text(Stock::default(), true, &["store"], 4_600);
        for line in [
            "khabar_ready 1",
            "khabar_trouble{trouble=\"store\"} 1",
            "khabar_http_answers_total{listener=\"public\",status=\"200\"} 2",
            "khabar_http_answers_total{listener=\"operations\",status=\"404\"} 1",
            "khabar_http_body_bytes_total{listener=\"public\"} 15",
            "khabar_publications_total 3",
            "khabar_documents_written_total 5",
            "khabar_publish_latency_seconds_bucket{le=\"0.05\"} 0",
            "khabar_publish_latency_seconds_bucket{le=\"0.1\"} 1",
            "khabar_publish_latency_seconds_bucket{le=\"60\"} 1",
            "khabar_publish_latency_seconds_bucket{le=\"+Inf\"} 2",
            "khabar_publish_latency_seconds_sum 600.07",
            "khabar_publish_latency_seconds_count 2",
            "khabar_articles_rejected 2",
            "khabar_oldest_news_age_seconds 3600",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "no {line} in\n{text}"
            );
        }
    }
}
