//! What was found: lines with their goals, as a table for people and a file for machines.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::machine::Machine;

/// A figure that is judged by a goal, or only told.
pub(crate) struct Line {
    /// Its name for machines.
    pub(crate) key: &'static str,
    pub(crate) articles: usize,
    /// For people: what khabar needed, and what the limit is beside it.
    pub(crate) khabar: String,
    pub(crate) limit: String,
    pub(crate) value: f64,
    /// Everything it was made of.
    pub(crate) figures: Value,
}

/// What a figure is called, what it should be at most, and what is so much worse than it was that a
/// change has spoiled it.
struct Goal {
    key: &'static str,
    what: &'static str,
    unit: &'static str,
    most: Option<f64>,
    /// At 10,000 articles: about three times what was found when this was written.
    gross: Option<f64>,
}

const fn goal(
    key: &'static str,
    what: &'static str,
    unit: &'static str,
    most: Option<f64>,
    gross: Option<f64>,
) -> Goal {
    Goal {
        key,
        what,
        unit,
        most,
        gross,
    }
}

const GOALS: &[Goal] = &[
    goal(
        "cold",
        "cold build, RSS and sitemaps, warm cache",
        "×",
        Some(1.6),
        Some(8.0),
    ),
    goal("cold-memory", "its peak memory", "MB", None, Some(200.0)),
    goal(
        "cold-all",
        "the same with RSS, Atom and JSON Feed",
        "×",
        Some(2.0),
        Some(8.0),
    ),
    goal(
        "cold-all-memory",
        "its peak memory",
        "MB",
        None,
        Some(200.0),
    ),
    goal(
        "evicted",
        "cold build, RSS and sitemaps, cold cache",
        "×",
        Some(1.5),
        Some(8.0),
    ),
    goal(
        "again",
        "build again with nothing changed",
        "×",
        Some(1.5),
        Some(15.0),
    ),
    goal(
        "start",
        "watch until it is ready, nothing changed",
        "×",
        Some(2.0),
        Some(15.0),
    ),
    goal(
        "edit-p50",
        "one edit, RSS and sitemaps, p50",
        "×",
        Some(2.0),
        Some(6.0),
    ),
    goal(
        "edit-p99",
        "one edit, RSS and sitemaps, p99",
        "×",
        Some(4.0),
        Some(12.0),
    ),
    goal(
        "edit-max",
        "one edit, RSS and sitemaps, slowest",
        "×",
        None,
        None,
    ),
    goal(
        "edit-durable-p50",
        "one edit, RSS and sitemaps, until durable, p50",
        "×",
        None,
        None,
    ),
    goal(
        "edit-all-p50",
        "one edit, all three formats, p50",
        "×",
        Some(2.0),
        Some(6.0),
    ),
    goal(
        "edit-all-p99",
        "one edit, all three formats, p99",
        "×",
        Some(4.0),
        Some(12.0),
    ),
    goal(
        "edit-all-max",
        "one edit, all three formats, slowest",
        "×",
        None,
        None,
    ),
    goal(
        "edit-all-durable-p50",
        "one edit, all three formats, until durable, p50",
        "×",
        None,
        None,
    ),
    goal(
        "edit-growth",
        "one edit, p50, beside the smallest store",
        "×",
        Some(1.5),
        None,
    ),
    goal(
        "resident",
        "watch after the edits, anonymous memory",
        "MB",
        None,
        Some(100.0),
    ),
    goal(
        "resident-file",
        "watch after the edits, file-backed memory",
        "MB",
        None,
        None,
    ),
    goal(
        "resident-growth",
        "growth over the second half of the edits",
        "MB",
        Some(1.0),
        Some(20.0),
    ),
    goal(
        "replaced",
        "every article replaced at once",
        "×",
        Some(1.5),
        Some(5.0),
    ),
    goal(
        "replaced-publications",
        "publications for that",
        "",
        Some(3.0),
        Some(20.0),
    ),
];

/// Every line of one run.
pub(crate) struct Report {
    machine: Machine,
    lines: Vec<Line>,
}

