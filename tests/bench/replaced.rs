//! Every article replaced at once under the running daemon, beside a build that has as much to replace.
//!
//! As when git goes to another branch, each file is removed and there again at once. What it holds then
//! is written before, so that replacing takes no longer than it must. The daemon does not wait for its
//! end: how long it took is told beside, for what is published meanwhile need not be published after.

use std::fs;
use std::path::Path;
use std::time::Instant;

use chrono::Utc;
use rayon::prelude::*;
use serde_json::json;

use crate::builds::build_where_missing;
use crate::generator::{Revision, Store};
use crate::limits::{Outputs, clear};
use crate::program::Project;
use crate::report::{Line, Report, quantile, say, time};
use crate::room::Room;

/// The most that is replaced at once.
const REPLACED: usize = 100_000;
/// Above so many seconds, once has to do; else it is done so often.
const LONG: f64 = 10.0;
const OFTEN: usize = 3;
/// No edit has so high a number: the content is another one every time.
const FIRST_REVISION: usize = 1_000_000;

pub(crate) fn replaced(
    room: &Room,
    store: &Store,
    project: &Project,
    report: &mut Report,
) -> anyhow::Result<()> {
    build_where_missing(project)?;
    let staged = project.out.with_file_name("staged");
    let (mut daemon, mut build) = (Vec::new(), Vec::new());
    let (mut replacing, mut publications) = (Vec::new(), Vec::new());
    for round in 0..OFTEN {
        // Whatever is not published yet: both begin with nothing to do.
        project.build()?;
        let out = Outputs::read(&project.out)?;
        let state = Outputs::read(&project.state)?;
        stage(store, &staged, FIRST_REVISION + round)?;
        room.settle()?;

        let (watch, _) = project.watch()?;
        let published = watch.publications();
        let begun = Instant::now();
        replace(store, &staged)?;
        replacing.push(begun.elapsed().as_secs_f64());
        let replaced = Instant::now();
        watch.sync()?;
        daemon.push(replaced.elapsed().as_secs_f64());
        publications.push((watch.publications() - published) as f64);
        watch.stop()?;
        say(&format!(
            "  replaced in {}, published {} after",
            time(replacing[round]),
            time(daemon[round]),
        ))?;

        // The same folders with the old content: khabar knows them again.
        for (content, folder) in [(&out, &project.out), (&state, &project.state)] {
            clear(folder)?;
            content.write(folder)?;
        }
        build.push(project.build()?.seconds);
        if daemon[round] + build[round] > LONG {
            break;
        }
    }
    let [ours, limit] = [&daemon, &build].map(|seconds| quantile(seconds, 0.5));
    let most = quantile(&publications, 1.0);
    let figures = json!({
        "khabar_seconds": daemon,
        "limit_seconds": build,
        "replacing_seconds": replacing,
        "publications": publications,
        "replaced": store.len().min(REPLACED),
    });
    report.add(Line {
        key: "replaced",
        articles: store.len(),
        khabar: format!(
            "{} (after {} of replacing)",
            time(ours),
            time(quantile(&replacing, 0.5))
        ),
        limit: time(limit),
        value: ours / limit,
        figures: figures.clone(),
    })?;
    report.add(Line {
        key: "replaced-publications",
        articles: store.len(),
        khabar: String::new(),
        limit: String::new(),
        value: most,
        figures,
    })
}

/// Writes every file's next content beside the store.
fn stage(store: &Store, staged: &Path, number: usize) -> anyhow::Result<()> {
    let revision = Revision {
        number,
        is_retitled: true,
        at: Utc::now(),
    };
    fs::create_dir_all(staged)?;
    (0..store.len().min(REPLACED))
        .into_par_iter()
        .try_for_each(|rank| {
            let content = store.revised(rank, revision)?;
            Ok(fs::write(staged.join(rank.to_string()), content)?)
        })
}

/// Removes each file and puts the next one in its place, one after the other.
fn replace(store: &Store, staged: &Path) -> anyhow::Result<()> {
    for rank in 0..store.len().min(REPLACED) {
        let path = store.path(rank);
        fs::remove_file(&path)?;
        fs::rename(staged.join(rank.to_string()), &path)?;
    }
    Ok(())
}
