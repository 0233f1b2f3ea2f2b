//! The rows that are one run each: builds into nothing, builds with nothing to do, starts.

use std::time::Instant;

use serde_json::json;

use crate::generator::Store;
use crate::limits::{self, Outputs};
use crate::program::{Project, Run, cpu_of_self};
use crate::report::{Line, Report, quantile, say, time};
use crate::room::Room;

/// Where one measurement and its limit take less than so many seconds, they are taken so often; else
/// once.
const OFTEN: (f64, usize) = (2.0, 5);
const SOMETIMES: (f64, usize) = (60.0, 3);

/// Measurements of khabar and of the limit, in turn: what disturbs one disturbs the other.
#[derive(Default)]
struct Pairs {
    khabar: Vec<Run>,
    limit: Vec<Run>,
}

impl Pairs {
    fn take(
        mut khabar: impl FnMut() -> anyhow::Result<Run>,
        mut limit: impl FnMut() -> anyhow::Result<Run>,
    ) -> anyhow::Result<Self> {
        let mut pairs = Self::default();
        loop {
            pairs.khabar.push(khabar()?);
            pairs.limit.push(limit()?);
            let last = pairs.khabar.last().into_iter().chain(pairs.limit.last());
            let seconds: f64 = last.map(|run| run.seconds).sum();
            let wanted = match seconds {
                seconds if seconds < OFTEN.0 => OFTEN.1,
                seconds if seconds < SOMETIMES.0 => SOMETIMES.1,
                _ => 1,
            };
            if pairs.khabar.len() >= wanted {
                return Ok(pairs);
            }
        }
    }

    fn line(&self, key: &'static str, store: &Store) -> Line {
        let all = |runs: &[Run], of: fn(&Run) -> f64| runs.iter().map(of).collect::<Vec<f64>>();
        let walls = [&self.khabar, &self.limit].map(|runs| all(runs, |run| run.seconds));
        let cpus = [&self.khabar, &self.limit].map(|runs| all(runs, |run| run.cpu));
        let [khabar, limit] = [&walls[0], &walls[1]].map(|runs| quantile(runs, 0.5));
        let [khabar_cpu, limit_cpu] = [&cpus[0], &cpus[1]].map(|runs| quantile(runs, 0.5));
        Line {
            key,
            articles: store.len(),
            khabar: format!("{} ({} of processor)", time(khabar), time(khabar_cpu)),
            limit: format!("{} ({})", time(limit), time(limit_cpu)),
            value: khabar / limit,
            figures: json!({
                "khabar_seconds": walls[0],
                "limit_seconds": walls[1],
                "khabar_cpu_seconds": cpus[0],
                "limit_cpu_seconds": cpus[1],
                "cpu_ratio": khabar_cpu / limit_cpu,
            }),
        }
    }
}

/// Measures something done by this program itself.
fn limit(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Run> {
    let (cpu, start) = (cpu_of_self(), Instant::now());
    work()?;
    Ok(Run {
        seconds: start.elapsed().as_secs_f64(),
        cpu: cpu_of_self() - cpu,
        peak: 0,
    })
}

/// How a cold build is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    Warm,
    Evicted,
}

/// A build into nothing, beside reading (and where the cache is warm, parsing) every file and writing
/// the same documents; and its peak memory where there is a name for that.
pub(crate) fn cold(
    room: &Room,
    store: &Store,
    project: &Project,
    cache: Cache,
    [key, memory]: [&'static str; 2],
    report: &mut Report,
) -> anyhow::Result<()> {
    // What the limit writes; and the store's files are in the cache then.
    build_where_missing(project)?;
    let outputs = Outputs::read(&project.out)?;
    say(&format!(
        "  {} documents, {:.1} MB",
        outputs.count(),
        outputs.bytes() as f64 / 1e6
    ))?;
    let copy = project.out.with_file_name("copy");
    let prepare = || {
        room.settle()?;
        match cache {
            Cache::Warm => Ok(()),
            Cache::Evicted => limits::evict(&store.root),
        }
    };
    let pairs = Pairs::take(
        || {
            project.forget()?;
            prepare()?;
            project.build()
        },
        || {
            if copy.exists() {
                std::fs::remove_dir_all(&copy)?;
            }
            prepare()?;
            limit(|| {
                match cache {
                    Cache::Warm => limits::parse(&store.root)?,
                    Cache::Evicted => limits::read_deep(&store.root)?,
                }
                outputs.write(&copy)
            })
        },
    )?;
    std::fs::remove_dir_all(&copy)?;
    report.add(pairs.line(key, store))?;
    if cache == Cache::Evicted {
        return Ok(());
    }
    let peaks: Vec<f64> = pairs
        .khabar
        .iter()
        .map(|run| run.peak as f64 / 1e6)
        .collect();
    let peak = quantile(&peaks, 1.0);
    report.add(Line {
        key: memory,
        articles: store.len(),
        khabar: format!("{peak:.0} MB"),
        limit: String::new(),
        value: peak,
        figures: json!({ "peak_mb": peaks }),
    })
}

/// A build with nothing changed, beside a walk that stats every file.
pub(crate) fn again(store: &Store, project: &Project, report: &mut Report) -> anyhow::Result<()> {
    build_where_missing(project)?;
    // The first one after a build may have things to put right that are not measured here.
    project.build()?;
    let pairs = Pairs::take(|| project.build(), || limit(|| limits::stat(&store.root)))?;
    report.add(pairs.line("again", store))
}

/// The start of the daemon until it is ready, beside a walk that stats every file and watches every
/// folder.
pub(crate) fn start(store: &Store, project: &Project, report: &mut Report) -> anyhow::Result<()> {
    build_where_missing(project)?;
    project.build()?;
    let pairs = Pairs::take(
        || {
            let (watch, seconds) = project.watch()?;
            let cpu = watch.cpu();
            watch.stop()?;
            Ok(Run {
                seconds,
                cpu,
                peak: 0,
            })
        },
        || limit(|| limits::watch(&store.root)),
    )?;
    report.add(pairs.line("start", store))
}

/// Publishes what there is, where that has not been done yet.
pub(crate) fn build_where_missing(project: &Project) -> anyhow::Result<()> {
    if !project.is_built() {
        project.build()?;
    }
    Ok(())
}