impl Report {
    pub(crate) fn new(machine: Machine) -> Self {
        Self {
            machine,
            lines: Vec::new(),
        }
    }

    /// Adds a line, and shows it at once.
    pub(crate) fn add(&mut self, line: Line) -> anyhow::Result<()> {
        say(&format!("  {}", line.row()))?;
        self.lines.push(line);
        Ok(())
    }

    /// The lines of one name, with the number of articles.
    pub(crate) fn values(&self, key: &str) -> Vec<(usize, &Line)> {
        let lines = self.lines.iter().filter(|line| line.key == key);
        lines.map(|line| (line.articles, line)).collect()
    }

    /// The table, in Markdown.
    pub(crate) fn show(&self) -> anyhow::Result<()> {
        let mut text = format!("\n{}\n\n", self.machine);
        text.push_str("| | articles | khabar | limit | ratio | goal | |\n");
        text.push_str("|---|---|---|---|---|---|---|\n");
        for line in &self.lines {
            text.push_str(&line.row());
            text.push('\n');
        }
        say(&text)
    }

    pub(crate) fn save(&self, path: &Path, seed: u64) -> anyhow::Result<()> {
        let lines: Vec<Value> = self.lines.iter().map(Line::json).collect();
        let whole = json!({ "machine": self.machine.json(), "seed": seed, "rows": lines });
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, serde_json::to_vec_pretty(&whole)?)?;
        say(&format!(
            "The figures are in {}.",
            path.canonicalize()?.display()
        ))
    }

    /// The lines that are grossly worse than they were.
    pub(crate) fn spoiled(&self) -> Vec<String> {
        let spoiled = self.lines.iter().filter_map(|line| {
            let gross = line.terms()?.gross?;
            let what = line.terms()?.what;
            (line.value > gross)
                .then(|| format!("{what}: {:.1}, and it was below {gross}", line.value))
        });
        spoiled.collect()
    }
}

impl Line {
    fn terms(&self) -> Option<&'static Goal> {
        GOALS.iter().find(|goal| goal.key == self.key)
    }

    /// What it should be at most, at its size.
    fn goal(&self) -> Option<f64> {
        match self.key {
            "cold-memory" | "cold-all-memory" => Some(if self.articles <= 100_000 {
                120.0
            } else {
                600.0
            }),
            "resident" => Some(64.0 + 300.0 * self.articles as f64 / 1e6),
            _ => self.terms()?.most,
        }
    }

    fn row(&self) -> String {
        let (what, unit) = self
            .terms()
            .map_or((self.key, ""), |goal| (goal.what, goal.unit));
        let (goal, verdict) = match self.goal() {
            Some(goal) if self.value <= goal => (format!("≤ {} {unit}", shown(goal)), "met"),
            Some(goal) => (format!("≤ {} {unit}", shown(goal)), "**not met**"),
            None => (String::new(), ""),
        };
        format!(
            "| {what} | {} | {} | {} | {} {unit} | {goal} | {verdict} |",
            self.articles,
            self.khabar,
            self.limit,
            shown(self.value),
        )
    }

    fn json(&self) -> Value {
        let goal = self.goal();
        json!({
            "row": self.key,
            "what": self.terms().map(|goal| goal.what),
            "articles": self.articles,
            "value": self.value,
            "unit": self.terms().map(|goal| goal.unit),
            "goal": goal,
            "is_met": goal.map(|goal| self.value <= goal),
            "figures": self.figures,
        })
    }
}

/// A figure to about three digits.
fn shown(value: f64) -> String {
    match value {
        value if value.fract() == 0.0 => format!("{value:.0}"),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// Seconds, for people.
pub(crate) fn time(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

/// The value that stands so far in the order: 0.5 is the middle one.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut ordered = values.to_vec();
    ordered.sort_by(f64::total_cmp);
    let place = (ordered.len() as f64 * share) as usize;
    let last = ordered.len().saturating_sub(1);
    ordered.get(place.min(last)).copied().unwrap_or(f64::NAN)
}

/// A line on standard output. Who closed it does not want it.
pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
