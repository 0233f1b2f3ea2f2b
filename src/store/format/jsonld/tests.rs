//! The shapes in which publishing systems write the same article.

use super::super::tests::{article, codes};
use crate::article::{Access, Kind};

const HEAD: &str = r#""@type":"NewsArticle","identifier":"7","headline":"عنوان",
    "datePublished":"2026-11-23T10:00:00Z","url":"/7""#;

fn object(members: &str) -> String {
    format!("{{\"@context\":\"https://schema.org\",{HEAD},{members}}}")
}

fn with(members: &str) -> crate::article::Article {
    article("a.json", &object(members))
}

#[test]
fn an_article_alone_in_an_array_and_in_a_graph() {
    let alone = with(r#""description":"موجز""#);
    assert_eq!((alone.id.as_str(), alone.summary.as_str()), ("7", "موجز"));
    let body = format!(r#"{{{HEAD},"description":"موجز"}}"#);
    for shape in [
        format!(r#"[{{"@type":"Organization","name":"دار"}},{body}]"#),
        format!(r#"{{"@context":"x","@graph":[{{"@type":"WebPage"}},{body}]}}"#),
        format!(r#"[{{"@graph":[{body}]}}]"#),
        format!(r#"{{"@context":"x","@graph":{body}}}"#),
    ] {
        assert_eq!(article("a.json", &shape), alone, "{shape}");
    }
}

#[test]
fn types_may_be_lists_and_iris() {
    for types in [
        r#"["Thing","NewsArticle"]"#,
        r#""https://schema.org/NewsArticle""#,
        r#""http://schema.org/ReportageNewsArticle""#,
        r#""schema:BlogPosting""#,
        r#""Article""#,
    ] {
        let text = object("\"name\":\"x\"").replacen("\"NewsArticle\"", types, 1);
        assert_eq!(article("a.json", &text).id.as_str(), "7", "{types}");
    }
    let text = object("\"name\":\"x\"").replacen("\"NewsArticle\"", "\"Person\"", 1);
    assert_eq!(codes("a.json", &text), ["no-article"]);
}

#[test]
fn kinds_and_access() {
    let kind = |name: &str| {
        let text = object("\"name\":\"x\"").replacen("NewsArticle", name, 1);
        article("a.json", &text).kind
    };
    assert_eq!(kind("LiveBlogPosting"), Kind::Live);
    assert_eq!(kind("OpinionNewsArticle"), Kind::Opinion);
    assert_eq!(kind("NewsArticle"), Kind::Article);
    for word in [
        "false",
        "\"False\"",
        "\"http://schema.org/False\"",
        "[false]",
    ] {
        let article = with(&format!("\"isAccessibleForFree\":{word}"));
        assert_eq!(article.access, Access::Subscription, "{word}");
    }
    assert_eq!(with("\"isAccessibleForFree\":true").access, Access::Free);
    assert_eq!(
        codes("a.json", &object("\"isAccessibleForFree\":\"no\"")),
        ["wrong-type"]
    );
}

#[test]
fn values_may_be_strings_objects_or_lists() {
    for (members, what) in [
        (r#""author":"كاتب""#, "text"),
        (r#""author":["كاتب"]"#, "a list of text"),
        (r#""author":{"@type":"Person","name":"كاتب"}"#, "an object"),
        (r#""author":[{"name":["كاتب"]}]"#, "lists in lists"),
        (
            r#""author":{"name":{"@value":"كاتب","@language":"ar"}}"#,
            "a value object",
        ),
    ] {
        let article = with(members);
        assert_eq!(article.authors.len(), 1, "{what}");
        assert_eq!(article.authors[0].name.as_str(), "كاتب", "{what}");
    }
    let id = |value: &str| {
        let text = object("\"name\":\"x\"").replacen("\"7\"", value, 1);
        article("a.json", &text).id.to_string()
    };
    assert_eq!(
        id(r#"{"@type":"PropertyValue","propertyID":"cms","value":"9"}"#),
        "9"
    );
    assert_eq!(id("9"), "9");
    assert_eq!(id(r#"["9","10"]"#), "9");
    assert_eq!(
        with(r#""inLanguage":{"@type":"Language","name":"العربية","alternateName":"ar"}"#)
            .language
            .as_str(),
        "ar"
    );
}

#[test]
fn sections_stories_and_tags() {
    let article = with(
        r#""articleSection":["عالم","اقتصاد"],"keywords":"مياه، سدود, طاقة,",
           "about":[{"@type":"Event","identifier":"dam","name":"السد"},{"@type":"Thing","name":"لا شيء"},"نص"]"#,
    );
    assert_eq!(article.sections.len(), 2);
    assert_eq!(article.stories.len(), 1);
    assert_eq!(article.stories[0].title.as_ref().unwrap().as_str(), "السد");
    let tags: Vec<_> = article
        .tags
        .iter()
        .map(crate::article::Text::as_str)
        .collect();
    assert_eq!(tags, ["مياه", "سدود", "طاقة"]);
    let article = with(r#""keywords":["أ, ب",{"@type":"DefinedTerm","name":"ج"}]"#);
    let tags: Vec<_> = article
        .tags
        .iter()
        .map(crate::article::Text::as_str)
        .collect();
    assert_eq!(tags, ["أ, ب", "ج"]);
}

#[test]
fn pictures_and_videos() {
    let article = with(
        r#""image":["/a.jpg",{"@type":"ImageObject","contentUrl":"/b.png","caption":"شرح",
             "creditText":"مصور","width":{"@type":"QuantitativeValue","value":800},"height":"600"},
             {"@type":"ImageObject"}],
           "video":[{"@type":"VideoObject","contentUrl":"/v.mp4","thumbnailUrl":["/t.jpg","/u.jpg"],
             "duration":"PT1M30S","name":"مشهد"}]"#,
    );
    let urls: Vec<_> = article
        .images
        .iter()
        .map(|image| image.url.as_str())
        .collect();
    assert_eq!(
        urls,
        ["https://news.example/a.jpg", "https://news.example/b.png"]
    );
    assert_eq!(
        (article.images[1].width, article.images[1].height),
        (Some(800), Some(600))
    );
    let video = article.video.unwrap();
    assert_eq!(video.duration, Some(90));
    assert_eq!(
        video.thumbnail.unwrap().as_str(),
        "https://news.example/t.jpg"
    );
    let player = with(r#""video":{"embedUrl":"https://player.example/1","thumbnailUrl":"/t.jpg"}"#);
    assert_eq!(player.video.unwrap().media_type, "text/html");
    assert_eq!(
        codes("a.json", &object(r#""video":{"name":"x"}"#)),
        ["video-without-url"]
    );
}

#[test]
fn references_are_followed_and_circles_end() {
    let graph = |author: &str, others: &str| {
        format!(r#"{{"@graph":[{{{HEAD},"author":{author}}}{others}]}}"#)
    };
    let person = r##",{"@id":"#p","@type":"Person","name":"كاتب","url":"/p"}"##;
    let found = article("a.json", &graph(r##"{"@id":"#p"}"##, person));
    assert_eq!(found.authors[0].name.as_str(), "كاتب");
    assert_eq!(
        found.authors[0].url.as_ref().unwrap().as_str(),
        "https://news.example/p"
    );
    let found = article(
        "a.json",
        &graph(r##"[{"@id":"#p"},{"@id":"#nobody"}]"##, person),
    );
    assert_eq!(found.authors.len(), 1);
    let circle = r##",{"@id":"#p","name":{"@id":"#q"}},{"@id":"#q","name":{"@id":"#p"}}"##;
    assert_eq!(
        codes("a.json", &graph(r##"{"@id":"#p"}"##, circle)),
        ["wrong-type"]
    );
    let itself = r##",{"@id":"#p"},{"@id":"#p"}"##;
    assert!(
        article("a.json", &graph(r##"{"@id":"#p"}"##, itself))
            .authors
            .is_empty()
    );
}

#[test]
fn the_rest_of_the_table() {
    let article = with(
        r#""articleBody":"أول.\n\nثان <b>.","dateModified":"2026-11-24T00:00:00Z","commentCount":4,
           "discussionUrl":"/7/comments","sourceOrganization":{"name":"وكالة","url":"https://agency.example/"},
           "provider":"غيرها","expires":"2027-01-01T00:00:00Z""#,
    );
    assert_eq!(article.summary.as_str(), "أول.");
    assert_eq!(article.updated.to_rfc3339(), "2026-11-24T00:00:00Z");
    assert!(article.expires.is_some());
    assert_eq!(article.comments.unwrap().count, Some(4));
    let source = article.source.unwrap();
    assert_eq!(
        (source.name.as_str(), source.url.unwrap().as_str()),
        ("وكالة", "https://agency.example/")
    );
    let moved = object(r#""mainEntityOfPage":{"@type":"WebPage","@id":"/page"}"#)
        .replacen(",\"url\":\"/7\"", "", 1)
        .replacen(",\n    \"datePublished\"", ",\"datePublished\"", 1);
    assert!(moved.contains("/page"));
    let moved = super::super::tests::article("a.json", &moved);
    assert_eq!(moved.url.as_str(), "https://news.example/page");
    assert_eq!(
        codes(
            "a.json",
            &object(r#""headline":["x"],"dateModified":7"#).replacen(
                "\"headline\":\"عنوان\",",
                "",
                1
            )
        ),
        ["wrong-type"]
    );
}
