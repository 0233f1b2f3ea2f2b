//! A ledger is a map from paths to files, whatever comes, changes and goes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::document::Channel;

const PATHS: [&str; 9] = [
    "a.json",
    "b.json",
    "a/a.json",
    "a/b.json",
    "a/b/c.md",
    "ab/c.md",
    "a b/c.md",
    "a",
    "ü/é.html",
];

fn belonging(number: u8) -> Arc<Belonging> {
    let story = crate::article::TopicId::new(&format!("s{number}")).unwrap();
    Arc::new(Belonging(vec![
        (Channel::Front, None),
        (Channel::Story(story), None),
    ]))
}

/// An article, of which everything depends on a few numbers.
fn article(path: &str, number: u8, expires: bool) -> File {
    let seconds = |more: u8| Timestamp::from_seconds(1_700_000_000 + i64::from(more)).unwrap();
    let card = Card {
        id: ArticleId::new(&format!("id{}", number % 3)).unwrap(),
        path: StorePath::new(path),
        url: UrlHash::of(&format!("https://news.example/{number}")),
        published: seconds(number),
        updated: seconds(number.saturating_add(1)),
        expires: expires.then(|| seconds(9)),
        status: [Status::Published, Status::Draft, Status::Withdrawn][usize::from(number % 3)],
        index: number.is_multiple_of(2),
        is_listed: number.is_multiple_of(3),
        is_news: number.is_multiple_of(5),
        prints_body: number.is_multiple_of(7),
        belonging: belonging(number % 4),
        content: ContentHash(u128::from(number)),
        location: Location::new(u64::from(number), 7),
    };
    File::Article(Some(ContentHash(u128::from(number))), Arc::new(card))
}

#[derive(Clone, Debug)]
enum Step {
    Article(u8, bool),
    NoArticle,
    Rejected,
    Hold,
    Remove,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        4 => (any::<u8>(), any::<bool>()).prop_map(|(number, expires)| Step::Article(number, expires)),
        1 => Just(Step::NoArticle),
        1 => Just(Step::Rejected),
        1 => Just(Step::Hold),
        2 => Just(Step::Remove),
    ];
    (0..PATHS.len(), step)
}

fn take(ledger: &mut Ledger, map: &mut BTreeMap<StorePath, File>, at: usize, step: &Step) {
    let path = StorePath::new(PATHS[at]);
    let file = match step {
        Step::Article(number, expires) => article(PATHS[at], *number, *expires),
        Step::NoArticle => File::NoArticle(Some(ContentHash(1))),
        Step::Rejected => File::Rejected,
        Step::Hold => {
            ledger.hold(&path);
            map.remove(&path);
            return;
        }
        Step::Remove => {
            if let Some(no) = ledger.find(&path) {
                ledger.remove(no);
            }
            map.remove(&path);
            return;
        }
    };
    ledger.insert(&path, &file);
    map.insert(path, file);
}

proptest! {
    #[test]
    fn it_is_a_map(steps in prop::collection::vec(step(), 0..80)) {
        let (mut ledger, mut map) = (Ledger::default(), BTreeMap::new());
        for (at, step) in steps {
            take(&mut ledger, &mut map, at, &step);
            let path = StorePath::new(PATHS[at]);
            prop_assert_eq!(ledger.get(&path), map.get(&path).cloned());
        }
        let found: BTreeMap<StorePath, File> = ledger
            .iter()
            .map(|no| (ledger.path(no), ledger.file(no).unwrap()))
            .collect();
        prop_assert_eq!(&found, &map);
        prop_assert_eq!(ledger.len(), map.len());
        let rejected = map.values().filter(|file| **file == File::Rejected);
        prop_assert_eq!(ledger.rejected(), rejected.count());
        for folder in ["", "a", "a/b", "ab", "a/b.json", "ü", "none"] {
            let below = |path: &&StorePath| {
                folder.is_empty()
                    || path.as_str() == folder
                    || path.as_str().starts_with(&format!("{folder}/"))
            };
            let mut found: Vec<StorePath> =
                ledger.at_or_below(folder).map(|no| ledger.path(no)).collect();
            found.sort();
            let expected: Vec<StorePath> = map.keys().filter(below).cloned().collect();
            prop_assert_eq!(found, expected, "{}", folder);
        }
    }
}

#[test]
fn how_a_file_looked_counts_until_it_is_taken_in_anew() {
    let mut ledger = Ledger::default();
    let path = StorePath::new("a.json");
    let no = ledger.insert(&path, &article("a.json", 1, false));
    assert_eq!(ledger.seen(no), None);
    ledger.see(no, Some(Seen(5)));
    assert_eq!(ledger.seen(no), Some(Seen(5)));
    ledger.forget_hash(no);
    assert_eq!(ledger.seen(no), None, "it has to be read");
    let no = ledger.insert(&path, &File::Rejected);
    assert_eq!(ledger.seen(no), None, "another file");
    ledger.see(no, Some(Seen(6)));
    assert_eq!(
        ledger.seen(no),
        Some(Seen(6)),
        "a bad file is not read for ever"
    );
}

#[test]
fn names_of_one_file_are_known_until_they_part() {
    let mut ledger = Ledger::default();
    let [a, b, c] = ["a.json", "b.json", "c.json"]
        .map(|path| ledger.insert(&StorePath::new(path), &File::Rejected));
    for no in [a, b, c] {
        ledger.link(no, Some((1, 2)));
    }
    let others = |ledger: &Ledger, no| ledger.other_names(no).collect::<Vec<_>>();
    assert_eq!(others(&ledger, a), [b, c]);
    ledger.link(b, None);
    assert_eq!(others(&ledger, a), [c]);
    ledger.remove(c);
    assert!(others(&ledger, a).is_empty());
    assert_eq!(ledger.inode(a), Some((1, 2)));
}

/// Nothing is left behind by an edit that keeps its id.
#[test]
fn edits_take_no_room() {
    let mut ledger = Ledger::default();
    let path = StorePath::new("a/b.json");
    for number in 0..3 {
        ledger.insert(&path, &article("a/b.json", number * 3, false));
    }
    let room = (ledger.rows.len(), ledger.ids.len(), ledger.paths.end());
    for number in 0..60 {
        ledger.insert(&path, &article("a/b.json", number * 3, true));
    }
    assert_eq!(
        (ledger.rows.len(), ledger.ids.len(), ledger.paths.end()),
        room
    );
}
