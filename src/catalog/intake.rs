//! From an article that was read to its card: the rules say where it belongs, the archive keeps the
//! rest of it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::rules::Rules;
use crate::article::{Access, Article, ContentHash, Finding, StorePath};
use crate::config::Config;
use crate::files::{Archive, Belonging, Card, File, Location, UrlHash};

/// Makes cards of articles.
#[derive(Debug)]
pub struct Intake {
    rules: Rules,
    archive: Arc<dyn Archive>,
    /// Few of them are of all articles, so that they are kept once.
    belongings: Mutex<HashSet<Arc<Belonging>>>,
}

impl Intake {
    /// An intake under the rules of `config`, that keeps articles in `archive`.
    #[must_use]
    pub fn new(config: &Config, archive: Arc<dyn Archive>) -> Self {
        Self {
            rules: Rules::of(config),
            archive,
            belongings: Mutex::default(),
        }
    }

    /// What the file at `path`, whose bytes have the hash `hash`, is found to be.
    #[must_use]
    pub fn file(&self, path: &StorePath, finding: Finding, hash: Option<ContentHash>) -> File {
        match finding {
            Finding::Article(article) => File::Article(hash, Arc::new(self.card(path, &article))),
            Finding::NoArticle => File::NoArticle(hash),
            Finding::Rejected => File::Rejected,
        }
    }

    /// The card of the `article` in the file at `path`; it is kept in the archive from here on.
    #[must_use]
    pub fn card(&self, path: &StorePath, article: &Article) -> Card {
        // An article holds nothing that postcard cannot write.
        let bytes = postcard::to_stdvec(article).unwrap_or_default();
        let location = self.archive.put(&bytes);
        self.record(article, path.clone(), ContentHash::of(&bytes), location)
    }

    /// A card under these rules, in place of one that was made under others.
    ///
    /// # Errors
    /// Where the article cannot be fetched.
    pub fn renew(&self, card: &Card) -> Result<Card, crate::files::ArchiveError> {
        let article = card.fetch(&*self.archive)?;
        let path = card.path.clone();
        Ok(self.record(&article, path, card.content, card.location.clone()))
    }

    fn record(
        &self,
        article: &Article,
        path: StorePath,
        content: ContentHash,
        location: Location,
    ) -> Card {
        Card {
            id: article.id.clone(),
            path,
            url: UrlHash::from(&article.url),
            published: article.published,
            updated: article.updated,
            expires: article.expires,
            status: article.status,
            index: article.index,
            is_listed: self.rules.is_listed(article),
            is_news: self.rules.is_news(article),
            prints_body: article.body.is_some() && article.access == Access::Free,
            belonging: self.share(self.rules.belonging_of(article)),
            content,
            location,
        }
    }

    fn share(&self, belonging: Belonging) -> Arc<Belonging> {
        let mut known = self
            .belongings
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&belonging) {
            return Arc::clone(known);
        }
        let belonging = Arc::new(belonging);
        known.insert(Arc::clone(&belonging));
        belonging
    }
}
