//! From an id to a folder name that is safe on every file system and never collides.

use sha2::{Digest as _, Sha256};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};

use crate::article::TopicId;

/// The most bytes of an id that stay in its folder's name.
const MAX_BYTES: usize = 120;
/// `~` and eight hex digits.
const SUFFIX_BYTES: usize = 9;

/// The folder of a section, story or channel: its id with all but letters, marks, digits and
/// `-_.` replaced by `-`. Where that differs from the id, begins with a dot, is a reserved name or
/// is too long, it is cut to fit and `~` and eight hex digits of SHA-256 of the id are added.
///
/// Distinct ids whose names fall together (`a/b` and `a:b`) get different digits.
#[must_use]
pub fn folder_name(id: &TopicId) -> String {
    let id = id.as_str();
    let mut name: String = id
        .chars()
        .map(|c| if is_kept(c) { c } else { '-' })
        .collect();
    if name == id && !name.starts_with('.') && !is_reserved(&name) && name.len() <= MAX_BYTES {
        return name;
    }
    let mut cut = name.len().min(MAX_BYTES - SUFFIX_BYTES);
    while !name.is_char_boundary(cut) {
        cut -= 1;
    }
    name.truncate(cut);
    let digest = Sha256::digest(id.as_bytes());
    name.push('~');
    for byte in &digest[..4] {
        use std::fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

fn is_kept(c: char) -> bool {
    matches!(c, '-' | '_' | '.')
        || c.general_category() == GeneralCategory::DecimalNumber
        || matches!(
            c.general_category_group(),
            GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark
        )
}

/// Names that mean a device on Windows, with or without an extension.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul")
        || (stem.len() == 4
            && (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.as_bytes()[3].is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(id: &str) -> String {
        folder_name(&TopicId::new(id).unwrap())
    }

    #[test]
    fn plain_ids_are_their_folder() {
        for id in [
            "world",
            "arab-world",
            "قزوين",
            "العالم_العربي",
            "v1.2",
            "हिन्दी",
        ] {
            assert_eq!(folder(id), id);
        }
    }

    #[test]
    fn hostile_ids_stay_inside_and_apart() {
        for id in [
            "..",
            ".",
            "../../etc",
            "a/b",
            "a:b",
            "CON",
            "nul.txt",
            ".git",
            "①",
            "a b",
        ] {
            let name = folder(id);
            assert!(!name.contains('/') && name.contains('~'), "{name}");
        }
        assert_ne!(folder("a/b"), folder("a:b"));
        assert!(folder(&"خ".repeat(200)).len() <= MAX_BYTES);
    }
}
