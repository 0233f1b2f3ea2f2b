//! When what was heard of is looked at, by a clock that is an argument.

use super::*;

const REST: Rest = Rest {
    settle: Duration::from_millis(50),
    settle_max: Duration::from_millis(200),
    settle_delete: Duration::from_millis(500),
};

fn paths(due: Due) -> Vec<String> {
    match due {
        Due::Ready(Scope::Paths(paths)) => paths.into_keys().collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_path_rests_and_a_busy_one_holds_up_nobody() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut heard = Heard::default();
    assert_eq!(heard.due(at(0), REST), Due::Idle);
    heard.path("calm", at(0));
    for ms in (0..=240).step_by(40) {
        heard.path("busy", at(ms));
        match ms {
            80 => assert_eq!(paths(heard.due(at(ms), REST)), ["calm"]),
            // Heard of every 40 ms it never rests for 50, and is due after 200 all the same.
            200 => assert_eq!(paths(heard.due(at(ms), REST)), ["busy"]),
            _ => assert!(matches!(heard.due(at(ms), REST), Due::At(_)), "{ms}"),
        }
    }
    assert!(!heard.is_drained(at(240)));
    assert_eq!(paths(heard.due(at(290), REST)), ["busy"]);
    assert!(heard.is_drained(at(240)));
}

#[test]
fn what_is_missing_is_looked_at_again_later_or_when_it_is_heard_of() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let when = |first, last| When {
        first: at(first),
        last: at(last),
    };
    let mut heard = Heard::default();
    heard.path("a", at(0));
    assert_eq!(paths(heard.due(at(60), REST)), ["a"]);
    assert!(!heard.is_gone("a", when(0, 0), at(60), REST));
    assert_eq!(heard.due(at(70), REST), Due::At(at(500)));
    assert!(!heard.is_drained(at(60)));
    heard.path("a", at(100));
    let Due::Ready(Scope::Paths(due)) = heard.due(at(150), REST) else {
        panic!("it is due");
    };
    // That it is missing still has not been taken in, whatever was heard since.
    assert_eq!(due["a"], when(0, 100));
    assert!(!heard.is_gone("a", due["a"], at(150), REST));
    assert!(!heard.is_drained(at(60)));
    heard.since("a", when(160, 160));
    assert_eq!(heard.due(at(400), REST), Due::At(at(600)));
    assert_eq!(paths(heard.due(at(600), REST)), ["a"]);
    assert!(heard.is_gone("a", when(0, 100), at(600), REST));
}

/// Removes `count` paths, one every `step` milliseconds; returns how many were gone at a time.
fn vanish(count: u64, step: u64) -> Vec<usize> {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut heard = Heard::default();
    let mut batches = Vec::new();
    for ms in (0..count * step + 40_000).step_by(10) {
        if ms % step == 0 && ms / step < count {
            heard.path(&(ms / step).to_string(), at(ms));
        }
        let Due::Ready(Scope::Paths(due)) = heard.due(at(ms), REST) else {
            continue;
        };
        let due = due.into_iter();
        let gone = due.filter(|(path, when)| heard.is_gone(path, *when, at(ms), REST));
        match gone.count() {
            0 => {}
            count => batches.push(count),
        }
    }
    assert!(heard.is_drained(at(count * step + 40_000)));
    batches
}

#[test]
fn what_vanishes_together_is_gone_together() {
    // A folder is emptied.
    assert_eq!(vanish(400, 20), [400]);
    // Now and then a file is removed.
    assert_eq!(vanish(20, 600), [1; 20]);
    // It goes on for longer than anyone waits.
    let batches = vanish(4_000, 20);
    assert_eq!(batches.iter().sum::<usize>(), 4_000);
    assert!(batches[0] > 1_400, "{batches:?}");
}

