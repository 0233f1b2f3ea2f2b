//! Faults of `[store]`, for every kind that is built in and those that are not.

use super::*;
use faults::{faults_of, faults_with};

#[test]
fn faults_of_the_store() {
    assert_eq!(
        faults_of(concat!(
            "kind = \"mysql\"\nsection_from = \"folder\"\ninclude = [\"a[\", \"/b\", \"./c\", \"d/\", \"\"]\n",
            "scan_every = \"0s\"\nsettle = \"5 s\"\nsettle_delete = \"2h\"\nsettle_max = \"1m\"\n",
        )),
        [
            "9:8: `store.kind` cannot be `mysql` (`directory`, `sqlite`, `postgres` can stand here)",
            "10:16: `store.section_from` cannot be `folder` (`field`, `directory` can stand here)",
            "11:12: the pattern `a[` is malformed: unclosed character class; missing ']' (put a backslash before a bracket or brace that stands for itself)",
            "11:18: the pattern `/b` matches nothing: paths begin at the store's root, without `/` (write it as `drafts/**`)",
            "11:24: the pattern `./c` matches nothing: paths begin at the store's root, without `/` (write it as `drafts/**`)",
            "11:31: the pattern `d/` matches nothing: it names a folder, and files are matched (write `d/**`)",
            "11:37: the pattern `` matches nothing: paths begin at the store's root, without `/` (write it as `drafts/**`)",
            "12:14: `store.scan_every` is not from 1s to 7d (write a duration from `1s` to `7d`)",
            "13:10: `5 s` is no duration (write a whole number and a unit (ms, s, m, h or d), such as `90s`)",
            "14:17: `store.settle_delete` is not from 0s to 1h (write a duration from `0s` to `1h`)",
        ]
    );
    assert_eq!(
        faults_of("scan_every = \"1500ms\"\nsettle = \"3s\"\nsettle_max = \"2s\"\n"),
        [
            "9:14: `store.scan_every` takes whole seconds (write `2s`)",
            "11:14: `store.settle_max` is shorter than `store.settle` (make it longer: it is the most that `store.settle` may be put off)",
        ]
    );
    assert_eq!(
        faults_with(8, r#"path = """#),
        ["8:8: `store.path` is no path (write a path, absolute or relative to this file)"]
    );
}

#[cfg(feature = "sqlite")]
#[test]
fn faults_of_a_store_of_rows() {
    assert_eq!(
        faults_of(concat!(
            "kind = \"sqlite\"\ntable = \"\"\nquery = \" ; \"\nkey = \" \"\nsequence = 1\n",
            "poll = \"1ms\"\nsettle = \"1s\"\nscan_every = \"0s\"\n",
        )),
        [
            "10:9: `store.table` is no name (write the name as the database has it)",
            "11:9: `store.query` is no query (write one `SELECT` whose columns are the fields of an article)",
            "12:7: `store.key` is no name (write the name as the database has it)",
            "13:12: `store.sequence` is a whole number, not text (write it in quotes)",
            "14:8: `store.poll` is not from 20ms to 1m (write a duration from `20ms` to `1m`)",
            "15:1: unknown key `settle` in `store` (remove it; `kind`, `scan_every`, `path`, `table`, `query`, `key`, `sequence`, `poll` can stand here)",
            "16:14: `store.scan_every` is not from 1s to 7d (write a duration from `1s` to `7d`)",
        ]
    );
    assert_eq!(
        faults_of("kind = \"sqlite\"\n"),
        [
            "7:1: `store.table` and `store.query` are missing (add `table = \"articles\"`, or a `query` whose columns are the fields of an article)"
        ]
    );
    assert_eq!(
        faults_of("kind = \"sqlite\"\ntable = \"a\"\nquery = \"SELECT 1\"\n"),
        [
            "7:1: `store.table` and `store.query` both say where articles come from (remove one of the two)"
        ]
    );
}

/// A connection string is a secret: no fault shows the line it stands in.
#[cfg(feature = "postgres")]
#[test]
fn faults_of_a_store_on_a_server() {
    let kind = "kind = \"postgres\"\ntable = \"a\"\n";
    assert_eq!(
        faults_with(
            8,
            &format!(
                "{kind}url = \"postgres://u:geheim@h/d\"\nurl_env = \"geheim\"\nchannel = \"\"\n"
            )
        ),
        [
            "11:11: `store.url_env` is no name of a variable (write its name in A–Z, 0–9 and _, such as `DATABASE_URL`, and never the secret itself)",
            "12:11: `store.channel` is no name (write the name as the database has it)",
        ]
    );
    for keys in ["", "url = \"postgres://u:geheim@h/d\"\nurl_file = \"f\"\n"] {
        let faults = faults_with(8, &format!("{kind}{keys}"));
        let words =
            "7:1: exactly one of `store.url`, `store.url_env` and `store.url_file` has to say";
        assert!(
            faults.len() == 1 && faults[0].starts_with(words),
            "{faults:?}"
        );
    }
}

#[cfg(not(feature = "postgres"))]
#[test]
fn a_kind_that_is_not_built_in_is_named_with_what_builds_it() {
    let kind = "kind = \"postgres\"\ntable = \"a\"\nurl_env = \"DATABASE_URL\"";
    assert_eq!(
        faults_with(8, kind),
        [
            "8:8: this khabar was built without stores of the kind `postgres` (build it with `cargo install --locked --path . --features postgres`)"
        ]
    );
}

#[cfg(not(feature = "sqlite"))]
#[test]
fn a_kind_that_is_usually_built_in_is_named_as_well() {
    assert_eq!(
        faults_of("kind = \"sqlite\"\ntable = \"a\"\n"),
        [
            "9:8: this khabar was built without stores of the kind `sqlite` (build it with `cargo install --locked --path . --features sqlite`)"
        ]
    );
}
