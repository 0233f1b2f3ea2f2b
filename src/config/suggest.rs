//! "Did you mean …?": the nearest of the words that would have been right.

/// The candidate nearest to `word`, where one is near: at most a third of its letters, and at least
/// one, may be added, dropped, changed or swapped with a neighbour. Case does not count.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    let allowed = (length / 3).max(1);
    candidates
        .into_iter()
        // At least so many letters are missing or too many: long words are not compared in vain.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["newest", "floor", "formats", "content"];
        assert_eq!(nearest("newst", known), Some("newest"));
        assert_eq!(nearest("NEWEST", known), Some("newest"));
        assert_eq!(nearest("fomrats", known), Some("formats"));
        assert_eq!(nearest("hubs", known), None);
        assert_eq!(nearest("", known), None);
    }
}
