//! Memory and checkpoint come back as they were, and damage is told from what a crash cut off.

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::article::{ArticleId, ContentHash, Status, Timestamp};
use crate::files::{Card, File, Stamp, UrlHash};

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

/// An article of which only its length and one letter matter, archived and spoken of by a record.
fn filed(state: &State, name: &str, text: &str) -> (Record, Arc<Card>) {
    let archive = state.archive();
    let bytes = text.as_bytes();
    let card = Arc::new(Card {
        id: ArticleId::new(name).unwrap(),
        path: StorePath::new(name),
        url: UrlHash::of(name),
        published: Timestamp::MIN,
        updated: Timestamp::MAX,
        expires: None,
        status: Status::Published,
        index: true,
        is_listed: true,
        is_news: false,
        prints_body: true,
        belonging: Arc::default(),
        content: ContentHash::of(bytes),
        location: archive.put(bytes),
    });
    let file = File::Article(Some(ContentHash(1)), Arc::clone(&card));
    let record = Record {
        files: vec![(StorePath::new(name), Some(file))],
        ..Record::default()
    };
    (record, card)
}

/// What a card's location holds.
fn kept(state: &State, card: &Card) -> String {
    let mut bytes = Vec::new();
    state.archive().get(&card.location, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The card of the file `name`, as it was saved.
fn saved(loaded: &Loaded, name: &str) -> Arc<Card> {
    match loaded.memory.files.get(&StorePath::new(name)) {
        Some(File::Article(_, card)) => card,
        other => panic!("{other:?}"),
    }
}

#[test]
fn articles_are_found_before_and_after_they_are_saved() {
    let (_folder, path) = folder();
    let (mut state, _) = State::open(&path).unwrap();
    let (first, a) = filed(&state, "a", "one");
    assert_eq!(kept(&state, &a), "one");
    state
        .save_memory(std::slice::from_ref(&first), nothing)
        .unwrap();
    let (second, b) = filed(&state, "b", "two");
    assert_eq!(
        (kept(&state, &a), kept(&state, &b)),
        ("one".into(), "two".into())
    );
    state
        .save_memory(std::slice::from_ref(&second), nothing)
        .unwrap();
    assert_eq!(
        (kept(&state, &a), kept(&state, &b)),
        ("one".into(), "two".into())
    );
    let (again, loaded) = State::open(&path).unwrap();
    assert_eq!(kept(&again, &saved(&loaded, "a")), "one");
    assert_eq!(kept(&again, &saved(&loaded, "b")), "two");
    // Written anew, the articles that records speak of come along, and what is being read meanwhile
    // is found as well, and adopted.
    let (_, flying) = filed(&state, "c", "three");
    std::fs::remove_dir_all(&path).unwrap();
    state
        .save_memory(&[marked(1)], || vec![first.clone(), second.clone()])
        .unwrap();
    assert_eq!(
        (kept(&state, &a), kept(&state, &b)),
        ("one".into(), "two".into())
    );
    assert_eq!(kept(&state, &flying), "three");
    state.archive().adopt(&flying.location);
    for second in 2..4 {
        state.save_memory(&[marked(second)], nothing).unwrap();
        std::fs::remove_dir_all(&path).unwrap();
        let everything = || vec![first.clone(), second_record(&flying)];
        state.save_memory(&[marked(second)], everything).unwrap();
        assert_eq!(kept(&state, &flying), "three");
    }
    let (again, loaded) = State::open(&path).unwrap();
    assert_eq!(kept(&again, &saved(&loaded, "a")), "one");
    assert_eq!(kept(&again, &saved(&loaded, "c")), "three");
}

fn second_record(card: &Arc<Card>) -> Record {
    let file = File::Article(None, Arc::clone(card));
    Record {
        files: vec![(card.path.clone(), Some(file))],
        ..Record::default()
    }
}

fn filed_record(state: &State, number: usize, text: &str) -> Record {
    filed(state, &number.to_string(), text).0
}

/// Much that is read is written before it is saved, and counts only once it is.
#[test]
fn articles_are_written_ahead() {
    let (_folder, path) = folder();
    let (mut state, _) = State::open(&path).unwrap();
    State::create(&path).unwrap();
    state.write_ahead(true);
    let text = |number: usize| format!("{number:07}").repeat(10_000);
    let filed: Vec<(Record, Arc<Card>)> = (0..200)
        .map(|number| filed(&state, &number.to_string(), &text(number)))
        .collect();
    let length = std::fs::metadata(path.join(MEMORY)).unwrap().len();
    assert!(length > 8 << 20, "{length}");
    // Sealed or not, nothing of it is relied on before it is synced.
    for _ in 0..2 {
        let (_, loaded) = State::open(&path).unwrap();
        assert!(loaded.memory.files.is_empty());
        state.tidy_memory(nothing).unwrap();
    }
    let records: Vec<Record> = filed.iter().map(|(record, _)| record.clone()).collect();
    state.save_memory(&records, nothing).unwrap();
    let (again, loaded) = State::open(&path).unwrap();
    for (number, (_, card)) in filed.iter().enumerate() {
        assert_eq!(kept(&state, card), text(number));
        assert_eq!(
            kept(&again, &saved(&loaded, &number.to_string())),
            text(number)
        );
    }
    // More of it, and a kill in the middle of what speaks of it.
    let before = std::fs::metadata(path.join(MEMORY)).unwrap().len();
    let more: Vec<Record> = (200..300)
        .map(|number| filed_record(&state, number, &text(number)))
        .collect();
    let ahead = std::fs::metadata(path.join(MEMORY)).unwrap().len();
    assert!(ahead > before);
    let head = std::fs::read(path.join(MEMORY)).unwrap()[..log::HEADER].to_vec();
    state.save_memory(&more, nothing).unwrap();
    let whole = std::fs::read(path.join(MEMORY)).unwrap();
    for cut in [usize::try_from(ahead).unwrap(), whole.len() - 1] {
        let copy = tempfile::tempdir().unwrap();
        let mut bytes = whole[..cut].to_vec();
        bytes[..log::HEADER].copy_from_slice(&head);
        std::fs::write(copy.path().join(MEMORY), bytes).unwrap();
        let (_, loaded) = State::open(copy.path()).unwrap();
        assert_eq!(loaded.memory.files.len(), 200);
    }
    // What is damaged is seen by whoever asks for it, and no other.
    let file = path.join(MEMORY);
    let mut bytes = std::fs::read(&file).unwrap();
    let at = usize::try_from(filed[7].1.location.at()).unwrap();
    bytes[at] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let (again, loaded) = State::open(&path).unwrap();
    let archive = again.archive();
    assert!(saved(&loaded, "7").fetch(&*archive).is_err());
}

/// A record that reached the disk without the articles it speaks of was not saved yet.
#[test]
fn a_record_counts_with_its_articles_alone() {
    let (_folder, path) = folder();
    let file = path.join(MEMORY);
    let (mut state, _) = State::open(&path).unwrap();
    state.save_memory(&[marked(1)], nothing).unwrap();
    let before = std::fs::read(&file).unwrap();
    let (record, card) = filed(&state, "a", "one");
    state.save_memory(&[record], nothing).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..log::HEADER].copy_from_slice(&before[..log::HEADER]);
    std::fs::write(&file, &bytes).unwrap();
    let (_, loaded) = State::open(&path).unwrap();
    assert_eq!(loaded.memory.files.len(), 1);
    bytes[usize::try_from(card.location.at() & log::OFFSET).unwrap()] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let (_, loaded) = State::open(&path).unwrap();
    assert!(loaded.is_memory_torn && loaded.memory.files.is_empty());
}
