//! Every sort of fault, with its exact place and its remedy.

use std::path::Path;

use super::*;

/// The faults of the least configuration with `more` from line 9 on.
pub(super) fn faults_of(more: &str) -> Vec<String> {
    parse(&format!("{LEAST}{more}")).expect_err(more)
}

/// The faults of the least configuration with `line` instead of its line number `at`.
pub(super) fn faults_with(at: usize, line: &str) -> Vec<String> {
    let mut lines: Vec<_> = LEAST.lines().collect();
    lines[at - 1] = line;
    parse(&lines.join("\n")).expect_err(line)
}

#[test]
fn what_is_missing_is_said_at_its_table() {
    assert_eq!(
        parse("").unwrap_err(),
        [
            "1:1: the table `[publication]` is missing (add it; `khabar init DIR` writes an example of the whole file)",
            "1:1: the table `[store]` is missing (add it; `khabar init DIR` writes an example of the whole file)",
        ]
    );
    assert_eq!(
        parse("\n[publication]\n[store]\n[[channel]]\n").unwrap_err(),
        [
            "2:1: `publication.url` is missing (add `url = \"https://news.example/\"`)",
            "2:1: `publication.name` is missing (add `name = \"…\"`)",
            "2:1: `publication.language` is missing (add `language = \"ar\"`)",
            "2:1: `publication.feeds_url` is missing (add `feeds_url = \"https://news.example/\"`)",
            "2:1: `publication.id_authority` is missing (add `id_authority = \"news.example,2016\"`)",
            "3:1: `store.path` is missing (add `path = \"articles\"`)",
            "4:1: `channel.id` is missing (add `id = \"…\"`)",
            "4:1: `channel.match` is missing (add `match = { kind = \"video\" }`)",
        ]
    );
}

#[test]
fn unknown_keys_come_with_a_suggestion() {
    assert_eq!(
        faults_of(
            "folow_symlinks = true\n[feeds]\nnewst = 5\nrss = 1\n[feed]\n[feeds.front]\n\"new\\u001best\" = 1\n"
        ),
        [
            "9:1: unknown key `folow_symlinks` in `store` (did you mean `follow_symlinks`?)",
            "11:1: unknown key `newst` in `feeds` (did you mean `newest`?)",
            "12:1: unknown key `rss` in `feeds` (remove it; `formats`, `newest`, `floor`, `content`, `front`, `sections`, `stories`, `channels` can stand here)",
            "13:2: unknown key `feed` (did you mean `feeds`?)",
            "15:1: unknown key `new\\u{1b}est` in `feeds.front` (did you mean `newest`?)",
        ]
    );
}

#[test]
fn wrong_types_are_named() {
    assert_eq!(
        faults_of(concat!(
            "include = \"*.md\"\nfollow_symlinks = \"yes\"\nsettle = 50\nexclude = [1]\n",
            "[feeds]\nnewest = \"5\"\ncontent = true\nformats = { rss = 1 }\nfront = 1.5\n",
            "[guard]\nmax_loss = 0.25\n[[section]]\nid = 2026-11-23\n",
        )),
        [
            "9:11: `store.include` is text, not a list (write it in brackets, such as `[\"a\", \"b\"]`)",
            "10:19: `store.follow_symlinks` is text, not true or false (write `true` or `false`, without quotes)",
            "11:10: `store.settle` is a whole number, not text (write a number and a unit in quotes, such as `\"90s\"`)",
            "12:12: `store.exclude` is a whole number, not text (write it in quotes)",
            "14:10: `feeds.newest` is text, not a whole number (write a whole number, without quotes)",
            "15:11: `feeds.content` is true or false, not text (write it in quotes)",
            "16:11: `feeds.formats` is a table, not a list (write it in brackets, such as `[\"a\", \"b\"]`)",
            "17:9: `feeds.front` is a decimal number, not a table (write it as a table: `{ key = value }`, or under a `[header]`)",
            "19:12: `guard.max_loss` is a decimal number, not text (write a percentage in quotes, such as `\"25%\"`)",
            "21:6: `section.id` is a date, not text (write it in quotes)",
        ]
    );
    assert_eq!(
        faults_of("[story]\nid = \"a\"\n"),
        ["9:1: `story` is one table, and there may be many (write `[[story]]`, with two brackets)"]
    );
}

