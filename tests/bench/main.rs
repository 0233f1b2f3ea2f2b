//! How near khabar comes to what the machine can do: `cargo bench`, or with a store of 10,000
//! articles `cargo bench -- --short`.
//!
//! It generates a store, runs the program on it as a user does, and does beside each row the least the
//! machine needs for the same: reading and parsing the same files, writing the same documents, walking
//! the same folders. Both are measured in turn in the same run, so that only their ratio counts,
//! and that is what the goals are set for. Everything it writes lies in one folder, which it removes.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are shown to three digits"
)]

mod builds;
mod ears;
mod edits;
mod generator;
mod limits;
mod machine;
mod options;
mod program;
mod replaced;
mod report;
mod room;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser as _;

use builds::Cache;
use generator::Store;
use machine::Machine;
use options::{Options, Row};
use program::Project;
use report::{Report, say, time};
use room::Room;

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    if !options.bench {
        // `cargo test --all-targets` runs everything there is, and this would take half an hour.
        say("cargo bench measures; nothing is done here")?;
        return Ok(ExitCode::SUCCESS);
    }
    let sizes = options.sizes();
    let largest = sizes.iter().copied().max().unwrap_or(0);
    let room = Room::take(&options.dir, largest)?;
    let machine = Machine::look(room.path());
    say(&machine.to_string())?;
    let mut report = Report::new(machine);
    for size in sizes {
        measure(&options, &room, size, &mut report)?;
    }
    edits::growth(&mut report)?;
    if options.keep {
        room.keep()?;
    } else {
        drop(room);
    }
    report.show()?;
    report.save(&options.json, options.seed)?;
    let spoiled = report.spoiled();
    if options.check && !spoiled.is_empty() {
        say(&format!(
            "Grossly worse than it was:\n  {}",
            spoiled.join("\n  ")
        ))?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// All rows that are wanted, for a store of one size.
fn measure(options: &Options, room: &Room, size: usize, report: &mut Report) -> anyhow::Result<()> {
    let base = room.path().join(size.to_string());
    let store = Store::plan(base.join("store"), options.seed, size);
    let start = Instant::now();
    store.write()?;
    room.settle()?;
    say(&format!(
        "{size} articles, written in {}",
        time(start.elapsed().as_secs_f64())
    ))?;
    let project = |name, formats| Project::new(&options.program, room, size, [name, formats]);
    let rss = project("rss", "\"rss\"")?;
    let all = project("all", "\"rss\", \"atom\", \"json\"")?;
    let wants = |row| options.wants(row);
    if wants(Row::Cold) {
        let keys = ["cold", "cold-memory"];
        builds::cold(room, &store, &rss, Cache::Warm, keys, report)?;
    }
    if wants(Row::ColdAll) {
        let keys = ["cold-all", "cold-all-memory"];
        builds::cold(room, &store, &all, Cache::Warm, keys, report)?;
    }
    if wants(Row::Evicted) {
        builds::cold(room, &store, &rss, Cache::Evicted, ["evicted", ""], report)?;
    }
    if wants(Row::Again) {
        builds::again(&store, &rss, report)?;
    }
    if wants(Row::Start) {
        builds::start(&store, &rss, report)?;
    }
    if wants(Row::Edit) {
        edits::edits(room, &store, &rss, options.edits(), &edits::RSS, report)?;
    }
    if wants(Row::EditAll) {
        edits::edits(room, &store, &all, options.edits(), &edits::ALL, report)?;
    }
    if wants(Row::Replaced) {
        replaced::replaced(room, &store, &rss, report)?;
    }
    if !options.keep {
        std::fs::remove_dir_all(&base)?;
    }
    Ok(())
}
