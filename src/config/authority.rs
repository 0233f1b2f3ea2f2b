//! `id_authority`: the authority and date of tag: URIs (RFC 4151 §2.1), such as `news.example,2016`.
//!
//! Whoever held the name on that day mints the ids, for ever: the name may change hands later.

use std::ops::Range;

use chrono::NaiveDate;

use super::IdAuthority;
use super::fault::Checked;
use super::typed::Value;
use crate::article::Timestamp;

/// The longest DNS name, in bytes (RFC 1035 §2.3.4, without the length bytes).
const NAME_MAX_BYTES: usize = 253;
/// The longest part of a DNS name, in bytes.
const LABEL_MAX_BYTES: usize = 63;

/// A tagging entity, as it may be at `now`.
pub(super) fn id_authority(value: &Value<'_>, now: Timestamp) -> Checked<IdAuthority> {
    let text = value.text()?;
    let Some((name, date)) = text.split_once(',') else {
        return Err(value.fault(
            &format!("`{text}` has no date"),
            "write a name you hold and a date you held it on, such as `news.example,2016`",
        ));
    };
    let name_at = 0..name.len();
    let date_at = name.len() + 1..text.len();
    let name = check_name(value, name, &name_at);
    let since = check_date(value, date, &date_at, now);
    name?;
    Ok(IdAuthority {
        tagging_entity: text.to_owned(),
        since: since?,
    })
}

fn check_name(value: &Value<'_>, name: &str, at: &Range<usize>) -> Checked<()> {
    if is_authority(name) {
        return Ok(());
    }
    let lower = name.trim().to_lowercase();
    let remedy = if is_authority(&lower) {
        // RFC 4151 §2.1: DNS names in lower case, since tags are compared byte by byte.
        format!("write `{lower}`")
    } else {
        "write a domain such as `news.example` (in ASCII, `xn--…`), or a mail address".to_owned()
    };
    Err(value.fault_within(
        at,
        &format!("`{name}` is neither a lower-case domain nor a mail address"),
        &remedy,
    ))
}

fn check_date(
    value: &Value<'_>,
    date: &str,
    at: &Range<usize>,
    now: Timestamp,
) -> Checked<Timestamp> {
    match parse_date(date) {
        None => Err(value.fault_within(
            at,
            &format!("`{date}` is no date of a tag: URI"),
            "write `2016`, `2016-04` or `2016-04-01`",
        )),
        // RFC 4151 §2.1: nobody can hold a name on a day that is still to come.
        Some(since) if since > now => Err(value.fault_within(
            at,
            &format!("`{date}` is in the future"),
            "write a day on which you have held the name",
        )),
        Some(since) => Ok(since),
    }
}

/// `authorityName` of RFC 4151, in lower case.
fn is_authority(name: &str) -> bool {
    match name.split_once('@') {
        Some((user, host)) => {
            !user.is_empty()
                && user
                    .bytes()
                    .all(|byte| is_lower_alphanumeric(byte) || b"-._".contains(&byte))
                && is_domain(host)
        }
        None => is_domain(name),
    }
}

fn is_domain(name: &str) -> bool {
    name.len() <= NAME_MAX_BYTES
        && name.split('.').all(|label| {
            (1..=LABEL_MAX_BYTES).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| is_lower_alphanumeric(byte) || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

fn is_lower_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// `YYYY[-MM[-DD]]`, which means the first instant of it, in UTC.
fn parse_date(text: &str) -> Option<Timestamp> {
    let number = |part: Option<&str>, digits: usize| -> Option<u32> {
        let Some(part) = part else { return Some(1) };
        (part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse().ok())
            .flatten()
    };
    let mut parts = text.split('-');
    let year = number(parts.next(), 4)?;
    let month = number(parts.next(), 2)?;
    let day = number(parts.next(), 2)?;
    if parts.next().is_some() {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Timestamp::from_datetime(&date.and_time(chrono::NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_domains_or_mail_addresses() {
        for name in [
            "news.example",
            "localhost",
            "a-b.example",
            "desk@news.example",
            "a.b_c-d@x.example",
            "xn--mgbh0fb.example",
            "3w.example",
        ] {
            assert!(is_authority(name), "{name}");
        }
        for name in [
            "",
            "News.example",
            "news..example",
            ".example",
            "news.example.",
            "-a.example",
            "a-.example",
            "@news.example",
            "desk@",
            "a b",
            "خبر.example",
            "a/b",
            "a@b@c",
        ] {
            assert!(!is_authority(name), "{name}");
        }
        assert!(!is_domain(&"a".repeat(64)));
        assert!(!is_domain(&["abcdefg"; 40].join(".")));
    }

    #[test]
    fn dates_are_a_year_a_month_or_a_day() {
        let shown = |text| parse_date(text).map(Timestamp::to_rfc3339);
        assert_eq!(shown("2016").as_deref(), Some("2016-01-01T00:00:00Z"));
        assert_eq!(shown("2016-04").as_deref(), Some("2016-04-01T00:00:00Z"));
        assert_eq!(shown("2016-02-29").as_deref(), Some("2016-02-29T00:00:00Z"));
        for text in [
            "",
            "16",
            "2016-",
            "2016-4",
            "2016-13",
            "2015-02-29",
            "2016-00",
            "2016-01-01-01",
            "0000",
            "+016",
            "٢٠١٦",
            "2016-01-01T00:00",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}
