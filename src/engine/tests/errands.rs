//! Who is told of what: once, of what is published alone, and of nothing under embargo.

use std::path::Path;

use super::world::config;
use super::*;
use crate::article::{TopicId, WebUrl};
use crate::document::{Errand, FeedFormat, Handover, Owed};

const ANNOUNCE: &str = r#"
[announce]
hubs = ["https://hub.example/"]
indexnow_key_file = "key"
"#;

/// A world with somebody to tell, in which `a` has been published.
fn world() -> World {
    let text = format!("{CONFIG}{ANNOUNCE}");
    let config = Config::parse(&text, Path::new("/nowhere"), Timestamp::MAX).unwrap();
    let mut world = World::new();
    world.config = Arc::new(config);
    world.engine = world.engine(&world.config, Memory::default());
    world.put("a.json", text_of("a", 0, "a"));
    world.turn(false);
    assert_eq!(world.engine.hand_over(), Handover::default(), "the first");
    world
}

fn text_of(id: &str, age: i64, title: &str) -> String {
    let published = Timestamp::from_seconds(START - age).unwrap().to_rfc3339();
    serde_json::json!({
        "id": id, "title": title, "summary": "s", "published": published,
        "url": format!("https://news.example/{id}"),
    })
    .to_string()
}

fn topics(handover: &Handover) -> Vec<String> {
    let errands = handover.errands.iter();
    let topics = errands.filter_map(|(errand, _)| match errand {
        Errand::Topic { topic, .. } => Some(topic.path()),
        Errand::Page { .. } => None,
    });
    topics.collect()
}

fn pages(handover: &Handover) -> Vec<&str> {
    let errands = handover.errands.iter();
    let pages = errands.filter_map(|(errand, _)| match errand {
        Errand::Topic { .. } => None,
        Errand::Page { url, .. } => url.as_str().strip_prefix("https://news.example/"),
    });
    pages.collect()
}

impl World {
    /// A turn that succeeds, and what is handed over after it.
    fn told(&mut self) -> Handover {
        self.turn(false);
        self.engine.hand_over()
    }

    fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus(seconds);
    }

    /// As after a kill: what was saved is all that is known.
    fn restart(&mut self) {
        self.engine = self.engine(&self.config, self.saved.clone());
    }
}

#[test]
fn what_is_published_is_handed_over_once() {
    let mut world = world();
    world.put("b.json", text_of("b", 60, "b"));
    let handover = world.told();
    assert_eq!(topics(&handover), ["rss.xml", "atom.xml", "feed.json"]);
    assert_eq!(pages(&handover), ["b"]);
    assert_eq!(world.engine.hand_over(), Handover::default());
    // Time alone changes nothing that could be told, nor does a start.
    world.pass(7 * 3_600);
    assert_eq!(world.told(), Handover::default());
    let done = handover.errands.into_iter();
    let done = done.map(|(errand, owed)| (errand, owed.turn)).collect();
    world.engine.told(done, world.now);
    world.stop();
    world.restart();
    assert_eq!(world.told(), Handover::default());
    assert!(world.engine.errands().is_empty());
}

#[test]
fn a_crash_on_either_side_of_the_publication_forgets_nothing() {
    for is_published in [false, true] {
        let mut world = world();
        world.put("b.json", text_of("b", 60, "b"));
        world.turn(!is_published);
        world.restart();
        let handover = world.told();
        assert_eq!(topics(&handover).len(), 3, "{is_published}");
        assert_eq!(pages(&handover), ["b"], "{is_published}");
    }
}

#[test]
fn nothing_is_handed_over_before_it_is_published() {
    let mut world = world();
    world.put("b.json", text_of("b", 60, "b"));
    world.turn(true);
    assert!(!world.engine.errands().is_empty());
    // Before it could be published, it is put under embargo.
    world.put("b.json", text_of("b", -3_600, "b"));
    let handover = world.told();
    assert_eq!(pages(&handover), Vec::<&str>::new());
    world.pass(3_600);
    assert_eq!(pages(&world.told()), ["b"]);
}

