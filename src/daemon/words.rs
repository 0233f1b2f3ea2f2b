//! What is said of the engine's state, in words for people.

use std::collections::BTreeSet;

use crate::article::{ArticleId, escape_controls};
use crate::config::Config;
use crate::engine::Engine;

/// Which documents are not published because somebody else's files stand in their place, for people.
#[must_use]
pub fn refusal(config: &Config, refused: &BTreeSet<String>) -> String {
    format!(
        "{} files in {} are not khabar's and stay as they are, so that these documents are not \
         published: {}; move them away, or give khabar an `out` of its own",
        refused.len(),
        config.out.display(),
        first_few(refused.iter().map(String::as_str)),
    )
}

/// What to say where a path or URL was given instead of an id.
#[must_use]
pub fn misnamed(engine: &Engine, id: &ArticleId) -> String {
    let meant = engine.meant(id).unwrap_or_else(|| id.clone());
    format!("no article has the id {id}; that is where {meant} is: give its id")
}

/// The files of the articles that are held, the first few by name, for people.
#[must_use]
pub fn held_names(engine: &Engine) -> String {
    first_few(engine.held().map(|(path, _)| path.as_str()))
}

fn first_few<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    const NAMED: usize = 5;
    let first: Vec<String> = names.by_ref().take(NAMED).map(escape_controls).collect();
    match names.count() {
        0 => first.join(", "),
        more => format!("{}, and {more} more", first.join(", ")),
    }
}
