//! `khabar init`: a new project that builds at once, and explains itself.
//!
//! It writes three files and overwrites none: where one of them exists, nothing is written at all.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use chrono::{Duration, SecondsFormat, Utc};

use super::Exit;
use crate::article::escape_controls;

/// Path below the new directory, and text. `@PUBLISHED@` and `@YEAR@` are filled in, so that the
/// samples are fresh enough for the news sitemap.
const FILES: [(&str, &str); 3] = [
    ("config.toml", include_str!("init/config.toml")),
    (
        "articles/morning-market.md",
        include_str!("init/morning-market.md"),
    ),
    (
        "articles/bridge-opens.json",
        include_str!("init/bridge-opens.json"),
    ),
];

/// Writes the project into `dir`, which is made where it is missing.
pub(super) fn init(dir: &Path) -> anyhow::Result<Exit> {
    let shown = escape_controls(&dir.to_string_lossy());
    for (name, _) in FILES {
        let path = dir.join(name);
        // A link that leads nowhere is in the way as well.
        match path.symlink_metadata() {
            Ok(_) => bail!("`{shown}/{name}` exists already, and nothing was written"),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot use `{shown}/{name}`"));
            }
        }
    }
    let now = Utc::now();
    let published = (now - Duration::hours(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let year = now.format("%Y").to_string();
    for (name, template) in FILES {
        let text = template
            .replace("@PUBLISHED@", &published)
            .replace("@YEAR@", &year);
        write_new(&dir.join(name), &text)
            .with_context(|| format!("cannot write `{shown}/{name}`"))?;
    }
    let next = format!(
        "A new project stands in `{shown}`. Next, in that directory:\n\
         \x20 1. put your names and URLs into config.toml\n\
         \x20 2. khabar check\n\
         \x20 3. khabar build\n"
    );
    // The files are there: where nobody can be told, that is no failure.
    let _ = std::io::stderr().write_all(next.as_bytes());
    Ok(Exit::Done)
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::File::create_new(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_new_project_has_a_sound_configuration_and_two_articles() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("a/new project");
        assert_eq!(init(&project).unwrap(), Exit::Done);
        let text = std::fs::read_to_string(project.join("config.toml")).unwrap();
        let config = Config::parse(&text, &project, crate::article::Timestamp::MAX).unwrap();
        assert_eq!(config.store.path().unwrap(), project.join("articles"));
        assert_eq!(std::fs::read_dir(&project).unwrap().count(), 2);
        let articles: Vec<_> = std::fs::read_dir(config.store.path().unwrap())
            .unwrap()
            .collect();
        assert_eq!(articles.len(), 2);
        for article in articles {
            let text = std::fs::read_to_string(article.unwrap().path()).unwrap();
            assert!(!text.contains('@'), "{text}");
        }
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_half_written() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("articles")).unwrap();
        let own = dir.path().join("articles/bridge-opens.json");
        std::fs::write(&own, "mine").unwrap();
        let error = init(dir.path()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("articles/bridge-opens.json` exists already"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&own).unwrap(), "mine");
        assert!(!dir.path().join("config.toml").exists());
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(init(&file).is_err());
    }
}
