//! `khabar explain`: which documents carry an article, which do not and why, and when that changes.

use std::io::Write;

use super::{clock, open, read, turn};
use crate::article::{ArticleId, Diagnostic, Status, StorePath, WebUrl};
use crate::catalog::Entry;
use crate::cli::args::{Explain, Global};
use crate::cli::{Exit, output, project};
use crate::daemon::{Trust, Workbench};
use crate::engine::Engine;
use crate::files::{File, UrlHash};
use crate::plan::explain::{Explanation, absence, explain as explain_entry};

/// `khabar explain`.
pub(in crate::cli) fn explain(options: &Explain, global: &Global) -> anyhow::Result<Exit> {
    let config = project::config(&global.config)?;
    let mut bench = open(config, clock(options.clock.now), Trust::Readings)?;
    let (prepared, (path, found)) = turn(
        &mut bench,
        |bench| read(bench, global),
        |bench| {
            let (engine, named) = (bench.engine(), &options.article);
            let path = named_path(bench, named).or_else(|| out_of_play(engine, named));
            let entry = named_entry(engine, named, path.as_ref());
            let article = entry.as_ref().map(|entry| engine.article(&entry.card));
            let url = article.transpose()?.map(|article| article.url.clone());
            Ok((path, entry.zip(url)))
        },
    )?;
    let engine = bench.engine();
    let faults: Vec<&Diagnostic> = prepared
        .diagnostics
        .iter()
        .filter(|d| {
            let found = found.as_ref().map(|(entry, _)| &entry.card.path);
            Some(&d.path) == path.as_ref() || found == Some(&d.path)
        })
        .collect();
    if let Some((entry, url)) = found {
        let explanation = explain_entry(engine.catalog(), engine.config(), &entry);
        output::results(|out| show(out, &entry, &url, &explanation, &faults))?;
        return Ok(Exit::Done);
    }
    let Some(path) = path else {
        anyhow::bail!(
            "no article has the id, path or URL `{}`; `khabar check` lists files that are rejected",
            crate::article::escape_controls(&options.article)
        );
    };
    let why = match engine.files().get(&path) {
        Some(File::Article(_, card)) => match card.status {
            Status::Draft => "it is a draft",
            Status::Withheld => "it is withheld",
            _ => "its id or URL is held by another file",
        },
        Some(File::NoArticle(_)) => "the file is no article",
        Some(File::Rejected) | None => "the file is rejected",
    };
    output::results(|out| {
        writeln!(out, "{path}\n  in no document: {why}")?;
        faults
            .iter()
            .try_for_each(|fault| writeln!(out, "  {fault}"))
    })?;
    Ok(Exit::Done)
}

/// The file or row that `name` names, by its path in the store or its key.
fn named_path(bench: &Workbench, name: &str) -> Option<StorePath> {
    let located = bench.locate(std::path::Path::new(name));
    [Some(name.to_owned()), located]
        .into_iter()
        .flatten()
        .map(|path| StorePath::new(path.as_str()))
        .find(|path| bench.engine().files().get(path).is_some())
}

/// The file of an article that is not in play, such as a draft, by its id or URL.
fn out_of_play(engine: &Engine, name: &str) -> Option<StorePath> {
    let url = UrlHash::of(name);
    let files = engine.files();
    let articles = files.iter().filter(|no| files.is_article(*no));
    let found = articles.filter(|no| files.id(*no) == name || files.url(*no) == url);
    found.map(|no| files.path(no)).min()
}

fn named_entry(engine: &Engine, name: &str, path: Option<&StorePath>) -> Option<Entry> {
    let catalog = engine.catalog();
    let by_id = ArticleId::new(name).ok().and_then(|id| catalog.entry(&id));
    let by_path = || path.and_then(|path| catalog.in_play(path));
    let by_url = || {
        let base = engine.config().publication.url.to_url()?;
        let url = WebUrl::resolve(&base, name).ok()?;
        let url = UrlHash::from(&url);
        catalog.entry_of(catalog.at_url(url)?)
    };
    by_id.or_else(by_path).or_else(by_url)
}

fn show(
    out: &mut dyn Write,
    entry: &Entry,
    url: &WebUrl,
    explanation: &Explanation,
    faults: &[&Diagnostic],
) -> std::io::Result<()> {
    let card = &entry.card;
    writeln!(out, "{}", card.id)?;
    writeln!(out, "  file       {}", card.path)?;
    writeln!(out, "  URL        {url}")?;
    writeln!(out, "  published  {}", card.published)?;
    if card.updated > card.published {
        writeln!(out, "  updated    {}", card.updated)?;
    }
    match absence(entry) {
        None => writeln!(out, "  visible")?,
        Some(why) => writeln!(out, "  not visible: {why}")?,
    }
    if entry.is_kept {
        writeln!(
            out,
            "  this is its last good version; its file is bad, missing or a duplicate"
        )?;
    }
    for fault in faults {
        writeln!(out, "  {fault}")?;
    }
    for (title, is_carried) in [("carried by", true), ("not carried by", false)] {
        let mut standings = explanation
            .standings
            .iter()
            .filter(|standing| standing.is_carried == is_carried)
            .peekable();
        if standings.peek().is_some() {
            writeln!(out, "\n{title}")?;
        }
        for standing in standings {
            writeln!(out, "  {}: {}", standing.documents.join(" "), standing.why)?;
        }
    }
    if !explanation.deadlines.is_empty() {
        writeln!(out, "\nwithout any change of content")?;
    }
    for deadline in &explanation.deadlines {
        writeln!(out, "  {}  {}", deadline.at, deadline.what)?;
    }
    Ok(())
}