#[test]
fn an_older_change_that_is_told_leaves_the_newer_one() {
    let mut world = world();
    world.put("a.json", text_of("a", 0, "first"));
    let first = world.told();
    world.put("a.json", text_of("a", 0, "second"));
    let second = world.told();
    let turns = |handover: &Handover| -> Vec<(Errand, u64)> {
        let errands = handover.errands.iter();
        errands
            .map(|(errand, owed)| (errand.clone(), owed.turn))
            .collect()
    };
    world.engine.told(turns(&first), world.now);
    assert_eq!(world.engine.errands().len(), 4);
    world.engine.told(turns(&second), world.now);
    assert!(world.engine.errands().is_empty());
    // A page that has just been told of rests, whatever becomes of the process.
    world.stop();
    world.restart();
    world.put("a.json", text_of("a", 0, "third"));
    let third = world.told();
    for (errand, owed) in &third.errands {
        let rest = owed.since.seconds() - world.now.seconds();
        let is_page = matches!(errand, Errand::Page { .. });
        assert_eq!(rest, if is_page { 600 } else { 0 }, "{errand:?}");
    }
}

#[test]
fn a_mass_change_is_recognised_in_parts() {
    let mut world = world();
    let mut told = 0;
    for number in 0..1_200 {
        let id = format!("m{number}");
        world.put(&format!("{id}.json"), text_of(&id, 60 + number, &id));
        if number % 300 == 299 {
            world.pass(10);
            let handover = world.told();
            told += pages(&handover).len();
            if number == 1_199 {
                assert_eq!((handover.spared, handover.forgotten.len()), (1_200, 900));
                assert!(
                    handover
                        .errands
                        .iter()
                        .all(|(errand, _)| !matches!(errand, Errand::Page { .. }))
                );
            }
        }
    }
    assert_eq!(told, 900);
    world.pass(120);
    world.put("a.json", text_of("a", 0, "a again"));
    assert_eq!(pages(&world.told()), ["a"]);
}

#[test]
fn another_way_of_reading_changes_no_page() {
    let mut world = world();
    let text = format!("{CONFIG}{ANNOUNCE}").replace("\"ar\"", "\"en\"");
    world.config = Arc::new(Config::parse(&text, Path::new("/nowhere"), Timestamp::MAX).unwrap());
    world.stop();
    world.restart();
    let handover = world.told();
    assert_eq!((topics(&handover).len(), pages(&handover).len()), (12, 0));
}

#[test]
fn a_dead_hub_takes_no_room_from_others() {
    let mut world = world();
    let hub = |name: &str| WebUrl::parse(&format!("https://{name}.example/")).unwrap();
    let mut memory = world.saved.clone();
    for number in 0..10_000 {
        let channel = Channel::Story(TopicId::new(&format!("s{number}")).unwrap());
        let errand = Errand::Topic {
            hub: hub("dead"),
            topic: DocumentKey::Feed(channel, FeedFormat::Rss),
        };
        let since = world.now;
        memory.errands.insert(
            errand,
            Owed {
                since,
                turn: number,
            },
        );
    }
    let two = "[\"https://dead.example/\", \"https://hub.example/\"]";
    let text = format!("{CONFIG}{ANNOUNCE}").replace("[\"https://hub.example/\"]", two);
    world.config = Arc::new(Config::parse(&text, Path::new("/nowhere"), Timestamp::MAX).unwrap());
    world.saved = memory;
    world.restart();
    let handover = world.told();
    assert_eq!((handover.errands.len(), handover.overflow), (10_012, 12));
}

#[test]
fn feeds_that_go_and_receivers_that_are_not_wanted_are_forgotten() {
    let mut world = world();
    let text = text_of("b", 60, "b").replace("\"id\"", "\"section\":\"sport\",\"id\"");
    world.put("b.json", text);
    assert_eq!(topics(&world.told()).len(), 6);
    world.files.remove(&StorePath::new("b.json"));
    let handover = world.told();
    assert_eq!(topics(&handover), ["rss.xml", "atom.xml", "feed.json"]);
    assert_eq!(handover.forgotten.len(), 3);
    world.config = config();
    world.stop();
    world.restart();
    assert!(world.engine.errands().is_empty());
    let news = world.engine.news(None).collect();
    world.save(news);
    assert!(world.saved.errands.is_empty());
}
