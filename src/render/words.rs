//! The words khabar itself says to readers, in the page and the OPML: Arabic and English.
//!
//! A publication in another language gets English ones, marked as such where the format can say so.

use crate::article::Language;

/// One language's words.
#[derive(Debug)]
pub(super) struct Words {
    /// The language they are in.
    pub(super) language: &'static str,
    /// `dir` of that language.
    pub(super) dir: &'static str,
    /// Heading of the page.
    pub(super) follow: &'static str,
    /// What to do with the links below it.
    pub(super) how_to: &'static str,
    /// The front's feeds.
    pub(super) all_news: &'static str,
    /// The navigation inside the page.
    pub(super) contents: &'static str,
    /// Newest headlines.
    pub(super) latest: &'static str,
    /// Sections.
    pub(super) sections: &'static str,
    /// Stories.
    pub(super) stories: &'static str,
    /// Declared channels.
    pub(super) channels: &'static str,
    /// The OPML.
    pub(super) all_feeds: &'static str,
    /// The sitemap index.
    pub(super) sitemap: &'static str,
    /// A number of articles.
    pub(super) articles: fn(usize) -> String,
}

impl Words {
    const ARABIC: Self = Self {
        language: "ar",
        dir: "rtl",
        follow: "تابعونا",
        how_to: "انسخوا رابط الخلاصة إلى قارئ الأخبار الذي تستعملونه، وستصلكم كل مادة جديدة فور نشرها.",
        all_news: "كل الأخبار",
        contents: "في هذه الصفحة",
        latest: "أحدث العناوين",
        sections: "الأقسام",
        stories: "الملفات",
        channels: "خلاصات أخرى",
        all_feeds: "كل الخلاصات في ملف واحد (OPML)",
        sitemap: "خريطة الموقع",
        articles: arabic_articles,
    };

    const ENGLISH: Self = Self {
        language: "en",
        dir: "ltr",
        follow: "Follow us",
        how_to: "Copy the address of a feed into your news reader, and every new article comes to you as it is published.",
        all_news: "All news",
        contents: "On this page",
        latest: "Latest headlines",
        sections: "Sections",
        stories: "Stories",
        channels: "More feeds",
        all_feeds: "All feeds in one file (OPML)",
        sitemap: "Site map",
        articles: english_articles,
    };

    /// The words for a publication in `language`.
    pub(super) fn of(language: &Language) -> &'static Self {
        match language.primary() {
            // Arabic in another script would not be read with these words.
            "ar" if language.is_rtl() => &Self::ARABIC,
            _ => &Self::ENGLISH,
        }
    }
}

/// The six plural forms of Arabic (CLDR, cardinal rules).
fn arabic_articles(count: usize) -> String {
    match (count, count % 100) {
        (0, _) => "لا مواد".to_owned(),
        (1, _) => "مادة واحدة".to_owned(),
        (2, _) => "مادتان".to_owned(),
        (_, 3..=10) => format!("{count} مواد"),
        // "Many" (11 to 99, accusative) and "other" (the hundreds, genitive) differ in vowel marks
        // alone for this noun.
        _ => format!("{count} مادة"),
    }
}

fn english_articles(count: usize) -> String {
    match count {
        0 => "No articles".to_owned(),
        1 => "1 article".to_owned(),
        _ => format!("{count} articles"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arabic_counts_take_their_form() {
        for (count, expected) in [
            (0, "لا مواد"),
            (1, "مادة واحدة"),
            (2, "مادتان"),
            (3, "3 مواد"),
            (10, "10 مواد"),
            (11, "11 مادة"),
            (99, "99 مادة"),
            (100, "100 مادة"),
            (101, "101 مادة"),
            (102, "102 مادة"),
            (103, "103 مواد"),
            (110, "110 مواد"),
            (111, "111 مادة"),
            (1_205, "1205 مواد"),
        ] {
            assert_eq!(arabic_articles(count), expected);
        }
    }

    #[test]
    fn english_counts() {
        assert_eq!(english_articles(0), "No articles");
        assert_eq!(english_articles(1), "1 article");
        assert_eq!(english_articles(2), "2 articles");
    }

    #[test]
    fn a_language_without_words_gets_english_ones() {
        let of = |tag| Words::of(&Language::new(tag).unwrap()).language;
        assert_eq!(of("ar-EG"), "ar");
        assert_eq!(of("en-GB"), "en");
        assert_eq!(of("fr"), "en");
        assert_eq!(of("ar-Latn"), "en");
    }
}
