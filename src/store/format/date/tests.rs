//! Which dates are read, as which instants, and which are refused.

use super::*;
use chrono_tz::{Africa, America, Asia, Europe, Pacific, UTC};

fn utc(text: &str, zone: Tz) -> String {
    match parse(text, zone) {
        Ok(resolved) => resolved.instant.to_rfc3339(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_form_of_one_instant() {
    for text in [
        "2025-12-19T10:30:00+03:00",
        "2025-12-19t10:30:00+03:00",
        "2025-12-19 10:30:00+03:00",
        "2025-12-19T07:30:00Z",
        "2025-12-19t07:30:00z",
        "2025-12-19 07:30 UTC",
        "2025-12-19 10:30:00 +0300",
        "2025-12-19  10:30:00   +03",
        "2025-12-19T10:30",
        "2025-12-19 10:30",
        "2025-12-19 10:30:00",
        " 2025-12-19T10:30:00 ",
        "2025-12-19T10:30:00.999999999",
        "2025-12-19T10:30:00,5+0300",
        "2025-12-18T19:30:00.25-12:00",
        "Fri, 19 Dec 2025 10:30:00 +0300",
        "19 Dec 2025 07:30:00 GMT",
    ] {
        assert_eq!(utc(text, Europe::Moscow), "2025-12-19T07:30:00Z", "{text}");
    }
    assert_eq!(utc("2025-12-19", Europe::Moscow), "2025-12-18T21:00:00Z");
    assert_eq!(utc("2025-12-19", UTC), "2025-12-19T00:00:00Z");
}

#[test]
fn what_is_no_date() {
    for (text, error) in [
        ("", DateError::Form),
        ("أمس", DateError::Form),
        ("2025", DateError::Form),
        ("2025-12", DateError::Form),
        ("2025-1-5", DateError::Form),
        ("19/12/2025", DateError::Form),
        ("٢٠٢٥-١٢-١٩", DateError::Form),
        ("2025-12-19T", DateError::Form),
        ("2025-12-19T10", DateError::Form),
        ("2025-12-19T10:30:00.", DateError::Form),
        ("2025-12-19T10:30:00+", DateError::Form),
        ("2025-12-19T10:30:00+3", DateError::Form),
        ("2025-12-19T10:30:00+03:", DateError::Form),
        ("2025-12-19T10:30:00+03:00x", DateError::Form),
        ("2025-12-19T10:30:00 Europe/Moscow", DateError::Form),
        ("2025-12-19-slug", DateError::Form),
        ("10000-01-01", DateError::Form),
        ("07:30:00", DateError::Form),
        ("2025-02-29", DateError::NoSuchTime),
        ("2025-13-01", DateError::NoSuchTime),
        ("2025-12-19T24:00:00Z", DateError::NoSuchTime),
        ("2025-12-19T10:60:00Z", DateError::NoSuchTime),
        ("2025-12-19T10:30:61Z", DateError::NoSuchTime),
        ("2025-12-19T10:30:00+24:00", DateError::NoSuchTime),
        ("0000-01-01T00:00:00Z", DateError::Year),
        ("0001-01-01T00:00:00+01:00", DateError::Year),
        ("9999-12-31T23:59:59-00:01", DateError::Year),
    ] {
        assert_eq!(parse(text, UTC), Err(error), "{text}");
    }
    assert_eq!(
        parse(&format!("2025-12-19T10:30:00.{}Z", "0".repeat(200)), UTC),
        Err(DateError::Form)
    );
}

#[test]
fn edges_of_the_calendar() {
    assert_eq!(utc("0001-01-01T00:00:00Z", UTC), "0001-01-01T00:00:00Z");
    assert_eq!(utc("9999-12-31T23:59:59.9Z", UTC), "9999-12-31T23:59:59Z");
    assert_eq!(utc("2016-12-31T23:59:60Z", UTC), "2016-12-31T23:59:59Z");
    assert_eq!(
        utc("Sat, 31 Dec 2016 23:59:60 +0000", UTC),
        "2016-12-31T23:59:59Z"
    );
    assert_eq!(utc("1969-12-31T23:59:58.5Z", UTC), "1969-12-31T23:59:58Z");
    assert_eq!(utc("2024-02-29", UTC), "2024-02-29T00:00:00Z");
}

#[test]
fn clocks_that_are_put_forward_or_back() {
    for (text, zone, expected, local_time) in [
        // 02:00 → 03:00 on 30 March: 02:30 does not exist and becomes 03:30 summer time.
        (
            "2025-03-30 02:30",
            Europe::Berlin,
            "2025-03-30T01:30:00Z",
            LocalTime::Skipped,
        ),
        (
            "2025-03-30 01:59:59",
            Europe::Berlin,
            "2025-03-30T00:59:59Z",
            LocalTime::Plain,
        ),
        (
            "2025-03-30 03:00",
            Europe::Berlin,
            "2025-03-30T01:00:00Z",
            LocalTime::Plain,
        ),
        // 03:00 → 02:00 on 26 October: 02:30 is shown twice.
        (
            "2025-10-26 02:30",
            Europe::Berlin,
            "2025-10-26T00:30:00Z",
            LocalTime::Repeated,
        ),
        (
            "2025-10-26 02:30 +0100",
            Europe::Berlin,
            "2025-10-26T01:30:00Z",
            LocalTime::Plain,
        ),
        (
            "2025-11-02 01:30",
            America::New_York,
            "2025-11-02T05:30:00Z",
            LocalTime::Repeated,
        ),
        // Midnight itself is skipped.
        (
            "2025-03-30",
            Asia::Beirut,
            "2025-03-29T22:00:00Z",
            LocalTime::Skipped,
        ),
        (
            "2024-04-26",
            Africa::Cairo,
            "2024-04-25T22:00:00Z",
            LocalTime::Skipped,
        ),
        // A whole day is.
        (
            "2011-12-30 10:00",
            Pacific::Apia,
            "2011-12-30T20:00:00Z",
            LocalTime::Skipped,
        ),
    ] {
        let resolved = parse(text, zone).unwrap();
        assert_eq!(resolved.instant.to_rfc3339(), expected, "{text} {zone}");
        assert_eq!(resolved.local_time, local_time, "{text} {zone}");
    }
}

#[test]
fn dates_in_paths() {
    for (path, expected) in [
        ("2025-12-19-slug.md", Some("2025-12-19T00:00:00Z")),
        ("news/2025-12-19.md", Some("2025-12-19T00:00:00Z")),
        ("_posts/2025-12-19-خبر.md", Some("2025-12-19T00:00:00Z")),
        (
            "news/2025-12-19-slug/index.md",
            Some("2025-12-19T00:00:00Z"),
        ),
        ("2025/12/19/slug.md", Some("2025-12-19T00:00:00Z")),
        (
            "news/2025/12/19/slug/index.md",
            Some("2025-12-19T00:00:00Z"),
        ),
        (
            "2024/01/02/2025-12-19-slug.md",
            Some("2025-12-19T00:00:00Z"),
        ),
        ("index.md", None),
        ("2025-12-19slug.md", None),
        ("2025-02-30-slug.md", None),
        ("2025/13/19/slug.md", None),
        ("2025/12/9/slug.md", None),
        ("2025/12/slug.md", None),
        ("slug-2025-12-19.md", None),
    ] {
        let found = from_path(&StorePath::new(path), UTC).map(Timestamp::to_rfc3339);
        assert_eq!(found.as_deref(), expected, "{path}");
    }
}

#[test]
fn a_date_is_taken_off_a_name() {
    assert_eq!(without_date("2025-12-19-خبر"), "خبر");
    assert_eq!(without_date("2025-12-19"), "2025-12-19");
    assert_eq!(without_date("2025-12-19-"), "2025-12-19-");
    assert_eq!(without_date("2025-99-19-x"), "2025-99-19-x");
    assert_eq!(without_date("خبر"), "خبر");
}

proptest::proptest! {
    #[test]
    fn every_instant_comes_back(seconds in Timestamp::MIN.seconds()..=Timestamp::MAX.seconds()) {
        let instant = Timestamp::from_seconds(seconds).unwrap();
        let parsed = parse(&instant.to_rfc3339(), UTC).unwrap();
        proptest::prop_assert_eq!(parsed.instant, instant);
    }

    /// What the clock of the zone shows at the instant is what was written, or lies the gap later.
    #[test]
    fn local_times_are_those_of_the_zone(
        seconds in -2_000_000_000_i64..4_000_000_000,
        zone in proptest::sample::select(&[
            Europe::Moscow, Africa::Cairo, Asia::Beirut, Pacific::Apia, America::New_York,
            Asia::Gaza, Africa::Casablanca, Asia::Tehran, Africa::Monrovia, Pacific::Kwajalein,
        ][..]),
    ) {
        let local = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
        let resolved = parse(&local.format("%Y-%m-%d %H:%M:%S").to_string(), zone).unwrap();
        let shown = resolved.instant.to_datetime().with_timezone(&zone).naive_local();
        if resolved.local_time == LocalTime::Skipped {
            proptest::prop_assert!(shown > local && shown - local <= TimeDelta::hours(24));
        } else {
            proptest::prop_assert_eq!(shown, local);
        }
    }

    #[test]
    fn no_text_is_too_strange(text in "[0-9TtZz :.,+\\-\u{627}]{0,40}") {
        let _ = parse(&text, Asia::Beirut);
        let _ = from_path(&StorePath::new(&text.replace(' ', "/")), Asia::Beirut);
        proptest::prop_assert!(text.ends_with(without_date(&text)));
    }
}
