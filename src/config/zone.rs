//! Time zones by name. A fixed offset is no name: it says nothing about summer time, and what it is
//! meant to say can be written as `Etc/GMT-3`.

use chrono_tz::{TZ_VARIANTS, Tz};

use super::fault::Checked;
use super::suggest;
use super::typed::Value;

/// A zone of the IANA database.
pub(super) fn time_zone(value: &Value<'_>) -> Checked<Tz> {
    let text = value.text()?;
    text.parse().map_err(|_| {
        let remedy = match (fixed_offset(text), nearest(text)) {
            (Some(name), _) => {
                format!("write `{name}`, or better the name of a place, such as `Europe/Moscow`")
            }
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => {
                "write a name of the IANA time zone database, such as `Europe/Moscow`".to_owned()
            }
        };
        value.fault(&format!("`{text}` is no time zone"), &remedy)
    })
}

/// The zone without summer time that `+03:00`, `UTC+3` or `Z` means, where there is one. The
/// names of these zones have the sign of POSIX: `Etc/GMT-3` is three hours *ahead* of UTC.
fn fixed_offset(text: &str) -> Option<String> {
    let upper = text.trim().to_ascii_uppercase();
    let offset = ["UTC", "GMT"]
        .iter()
        .find_map(|prefix| upper.strip_prefix(prefix))
        .unwrap_or(&upper)
        .trim_start();
    if offset.is_empty() || offset == "Z" {
        return (!upper.is_empty()).then(|| "UTC".to_owned());
    }
    let (sign, digits) = if let Some(digits) = offset.strip_prefix('+') {
        ('-', digits)
    } else {
        ('+', offset.strip_prefix(['-', '\u{2212}'])?)
    };
    let hours = digits
        .strip_suffix(":00")
        .or_else(|| digits.strip_suffix("00").filter(|hours| hours.len() == 2))
        .unwrap_or(digits);
    let name = match hours.parse::<u8>().ok()? {
        0 => "UTC".to_owned(),
        hours => format!("Etc/GMT{sign}{hours}"),
    };
    name.parse::<Tz>().is_ok().then_some(name)
}

/// The zone whose place is `text`, else the one whose name is near to it.
fn nearest(text: &str) -> Option<&'static str> {
    let place = text.trim().replace(' ', "_");
    let names = || TZ_VARIANTS.iter().map(|zone| zone.name());
    names()
        .find(|name| {
            name.rsplit('/')
                .next()
                .is_some_and(|last| last.eq_ignore_ascii_case(&place))
        })
        .or_else(|| suggest::nearest(&place, names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_offsets_have_names_of_the_other_sign() {
        for (text, name) in [
            ("+03:00", "Etc/GMT-3"),
            ("+3", "Etc/GMT-3"),
            ("+0300", "Etc/GMT-3"),
            ("UTC+3", "Etc/GMT-3"),
            ("gmt -05:00", "Etc/GMT+5"),
            ("\u{2212}05:00", "Etc/GMT+5"),
            ("+00:00", "UTC"),
            ("Z", "UTC"),
            ("+10", "Etc/GMT-10"),
        ] {
            assert_eq!(fixed_offset(text).as_deref(), Some(name), "{text}");
        }
        // No zone of whole hours: the name of a place has to be written.
        for text in ["+03:30", "+15:00", "-13:00", "", "Moscow", "3", "+x"] {
            assert_eq!(fixed_offset(text), None, "{text}");
        }
    }

    #[test]
    fn near_zones_are_found() {
        assert_eq!(nearest("Moscow"), Some("Europe/Moscow"));
        assert_eq!(nearest("europe/moscow"), Some("Europe/Moscow"));
        assert_eq!(nearest("Europe/Moskow"), Some("Europe/Moscow"));
        assert_eq!(nearest("New York"), Some("America/New_York"));
        assert_eq!(nearest("Middle-earth/Bree"), None);
    }
}
