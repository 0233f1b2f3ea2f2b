//! Input that means harm: ids that would leave `out`, text that would break a document, markup that
//! would run, bodies that would take for ever.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};

use crate::project::{DATE, NOW, Project, article, assert_same, differing, tree};

/// Ids that are legal and that no file system must be trusted with.
const IDS: [&str; 30] = [
    "..",
    ".",
    "../../etc/passwd",
    "/",
    "/etc/passwd",
    "//",
    "a/b",
    "a:b",
    "a\\b",
    "..\\..\\x",
    "CON",
    "nul.txt",
    "com1",
    "World",
    "world",
    ".git",
    ".khabar-stage",
    "dot.",
    " space inside ",
    "\u{202E}gnp.exe",
    "a\u{200F}b",
    "😀",
    "<b>\"'&amp;]]>",
    "%2e%2e%2f",
    "rss.xml",
    "-rf",
    "~root",
    "$(id)",
    "?a=b#c",
    "خبر عاجل",
];

/// An article in plain JSON.
fn plain(id: &str, minute: usize, members: &Value) -> String {
    let mut article = json!({
        "id": id, "title": "خبر", "body": "<p>نص</p>",
        "published": format!("2025-03-10T10:{minute:02}:00Z"),
        "url": format!("/n/{minute}/"),
    });
    let article_members = article.as_object_mut().unwrap();
    article_members.extend(members.as_object().unwrap().clone());
    article.to_string()
}

/// Every document parses, and no XML document has a character that XML 1.0 forbids (§2.2).
fn assert_well_formed(project: &Project) {
    for (path, bytes) in project.tree() {
        let text = std::str::from_utf8(&bytes).unwrap_or_else(|error| panic!("{path}: {error}"));
        let (_, extension) = path.rsplit_once('.').unwrap();
        if extension == "json" {
            serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        } else if extension != "html" {
            let is_legal =
                |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
            assert!(text.chars().all(is_legal), "{path} has illegal characters");
            assert_nested(&path, text);
        }
    }
}

