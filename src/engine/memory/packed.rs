//! How files stand in a record: what many of them say alike is said once, and what their paths say
//! already is not said again.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::article::{ArticleId, ContentHash, Status, StorePath, Timestamp};
use crate::files::{Belonging, Card, File, Location, UrlHash};

type Files = Vec<(StorePath, Option<File>)>;

/// Files as they are written.
#[derive(Serialize, Deserialize)]
struct Packed {
    belongings: Vec<Arc<Belonging>>,
    files: Vec<(StorePath, PackedFile)>,
}

#[derive(Serialize, Deserialize)]
enum PackedFile {
    Gone,
    NoArticle(Option<ContentHash>),
    Rejected,
    Article(Option<ContentHash>, PackedCard),
}

/// A [`Card`] without its path.
#[derive(Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "as a card has them")]
struct PackedCard {
    /// None where it is the path without its extension.
    id: Option<ArticleId>,
    url: UrlHash,
    published: Timestamp,
    /// Seconds after that.
    updated: u64,
    expires: Option<Timestamp>,
    status: Status,
    index: bool,
    is_listed: bool,
    is_news: bool,
    prints_body: bool,
    belonging: u32,
    content: ContentHash,
    location: Location,
}

/// Writes files.
pub(super) fn serialize<S: Serializer>(files: &Files, serializer: S) -> Result<S::Ok, S::Error> {
    let mut belongings = Vec::new();
    let mut numbers: HashMap<Arc<Belonging>, u32> = HashMap::new();
    let mut number = |belonging: &Arc<Belonging>| {
        *numbers.entry(Arc::clone(belonging)).or_insert_with(|| {
            belongings.push(Arc::clone(belonging));
            // One a file at most, of which a record holds a thousand.
            u32::try_from(belongings.len() - 1).unwrap_or(u32::MAX)
        })
    };
    let packed = files.iter().map(|(path, file)| {
        let file = match file {
            None => PackedFile::Gone,
            Some(File::NoArticle(hash)) => PackedFile::NoArticle(*hash),
            Some(File::Rejected) => PackedFile::Rejected,
            Some(File::Article(hash, card)) => {
                PackedFile::Article(*hash, pack(path, card, number(&card.belonging)))
            }
        };
        (path.clone(), file)
    });
    let files = packed.collect();
    Packed { belongings, files }.serialize(serializer)
}

/// Reads files.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Files, D::Error> {
    let Packed { belongings, files } = Packed::deserialize(deserializer)?;
    let unpacked = files.into_iter().map(|(path, file)| {
        let file = match file {
            PackedFile::Gone => None,
            PackedFile::NoArticle(hash) => Some(File::NoArticle(hash)),
            PackedFile::Rejected => Some(File::Rejected),
            PackedFile::Article(hash, card) => {
                let belonging = belongings.get(card.belonging as usize);
                let belonging = belonging
                    .ok_or_else(|| serde::de::Error::custom("a belonging that is not there"))?;
                let card = unpack(&path, card, Arc::clone(belonging));
                let card = card.ok_or_else(|| serde::de::Error::custom("no id"))?;
                Some(File::Article(hash, Arc::new(card)))
            }
        };
        Ok((path, file))
    });
    unpacked.collect()
}

fn pack(path: &StorePath, card: &Card, belonging: u32) -> PackedCard {
    let is_named_by_path = card.id.as_str() == path.stem();
    PackedCard {
        id: (!is_named_by_path).then(|| card.id.clone()),
        url: card.url,
        published: card.published,
        updated: card.updated.seconds().abs_diff(card.published.seconds()),
        expires: card.expires,
        status: card.status,
        index: card.index,
        is_listed: card.is_listed,
        is_news: card.is_news,
        prints_body: card.prints_body,
        belonging,
        content: card.content,
        location: card.location.clone(),
    }
}

fn unpack(path: &StorePath, card: PackedCard, belonging: Arc<Belonging>) -> Option<Card> {
    let id = card.id.or_else(|| ArticleId::new(path.stem()).ok())?;
    Some(Card {
        id,
        path: path.clone(),
        url: card.url,
        published: card.published,
        updated: card.published.plus(i64::try_from(card.updated).ok()?),
        expires: card.expires,
        status: card.status,
        index: card.index,
        is_listed: card.is_listed,
        is_news: card.is_news,
        prints_body: card.prints_body,
        belonging,
        content: card.content,
        location: card.location,
    })
}
