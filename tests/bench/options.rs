//! What the benchmark is asked to do: sizes, rows, where.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// How many articles are generated where nothing else is asked for.
const ARTICLES: usize = 100_000;
/// The short form, for every change.
const SHORT_ARTICLES: usize = 10_000;
const EDITS: usize = 1_000;
const SHORT_EDITS: usize = 100;

/// How near khabar comes to what the machine can do.
#[derive(Debug, Parser)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
#[command(
    name = "speed",
    about = "Generates a store, measures khabar and beside it the least the machine needs for the same",
    after_help = "Through cargo: cargo bench -- --short"
)]
pub(crate) struct Options {
    /// Articles in the store; several sizes are measured one after the other [default: 100000]
    #[arg(long, value_name = "N")]
    articles: Vec<usize>,
    /// 10,000 articles and 100 edits
    #[arg(long)]
    pub(crate) short: bool,
    /// Fail where a ratio is grossly worse than it was
    #[arg(long)]
    pub(crate) check: bool,
    /// The rows to run [default: all]
    #[arg(long, value_name = "ROW,…", value_delimiter = ',')]
    rows: Vec<Row>,
    /// Edits of one article each [default: 1000]
    #[arg(long, value_name = "N")]
    edits: Option<usize>,
    /// What the store is made from: the same seed, the same store
    #[arg(long, default_value_t = 20_261_123)]
    pub(crate) seed: u64,
    /// Where the store is put, on the file system to be measured
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    pub(crate) dir: PathBuf,
    /// Where the figures are left for machines
    #[arg(long, default_value = concat!(env!("CARGO_TARGET_TMPDIR"), "/../bench/speed.json"))]
    pub(crate) json: PathBuf,
    /// The program to measure
    #[arg(long, default_value = env!("CARGO_BIN_EXE_khabar"))]
    pub(crate) program: PathBuf,
    /// Leave the store and what was published of it where they are, to look at with a profiler
    #[arg(long)]
    pub(crate) keep: bool,
    /// Given by cargo
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// A build into an empty folder, RSS and sitemaps, and its peak memory
    Cold,
    /// The same with RSS, Atom and JSON Feed
    ColdAll,
    /// As cold, the files' data evicted from the page cache first
    Evicted,
    /// A build with nothing changed
    Again,
    /// The start of the daemon with nothing changed
    Start,
    /// One edit, and the daemon's memory after many
    Edit,
    /// The same with RSS, Atom and JSON Feed
    EditAll,
    /// Every article replaced at once under the daemon
    Replaced,
}

impl Options {
    pub(crate) fn sizes(&self) -> Vec<usize> {
        match (self.articles.as_slice(), self.short) {
            ([], true) => vec![SHORT_ARTICLES],
            ([], false) => vec![ARTICLES],
            (sizes, _) => sizes.to_vec(),
        }
    }

    pub(crate) fn wants(&self, row: Row) -> bool {
        self.rows.is_empty() || self.rows.contains(&row)
    }

    pub(crate) fn edits(&self) -> usize {
        self.edits
            .unwrap_or(if self.short { SHORT_EDITS } else { EDITS })
    }
}
