//! Strings that keep promises: text that XML can hold, ids, language tags.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Whether XML 1.0 can hold `c` (XML 1.0 §2.2, production Char). Other characters are fatal to a
/// parser even as references, and none of the writing crates removes them.
#[must_use]
pub fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// `text` in Unicode normalisation form C.
#[must_use]
pub fn to_nfc(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_always_nfc) {
        return Cow::Borrowed(text);
    }
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(text.nfc().collect()),
    }
}

/// Whether a character is in form C whatever stands before and after it, and no other changes at it:
/// the letters and punctuation that most news is written in, told without the tables.
fn is_always_nfc(c: char) -> bool {
    matches!(c,
        // Latin; Cyrillic; Arabic and Persian letters and digits.
        '\u{0}'..='\u{2FF}' | '\u{400}'..='\u{482}' | '\u{48A}'..='\u{52F}'
        | '\u{60C}' | '\u{61B}'..='\u{64A}' | '\u{660}'..='\u{66F}' | '\u{671}'..='\u{6D3}'
        | '\u{6F0}'..='\u{6FF}'
        // Dashes, quotation marks, ellipsis; Han.
        | '\u{2010}'..='\u{2027}' | '\u{4E00}'..='\u{9FFF}')
}

/// Whether [`Text::clean`] would leave `text` as it is: most text, told in one pass. It may say no of
/// clean text, and never yes of other.
fn is_clean(text: &str) -> bool {
    let mut after_space = true;
    for c in text.chars() {
        // Of what is always NFC, these alone are white space, and all are legal but some controls.
        match c {
            ' ' if after_space => return false,
            ' ' => after_space = true,
            '\u{0}'..='\u{1F}' | '\u{7F}'..='\u{A0}' => return false,
            c if is_always_nfc(c) => after_space = false,
            _ => return false,
        }
    }
    !after_space
}

/// Controls, line ends and bidirectional controls as `\u{…}`, the rest as it is: for names that
/// go to a log or a terminal.
#[must_use]
pub fn escape_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_bidi_control(c) || matches!(c, '\u{2028}' | '\u{2029}') {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// The characters that reorder text (UAX #9): marks, embeddings, overrides and isolates.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Plain text for readers: NFC, legal in XML 1.0, trimmed, with every run of white space made one
/// space. It is not markup and holds no entities.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(SmolStr);

impl Text {
    /// Cleans `text` and says how many characters XML forbids were dropped from it.
    #[must_use]
    pub fn clean(text: &str) -> (Self, usize) {
        if is_clean(text) {
            return (Self(SmolStr::new(text)), 0);
        }
        Self::clean_slowly(text)
    }

    fn clean_slowly(text: &str) -> (Self, usize) {
        let mut dropped = 0;
        let mut out = String::with_capacity(text.len());
        for word in text.split(|c: char| c.is_whitespace() && c != '\u{A0}' && c != '\u{202F}') {
            let start = out.len();
            for c in word.chars() {
                if is_xml_char(c) && c != '\u{FEFF}' {
                    if out.len() == start && start > 0 {
                        out.push(' ');
                    }
                    out.push(c);
                } else {
                    dropped += usize::from(c != '\u{FEFF}');
                }
            }
        }
        // No-break spaces are kept between words; at an end, readers would trim them anyway.
        (Self(SmolStr::new(to_nfc(out.trim()))), dropped)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a string is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing but white space.
    #[error("the id is empty")]
    Empty,
    /// Longer than [`ArticleId::MAX_BYTES`].
    #[error("the id is longer than 512 bytes")]
    TooLong,
    /// Holds U+0000–U+001F, U+007F–U+009F or what XML forbids.
    #[error("the id holds control characters")]
    Control,
}

fn clean_id(text: &str) -> Result<SmolStr, IdError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    // Checked before and after: NFC of a huge string is work, and NFC can lengthen.
    if text.len() > ArticleId::MAX_BYTES {
        return Err(IdError::TooLong);
    }
    if text.chars().any(|c| c.is_control() || !is_xml_char(c)) {
        return Err(IdError::Control);
    }
    let id = to_nfc(text);
    if id.len() > ArticleId::MAX_BYTES {
        return Err(IdError::TooLong);
    }
    Ok(SmolStr::new(id))
}

/// Permanent identity of an article: NFC, trimmed, 1 to 512 bytes, no control characters.
/// Compared and ordered bytewise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ArticleId(SmolStr);

impl ArticleId {
    /// The most bytes an id may have.
    pub const MAX_BYTES: usize = 512;

    /// Cleans `text` into an id.
    ///
    /// # Errors
    /// Where nothing is left, or it is too long, or it holds control characters.
    pub fn new(text: &str) -> Result<Self, IdError> {
        clean_id(text).map(Self)
    }

    /// An id from where it was kept.
    pub(crate) fn of_clean(text: &str) -> Self {
        Self(SmolStr::new(text))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ArticleId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&escape_controls(&self.0))
    }
}

/// Identity of a section, story or declared channel: any Unicode text under the rules of
/// [`ArticleId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TopicId(SmolStr);

impl TopicId {
    /// Cleans `text` into an id.
    ///
    /// # Errors
    /// As [`ArticleId::new`].
    pub fn new(text: &str) -> Result<Self, IdError> {
        clean_id(text).map(Self)
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for TopicId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&escape_controls(&self.0))
    }
}

