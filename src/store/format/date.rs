//! Dates as newsrooms write them, resolved to instants.
//!
//! RFC 3339 and its looser relatives (a space for `T`, no seconds, no zone, no time), and RFC 2822
//! for exports that carry it. Nothing is guessed from the order of numbers: `19/12/2025` is no date.
//! A time without a zone is one of the publication's zone, never of the machine's.

use chrono::{
    DateTime, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta,
    TimeZone,
};
use chrono_tz::Tz;

use crate::article::{StorePath, Timestamp};

/// The most bytes of a date. RFC 2822 with its comments could be longer; no real one is.
const MAX_BYTES: usize = 100;

/// How a local time became an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LocalTime {
    /// There was nothing to decide.
    Plain,
    /// The clock shows it twice; the earlier instant was taken.
    Repeated,
    /// The clock skips it; it was moved forward by the gap.
    Skipped,
}

/// A date, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// When it is. Fractions of a second are cut off.
    pub(super) instant: Timestamp,
    /// Whether the time zone had to be asked twice.
    pub(super) local_time: LocalTime,
}

/// Why text is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DateError {
    /// Of no form that is read.
    #[error("is not a date")]
    Form,
    /// Such as 30 February, 24:00, or an offset of a whole day.
    #[error("is a day or a time that does not exist")]
    NoSuchTime,
    /// Outside the years 1 to 9999, once it is in UTC.
    #[error("is outside the years 1 to 9999")]
    Year,
}

/// Reads a date of any form; `zone` is that of dates without one.
///
/// # Errors
/// Where `text` is no date, or one that no calendar has.
pub(super) fn parse(text: &str, zone: Tz) -> Result<Resolved, DateError> {
    let text = text.trim();
    if text.len() > MAX_BYTES {
        return Err(DateError::Form);
    }
    let Some((date, rest)) = take_date(text) else {
        let instant = DateTime::parse_from_rfc2822(text).map_err(|_| DateError::Form)?;
        return exact(&instant);
    };
    let date = date?;
    if rest.is_empty() {
        return resolve(date.and_time(NaiveTime::MIN), zone);
    }
    let (time, rest) = take_time(rest)?;
    let local = date.and_time(time);
    match rest.trim_start() {
        "" => resolve(local, zone),
        offset => exact(
            &parse_offset(offset)?
                .from_local_datetime(&local)
                .single()
                .ok_or(DateError::Year)?,
        ),
    }
}

/// The date that the file name or the folders of `path` give: `2025-12-19-slug.md`,
/// `2025-12-19-slug/index.md`, `2025/12/19/slug.md`. Midnight in `zone`.
pub(super) fn from_path(path: &StorePath, zone: Tz) -> Option<Timestamp> {
    let mut parts: Vec<&str> = path.stem().split('/').collect();
    if parts.len() > 1 && parts.last() == Some(&"index") {
        parts.pop();
    }
    let in_name = parts.last().and_then(|name| split_dated(name));
    let date = in_name
        .map(|(date, _)| date)
        .or_else(|| parts.windows(3).rev().find_map(folders_date))?;
    let midnight = date.and_time(NaiveTime::MIN);
    resolve(midnight, zone)
        .ok()
        .map(|resolved| resolved.instant)
}

/// `slug` of `2025-12-19-slug`; a name without a date, or of nothing else, as it is.
pub(super) fn without_date(name: &str) -> &str {
    match split_dated(name) {
        Some((_, rest)) if !rest.is_empty() => rest,
        _ => name,
    }
}

/// The date before a name, and the name: `2025-12-19-slug`, or the date alone.
fn split_dated(name: &str) -> Option<(NaiveDate, &str)> {
    let (date, rest) = take_date(name)?;
    if rest.is_empty() {
        return Some((date.ok()?, rest));
    }
    Some((date.ok()?, rest.strip_prefix('-')?))
}

/// The date of three folders, `2025/12/19`.
fn folders_date(folders: &[&str]) -> Option<NaiveDate> {
    let [year, month, day] = folders else {
        return None;
    };
    let whole = |part: &str, digits| match take_number(part, digits)? {
        (number, "") => Some(number),
        _ => None,
    };
    calendar(whole(year, 4)?, whole(month, 2)?, whole(day, 2)?).ok()
}

/// The first `digits` characters of `text` as a number, and what follows.
fn take_number(text: &str, digits: usize) -> Option<(u32, &str)> {
    let (number, rest) = text.split_at_checked(digits)?;
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((number.parse().ok()?, rest))
}

