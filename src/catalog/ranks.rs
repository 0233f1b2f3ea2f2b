//! A list of articles by rank: small for one story, and quick to change for a million.

use crate::files::FileNo;

/// So many articles are in one piece at most.
const PIECE_MAX: usize = 1_024;

/// Articles, the one of the smallest rank first. It holds numbers alone, and asks for ranks where it
/// has to compare.
#[derive(Clone, Debug, Default)]
pub struct Ranks {
    pieces: Vec<Vec<FileNo>>,
    len: usize,
}

impl Ranks {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The one of the smallest rank: the newest.
    #[must_use]
    pub fn first(&self) -> Option<FileNo> {
        self.pieces.first()?.first().copied()
    }

    /// All, the newest first.
    pub fn iter(&self) -> impl Iterator<Item = FileNo> {
        self.pieces.iter().flatten().copied()
    }

    /// Puts one in its place, by its rank.
    pub(super) fn insert<K: Ord>(&mut self, no: FileNo, rank: impl Fn(FileNo) -> K) {
        let key = rank(no);
        let (at, place) = self.search(&key, &rank);
        self.len += 1;
        let Some(piece) = self.pieces.get_mut(at) else {
            self.pieces.push(vec![no]);
            return;
        };
        piece.insert(place, no);
        if piece.len() > PIECE_MAX {
            // What grows at its end leaves full pieces behind.
            let half = if place + 1 == piece.len() {
                PIECE_MAX
            } else {
                piece.len() / 2
            };
            let rest = piece.split_off(half);
            self.pieces.insert(at + 1, rest);
        }
    }

    /// Takes one out, which has the rank it was put in by. Says whether it was there.
    pub(super) fn remove<K: Ord>(&mut self, no: FileNo, rank: impl Fn(FileNo) -> K) -> bool {
        let (at, place) = self.search(&rank(no), &rank);
        let Some(piece) = self.pieces.get_mut(at) else {
            return false;
        };
        if piece.get(place) != Some(&no) {
            return false;
        }
        piece.remove(place);
        if piece.is_empty() {
            self.pieces.remove(at);
        }
        self.len -= 1;
        true
    }

    /// How many have a smaller rank than `key`.
    pub(super) fn count_before<K: Ord>(&self, key: &K, rank: impl Fn(FileNo) -> K) -> usize {
        let (at, place) = self.search(key, &rank);
        let before: usize = self.pieces[..at.min(self.pieces.len())]
            .iter()
            .map(Vec::len)
            .sum();
        before + place
    }

    /// Whether one is among them.
    pub(super) fn contains<K: Ord>(&self, no: FileNo, rank: impl Fn(FileNo) -> K) -> bool {
        let (at, place) = self.search(&rank(no), &rank);
        self.pieces.get(at).and_then(|piece| piece.get(place)) == Some(&no)
    }

    /// The piece and the place in it of the first that has no smaller rank than `key`; the end of the
    /// last piece where all have.
    fn search<K: Ord>(&self, key: &K, rank: impl Fn(FileNo) -> K) -> (usize, usize) {
        let is_before = |no: &FileNo| rank(*no) < *key;
        let Some(last) = self.pieces.last() else {
            return (0, 0);
        };
        // What is put in by rank goes to the end each time.
        if last.last().is_some_and(is_before) {
            return (self.pieces.len() - 1, last.len());
        }
        let at = self
            .pieces
            .partition_point(|piece| piece.last().is_some_and(is_before));
        let place = self
            .pieces
            .get(at)
            .map_or(0, |piece| piece.partition_point(is_before));
        (at, place)
    }
}

#[cfg(test)]
mod tests;
