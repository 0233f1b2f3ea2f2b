//! A list by rank holds what a sorted set would, in whatever order it came and went.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::files::{File, Ledger};

/// So many numbers, of as many files.
fn numbers(count: usize) -> Vec<FileNo> {
    let mut ledger = Ledger::default();
    let paths = (0..count).map(|at| crate::article::StorePath::new(&format!("{at}.json")));
    paths
        .map(|path| ledger.insert(&path, &File::Rejected))
        .collect()
}

/// Another order than that of the numbers, with a place for each.
fn rank(no: FileNo) -> (usize, usize) {
    (no.index() * 7 % 13, no.index())
}

#[test]
fn pieces_are_cut_and_stay_in_order() {
    for reversed in [false, true] {
        let mut all = numbers(5 * PIECE_MAX);
        if reversed {
            all.reverse();
        }
        let mut ranks = Ranks::default();
        for no in &all {
            ranks.insert(*no, rank);
        }
        all.sort_by_key(|no| rank(*no));
        assert_eq!(ranks.iter().collect::<Vec<_>>(), all);
        assert!(ranks.pieces.iter().all(|piece| piece.len() <= PIECE_MAX));
        for (before, no) in all.iter().enumerate() {
            assert_eq!(ranks.count_before(&rank(*no), rank), before);
        }
        for no in &all {
            assert_eq!(ranks.first(), Some(*no));
            assert!(ranks.remove(*no, rank));
        }
        assert!(ranks.is_empty() && ranks.pieces.is_empty());
    }
}

proptest! {
    #[test]
    fn it_is_a_sorted_set(steps in prop::collection::vec((0..60_usize, any::<bool>()), 0..400)) {
        let all = numbers(60);
        let mut ranks = Ranks::default();
        let mut set = BTreeSet::new();
        for (at, comes) in steps {
            let no = all[at];
            let entry = (rank(no), no);
            if comes && set.insert(entry) {
                ranks.insert(no, rank);
            } else if !comes {
                prop_assert_eq!(ranks.remove(no, rank), set.remove(&entry));
            }
            prop_assert_eq!(ranks.contains(no, rank), set.contains(&entry));
            prop_assert_eq!(ranks.count_before(&rank(no), rank), set.range(..entry).count());
            prop_assert_eq!(ranks.len(), set.len());
        }
        prop_assert!(ranks.iter().eq(set.into_iter().map(|(_, no)| no)));
    }
}