/// `2025-12-19` and what follows; `None` where `text` does not begin like that.
fn take_date(text: &str) -> Option<(Result<NaiveDate, DateError>, &str)> {
    let (year, rest) = take_number(text, 4)?;
    let (month, rest) = take_number(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = take_number(rest.strip_prefix('-')?, 2)?;
    Some((calendar(year, month, day), rest))
}

/// A day of the calendar, in the years 1 to 9999.
fn calendar(year: u32, month: u32, day: u32) -> Result<NaiveDate, DateError> {
    if year == 0 {
        return Err(DateError::Year);
    }
    let year = i32::try_from(year).map_err(|_| DateError::Year)?;
    NaiveDate::from_ymd_opt(year, month, day).ok_or(DateError::NoSuchTime)
}

/// `T10:30`, `t10:30:59`, ` 10:30:59.25`, and what follows. The fraction is read past.
fn take_time(text: &str) -> Result<(NaiveTime, &str), DateError> {
    let clock = match text.strip_prefix(['T', 't']) {
        Some(clock) => clock,
        None => text.strip_prefix(' ').ok_or(DateError::Form)?.trim_start(),
    };
    let (hour, rest) = take_number(clock, 2).ok_or(DateError::Form)?;
    let (minute, rest) = rest
        .strip_prefix(':')
        .and_then(|rest| take_number(rest, 2))
        .ok_or(DateError::Form)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => take_second(rest)?,
        None => (0, rest),
    };
    let time = NaiveTime::from_hms_opt(hour, minute, second).ok_or(DateError::NoSuchTime)?;
    Ok((time, rest))
}

/// `59` or `59.25`, and what follows.
fn take_second(text: &str) -> Result<(u32, &str), DateError> {
    let (second, rest) = take_number(text, 2).ok_or(DateError::Form)?;
    // A leap second has no number of its own in UTC seconds; it counts as the one before.
    let second = if second == 60 { 59 } else { second };
    let Some(fraction) = rest.strip_prefix(['.', ',']) else {
        return Ok((second, rest));
    };
    let after = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    if after.len() == fraction.len() {
        return Err(DateError::Form);
    }
    Ok((second, after))
}

/// `Z`, `UTC`, `GMT`, `+03:00`, `+0300` or `+03`.
fn parse_offset(text: &str) -> Result<FixedOffset, DateError> {
    if ["Z", "UTC", "GMT"]
        .iter()
        .any(|zulu| text.eq_ignore_ascii_case(zulu))
    {
        return FixedOffset::east_opt(0).ok_or(DateError::NoSuchTime);
    }
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        _ => return Err(DateError::Form),
    };
    let (hours, rest) = take_number(digits, 2).ok_or(DateError::Form)?;
    let minutes = match rest.strip_prefix(':').unwrap_or(rest) {
        "" if !rest.starts_with(':') => 0,
        rest => match take_number(rest, 2) {
            Some((minutes, "")) => minutes,
            _ => return Err(DateError::Form),
        },
    };
    if hours > 23 || minutes > 59 {
        return Err(DateError::NoSuchTime);
    }
    let seconds = i32::try_from(hours * 3_600 + minutes * 60).map_err(|_| DateError::Form)?;
    FixedOffset::east_opt(sign * seconds).ok_or(DateError::NoSuchTime)
}

/// An instant that needed no zone.
fn exact<T: TimeZone>(instant: &DateTime<T>) -> Result<Resolved, DateError> {
    Ok(Resolved {
        instant: Timestamp::from_datetime(instant).ok_or(DateError::Year)?,
        local_time: LocalTime::Plain,
    })
}

/// A local time of `zone` as an instant.
fn resolve(local: NaiveDateTime, zone: Tz) -> Result<Resolved, DateError> {
    let (instant, local_time) = match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(instant) => (instant.timestamp(), LocalTime::Plain),
        MappedLocalTime::Ambiguous(a, b) => (a.timestamp().min(b.timestamp()), LocalTime::Repeated),
        MappedLocalTime::None => {
            let offset = offset_before(local, zone).ok_or(DateError::NoSuchTime)?;
            (local.and_utc().timestamp() - offset, LocalTime::Skipped)
        }
    };
    Ok(Resolved {
        instant: Timestamp::from_seconds(instant).ok_or(DateError::Year)?,
        local_time,
    })
}

/// The offset, in seconds, that held before the gap in which `local` lies. A skipped time at that
/// offset is the time moved forward by the gap.
fn offset_before(local: NaiveDateTime, zone: Tz) -> Option<i64> {
    /// Finer than any two transitions of one zone lie apart.
    const STEP_MINUTES: i64 = 15;
    /// The longest gap is a day: Samoa skipped 2011-12-30.
    const STEPS: i64 = 25 * 60 / STEP_MINUTES;
    (1..=STEPS).find_map(|step| {
        let earlier = local.checked_sub_signed(TimeDelta::minutes(step * STEP_MINUTES))?;
        let instant = zone.from_local_datetime(&earlier).latest()?;
        Some(earlier.and_utc().timestamp() - instant.timestamp())
    })
}

#[cfg(test)]
mod tests;
