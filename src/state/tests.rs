//! Memory and checkpoint come back as they were, and damage is told from what a crash cut off.

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::article::{ContentHash, Timestamp};
use crate::files::Stamp;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/state");
    (folder, path)
}

fn marked(seconds: i64) -> Record {
    Record {
        mark: Some(Timestamp::from_seconds(seconds)),
        ..Record::default()
    }
}

fn nothing() -> Vec<Record> {
    Vec::new()
}

fn mark(path: &Path) -> Option<i64> {
    let (_, loaded) = State::open(path).unwrap();
    loaded.memory.mark.map(Timestamp::seconds)
}

#[test]
fn memory_comes_back() {
    let (_folder, path) = folder();
    let (mut state, loaded) = State::open(&path).unwrap();
    assert_eq!(loaded.memory.mark, None);
    for second in 1..5 {
        state.save_memory(&[marked(second)], nothing).unwrap();
        assert_eq!(mark(&path), Some(second));
    }
    // Another process goes on where this one stopped.
    let (mut state, _) = State::open(&path).unwrap();
    state.save_memory(&[marked(5)], nothing).unwrap();
    state.save_memory(&[marked(6), marked(7)], nothing).unwrap();
    assert_eq!(mark(&path), Some(7));
}

#[test]
fn what_is_sealed_is_whole_or_damaged() {
    let (_folder, path) = folder();
    let (mut state, _) = State::open(&path).unwrap();
    state.save_memory(&[marked(1)], nothing).unwrap();
    state.save_memory(&[marked(2)], nothing).unwrap();
    state.tidy_memory(nothing).unwrap();
    let file = path.join(MEMORY);
    let whole = std::fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        let opened = State::open(&path);
        assert!(
            matches!(opened, Err(StateError::Damaged { .. })),
            "byte {at} flipped: {opened:?}"
        );
        std::fs::write(&file, &whole[..at]).unwrap();
        let opened = State::open(&path);
        assert!(
            matches!(opened, Err(StateError::Damaged { .. })),
            "cut at {at}: {opened:?}"
        );
    }
}

/// A group of records that a crash cut off is left out as a whole, and written over.
#[test]
fn what_a_crash_cut_off_is_left_out() {
    let (_folder, path) = folder();
    let file = path.join(MEMORY);
    let (mut state, _) = State::open(&path).unwrap();
    state.save_memory(&[marked(1)], nothing).unwrap();
    let before = std::fs::read(&file).unwrap();
    let sealed = before.len();
    state.save_memory(&[marked(2), marked(3)], nothing).unwrap();
    // The head is written last of all.
    let mut whole = std::fs::read(&file).unwrap();
    whole[..log::HEADER].copy_from_slice(&before[..log::HEADER]);
    for end in sealed..whole.len() {
        std::fs::write(&file, &whole[..end]).unwrap();
        let (mut state, loaded) = State::open(&path).unwrap();
        assert_eq!(loaded.memory.mark, Timestamp::from_seconds(1), "{end}");
        assert_eq!(loaded.is_memory_torn, end > sealed, "{end}");
        state.save_memory(&[marked(4)], nothing).unwrap();
        assert_eq!(mark(&path), Some(4), "{end}");
    }
}

#[test]
fn a_memory_that_was_taken_away_is_written_anew() {
    let (_folder, path) = folder();
    let everything = || vec![marked(9)];
    let (mut state, _) = State::open(&path).unwrap();
    state.save_memory(&[marked(1)], everything).unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    let news = Record {
        seen_at: Timestamp::from_seconds(2),
        ..Record::default()
    };
    state.save_memory(&[news], everything).unwrap();
    let (_, loaded) = State::open(&path).unwrap();
    assert_eq!(loaded.memory.mark, Timestamp::from_seconds(9));
    assert_eq!(loaded.memory.seen_at, Timestamp::from_seconds(2));
}

/// Where another file stands in its place, or it could not be written anew, nothing is built on it.
#[test]
fn a_memory_that_is_not_what_it_was_is_written_anew() {
    let (_folder, path) = folder();
    let file = path.join(MEMORY);
    let (mut state, _) = State::open(&path).unwrap();
    state.save_memory(&[marked(1), marked(2)], nothing).unwrap();
    // Another one, shorter, while this process does not have it open.
    let (mut other, _) = State::open(&path).unwrap();
    std::fs::write(&file, b"short").unwrap();
    other.save_memory(&[marked(3)], || vec![marked(2)]).unwrap();
    assert_eq!(mark(&path), Some(3));
    // It cannot be replaced: a folder stands where it would be staged.
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(path.join("memory.new")).unwrap();
    assert!(state.save_memory(&[marked(4)], nothing).is_err());
    assert!(state.tidy_memory(nothing).is_ok());
    std::fs::remove_dir(path.join("memory.new")).unwrap();
    state.save_memory(&[marked(5)], || vec![marked(4)]).unwrap();
    state.save_memory(&[marked(6)], nothing).unwrap();
    assert_eq!(mark(&path), Some(6));
}

#[test]
fn a_memory_that_has_grown_is_written_anew() {
    let (_folder, path) = folder();
    let (mut state, _) = State::open(&path).unwrap();
    let much: Vec<Record> = (0..1_000).map(marked).collect();
    let length = || std::fs::metadata(path.join(MEMORY)).unwrap().len();
    state.save_memory(&[marked(1)], nothing).unwrap();
    while length() < 2 << 20 {
        state.save_memory(&much, nothing).unwrap();
    }
    state.tidy_memory(|| vec![marked(7)]).unwrap();
    assert!(length() < 1_000);
    assert_eq!(mark(&path), Some(7));
    state.save_memory(&[marked(8)], nothing).unwrap();
    assert_eq!(mark(&path), Some(8));
}

#[test]
fn a_damaged_checkpoint_is_ignored() {
    let (_folder, path) = folder();
    let stamp = Stamp {
        inode: (1, 2),
        names: 1,
        size: 3,
        modified: (4, 5),
        changed: (6, 7),
    };
    let path_of = StorePath::new("خبر.json");
    let checkpoint = Checkpoint {
        seen: vec![(path_of, ContentHash(8), Seen::of(&stamp))],
        ..Checkpoint::default()
    };
    let (state, _) = State::open(&path).unwrap();
    state.save_checkpoint(&checkpoint).unwrap();
    let (_, loaded) = State::open(&path).unwrap();
    assert_eq!(loaded.checkpoint, checkpoint);
    let file = path.join(CHECKPOINT);
    let whole = std::fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        let (_, loaded) = State::open(&path).unwrap();
        assert!(loaded.is_checkpoint_damaged, "byte {at} flipped");
        assert_eq!(loaded.checkpoint, Checkpoint::default());
    }
}
