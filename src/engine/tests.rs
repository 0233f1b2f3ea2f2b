//! Law 1 (incremental = from scratch), law 5 (minimal) and law 6 (isolation) over random histories.

mod errands;
mod history;
mod world;

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use history::{Happening, Written, file, happening};
use world::{CONFIG, START, World, render, simple};

/// 48 histories, or as many as `PROPTEST_CASES` says.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|cases| cases.parse().ok()).unwrap_or(48)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn incremental_is_built_anew(history in prop::collection::vec(happening(), 1..60)) {
        let mut world = World::new();
        world.turn(false);
        for happening in &history {
            let fails = world.happen(happening);
            world.turn(fails);
            if !fails {
                world.assert_true();
                world.assert_explained();
                // Nothing happened since: nothing is rendered that differs.
                prop_assert!(world.turn(false).written.is_empty());
            }
        }
    }
}

#[test]
fn an_edit_below_a_window_renders_nothing_of_it() {
    let mut world = World::new();
    for number in 0..10 {
        world.put(
            &file(number),
            simple(number, 100_000 + i64::from(number)).text(),
        );
    }
    world.turn(false);
    world.put(
        &file(9),
        Written {
            title: 3,
            ..simple(9, 100_009)
        }
        .text(),
    );
    let changes = world.read(&world.engine);
    world.engine.step(changes, world.now);
    assert!(world.engine.work().feeds.is_empty());
    world.put(
        &file(0),
        Written {
            title: 3,
            ..simple(0, 100_000)
        }
        .text(),
    );
    let changes = world.read(&world.engine);
    world.engine.step(changes, world.now);
    assert_eq!(world.engine.work().feeds.len(), 1);
}

#[test]
fn a_held_loss_stays_held_while_other_articles_come() {
    let mut world = World::new();
    world.fill(0..40, 100);
    world.turn(false);
    for number in 0..20 {
        world.files.remove(&StorePath::new(&file(number)));
    }
    let published = world.turn(false);
    assert_eq!(
        (published.guarded.held, published.guarded.visible),
        (20, 40)
    );
    assert!(published.written.is_empty(), "{:?}", published.written);
    world.fill(100..200, 1_000);
    assert_eq!(world.turn(false).guarded.held, 20);
    world.happen(&Happening::Restart);
    assert_eq!(world.turn(false).guarded.held, 20);
    world.put(&file(0), simple(0, 100).text());
    assert_eq!(world.turn(false).guarded.held, 19);
    assert_eq!(world.engine.accept(), 19);
    assert_eq!(world.turn(false).guarded.held, 0);
    assert_eq!(world.engine.visible(), 121);
    world.assert_true();
}

#[test]
fn what_was_let_go_before_a_crash_is_no_new_loss() {
    let mut world = World::new();
    world.fill(0..40, 100);
    world.turn(false);
    // Five at a time, as no guard minds.
    for batch in 0..4 {
        for number in batch * 5..batch * 5 + 5 {
            world.files.remove(&StorePath::new(&file(number)));
        }
        assert_eq!(world.turn(false).guarded.held, 0);
    }
    world.happen(&Happening::Crash);
    assert_eq!(world.turn(false).guarded.held, 0);
    assert_eq!(world.engine.visible(), 20);
    world.assert_true();
}

#[test]
fn a_look_into_the_future_lets_go_of_nothing_that_is_held() {
    let mut world = World::new();
    for number in 0..40 {
        let expiring = Written {
            expires_minutes: Some(1_000),
            ..simple(number, 100 + i64::from(number))
        };
        world.put(&file(number), expiring.text());
    }
    world.turn(false);
    world.files.clear();
    assert_eq!(world.turn(false).guarded.held, 40);
    let now = world.now;
    world.stop();
    world.now = now.plus(100_000);
    world.start();
    assert_eq!(world.turn(false).guarded.held, 0);
    world.stop();
    world.now = now;
    world.start();
    assert_eq!(world.turn(false).guarded.held, 40);
}

#[test]
fn a_holder_that_becomes_bad_still_holds() {
    let mut world = World::new();
    world.put(&file(0), simple(7, 200).text());
    world.put(
        &file(1),
        Written {
            title: 3,
            ..simple(7, 100)
        }
        .text(),
    );
    world.turn(false);
    let before = world.out.clone();
    world.put(&file(0), "{\"id\":");
    world.turn(false);
    assert_eq!(world.out, before);
    assert_eq!(world.engine.duplicates().len(), 1);
    world.happen(&Happening::Restart);
    world.turn(false);
    assert_eq!(world.out, before);
    world.files.remove(&StorePath::new(&file(0)));
    world.turn(false);
    assert_ne!(world.out, before, "the holder has left the store");
    world.assert_true();
}

#[test]
fn a_lost_change_is_seen() {
    // The test of the test: an engine that misses a file must not pass for true.
    let mut world = World::new();
    world.put(&file(0), simple(0, 10).text());
    world.turn(false);
    world.put(&file(1), simple(1, 5).text());
    let is_true = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.assert_true()));
    assert!(is_true.is_err());
}

#[test]
fn a_body_that_cannot_be_fetched_is_owed() {
    let mut world = World::new();
    world.put(&file(0), simple(0, 10).text());
    let changes = world.read(&world.engine);
    world.engine.step(changes, world.now);
    // The store is lost before the body is asked for: the summary is published meanwhile.
    let (rendered, _) = render(&world.engine).unwrap();
    world.engine.commit(rendered);
    assert!(world.engine.owes());
    world.turn(false);
    assert!(!world.engine.owes());
    let feed = String::from_utf8(world.out["rss.xml"].clone()).unwrap();
    assert!(feed.contains("متن 0"), "{feed}");
}

#[test]
fn a_clock_that_ran_ahead_and_published_nothing_goes_back() {
    let mut world = World::new();
    world.put(&file(0), simple(0, 60).text());
    world.turn(false);
    let (now, before) = (world.now, world.out.clone());
    world.put(&file(1), simple(1, -10).text());
    world.now = now.plus(3_600);
    world.turn(true);
    world.now = now;
    world.put(&file(2), simple(2, -20).text());
    world.turn(false);
    assert_eq!(world.out, before, "both are under embargo");
    world.assert_true();
    for minutes in [10, 20] {
        world.now = now.plus(minutes * 60);
        world.turn(false);
        assert!(world.out != before);
        world.assert_true();
    }
}

/// What is lost of the archive is read again; nothing is published without it meanwhile.
#[test]
fn what_the_archive_lost_is_read_again() {
    let mut world = World::new();
    world.fill(0..4, 0);
    world.turn(false);
    world.stop();
    world.archive.lose();
    world.start();
    assert!(render(&world.engine).is_err());
    assert_eq!(world.engine.mend(), 4);
    world.turn(false);
    world.assert_true();
    assert_eq!(world.engine.mend(), 0);
}
