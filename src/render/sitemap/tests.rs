use super::super::fixtures::{at, image, language, media, nasty, plain, sitemap, text, url};
use super::*;

fn written(articles: &[Article]) -> Vec<String> {
    let lines = sitemap(articles).map(|entry| super::line(&entry).unwrap());
    let lines: Vec<Vec<u8>> = lines.collect();
    join(lines.iter().map(Vec::as_slice))
        .into_iter()
        .map(|part| String::from_utf8(part).unwrap())
        .collect()
}

/// The line of a single article.
fn line(article: Article) -> String {
    written(&[article])[0].lines().nth(2).unwrap().to_owned()
}

#[test]
fn a_plain_article_is_a_url_and_a_date() {
    let articles = [Article {
        updated: at("2026-11-24T00:00:00Z"),
        ..plain("1")
    }];
    assert_eq!(
        written(&articles),
        ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
          <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" \
          xmlns:image=\"http://www.google.com/schemas/sitemap-image/1.1\" \
          xmlns:video=\"http://www.google.com/schemas/sitemap-video/1.1\" \
          xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n\
          <url><loc>https://news.example/1/</loc><lastmod>2026-11-24T00:00:00Z</lastmod></url>\n\
          </urlset>\n"]
    );
}

#[test]
fn everything_in_the_order_of_the_schemas() {
    let line = line(nasty());
    let order = [
        "<loc>https://news.example/world/1001?a=1&amp;b=%272%27</loc>",
        "<lastmod>2026-11-23T16:00:00Z</lastmod>",
        "<image:image><image:loc>https://news.example/one.jpg?a=1&amp;b=%272%27</image:loc></image:image>",
        "<image:image><image:loc>https://news.example/two.jpg?a=1&amp;b=%272%27</image:loc></image:image>",
        "<video:video><video:thumbnail_loc>https://news.example/still.jpg?a=1&amp;b=%272%27</video:thumbnail_loc>",
        "<video:title>مقطع &lt;1&gt; &amp; &quot;2&quot;</video:title>",
        "<video:description>وصف &lt;1&gt; &amp; &quot;2&quot;</video:description>",
        "<video:content_loc>https://news.example/clip.mp4?a=1&amp;b=%272%27</video:content_loc>",
        "<video:duration>95</video:duration>",
        "<video:publication_date>2026-11-23T15:34:37Z</video:publication_date></video:video>",
        "<xhtml:link rel=\"alternate\" hreflang=\"ar\" href=\"https://news.example/world/1001?a=1&amp;b=%272%27\"/>",
        "<xhtml:link rel=\"alternate\" hreflang=\"en-GB\" href=\"https://news.example/en/1001?a=1&amp;b=%272%27\"/>",
    ];
    assert_eq!(line, format!("<url>{}</url>", order.concat()));
}

#[test]
fn a_video_needs_a_thumbnail_and_borrows_the_articles_words() {
    let mut article = Article {
        title: text(&"طويل ".repeat(60)),
        video: Some(media("clip.mp4", "video/mp4")),
        ..plain("1")
    };
    let video = article.video.as_mut().unwrap();
    (video.title, video.description, video.duration) = (None, None, Some(28_801));
    let line = line(article.clone());
    let title = line
        .split_once("<video:title>")
        .and_then(|(_, rest)| rest.split_once("</video:title>"))
        .unwrap()
        .0;
    assert_eq!(title.chars().count(), VIDEO_TITLE);
    assert!(title.ends_with('…'));
    assert!(line.contains("<video:description>طويل "));
    assert!(!line.contains("duration"), "more than the schema takes");
    article.video.as_mut().unwrap().thumbnail = None;
    assert!(!self::line(article).contains("video:"));
}

#[test]
fn a_page_that_plays_a_video_is_no_file() {
    let line = line(Article {
        video: Some(media("embed/7", "text/html")),
        ..plain("1")
    });
    assert!(line.contains("<video:player_loc>https://news.example/embed/7?"));
    assert!(!line.contains("content_loc"));
}

#[test]
fn pictures_stop_at_the_limit() {
    let article = Article {
        images: vec![image("one"); MAX_IMAGES + 1],
        ..plain("1")
    };
    assert_eq!(line(article).matches("<image:loc>").count(), MAX_IMAGES);
}

#[test]
fn a_cluster_of_languages_names_its_page_or_is_left_out() {
    let languages = |pairs: &[(&str, &str)]| -> Vec<String> {
        let article = Article {
            url: url("page"),
            language: language("ar"),
            translations: pairs
                .iter()
                .map(|(tag, path)| (language(tag), url(path)))
                .collect(),
            ..plain("1")
        };
        alternates(&article)
            .into_iter()
            .map(|(language, _)| language.to_string())
            .collect()
    };
    assert_eq!(languages(&[("en", "other"), ("ar", "page")]), ["ar", "en"]);
    assert_eq!(languages(&[("en", "other")]), ["ar", "en"], "added");
    assert!(languages(&[("ar", "page")]).is_empty(), "no translation");
    assert!(languages(&[]).is_empty());
    assert!(
        languages(&[("en", "other"), ("ar", "another")]).is_empty(),
        "a contradiction"
    );
}

#[test]
fn parts_are_cut_at_both_limits() {
    let articles: Vec<_> = (1..=5).map(|n| plain(&n.to_string())).collect();
    let sizes = |urls, bytes| -> Vec<usize> {
        let mut parts = Parts::within(urls, bytes, 0);
        for entry in sitemap(&articles) {
            parts.push(&super::line(&entry).unwrap());
        }
        parts
            .finish()
            .iter()
            .map(|part| {
                assert!(part.len() <= bytes && part.ends_with(TAIL.as_bytes()));
                String::from_utf8_lossy(part).matches("<loc>").count()
            })
            .collect()
    };
    assert_eq!(sizes(2, MAX_BYTES), [2, 2, 1]);
    assert_eq!(sizes(5, MAX_BYTES), [5]);
    let whole = written(&articles)[0].len();
    assert_eq!(sizes(9, whole), [5], "exactly full");
    assert_eq!(sizes(9, whole - 1), [4, 1], "one byte too much");
    assert!(written(&[]).is_empty());
}

#[test]
fn the_index_names_parts_in_the_order_given() {
    let entry = |url: &str| IndexEntry {
        url: url.to_owned(),
        lastmod: at("2026-11-23T16:00:00Z"),
    };
    let index = render_index(&[
        entry("https://news.example/news-sitemap.xml"),
        entry("https://news.example/sitemap-2026-11.xml"),
    ]);
    assert_eq!(
        String::from_utf8(index.unwrap()).unwrap(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n\
         <sitemap><loc>https://news.example/news-sitemap.xml</loc>\
         <lastmod>2026-11-23T16:00:00Z</lastmod></sitemap>\n\
         <sitemap><loc>https://news.example/sitemap-2026-11.xml</loc>\
         <lastmod>2026-11-23T16:00:00Z</lastmod></sitemap>\n\
         </sitemapindex>\n"
    );
}

#[test]
fn a_cut_keeps_graphemes_whole() {
    assert_eq!(cut("قصير", 4), "قصير");
    assert_eq!(cut("طويل جدا", 5), "طويل…");
    // A family is one grapheme of five characters.
    assert_eq!(cut("ab👨‍👩‍👧c", 6), "ab…");
}
