//! The rows under the running daemon: one edit after the other, and what it holds in memory then.

use std::collections::VecDeque;
use std::fs;
use std::time::{Duration, Instant};

use chrono::Utc;
use serde_json::json;

use crate::builds::build_where_missing;
use crate::ears::Ears;
use crate::generator::{Dice, Revision, Store, save};
use crate::limits::{Outputs, StateFiles, least_for_edit};
use crate::program::{Project, Resident};
use crate::report::{Line, Report, quantile, say, time};
use crate::room::Room;

/// How long khabar waits for a file to rest (`settle`): stated apart, and taken off.
const SETTLE: f64 = 0.050;
/// In percent: edits of the newest so many articles. The others are of any.
const RECENT_SHARE: usize = 85;
const RECENT: usize = 200;
/// So many edits have to lie between two of one article, so that no two fall into one second: the
/// second would change nothing that is shown of an older article.
const APART: usize = 40;
/// The clock can publish something between two edits; it is over before the next one.
const PAUSE: Duration = Duration::from_millis(10);

/// The names of the lines of one row.
pub(crate) struct Keys {
    pub(crate) p50: &'static str,
    pub(crate) p99: &'static str,
    pub(crate) max: &'static str,
    pub(crate) durable: &'static str,
    /// Whether memory is looked at.
    pub(crate) has_memory: bool,
    /// The number of the first revision: what one row writes, no other one does.
    pub(crate) first: usize,
}

pub(crate) const RSS: Keys = Keys {
    p50: "edit-p50",
    p99: "edit-p99",
    max: "edit-max",
    durable: "edit-durable-p50",
    has_memory: true,
    first: 0,
};
pub(crate) const ALL: Keys = Keys {
    p50: "edit-all-p50",
    p99: "edit-all-p99",
    max: "edit-all-max",
    durable: "edit-all-durable-p50",
    has_memory: false,
    first: 500_000,
};

/// Seconds of each edit, without the quiet time.
#[derive(Default)]
struct Found {
    khabar: Vec<f64>,
    khabar_durable: Vec<f64>,
    limit: Vec<f64>,
    limit_durable: Vec<f64>,
    documents: Vec<f64>,
}

/// Edits one article after the other; after each, writes the same documents alone.
pub(crate) fn edits(
    room: &Room,
    store: &Store,
    project: &Project,
    count: usize,
    keys: &Keys,
    report: &mut Report,
) -> anyhow::Result<()> {
    build_where_missing(project)?;
    let (watch, _) = project.watch()?;
    let copy = project.out.with_file_name("copy");
    Outputs::read(&project.out)?.write(&copy)?;
    let ears = Ears::listen(&project.out, project.out.with_file_name("ears"))?;
    room.settle()?;
    let mut dice = Dice::new(store.len() as u64, keys.first);
    let mut last_ranks = VecDeque::new();
    let mut found = Found::default();
    let mut halfway = None;
    let before_all = watch.resident()?;
    for number in 0..count {
        let rank = draw(&mut dice, store.len(), &mut last_ranks);
        let revision = Revision {
            number: keys.first + number,
            is_retitled: dice.below(2) == 0,
            at: Utc::now(),
        };
        let content = store.revised(rank, revision)?;
        let before = StateFiles::look(&project.state)?;
        ears.forget()?;
        save(&store.path(rank), &content)?;
        let start = Instant::now();
        ears.wait()?;
        watch.sync()?;
        let durable = start.elapsed().as_secs_f64();
        let (documents, end) = ears.take()?;
        let after = StateFiles::look(&project.state)?;
        let limit = least_for_edit(&project.out, &copy, &documents, &before, &after)?;
        found.khabar.push((end - start).as_secs_f64() - SETTLE);
        found.khabar_durable.push(durable - SETTLE);
        found.limit.push(limit.in_place.as_secs_f64());
        found.limit_durable.push(limit.durable.as_secs_f64());
        found.documents.push(documents.len() as f64);
        if number + 1 == count.div_ceil(2) {
            halfway = Some(watch.resident()?);
        }
        std::thread::sleep(PAUSE);
    }
    let resident = watch.resident()?;
    drop(ears);
    watch.stop()?;
    fs::remove_dir_all(&copy)?;
    found.report(store, keys, report)?;
    match halfway {
        Some(halfway) if keys.has_memory => {
            memory(store, [before_all, halfway, resident], count, report)
        }
        _ => Ok(()),
    }
}

