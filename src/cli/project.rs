//! From the path of a configuration file to the configuration.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::report::{self, Style};
use crate::article::{Excerpt, Place, escape_controls};
use crate::config::{Config, ConfigFault};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// It cannot be read.
    #[error("cannot read the configuration `{}`: {reason}", escape_controls(&path.to_string_lossy()))]
    Unread {
        /// As given.
        path: PathBuf,
        /// Why, without a full stop.
        reason: String,
    },
    /// It can, and has faults.
    #[error("the configuration `{}` has {} faults", escape_controls(&path.to_string_lossy()), faults.len())]
    Faulty {
        /// As given.
        path: PathBuf,
        /// All of them, at least one.
        faults: Vec<ConfigFault>,
    },
}

impl Unusable {
    /// What to print, with a line end.
    pub(super) fn shown(&self, style: Style) -> String {
        match self {
            Self::Unread { .. } => report::message(
                &self.to_string(),
                Some(
                    "name the file with `--config FILE`, or start a project with `khabar init DIR`",
                ),
                style,
            ),
            Self::Faulty { path, faults } => faults
                .iter()
                .map(|fault| report::config_fault(path, fault, style))
                .collect(),
        }
    }
}

/// Reads the configuration `path`, as given on the command line.
pub(super) fn config(path: &Path) -> Result<Config, Unusable> {
    let unread = |reason: String| Unusable::Unread {
        path: path.to_owned(),
        reason,
    };
    // Paths in it are taken from where it is named, links to it are not followed for that.
    let absolute = std::path::absolute(path).map_err(|error| unread(error.to_string()))?;
    let folder = absolute.parent().unwrap_or(&absolute);
    let bytes = read(path).map_err(|error| unread(error.to_string()))?;
    text(&bytes)
        .map_err(|fault| vec![fault])
        .and_then(|text| Config::parse(text, folder, crate::daemon::system_now()))
        .map_err(|faults| Unusable::Faulty {
            path: path.to_owned(),
            faults,
        })
}

/// The bytes of `path`, at most [`Config::MAX_BYTES`] of them and one more.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(Config::MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text that `bytes` are.
fn text(bytes: &[u8]) -> Result<&str, ConfigFault> {
    if bytes.len() > Config::MAX_BYTES {
        return Err(ConfigFault {
            place: Place::START,
            message: format!("the file is longer than {} bytes", Config::MAX_BYTES),
            remedy: "name the configuration, not something else".to_owned(),
            excerpt: None,
        });
    }
    std::str::from_utf8(bytes).map_err(|error| ConfigFault {
        place: Place::of(bytes, error.valid_up_to()),
        message: "this is not UTF-8".to_owned(),
        remedy: "save the file as UTF-8".to_owned(),
        excerpt: Some(Excerpt::of(bytes, error.valid_up_to(), 1)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(bytes: &[u8]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, bytes).unwrap();
        match config(&path) {
            Err(Unusable::Faulty { faults, .. }) => {
                faults.iter().map(ToString::to_string).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn bytes_that_are_no_text_have_their_place() {
        assert_eq!(
            faults("# خبر\n# خ\u{00FF}".as_bytes().split_last().unwrap().1),
            ["2:4: this is not UTF-8 (save the file as UTF-8)"]
        );
    }

    #[test]
    fn a_file_that_is_too_long_is_not_read_to_its_end() {
        assert_eq!(
            faults(&vec![b'#'; Config::MAX_BYTES + 5]),
            [
                "1:1: the file is longer than 1048576 bytes (name the configuration, not something else)"
            ]
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = config(Path::new("/nowhere/at\nall.toml")).unwrap_err();
        let shown = error.shown(Style::Plain);
        assert!(shown.contains("`/nowhere/at\\u{a}all.toml`"), "{shown}");
        assert!(shown.contains("khabar init DIR"), "{shown}");
    }

    #[test]
    fn paths_are_taken_from_the_folder_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(
            super::super::init::init(dir.path()).unwrap(),
            super::super::Exit::Done
        );
        let config = config(&dir.path().join("config.toml")).unwrap();
        assert_eq!(config.out, dir.path().join("out"));
    }
}
