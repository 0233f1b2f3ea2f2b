//! What others are to be told of once it is published.

use serde::{Deserialize, Serialize};

use super::DocumentKey;
use crate::article::{ArticleId, Timestamp, WebUrl};

/// Something to tell somebody. Telling it again tells nothing more, so a change that comes before
/// the last one was told is told with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Errand {
    /// A hub is told that a feed has changed (WebSub).
    Topic {
        /// Which hub.
        hub: WebUrl,
        /// Which feed.
        topic: DocumentKey,
    },
    /// Search engines are told that the page of an article is new, changed or gone (IndexNow).
    Page {
        /// Which article.
        id: ArticleId,
        /// Where it is, or was.
        url: WebUrl,
    },
}

/// Who is to be told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receiver {
    /// A WebSub hub.
    Hub(WebUrl),
    /// The search engines that take part in IndexNow, by way of one endpoint.
    IndexNow,
}

impl Errand {
    /// Who is to be told.
    #[must_use]
    pub fn receiver(&self) -> Receiver {
        match self {
            Self::Topic { hub, .. } => Receiver::Hub(hub.clone()),
            Self::Page { .. } => Receiver::IndexNow,
        }
    }
}

/// Since when an errand is owed, and which change it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// When the change was published, or the page has rested.
    pub since: Timestamp,
    /// Tells the change from an earlier one of the same document.
    pub turn: u64,
}

/// What becomes of the errands of a publication.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handover {
    /// To be run from now on.
    pub errands: Vec<(Errand, Owed)>,
    /// Not to be run any more.
    pub forgotten: Vec<Errand>,
    /// Pages that are told of to nobody, because too many changed at once.
    pub spared: usize,
    /// Errands that found no room in the queue.
    pub overflow: usize,
}
