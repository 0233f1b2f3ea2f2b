//! Direction of titles. No feed format has a field for it, so readers guess from the first strong
//! character, and a right-to-left title that begins with a Latin word is laid out backwards.
//!
//! One mark in front of such a title puts that right (W3C, "Strings on the Web: Language and
//! Direction Metadata", augmenting first-strong detection). It changes the string, so it is for
//! display alone: never for ids, lists of keys, or the news sitemap, whose titles equal the page's.

use std::borrow::Cow;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

use crate::article::{Language, Text};

/// U+200F, an invisible strong right-to-left character.
const RLM: char = '\u{200F}';

/// `title` as a reader shows it: with [`RLM`] before it where `language` runs from right to left,
/// the title would be taken to run from left to right, and no mark in front of it decides already.
pub(super) fn display<'a>(title: &'a Text, language: &Language) -> Cow<'a, str> {
    let title = title.as_str();
    let marked = title.starts_with(is_control);
    if language.is_rtl() && !marked && first_strong(title) == Some(Direction::LeftToRight) {
        Cow::Owned(format!("{RLM}{title}"))
    } else {
        Cow::Borrowed(title)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    LeftToRight,
    RightToLeft,
}

/// Rules P2 and P3 of UAX #9: the first strong character that is not inside an isolate.
fn first_strong(text: &str) -> Option<Direction> {
    let mut isolates = 0_usize;
    for c in text.chars() {
        match c {
            '\u{2066}'..='\u{2068}' => isolates += 1,
            '\u{2069}' => isolates = isolates.saturating_sub(1),
            _ if isolates > 0 => {}
            '\u{200E}' => return Some(Direction::LeftToRight),
            RLM | '\u{061C}' => return Some(Direction::RightToLeft),
            _ if c.general_category_group() != GeneralCategoryGroup::Letter => {}
            _ if is_rtl_letter(c) => return Some(Direction::RightToLeft),
            _ => return Some(Direction::LeftToRight),
        }
    }
    None
}

/// Letters of the blocks that Unicode keeps for right-to-left scripts (UAX #9 §3.2, table of
/// default bidirectional classes): Hebrew to Arabic Extended-A, the presentation forms, and the
/// right-to-left stretches of the supplementary plane. Digits are not letters, whatever the script.
fn is_rtl_letter(c: char) -> bool {
    matches!(c,
        '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}'
        | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
}

/// Marks, embeddings, overrides and isolates: a title that begins with one was made by somebody
/// who knew.
fn is_control(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(title: &str, language: &str) -> String {
        let language = Language::new(language).unwrap();
        display(&Text::clean(title).0, &language).into_owned()
    }

    #[test]
    fn only_a_title_that_would_be_misread_is_marked() {
        for (title, language, marked) in [
            ("OPEC+ ترفع الإنتاج", "ar", true),
            ("«BBC» تعتذر", "ar", true),
            ("١٢ قتيلا و3 جرحى", "ar", false),
            ("2026 G20 قمة", "ar", true),
            ("قمة G20", "ar", false),
            ("خبر", "ar", false),
            ("🚀 NASA تطلق", "ar", true),
            ("42", "ar", false),
            ("OPEC raises output", "en", false),
            ("OPEC בירושלים", "he", true),
            ("בירושלים", "he", false),
            ("OPEC", "ar-Latn", false),
            ("\u{200E}OPEC ترفع", "ar", false),
            ("\u{200F}OPEC ترفع", "ar", false),
            ("\u{2067}OPEC ترفع\u{2069}", "ar", false),
            ("«\u{2066}OPEC\u{2069} ترفع»", "ar", false),
        ] {
            let expected = if marked {
                format!("\u{200F}{title}")
            } else {
                title.to_owned()
            };
            assert_eq!(shown(title, language), expected);
        }
    }
}
