use super::super::fixtures::{NASTY, language, nasty, plain, publication, sitemap, text};
use super::*;
use crate::article::Article;

fn written(articles: &[Article]) -> String {
    let publication = publication();
    let lines = sitemap(articles).map(|entry| line(&publication.name, &entry).unwrap());
    let lines: Vec<Vec<u8>> = lines.collect();
    String::from_utf8(join(lines.iter().map(Vec::as_slice))).unwrap()
}

#[test]
fn an_article_is_one_line_in_the_order_of_the_schema() {
    let article = Article {
        title: text("OPEC+ & ترفع"),
        updated: plain("1").published.plus(60),
        ..plain("1")
    };
    assert_eq!(
        written(&[article]).lines().nth(2),
        Some(
            "<url><loc>https://news.example/1/</loc><lastmod>2026-11-23T15:35:37Z</lastmod>\
             <news:news><news:publication><news:name>News &lt;Example&gt;</news:name>\
             <news:language>ar</news:language></news:publication>\
             <news:publication_date>2026-11-23T15:34:37Z</news:publication_date>\
             <news:title>OPEC+ &amp; ترفع</news:title></news:news></url>"
        ),
        "and the title has no mark before it"
    );
}

#[test]
fn titles_survive() {
    let document = written(&[nasty()]);
    let escaped = document
        .split_once("<news:title>")
        .and_then(|(_, rest)| rest.split_once("</news:title>"))
        .unwrap()
        .0;
    assert_eq!(quick_xml::escape::unescape(escaped).unwrap(), NASTY);
}

#[test]
fn an_empty_one_is_written() {
    assert_eq!(
        written(&[]),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" \
         xmlns:news=\"http://www.google.com/schemas/sitemap-news/0.9\">\n</urlset>\n"
    );
}

#[test]
fn languages_are_iso_639_but_for_chinese() {
    for (tag, expected) in [
        ("ar-EG", "ar"),
        ("en", "en"),
        ("ckb-Arab-IQ", "ckb"),
        ("zh", "zh-cn"),
        ("zh-Hans-TW", "zh-cn"),
        ("zh-Hant", "zh-tw"),
        ("zh-TW", "zh-tw"),
        ("zh-SG", "zh-cn"),
    ] {
        assert_eq!(news_language(&language(tag)), expected, "{tag}");
    }
}
