//! Articles as the archive keeps them, and the ones last asked for: the newest stand in many
//! documents.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Engine;
use crate::article::{Article, ContentHash};
use crate::files::{ArchiveError, Card};

/// So many articles are held, at most twice: two to four kilobytes each.
const HELD_MAX: usize = 2_048;

/// Articles by their content. What is not asked for while [`HELD_MAX`] others are is let go.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    held: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    new: HashMap<ContentHash, Arc<Article>>,
    old: HashMap<ContentHash, Arc<Article>>,
}

impl Fetched {
    fn get(&self, content: ContentHash) -> Option<Arc<Article>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(article) = held.new.get(&content) {
            return Some(Arc::clone(article));
        }
        let article = held.old.remove(&content)?;
        held.put(content, &article);
        Some(article)
    }

    fn put(&self, content: ContentHash, article: &Arc<Article>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.put(content, article);
    }
}

impl Generations {
    fn put(&mut self, content: ContentHash, article: &Arc<Article>) {
        if self.new.len() >= HELD_MAX {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(content, Arc::clone(article));
    }
}

impl Engine {
    /// The article of a card.
    ///
    /// # Errors
    /// Where the archive does not have it.
    pub fn article(&self, card: &Card) -> Result<Arc<Article>, ArchiveError> {
        if let Some(article) = self.fetched.get(card.content) {
            return Ok(article);
        }
        let article = Arc::new(card.fetch(&*self.archive)?);
        self.fetched.put(card.content, &article);
        Ok(article)
    }
}