/// Which article is edited next, by how many newer ones there are.
fn draw(dice: &mut Dice, articles: usize, last: &mut VecDeque<usize>) -> usize {
    let apart = APART.min(articles / 2);
    loop {
        let among = if dice.below(100) < RECENT_SHARE {
            RECENT.min(articles)
        } else {
            articles
        };
        let rank = dice.below(among);
        if !last.contains(&rank) {
            last.push_back(rank);
            if last.len() > apart {
                last.pop_front();
            }
            return rank;
        }
    }
}

impl Found {
    fn report(&self, store: &Store, keys: &Keys, report: &mut Report) -> anyhow::Result<()> {
        say(&format!(
            "  {} edits, {} documents each in the middle, {} at the most; {:.0} ms of quiet time are \
             taken off",
            self.khabar.len(),
            quantile(&self.documents, 0.5),
            quantile(&self.documents, 1.0),
            SETTLE * 1e3,
        ))?;
        let in_place = (&self.khabar, &self.limit);
        let durable = (&self.khabar_durable, &self.limit_durable);
        for (key, share, (khabar, limit)) in [
            (keys.p50, 0.5, in_place),
            (keys.p99, 0.99, in_place),
            (keys.max, 1.0, in_place),
            (keys.durable, 0.5, durable),
        ] {
            let [khabar, limit] = [khabar, limit].map(|seconds| quantile(seconds, share));
            report.add(Line {
                key,
                articles: store.len(),
                khabar: time(khabar),
                limit: time(limit),
                value: khabar / limit,
                figures: json!({
                    "khabar_seconds": khabar,
                    "limit_seconds": limit,
                    "edits": self.khabar.len(),
                    "settle_seconds": SETTLE,
                    "documents_p50": quantile(&self.documents, 0.5),
                }),
            })?;
        }
        Ok(())
    }
}

/// What the daemon holds: at its start, after half of the edits, and after all of them.
fn memory(
    store: &Store,
    [before, halfway, after]: [Resident; 3],
    edits: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let each = after.anonymous as f64 / store.len() as f64;
    let figures = json!({
        "anonymous_before": before.anonymous,
        "anonymous_halfway": halfway.anonymous,
        "anonymous": after.anonymous,
        "anonymous_per_article": each,
        "file_backed": after.file_backed,
        "edits": edits,
    });
    let line = |key, khabar: String, limit: String, value| Line {
        key,
        articles: store.len(),
        khabar,
        limit,
        value,
        figures: figures.clone(),
    };
    let growth = megabytes(after.anonymous) - megabytes(halfway.anonymous);
    report.add(line(
        "resident",
        format!("{each:.0} bytes an article"),
        format!("{:.0} MB before the edits", megabytes(before.anonymous)),
        megabytes(after.anonymous),
    ))?;
    report.add(line(
        "resident-file",
        String::new(),
        String::new(),
        megabytes(after.file_backed),
    ))?;
    report.add(line(
        "resident-growth",
        format!("{edits} edits"),
        String::new(),
        growth,
    ))
}

/// How much slower an edit is in the largest store than in the smallest.
pub(crate) fn growth(report: &mut Report) -> anyhow::Result<()> {
    let of = |line: &Line| line.figures["khabar_seconds"].as_f64().unwrap_or(f64::NAN);
    let sizes: Vec<(usize, f64)> = report
        .values("edit-p50")
        .into_iter()
        .map(|(articles, line)| (articles, of(line)))
        .collect();
    let least = sizes.iter().min_by_key(|(articles, _)| *articles);
    let most = sizes.iter().max_by_key(|(articles, _)| *articles);
    let (Some((less, before)), Some((more, after))) = (least, most) else {
        return Ok(());
    };
    if less == more {
        return Ok(());
    }
    let line = Line {
        key: "edit-growth",
        articles: *more,
        khabar: time(*after),
        limit: format!("{} at {less}", time(*before)),
        value: after / before,
        figures: json!({ "khabar_seconds": after, "at": less, "khabar_seconds_there": before }),
    };
    report.add(line)
}
