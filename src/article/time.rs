//! Instants, in whole seconds of UTC.

use chrono::{DateTime, SecondsFormat, Utc};
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
        self.to_datetime()
            .to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// `Mon, 23 Nov 2026 15:34:37 +0000` (RFC 822 with a four-digit year).
    #[must_use]
    pub fn to_rfc2822(self) -> String {
        self.to_datetime().to_rfc2822()
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}
