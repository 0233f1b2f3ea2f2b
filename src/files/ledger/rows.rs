//! What a ledger holds of a file, of fixed size, and what files share.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::paths::NameRef;
use crate::article::{ContentHash, Status};
use crate::files::{Belonging, Stamp};

/// What a file looks like from outside, and what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) hash: [u8; 16],
    pub(super) seen: [u8; 16],
    pub(super) kind: RowKind,
    pub(super) has_hash: bool,
    pub(super) is_seen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    Vacant,
    /// It is not there; what is kept of it needs a number.
    Gone,
    Article,
    NoArticle,
    Rejected,
}

/// A [`Card`] without its path.
#[derive(Clone, Copy, Debug)]
pub(super) struct CardRow {
    pub(super) published: i64,
    pub(super) updated: i64,
    pub(super) at: u64,
    pub(super) url: [u8; 16],
    pub(super) content: [u8; 16],
    pub(super) id: NameRef,
    pub(super) length: u32,
    pub(super) belonging: u32,
    pub(super) status: Status,
    pub(super) flags: u8,
}

pub(super) const INDEX: u8 = 1;
pub(super) const LISTED: u8 = 2;
pub(super) const NEWS: u8 = 4;
pub(super) const PRINTS: u8 = 8;
pub(super) const EXPIRES: u8 = 16;

pub(super) const VACANT: Row = Row {
    hash: [0; 16],
    seen: [0; 16],
    kind: RowKind::Vacant,
    has_hash: false,
    is_seen: false,
};

pub(super) const NO_CARD: CardRow = CardRow {
    published: 0,
    updated: 0,
    at: 0,
    url: [0; 16],
    content: [0; 16],
    id: NameRef::NONE,
    length: 0,
    belonging: 0,
    status: Status::Draft,
    flags: 0,
};

/// Tells one stamp from another: its xxh3-128.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen(pub u128);

impl Seen {
    /// Of how a file looks.
    #[must_use]
    pub fn of(stamp: &Stamp) -> Self {
        let parts = [
            stamp.inode.0,
            stamp.inode.1,
            stamp.size.cast_unsigned(),
            stamp.modified.0.cast_unsigned(),
            stamp.modified.1.cast_unsigned(),
            stamp.changed.0.cast_unsigned(),
            stamp.changed.1.cast_unsigned(),
        ];
        let mut bytes = [0; 56];
        for (part, to) in parts.iter().zip(bytes.chunks_exact_mut(8)) {
            to.copy_from_slice(&part.to_le_bytes());
        }
        Self(ContentHash::of(&bytes).0)
    }
}

/// The channels that articles belong to, each list of them once.
#[derive(Clone, Debug, Default)]
pub(super) struct Belongings {
    list: Vec<Arc<Belonging>>,
    numbers: HashMap<Arc<Belonging>, u32>,
}

impl Belongings {
    pub(super) fn add(&mut self, belonging: &Arc<Belonging>) -> u32 {
        if let Some(number) = self.numbers.get(belonging) {
            return *number;
        }
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(Arc::clone(belonging));
        self.numbers.insert(Arc::clone(belonging), number);
        number
    }

    pub(super) fn get(&self, number: u32) -> &Arc<Belonging> {
        &self.list[number as usize]
    }
}