/// Reads an XML document to its end.
fn assert_nested(path: &str, text: &str) {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut depth = 0;
    loop {
        match reader
            .read_event()
            .unwrap_or_else(|error| panic!("{path}: {error}"))
        {
            Event::Start(start) => {
                depth += 1;
                for attribute in start.attributes() {
                    attribute.unwrap_or_else(|error| panic!("{path}: {error}"));
                }
            }
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "{path} has no end");
}

#[test]
fn hostile_ids_stay_inside_out_and_apart() {
    let project = Project::new();
    for (number, id) in IDS.iter().enumerate() {
        let topics = json!({ "section": id, "stories": [id] });
        project.write(&format!("{number}.json"), plain(id, number, &topics));
    }
    let before = tree(project.root());
    let run = project.build();
    assert!(
        run.stdout
            .starts_with("30 articles, 30 sections, 30 stories, "),
        "{run:?}"
    );
    // Nothing has appeared beside out and state, and nothing is a link.
    for path in differing(&before, &tree(project.root())) {
        let is_ours = path.starts_with("out/") || path.starts_with("state/");
        assert!(
            is_ours && !project.root().join(&path).is_symlink(),
            "{path}"
        );
    }
    for kind in ["sections", "stories"] {
        let folders: Vec<String> = std::fs::read_dir(project.out().join(kind))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(folders.len(), IDS.len(), "{kind}: {folders:?}");
        for folder in folders {
            let is_safe = |c: char| c.is_alphanumeric() || "-_.~".contains(c);
            assert!(
                folder.chars().all(is_safe) && folder.len() <= 120,
                "{folder}"
            );
            assert!(!folder.starts_with('.') || folder.contains('~'), "{folder}");
            let shown = project.shown_in(&format!("{kind}/{folder}/feed.json"));
            assert_eq!(shown.len(), 1, "{folder}");
        }
    }
    let mut shown = project.shown();
    shown.sort();
    let mut ids: Vec<&str> = IDS.iter().map(|id| id.trim()).collect();
    ids.sort_unstable();
    assert_eq!(shown, ids, "ids are as they were given");
    assert_well_formed(&project);
    project.khabar(&["verify", "--now", NOW]).ends(0);
    // What is gone leaves nothing behind.
    for number in 0..IDS.len() {
        project.remove(&format!("{number}.json"));
    }
    project.write("last.md", article("last", DATE));
    project.khabar(&["build", "--now", NOW]).ends(1);
    project.khabar(&["accept"]).ends(0);
    assert!(!project.out().join("sections").exists());
    assert!(!project.out().join("stories").exists());
}

/// Two spellings of one text are one id.
#[test]
fn spellings_of_one_id_are_one() {
    let project = Project::new();
    let composed = "caf\u{E9}";
    let decomposed = "cafe\u{301}";
    project.write("1.json", plain("1", 1, &json!({ "section": composed })));
    project.write("2.json", plain("2", 2, &json!({ "section": decomposed })));
    let run = project.build();
    assert!(
        run.stdout.starts_with("2 articles, 1 sections, "),
        "{run:?}"
    );
    assert_eq!(project.shown_in("sections/caf\u{E9}/feed.json"), ["2", "1"]);
    project.write("3.json", plain(composed, 3, &json!({})));
    project.write("4.json", plain(decomposed, 4, &json!({})));
    let run = project.build();
    assert!(run.stdout.contains(" 1 rejected, "), "{run:?}");
    run.says("4.json:1:1").says("3.json");
}

/// Every member that holds text, with `text` in it.
fn everywhere(text: &str) -> Value {
    json!({
        "title": format!("عنوان{text}"), "summary": format!("خلاصة{text}"),
        "body": format!("<p>نص{text}</p>"), "section": {"id": "x", "title": format!("قسم{text}")},
        "stories": [{"id": "s", "title": format!("قصة{text}")}], "tags": [format!("وسم{text}")],
        "authors": [{"name": format!("اسم{text}"), "url": "/people/1/"}],
        "source": {"name": format!("وكالة{text}"), "url": "https://wire.example/"},
        "image": {
            "url": "/a.jpg", "caption": format!("صورة{text}"), "credit": format!("مصور{text}"),
            "alt": format!("وصف{text}"), "type": "image/jpeg", "length": 5,
        },
        "video": {
            "url": "/v.mp4", "thumbnail": "/v.jpg", "type": "video/mp4", "length": 5,
            "title": format!("فيديو{text}"), "description": format!("شرح{text}"),
        },
    })
}

#[test]
fn characters_that_xml_forbids_are_left_out_with_a_doubt() {
    let project = Project::new();
    project.write("clean.json", plain("a", 1, &everywhere("")));
    project.build();
    let clean = project.tree();
    project.remove("clean.json");
    let forbidden = "\u{0}\u{1}\u{8}\u{B}\u{C}\u{1F}\u{FFFE}\u{FFFF}";
    project.write("dirty.json", plain("a", 1, &everywhere(forbidden)));
    let run = project
        .khabar(&["check", "--format", "json", "--now", NOW])
        .ends(0);
    let doubts: Vec<Value> = run
        .lines()
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!doubts.is_empty());
    for doubt in &doubts {
        assert_eq!(doubt["severity"], "doubt");
        assert_eq!(doubt["code"], "illegal-characters", "{doubt}");
    }
    for word in ["title", "summary", "body"] {
        let is_told = doubts
            .iter()
            .any(|d| d["message"].as_str().unwrap().contains(word));
        assert!(is_told, "{word} in {doubts:#?}");
    }
    project.build();
    assert_well_formed(&project);
    assert_same(&project.tree(), &clean, "as if they had never been there");
}

#[test]
fn markup_in_text_is_text() {
    for (number, text) in [
        "]]>",
        "]]]]>><![CDATA[",
        "<!--",
        "-->",
        "<?xml version='1.0'?>",
        "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
        "</title></item><item>",
        "&lt;b&gt; &amp; &#0; &#xFFFE; &nbsp;",
        "\"' onmouseover='x",
        "\u{2028}\u{85}\u{FEFF}",
        "\u{202E}\u{2066}",
    ]
    .into_iter()
    .enumerate()
    {
        let project = Project::new();
        project.write("a.json", plain("a", number, &everywhere(text)));
        project.build();
        assert_well_formed(&project);
        for name in ["rss.xml", "atom.xml", "feed.json"] {
            let feed = feed_rs::parser::parse(project.read(name).as_bytes()).unwrap();
            assert_eq!(feed.entries.len(), 1, "{name} with {text:?}");
            let title = feed.entries[0].title.as_ref().unwrap();
            // What a parser trims is not at stake.
            let expected = format!("عنوان{text}");
            if !text.contains(['\u{85}', '\u{FEFF}']) && !text.contains("&lt;") {
                assert_eq!(title.content, expected.trim(), "{name}");
            }
        }
    }
}

