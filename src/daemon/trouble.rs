//! What is wrong now: each trouble is logged once when it begins and once when it is over.

use std::collections::BTreeMap;

use crate::serve::Complaint;

/// What can be wrong while the daemon goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Trouble {
    /// The store cannot be read: what was published stays, and only the clock moves.
    Store,
    /// Changes are not heard as they happen: the store is scanned instead.
    Watch,
    /// The clock is behind the last publication.
    Clock,
    /// `out` or the state cannot be written: it is tried again.
    Disk,
    /// What spares the next start some work cannot be written: it is tried again.
    Checkpoint,
    /// Somebody else's files stand in the place of documents.
    Foreign,
    /// Too many articles vanished at once: they stay published.
    Held,
    /// A new configuration has faults or asks for what a reload cannot do.
    Configuration,
    /// A hub or search engine does not listen: what it is to be told waits.
    Announce,
}

impl Trouble {
    fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Watch => "watch",
            Self::Clock => "clock",
            Self::Disk => "disk",
            Self::Checkpoint => "checkpoint",
            Self::Foreign => "foreign",
            Self::Held => "held",
            Self::Configuration => "configuration",
            Self::Announce => "announce",
        }
    }
}

/// The troubles of now, and why.
#[derive(Debug, Default)]
pub(super) struct Troubles(BTreeMap<Trouble, String>);

impl Troubles {
    /// Says how `trouble` stands: why it is there, or that it is not.
    pub(super) fn set(&mut self, trouble: Trouble, why: Option<String>) {
        let name = trouble.name();
        match why {
            Some(why) => {
                // The same trouble with another figure in it is no news.
                if self.0.insert(trouble, why.clone()).is_none() {
                    tracing::error!(trouble = name, "{why}");
                }
            }
            None => {
                if self.0.remove(&trouble).is_some() {
                    tracing::info!(trouble = name, "{name}: all is well again");
                }
            }
        }
    }

    /// As [`Troubles::set`], for what others have logged.
    pub(super) fn note(&mut self, trouble: Trouble, why: Option<String>) {
        match why {
            Some(why) => drop(self.0.insert(trouble, why)),
            None => drop(self.0.remove(&trouble)),
        }
    }

    /// Whether `trouble` is there.
    #[must_use]
    pub(super) fn has(&self, trouble: Trouble) -> bool {
        self.0.contains_key(&trouble)
    }

    /// All of them, for whoever asks how things are.
    #[must_use]
    pub(super) fn complaints(&self) -> Vec<Complaint> {
        let all = self.0.iter().map(|(trouble, why)| Complaint {
            trouble: trouble.name(),
            why: why.clone(),
            is_held: *trouble == Trouble::Held,
        });
        all.collect()
    }

    /// One line for the service manager.
    #[must_use]
    pub(super) fn status(&self) -> String {
        if self.0.is_empty() {
            return "ready".to_owned();
        }
        let all: Vec<String> = self
            .0
            .iter()
            .map(|(trouble, why)| match trouble {
                Trouble::Held => why.clone(),
                other => format!("degraded ({}): {why}", other.name()),
            })
            .collect();
        all.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_names_every_trouble() {
        let mut troubles = Troubles::default();
        assert_eq!(troubles.status(), "ready");
        troubles.set(Trouble::Disk, Some("no space".to_owned()));
        troubles.set(Trouble::Held, Some("held: 20 of 40".to_owned()));
        assert_eq!(
            troubles.status(),
            "degraded (disk): no space; held: 20 of 40"
        );
        troubles.set(Trouble::Disk, None);
        assert!(!troubles.has(Trouble::Disk));
        assert_eq!(troubles.status(), "held: 20 of 40");
    }
}
