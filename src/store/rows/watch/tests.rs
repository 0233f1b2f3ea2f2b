use super::*;

fn ready(due: Due) -> Option<Wanted> {
    match due {
        Due::Ready(Scope::Rows(wanted)) => Some(wanted),
        Due::Idle | Due::At(_) => None,
        Due::Ready(other) => panic!("{other:?}"),
    }
}

#[test]
fn the_newest_are_looked_at_at_once_and_all_after_a_rest() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut state = State::default();
    let look = Look::Newest;
    assert_eq!(state.due(look, at(0)), Due::Idle);
    state.rest(look, Duration::from_millis(10), at(0));
    state.hear(look, at(5));
    state.hear(look, at(6));
    let newest = Wanted::Newest(BTreeSet::new());
    assert_eq!(ready(state.due(look, at(6))), Some(newest.clone()));
    // All of them once thirty times the time is over that it took.
    assert_eq!(state.due(look, at(7)), Due::At(at(300)));
    state.hear(look, at(200));
    assert_eq!(ready(state.due(look, at(200))), Some(newest));
    assert_eq!(state.next(look), Some(at(300)));
    assert_eq!(ready(state.due(look, at(300))), Some(Wanted::All));
    assert_eq!(state.due(look, at(301)), Due::Idle);
}

#[test]
fn without_a_sequence_all_are_looked_at_half_of_the_time_at_the_most() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut state = State::default();
    let look = Look::All;
    state.hear(look, at(0));
    assert_eq!(ready(state.due(look, at(0))), Some(Wanted::All));
    state.rest(look, Duration::from_millis(100), at(100));
    state.hear(look, at(120));
    assert_eq!(state.due(look, at(150)), Due::At(at(200)));
    assert_eq!(ready(state.due(look, at(200))), Some(Wanted::All));
}

#[test]
fn rows_are_looked_up_by_themselves_unless_they_are_many() {
    let now = Instant::now();
    let mut state = State::default();
    let look = Look::Newest;
    state.ring("a", now);
    let one = BTreeSet::from(["a".to_owned()]);
    assert_eq!(ready(state.due(look, now)), Some(Wanted::Newest(one)));
    for number in 0..=ROWS_MAX {
        state.ring(&number.to_string(), now);
    }
    assert_eq!(ready(state.due(look, now)), Some(Wanted::All));
    assert!(state.rows.is_empty());
}