/// Why a string is no language tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a language tag")]
pub struct LanguageError;

/// A language tag that is well-formed by BCP 47, in its customary case (`ar`, `ar-EG`, `zh-Hant`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Language(SmolStr);

impl Language {
    /// Scripts written from right to left (ISO 15924), for tags that name one.
    const RTL_SCRIPTS: [&str; 14] = [
        "Arab", "Aran", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg", "Samr", "Mand", "Mend",
        "Yezi", "Sogd", "Ougr",
    ];
    /// Languages usually written from right to left, for tags that name no script.
    const RTL_LANGUAGES: [&str; 25] = [
        "ar", "fa", "ur", "he", "iw", "ps", "sd", "ckb", "yi", "ji", "dv", "ug", "arc", "syr",
        "nqo", "azb", "bal", "bqi", "glk", "khw", "ks", "lrc", "mzn", "pnb", "prs",
    ];

    /// Checks and normalises a tag.
    ///
    /// # Errors
    /// Where `tag` is not well-formed by BCP 47 (RFC 5646 §2.1), such as `ar_EG`.
    pub fn new(tag: &str) -> Result<Self, LanguageError> {
        // A primary subtag of over three letters is well-formed ("arabic"), and always a mistake.
        let parsed =
            oxilangtag::LanguageTag::parse_and_normalize(tag.trim()).map_err(|_| LanguageError)?;
        if !(2..=3).contains(&parsed.primary_language().len()) {
            return Err(LanguageError);
        }
        Ok(Self(SmolStr::new(parsed.as_str())))
    }

    /// As [`Language::new`], and `x-default`, by which hreflang names the page for everyone else.
    ///
    /// # Errors
    /// As [`Language::new`].
    pub fn of_alternate(tag: &str) -> Result<Self, LanguageError> {
        if tag.trim().eq_ignore_ascii_case("x-default") {
            return Ok(Self(SmolStr::new_static("x-default")));
        }
        Self::new(tag)
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The primary language subtag: `ar` of `ar-EG`.
    #[must_use]
    pub fn primary(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }

    /// Whether text in this language runs from right to left: by its script where it names one,
    /// else by the language.
    #[must_use]
    pub fn is_rtl(&self) -> bool {
        match self.0.split('-').skip(1).find(|part| {
            part.len() == 4 && part.is_ascii() && part.as_bytes()[0].is_ascii_alphabetic()
        }) {
            Some(script) => Self::RTL_SCRIPTS.contains(&script),
            None => Self::RTL_LANGUAGES.contains(&self.primary()),
        }
    }

    /// `rtl` or `ltr`.
    #[must_use]
    pub fn dir(&self) -> &'static str {
        if self.is_rtl() { "rtl" } else { "ltr" }
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_without_the_tables_is_what_they_say() {
        use unicode_normalization::char::canonical_combining_class;
        let told: Vec<char> = (char::MIN..=char::MAX)
            .filter(|c| is_always_nfc(*c))
            .collect();
        assert!(told.len() > 20_000);
        for c in told {
            assert_eq!(canonical_combining_class(c), 0, "{c:?}");
            let quick = is_nfc_quick(std::iter::once(c));
            assert!(matches!(quick, IsNormalized::Yes), "{c:?}");
        }
        assert_eq!(to_nfc("a\u{301}"), "á");
    }

    #[test]
    fn text_is_folded_and_cleaned() {
        assert_eq!(
            Text::clean("  خبر \n عاجل\u{0B}\u{1} ").0.as_str(),
            "خبر عاجل"
        );
        assert_eq!(Text::clean("a\u{1}b").1, 1);
        assert_eq!(Text::clean("\u{FEFF}").0.as_str(), "");
        assert_eq!(Text::clean("\u{A0}a\u{A0}b\u{A0}").0.as_str(), "a\u{A0}b");
        assert!(Text::clean("\u{A0}").0.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn what_is_told_to_be_clean_is_left_as_it_is(text in "([ \\t\u{A0}\u{85}\u{2028}\u{FEFF}\u{1}\u{301}]|[ا-ي]{1,3}|[a-z]|\\PC){0,8}") {
            let (clean, dropped) = Text::clean_slowly(&text);
            if is_clean(&text) {
                proptest::prop_assert_eq!((clean.as_str(), dropped), (text.as_str(), 0));
            }
        }
    }

    #[test]
    fn most_text_is_told_to_be_clean() {
        assert!(is_clean("عاجل: افتتاح الميناء (2)") && is_clean("a"));
        for text in [
            "",
            " a",
            "a ",
            "a  b",
            "a\tb",
            "a\u{301}",
            "\u{FEFF}a",
            "a\u{A0}b",
            "a\u{1}",
        ] {
            assert!(!is_clean(text), "{text:?}");
        }
    }

    #[test]
    fn language_tags() {
        assert_eq!(Language::new("AR-eg").unwrap().as_str(), "ar-EG");
        assert!(Language::new("ar_EG").is_err());
        assert!(Language::new("arabic").is_err());
        assert!(Language::new("x-default").is_err());
        assert_eq!(
            Language::of_alternate("X-Default").unwrap().as_str(),
            "x-default"
        );
        assert!(Language::new("az-Arab").unwrap().is_rtl());
        assert!(!Language::new("ar-Latn").unwrap().is_rtl());
    }
}