#[test]
fn faults_of_text_and_language() {
    assert_eq!(
        faults_with(2, r#"name = " ""#),
        [
            "2:8: `publication.name` is empty (write some text, or remove the key where it is optional)"
        ]
    );
    assert_eq!(
        faults_with(2, r#"name = "a\u0000""#),
        [
            "2:8: `publication.name` holds characters that XML cannot hold (remove control characters and escapes such as `\\u0000`)"
        ]
    );
    assert_eq!(
        faults_with(3, r#"language = "ar_EG""#),
        ["3:12: `ar_EG` is not a language tag (did you mean `ar-EG`?)"]
    );
    assert_eq!(
        faults_with(3, r#"language = "arabic""#),
        ["3:12: `arabic` is not a language tag (write a tag of BCP 47, such as `ar` or `ar-EG`)"]
    );
    assert_eq!(
        faults_of("[news]\nexclude_sections = [\"عالم\", \"\"]\n"),
        [
            "10:29: the id is empty (write 1 to 512 bytes of text without control characters, as articles write it)"
        ]
    );
}

#[test]
fn faults_of_urls() {
    let whole = "write it whole, such as `https://news.example/`";
    for (url, fault) in [
        ("news.example", format!("not a URL ({whole})")),
        ("/site/", format!("not a URL ({whole})")),
        ("ftp://news.example/", format!("the URL is neither http nor https ({whole})")),
        (
            "https://a:b@news.example/",
            "the URL holds a user name or password (remove everything before the `@`: URLs are published)".to_owned(),
        ),
    ] {
        assert_eq!(
            faults_with(5, &format!("feeds_url = \"{url}\"")),
            [format!("5:13: `publication.feeds_url`: {fault}")]
        );
    }
    for url in [
        "https://news.example/?a=b#c",
        "https://news.example/#c",
        "https://news.example?a",
    ] {
        assert_eq!(
            faults_with(4, &format!("url = \"{url}\"")),
            ["4:7: `publication.url` has a query or a fragment (write `https://news.example/`)"]
        );
    }
    let long = format!("url = \"https://news.example/{}\"", "a".repeat(2_100));
    assert_eq!(
        faults_with(4, &long),
        [
            "4:7: `publication.url`: the URL is longer than 2,047 bytes once it is percent-encoded (write a shorter one)"
        ]
    );
    assert_eq!(
        faults_of("[announce]\nhubs = [\"https://hub.example/\", \"hub\"]\n"),
        [format!("10:33: `announce.hubs`: not a URL ({whole})")]
    );
}

#[test]
fn a_fault_of_the_site_url_does_not_hide_or_multiply_others() {
    let text = LEAST.replace("https://news.example", "x")
        + "[[section]]\nid = \"a\"\nurl = \"/a/\"\n[[section]]\nid = \"b\"\nurl = 1\n";
    assert_eq!(
        parse(&text).unwrap_err(),
        [
            "4:7: `publication.url`: not a URL (write it whole, such as `https://news.example/`)",
            "14:7: `section.url` is a whole number, not text (write it in quotes)",
        ]
    );
    // Another fault of the table leaves the site's URL good to resolve against.
    let text = LEAST.replace("\"ar\"", "\"?\"") + "[[section]]\nid = \"a\"\nurl = \"ftp://a/\"\n";
    assert_eq!(parse(&text).unwrap_err().len(), 2);
}

#[test]
fn faults_of_article_url() {
    let example = "such as `/{path}/`";
    for (pattern, fault) in [
        ("/{pth}/", "5:17: unknown placeholder `{pth}` (did you mean `{path}`?)".to_owned()),
        (
            "/خبر/{title}/{id}",
            "5:21: unknown placeholder `{title}` (`{path}`, `{id}`, `{slug}`, `{section}`, `{year}`, `{month}`, `{day}` can stand here)".to_owned(),
        ),
        ("/{id", "5:17: this brace has no partner (write placeholders as `{path}`)".to_owned()),
        ("/id}", "5:19: this brace has no partner (write placeholders as `{path}`)".to_owned()),
        ("/{year}/", format!("5:15: `publication.article_url` gives all articles the same URL (use `{{path}}`, `{{id}}` or `{{slug}}`, {example})")),
        ("{path}", format!("5:15: `publication.article_url` is neither a path nor a whole URL (begin it with one `/`, {example})")),
        ("//x/{path}", format!("5:15: `publication.article_url` is neither a path nor a whole URL (begin it with one `/`, {example})")),
        ("/a b/{id}", "5:15: `publication.article_url` holds white space or control characters (remove them)".to_owned()),
        ("https://{slug}.news.example/", "5:15: `publication.article_url` has a placeholder in its host (use placeholders behind the host alone)".to_owned()),
        ("https://u@news.example/{id}", "5:15: `publication.article_url`: the URL holds a user name or password (remove everything before the `@`: URLs are published)".to_owned()),
    ] {
        let text = LEAST.replace("feeds_url", &format!("article_url = \"{pattern}\"\nfeeds_url"));
        assert_eq!(parse(&text).unwrap_err(), [fault], "{pattern}");
    }
    for pattern in [
        "/{path}/",
        "/{section}/{year}/{month}/{day}/{slug}.html",
        "https://other.example/?p={id}",
        "/{id}/{id}",
    ] {
        let text = LEAST.replace(
            "feeds_url",
            &format!("article_url = \"{pattern}\"\nfeeds_url"),
        );
        assert_eq!(parse(&text).unwrap().publication.article_url, pattern);
    }
    // With escapes, a byte of the text is no byte of the file: the whole value is marked.
    let text = LEAST.replace("feeds_url", "article_url = \"\\u002F{x}\"\nfeeds_url");
    assert!(parse(&text).unwrap_err()[0].starts_with("5:15: unknown placeholder `{x}`"));
}

#[test]
fn faults_of_time_zones_and_authorities() {
    for (zone, remedy) in [
        (
            "+03:00",
            "write `Etc/GMT-3`, or better the name of a place, such as `Europe/Moscow`",
        ),
        ("Europe/Moskow", "did you mean `Europe/Moscow`?"),
        (
            "MSK+3",
            "write a name of the IANA time zone database, such as `Europe/Moscow`",
        ),
    ] {
        let text = LEAST.replace("feeds_url", &format!("time_zone = \"{zone}\"\nfeeds_url"));
        assert_eq!(
            parse(&text).unwrap_err(),
            [format!("5:13: `{zone}` is no time zone ({remedy})")]
        );
    }
    assert_eq!(
        faults_with(6, r#"id_authority = "news.example""#),
        [
            "6:16: `news.example` has no date (write a name you hold and a date you held it on, such as `news.example,2016`)"
        ]
    );
    assert_eq!(
        faults_with(6, r#"id_authority = "News.Example,2016-02-30""#),
        [
            "6:17: `News.Example` is neither a lower-case domain nor a mail address (write `news.example`)",
            "6:30: `2016-02-30` is no date of a tag: URI (write `2016`, `2016-04` or `2016-04-01`)",
        ]
    );
    let then = Timestamp::from_seconds(1_800_000_000).unwrap();
    let text = LEAST.replace("2016", "2027-01-16");
    let faults = Config::parse(&text, Path::new("/project"), then).unwrap_err();
    assert_eq!(
        faults[0].to_string(),
        "6:30: `2027-01-16` is in the future (write a day on which you have held the name)"
    );
    assert!(Config::parse(&text.replace("01-16", "01-15"), Path::new("/project"), then).is_ok());
    assert_eq!(
        faults_with(6, r#"id_authority = "خبر.example,2016""#),
        [
            "6:17: `خبر.example` is neither a lower-case domain nor a mail address (write a domain such as `news.example` (in ASCII, `xn--…`), or a mail address)"
        ]
    );
}

#[test]
fn directories_in_one_another_are_refused() {
    assert_eq!(
        faults_of("[out]\npath = \"articles/../articles/out\"\n[state]\npath = \"./articles\"\n"),
        [
            "10:8: `out` stands in the store: what khabar writes would be read as articles (set `path` of `[out]` to a directory beside it)",
            "12:8: `state` stands in the store: what khabar remembers would be read as articles (set `path` of `[state]` to a directory beside it)",
        ]
    );
    // Other faults of the tables do not hide it.
    assert_eq!(
        faults_of("settle = \"\"\n[out]\nkind = \"s3\"\npath = \"articles\"\n").len(),
        3
    );
    // The one to move is a default: the other is marked.
    assert_eq!(
        faults_with(8, "path = \".\""),
        [
            "8:8: `out` stands in the store: what khabar writes would be read as articles (set `path` of `[out]` to a directory beside it)",
            "8:8: `state` stands in the store: what khabar remembers would be read as articles (set `path` of `[state]` to a directory beside it)",
        ]
    );
    assert_eq!(
        faults_of("[out]\npath = \".\"\n"),
        [
            "8:8: the store stands in `out`: the articles would be served with the feeds (set `path` of `[store]` to a directory beside it)",
            "10:8: `state` stands in `out`: what khabar remembers would be served with the feeds (set `path` of `[state]` to a directory beside it)",
        ]
    );
}

#[test]
fn faults_of_receivers() {
    assert_eq!(
        faults_of(concat!(
            "[announce]\nhubs = [\"http://hub.example/\", \"https://b.example/\", \"https://b.example\"]\n",
            "indexnow_endpoint = \"http://engine.example/\"\n",
        )),
        [
            "10:9: `announce.hubs`: it is not https (write it with `https://`, or set `allow_private = true` for one in your own network)",
            "10:54: `https://b.example/` stands twice (remove one of the two)",
            "11:21: `announce.indexnow_endpoint`: it is not https (write it with `https://`, or set `allow_private = true` for one in your own network)",
        ]
    );
    sound("[announce]\nhubs = [\"http://hub.example/\"]\nallow_private = true\n");
    let many: Vec<String> = (0..9)
        .map(|n| format!("\"https://h{n}.example/\""))
        .collect();
    let fault = &faults_of(&format!("[announce]\nhubs = [{}]\n", many.join(", ")))[0];
    assert!(fault.contains("more than 8 hubs"), "{fault}");
}

#[test]
fn credentials_are_not_shown() {
    let text =
        format!("{LEAST}[announce]\nhubs = [\"https://me:planted@hub.example/\"]\nhubz = 1\n");
    let now = crate::article::Timestamp::MAX;
    let faults = Config::parse(&text, Path::new("/project"), now).unwrap_err();
    assert!(!format!("{faults:?}").contains("planted"));
    assert!(faults[0].excerpt.is_none() && faults[1].excerpt.is_some());
    // The key in place of its variable's name.
    let text = format!("{LEAST}[announce]\nindexnow_key_env = \"0123abcd-planted\"\n");
    let faults = Config::parse(&text, Path::new("/project"), now).unwrap_err();
    assert!(!format!("{faults:?}").contains("planted"));
    assert!(faults[0].message.contains("is no name of a variable"));
    assert_eq!(
        faults_of("[announce]\nindexnow_key_file = \"key\"\nindexnow_key_env = \"KEY\"\n"),
        [
            "9:1: `announce.indexnow_key_file` and `announce.indexnow_key_env` both name a key (remove one of the two)"
        ]
    );
}

#[test]
fn faults_of_feeds_guard_serve_and_announce() {
    assert_eq!(
        faults_of(concat!(
            "[feeds]\nformats = [\"rss\", \"atm\", \"rss\"]\nnewest = 1001\nfloor = \"8d\"\ncontent = \"none\"\n",
            "[feeds.stories]\nformats = []\nnewest = -1\n",
            "[guard]\nmax_loss = \"101%\"\n",
            "[serve]\nlisten = \"localhost:80\"\noperations = \"127.0.0.1\"\n",
            "[announce]\nindexnow_key_file = 1\ndelay = \"2h\"\n",
        )),
        [
            "10:19: `feeds.formats` cannot be `atm` (did you mean `atom`?)",
            "10:26: `rss` stands twice (remove one of the two)",
            "11:10: `feeds.newest` is not from 1 to 1000 (write a whole number from 1 to 1000)",
            "12:9: `feeds.floor` is not from 0s to 7d (write a duration from `0s` to `7d`)",
            "13:11: `feeds.content` cannot be `none` (`full`, `summary` can stand here)",
            "15:11: `feeds.stories.formats` is empty (write at least one of `rss`, `atom`, `json`)",
            "16:10: `feeds.stories.newest` is not from 1 to 1000 (write a whole number from 1 to 1000)",
            "18:12: `101%` is no share (write a percentage from `0%` to `100%`, with two decimals at the most)",
            "20:10: `localhost:80` is no IP address with a port (write it as `127.0.0.1:8080` or `[::1]:8080`; host names are not looked up)",
            "21:14: `127.0.0.1` is no IP address with a port (write it as `127.0.0.1:8080` or `[::1]:8080`; host names are not looked up)",
            "23:21: `announce.indexnow_key_file` is a whole number, not text (write it in quotes)",
            "24:9: `announce.delay` is not from 0s to 1h (write a duration from `0s` to `1h`)",
        ]
    );
    assert_eq!(
        faults_of("[serve]\nlisten = \"127.0.0.1:8081\"\n"),
        [
            "9:1: `serve.listen` and `serve.operations` are the same address (give `operations` another port: what is served there is not for the public)"
        ]
    );
}

#[test]
fn faults_of_declarations() {
    // Ids are compared in NFC: the second is spelt with a combining mark.
    assert_eq!(
        faults_of(
            "[[section]]\nid = \"\u{E9}\"\n[[story]]\nid = \"\u{E9}\"\n[[section]]\nid = \"e\u{301}\"\ntitel = 1\n"
        ),
        [
            "14:6: the section `\u{E9}` is declared twice, in line 10 and in line 14 (remove one of the two, or give it another id)",
            "15:1: unknown key `titel` in `section` (did you mean `title`?)",
        ]
    );
    assert_eq!(
        faults_of(concat!(
            "[[channel]]\nid = \"a\"\nmatch = {}\n",
            "[[channel]]\nid = \"b\"\nmatch = { kind = \"vidoe\", tags = [], tag = 1, language = \"?\", not = {} }\n",
        )),
        [
            "11:9: `channel.match` is empty (say what to match, such as `{ kind = \"video\" }`)",
            "14:18: `channel.match.kind` cannot be `vidoe` (did you mean `video`?)",
            "14:34: `channel.match.tags` is empty (write at least one value, or remove the key)",
            "14:38: unknown key `tag` in `channel.match` (did you mean `tags`?)",
            "14:58: `?` is not a language tag (write a tag of BCP 47, such as `ar` or `ar-EG`)",
            "14:69: `channel.match.not` is empty (say what to match, such as `{ kind = \"video\" }`)",
        ]
    );
}

#[test]
fn faults_of_authors() {
    let text = LEAST.replace(
        "[store]",
        "authors = [{ url = \"/\" }, { name = \"b\", email = \"b\" }]\n[store]",
    );
    assert_eq!(
        parse(&text).unwrap_err(),
        [
            "7:12: `publication.authors.name` is missing (add `name = \"…\"`)",
            "7:49: `b` is no mail address (write it as `desk@news.example`)",
        ]
    );
}

#[test]
fn toml_that_is_none_stops_at_its_first_fault() {
    let remedy = "mend it; what follows has not been read yet";
    assert_eq!(
        faults_of("[store]\n[news]\n"),
        [format!("9:2: this is no TOML: duplicate key ({remedy})")]
    );
    assert_eq!(
        faults_of("settle = 'خبر\n"),
        [format!(
            "9:14: this is no TOML: invalid literal string, expected `'` ({remedy})"
        )]
    );
}

#[test]
fn a_byte_order_mark_is_no_column() {
    assert_eq!(
        parse("\u{FEFF}a = 1\n").unwrap_err()[0],
        parse("a = 1\n").unwrap_err()[0]
    );
}

#[test]
fn excerpts_mark_what_is_wrong() {
    let text = format!("{LEAST}settle = \"خبر\"  # تعليق\r\n");
    let faults =
        Config::parse(&text, Path::new("/project"), crate::article::Timestamp::MAX).unwrap_err();
    let excerpt = faults[0].excerpt.as_ref().unwrap();
    assert_eq!(excerpt.line, "settle = \"خبر\"  # تعليق");
    assert_eq!(&excerpt.line[excerpt.span.clone()], "\"خبر\"");
}