/// Replaces `count` files, one each `step` microseconds, under a daemon that looks when something is due
/// and takes a second for it; returns how many files each look was for, `usize::MAX` for all.
fn replace(heard: &mut Heard, count: u64, step: u64) -> Vec<usize> {
    let start = Instant::now();
    let at = |micros| start + Duration::from_micros(micros);
    let mut looks = Vec::new();
    let mut busy_until = 0;
    for number in 0..count + 20_000_000 / step {
        let now = number * step;
        if number < count {
            // Removed and put there again.
            heard.path(&number.to_string(), at(now));
            heard.path(&number.to_string(), at(now));
        }
        if now < busy_until {
            continue;
        }
        let next = heard.next(REST);
        match heard.due(at(now), REST) {
            Due::Ready(Scope::Paths(paths)) => looks.push(paths.len()),
            Due::Ready(_) => looks.push(usize::MAX),
            Due::At(later) => {
                assert_eq!(next, Some(later));
                continue;
            }
            Due::Idle => {
                assert_eq!(next, None);
                continue;
            }
        }
        busy_until = now + 1_000_000;
    }
    assert!(heard.is_drained(at(u64::from(u32::MAX))));
    looks
}

#[test]
fn a_burst_is_looked_at_as_a_whole() {
    assert_eq!(replace(&mut Heard::default(), 40_000, 200), [40_000]);
    assert_eq!(replace(&mut Heard::default(), 100_000, 80), [usize::MAX]);
    // One that goes on and on is looked at every ten seconds, and each look takes one.
    let looks = replace(&mut Heard::default(), 60_000, 1_000);
    assert!((6..=8).contains(&looks.len()), "{looks:?}");
    assert_eq!(looks.iter().sum::<usize>(), 60_000);
}

#[test]
fn an_edit_waits_for_the_burst_around_it_and_no_longer() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut heard = Heard::default();
    let due = |heard: &mut Heard, ms| match heard.due(at(ms), REST) {
        Due::Ready(Scope::Paths(paths)) => paths.len(),
        Due::At(_) => 0,
        other => panic!("{other:?}"),
    };
    heard.path("edit", at(0));
    for ms in 0..20_000 {
        heard.path(&ms.to_string(), at(ms / 20));
    }
    for ms in 1_000..10_000 {
        heard.path("more", at(ms));
        assert_eq!(due(&mut heard, ms), 0);
    }
    assert!(!heard.is_drained(at(0)));
    assert!(due(&mut heard, 10_050) > 20_000);
    // It is over now, and the next edit is one by itself.
    heard.path("edit", at(13_000));
    assert_eq!(heard.due(at(13_040), REST), Due::At(at(13_050)));
    assert_eq!(due(&mut heard, 13_050), 1);
}

#[test]
fn many_edits_are_no_burst() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut heard = Heard::default();
    // Fifty files a second, for a minute.
    let mut looks = 0;
    for ms in 0..60_000 {
        if ms % 20 == 0 {
            heard.path(&ms.to_string(), at(ms));
        }
        looks += usize::from(matches!(heard.due(at(ms), REST), Due::Ready(_)));
    }
    assert!(looks > 2_990, "{looks}");
    // One file that is written to in thousands of steps.
    let mut heard = Heard::default();
    for ms in 0..=200 {
        for _ in 0..100 {
            heard.path("busy", at(ms));
        }
    }
    assert_eq!(paths(heard.due(at(200), REST)), ["busy"]);
}

#[test]
fn what_the_kernel_could_not_tell_is_a_burst() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut heard = Heard::default();
    heard.overflow(at(0));
    for ms in (0..10_000).step_by(100) {
        heard.path("a", at(ms));
        assert!(matches!(heard.due(at(ms), REST), Due::At(_)), "{ms}");
    }
    assert_eq!(heard.due(at(10_000), REST), Due::Ready(Scope::Everything));
    // A look at everything for another reason waits for none.
    heard.everything(at(30_000));
    assert_eq!(heard.due(at(30_050), REST), Due::Ready(Scope::Everything));
}

#[test]
fn too_much_is_everything() {
    let start = Instant::now();
    let mut heard = Heard::default();
    for number in 0..=PATHS_MAX {
        heard.path(&number.to_string(), start);
    }
    heard.path("one more", start);
    assert!(heard.paths.is_empty());
    let over = start + Duration::from_secs(1);
    assert_eq!(heard.due(over, REST), Due::Ready(Scope::Everything));
    assert_eq!(heard.due(over, REST), Due::Idle);
    heard.path("a", over);
    heard.everything(start);
    assert!(!heard.is_drained(start), "it is of when it happened");
}
