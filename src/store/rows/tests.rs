use super::*;

#[test]
fn every_key_has_a_path_of_its_own_and_comes_back() {
    let keys = [
        "",
        "%",
        "/",
        "//",
        "a",
        "2000104",
        "a.b",
        "a/b",
        "/a",
        "a/",
        "a//b",
        "عاجل/خبر-1",
        "a b",
        "..",
        "../x",
        "a%2Fb",
        "\0",
        "index",
        "A_b",
        "é",
        "e\u{301}",
    ];
    let mut paths = std::collections::BTreeMap::new();
    for key in keys {
        let path = path_of(key).unwrap();
        assert_eq!(key_of(&path).as_deref(), Some(key), "{path}");
        let text = path.as_str();
        assert_eq!(path.stem(), text, "nothing is an extension");
        assert!(
            !text.starts_with('/') && !text.ends_with('/') && !text.contains("//"),
            "{text}"
        );
        assert_eq!(paths.insert(text.to_owned(), key), None, "{text}");
    }
    assert_eq!(path_of("a/b.c").unwrap().as_str(), "a/b%2Ec");
    assert_eq!(path_of(&"x".repeat(KEY_MAX + 1)), None);
}

#[test]
fn people_name_a_row_by_its_key_or_by_what_it_is_known_as() {
    let locate = |name: &str| locate(Path::new(name)).unwrap();
    assert_eq!(locate("2000104"), "2000104");
    assert_eq!(locate("a.b"), "a%2Eb");
    assert_eq!(locate("a%2Eb"), "a%2Eb");
    assert_eq!(locate("50%"), "50%25");
}
