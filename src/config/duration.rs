//! Durations as typed: a whole number and a unit, such as `50ms`, `2s`, `5m`, `1h` or `7d`.

use std::ops::RangeInclusive;

use super::fault::Checked;
use super::typed::Value;

/// Milliseconds.
pub(super) const SECOND: u64 = 1_000;
/// Milliseconds.
pub(super) const MINUTE: u64 = 60 * SECOND;
/// Milliseconds.
pub(super) const HOUR: u64 = 60 * MINUTE;
/// Milliseconds.
pub(super) const DAY: u64 = 24 * HOUR;

/// Units and their length in milliseconds, longest first.
const UNITS: [(&str, u64); 5] = [
    ("d", DAY),
    ("h", HOUR),
    ("m", MINUTE),
    ("s", SECOND),
    ("ms", 1),
];

/// Milliseconds of a duration on the command line.
///
/// # Errors
/// Where `text` is no duration; the message is for people.
pub fn duration(text: &str) -> Result<u64, String> {
    parse(text)
        .ok_or_else(|| "write a whole number and a unit (ms, s, m, h or d), such as 90s".to_owned())
}

/// A duration in milliseconds, within `range` (in milliseconds too).
pub(super) fn milliseconds(value: &Value<'_>, range: &RangeInclusive<u64>) -> Checked<u64> {
    let text = value.text_or("write a number and a unit in quotes, such as `\"90s\"`")?;
    let Some(length) = parse(text) else {
        return Err(value.fault(
            &format!("`{text}` is no duration"),
            "write a whole number and a unit (ms, s, m, h or d), such as `90s`",
        ));
    };
    if range.contains(&length) {
        return Ok(length);
    }
    let (least, most) = (shown(*range.start()), shown(*range.end()));
    Err(value.fault(
        &format!("`{}` is not from {least} to {most}", value.name()),
        &format!("write a duration from `{least}` to `{most}`"),
    ))
}

/// A duration in whole seconds, within `range` (in milliseconds).
pub(super) fn seconds(value: &Value<'_>, range: &RangeInclusive<u64>) -> Checked<u64> {
    let length = milliseconds(value, range)?;
    if length.is_multiple_of(SECOND) {
        return Ok(length / SECOND);
    }
    Err(value.fault(
        &format!("`{}` takes whole seconds", value.name()),
        &format!("write `{}s`", length.div_ceil(SECOND)),
    ))
}

/// Milliseconds; `None` for what is no duration or too long to count.
fn parse(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*length)
}

/// The duration in its longest whole unit.
fn shown(milliseconds: u64) -> String {
    UNITS
        .iter()
        .find(|(_, length)| milliseconds > 0 && milliseconds.is_multiple_of(*length))
        .map_or_else(
            || "0s".to_owned(),
            |(name, length)| format!("{}{name}", milliseconds / length),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, length) in [
            ("50ms", 50),
            ("0s", 0),
            ("2s", 2_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(parse(text), Some(length), "{text}");
        }
        for text in [
            "",
            "5",
            "h",
            "1 h",
            "1.5h",
            "-1s",
            "+1s",
            "1h30m",
            "1H",
            "٥m",
            "99999999999999999999s",
            "9999999999999999999d",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_shown_in_their_longest_unit() {
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(1_500), "1500ms");
        assert_eq!(shown(2 * DAY), "2d");
        assert_eq!(shown(90 * SECOND), "90s");
    }
}