/// Markup that runs, in a body.
const ATTACKS: [&str; 22] = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src='javascript:alert(1)'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' jAvA\tscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='&#x6A;&#x61;vascript&colon;alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<svg onload=alert(1)><set attributeName=href to=javascript:alert(1)></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe src='https://evil.example/'></iframe>",
    "<object data='x.swf'></object><embed src='x.swf'>",
    "<form action='/x'><input name=q><button>go</button></form>",
    "<p style='background:url(javascript:alert(1))'>x</p>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<base href='https://evil.example/'>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
];

#[test]
fn markup_that_runs_reaches_no_reader() {
    let project = Project::new();
    for (number, attack) in ATTACKS.iter().enumerate() {
        let body =
            json!({ "body": format!("<p>قبل</p><a href='/ok/'>رابط</a>{attack}<p>بعد</p>") });
        project.write(
            &format!("h{number}.json"),
            plain(&format!("h{number}"), number, &body),
        );
        let text = format!(
            "{}\n\nقبل\n\n{attack}\n",
            article(&format!("m{number}"), DATE)
        );
        project.write(&format!("m{number}.md"), text);
    }
    let run = project.build();
    assert!(run.stdout.contains(" 0 rejected, "), "{run:?}");
    let feed: Value = serde_json::from_str(&project.read("feed.json")).unwrap();
    let items = feed["items"].as_array().unwrap();
    assert_eq!(items.len(), ATTACKS.len() * 2);
    for item in items {
        let body = item["content_html"].as_str().unwrap();
        // What is good stays: before the attack, and in HTML a link.
        assert!(body.contains("<p>قبل</p>"), "{body}");
        let has_link = body.contains(r#"<a href="https://news.example/ok/">رابط</a>"#);
        assert!(has_link || body.contains("نص"), "{body}");
        assert_harmless(body);
    }
    assert_well_formed(&project);
}

/// No element and no attribute that is left can run or fetch anything but media.
fn assert_harmless(body: &str) {
    let mut reader = Reader::from_str(body);
    reader.config_mut().check_end_names = false;
    loop {
        let start = match reader.read_event().unwrap() {
            Event::Start(start) | Event::Empty(start) => start,
            Event::Eof => return,
            _ => continue,
        };
        let name = String::from_utf8(start.name().as_ref().to_vec()).unwrap();
        assert!(
            ["div", "p", "a", "img"].contains(&name.as_str()),
            "{name} in {body}"
        );
        for attribute in start.html_attributes() {
            let attribute = attribute.unwrap();
            let key = String::from_utf8(attribute.key.as_ref().to_vec()).unwrap();
            assert!(!key.starts_with("on") && key != "style", "{key} in {body}");
            let is_link = ["href", "src"].contains(&key.as_str());
            let is_web = attribute.value.starts_with(b"https://news.example/");
            assert!(!is_link || is_web, "{key} in {body}");
        }
    }
}

/// Bodies that take quadratic time in careless programs, about a megabyte each. A command that
/// takes a minute is stopped, and has failed.
#[test]
fn bodies_made_to_take_for_ever_do_not() {
    let project = Project::new();
    project.write("good.md", article("good", DATE));
    project.build();
    let payloads = [
        "[",
        "![",
        "[a](",
        "[a](<",
        "*a ",
        "**a_ ",
        "_a*_",
        "`a``",
        "<",
        "<!--",
        "<?",
        "&",
        "\\",
        "a**b",
        "> ",
        "- ",
        "1. ",
        "|",
        "||\n",
        "~~a",
        "[^a]:",
        "[a]: <x\n",
        "<a href='",
        "$",
        "*_",
        "```\n",
        "    ",
        "\t",
        "<div>",
        "<p",
        "a\n\n",
        "[](",
        "]",
        "<b><i>",
        "\u{202E}",
    ];
    for some in payloads.chunks(7) {
        for (number, payload) in some.iter().enumerate() {
            let body = payload.repeat(900_000 / payload.len());
            let text = article(&format!("q{number}"), DATE) + &body;
            project.write(&format!("q{number}.md"), text);
        }
        project.build();
        assert_well_formed(&project);
        assert!(project.shown().contains(&"good".to_owned()));
    }
}

/// A title of a megabyte is a title, and what has room for less shows less.
#[test]
fn huge_titles_are_published() {
    let project = Project::new();
    let title = "خبر ".repeat(150_000);
    project.write(
        "a.json",
        plain("a", 1, &json!({ "title": title, "story": "s" })),
    );
    project.build();
    assert_eq!(project.shown(), ["a"]);
    assert_well_formed(&project);
}
