//! From the path of a configuration file to the configuration.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::report::{self, Style};
use crate::article::escape_controls;
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
    let text = read(path).map_err(unread)?;
    Config::parse(&text, folder).map_err(|faults| Unusable::Faulty {
        path: path.to_owned(),
        faults,
    })
}

/// The text of `path`, at most [`Config::MAX_BYTES`] of it.
fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to know that there are too many.
    let most = Config::MAX_BYTES as u64 + 1;
    std::fs::File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    if bytes.len() > Config::MAX_BYTES {
        return Err(format!("it is longer than {} bytes", Config::MAX_BYTES));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let place = crate::article::Place::of(error.as_bytes(), at);
        format!("line {}, column {} is not UTF-8", place.line, place.column)
    })
}
