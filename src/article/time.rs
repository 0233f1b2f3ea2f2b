//! Instants, in whole seconds of UTC.
//!
//! Dates are written here, digit by digit: a sitemap holds thousands, and chrono's own writing of
//! them is made for every format there is.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc, Weekday};
use serde::{Deserialize, Serialize};

/// An instant in whole seconds, UTC, in the years 1 to 9999 (what RFC 822 dates can say).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0001-01-01T00:00:00Z
    pub const MIN: Self = Self(-62_135_596_800);
    /// 9999-12-31T23:59:59Z
    pub const MAX: Self = Self(253_402_300_799);

    /// Seconds since 1970-01-01T00:00:00Z; `None` outside the years 1 to 9999.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0)
            .contains(&seconds)
            .then_some(Self(seconds))
    }

    /// Cuts the fraction of a second off; `None` outside the years 1 to 9999.
    #[must_use]
    pub fn from_datetime<Tz: chrono::TimeZone>(instant: &DateTime<Tz>) -> Option<Self> {
        Self::from_seconds(instant.timestamp())
    }

    /// Reads an RFC 3339 date-time with its offset; `None` for anything else.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        Self::from_datetime(&DateTime::parse_from_rfc3339(text).ok()?)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// The instant as chrono's.
    #[must_use]
    pub fn to_datetime(self) -> DateTime<Utc> {
        // Every value was range-checked on the way in, and deserialised ones fall back to the epoch.
        DateTime::from_timestamp(self.0, 0).unwrap_or_default()
    }

    /// `self + seconds`, held within the years 1 to 9999.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(
            self.0
                .saturating_add(seconds)
                .clamp(Self::MIN.0, Self::MAX.0),
        )
    }

    /// `2026-11-23T15:34:37Z` (RFC 3339).
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let instant = self.to_datetime();
        let mut text = String::with_capacity("2026-11-23T15:34:37Z".len());
        push_year(&mut text, instant.year());
        text.push('-');
        push_two(&mut text, instant.month());
        text.push('-');
        push_two(&mut text, instant.day());
        text.push('T');
        push_time(&mut text, &instant);
        text.push('Z');
        text
    }

    /// `Mon, 23 Nov 2026 15:34:37 +0000` (RFC 822 with a four-digit year).
    #[must_use]
    pub fn to_rfc2822(self) -> String {
        let instant = self.to_datetime();
        let mut text = String::with_capacity("Mon, 23 Nov 2026 15:34:37 +0000".len());
        text.push_str(match instant.weekday() {
            Weekday::Mon => "Mon, ",
            Weekday::Tue => "Tue, ",
            Weekday::Wed => "Wed, ",
            Weekday::Thu => "Thu, ",
            Weekday::Fri => "Fri, ",
            Weekday::Sat => "Sat, ",
            Weekday::Sun => "Sun, ",
        });
        if instant.day() >= 10 {
            push_digit(&mut text, instant.day() / 10);
        }
        push_digit(&mut text, instant.day());
        let month = MONTHS.get(instant.month0() as usize);
        text.push_str(month.copied().unwrap_or_default());
        push_year(&mut text, instant.year());
        text.push(' ');
        push_time(&mut text, &instant);
        text.push_str(" +0000");
        text
    }
}

/// The months of RFC 822, between their spaces.
const MONTHS: [&str; 12] = [
    " Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ", " Sep ", " Oct ",
    " Nov ", " Dec ",
];

/// Four digits. Every year of a [`Timestamp`] has no more.
fn push_year(text: &mut String, year: i32) {
    let year = year.unsigned_abs();
    push_two(text, year / 100);
    push_two(text, year);
}

/// `15:34:37`.
fn push_time(text: &mut String, instant: &DateTime<Utc>) {
    push_two(text, instant.hour());
    text.push(':');
    push_two(text, instant.minute());
    text.push(':');
    push_two(text, instant.second());
}

/// The last two digits of a number.
fn push_two(text: &mut String, number: u32) {
    push_digit(text, number / 10);
    push_digit(text, number);
}

/// The last digit of a number.
fn push_digit(text: &mut String, number: u32) {
    text.push(char::from_digit(number % 10, 10).unwrap_or('0'));
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// Dates are what chrono makes of the same instants, over all years there are.
        #[test]
        fn dates_are_chronos(seconds in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let instant = Timestamp(seconds);
            let chrono = instant.to_datetime();
            let rfc3339 = chrono.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            proptest::prop_assert_eq!(instant.to_rfc3339(), rfc3339);
            proptest::prop_assert_eq!(instant.to_rfc2822(), chrono.to_rfc2822());
        }
    }

    #[test]
    fn the_first_and_the_last_instant_have_dates() {
        assert_eq!(Timestamp::MIN.to_rfc3339(), "0001-01-01T00:00:00Z");
        assert_eq!(Timestamp::MAX.to_rfc3339(), "9999-12-31T23:59:59Z");
        assert_eq!(
            Timestamp::MIN.to_rfc2822(),
            "Mon, 1 Jan 0001 00:00:00 +0000"
        );
    }
}
