//! The house rules that a machine can check: who may import whom, the top level, file heads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The core, in its order: a module imports only those before it.
const CORE: [&str; 8] = [
    "article", "document", "files", "config", "catalog", "render", "plan", "engine",
];
/// The edges know the core and not one another.
const EDGES: [&str; 5] = ["store", "publish", "state", "serve", "announce"];
/// The shell knows everything before it.
const SHELL: [&str; 2] = ["daemon", "cli"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of `src`, with the top-level module it belongs to.
fn sources() -> Vec<(String, PathBuf, String)> {
    let mut open = vec![root().join("src")];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(root().join("src")).unwrap();
                let first = inside.components().next().unwrap().as_os_str();
                let module = first.to_str().unwrap().trim_end_matches(".rs").to_owned();
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((module, path, text));
            }
        }
    }
    assert!(files.len() > 50, "the sources are not where they were");
    files
}

/// The top-level modules that code names, in any form: `crate::x`, `use crate::{x, y::z}`.
fn imports(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.extend(first_word(&std::mem::take(&mut word))),
                    _ if depth == 0 => word.push(c),
                    _ => {}
                }
            }
            found.extend(first_word(&word));
        } else {
            found.extend(first_word(rest));
        }
    }
    found
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!word.is_empty()).then_some(word)
}

/// Which modules `module` may import.
fn allowed(module: &str) -> Vec<&'static str> {
    if let Some(place) = CORE.iter().position(|name| *name == module) {
        return CORE[..=place].to_vec();
    }
    let mut allowed = CORE.to_vec();
    if let Some(edge) = EDGES.iter().find(|name| **name == module) {
        allowed.push(edge);
        return allowed;
    }
    allowed.extend(EDGES);
    let place = SHELL.iter().position(|name| *name == module);
    allowed.extend(&SHELL[..=place.expect("a module that no ring knows")]);
    allowed
}

#[test]
fn modules_import_lower_rings_and_earlier_modules_alone() {
    for (module, path, text) in sources() {
        if module == "lib" || module == "main" {
            continue;
        }
        let is_test =
            path.ends_with("tests.rs") || path.components().any(|c| c.as_os_str() == "tests");
        // What stands behind `#[cfg(test)]` may reach for anything.
        let code = text.split("#[cfg(test)]").next().unwrap();
        if is_test {
            continue;
        }
        for import in imports(code) {
            assert!(
                allowed(&module).contains(&import.as_str()),
                "{} imports {import}",
                path.display()
            );
        }
    }
}

#[test]
fn the_core_opens_nothing_and_knows_no_clock() {
    let forbidden = [
        "std::fs",
        "std::net",
        "std::process",
        "std::thread",
        "std::time",
        "Utc::now",
        "Local::now",
        "rustix::",
        "tracing::",
        "println!",
    ];
    for (module, path, text) in sources() {
        if !CORE.contains(&module.as_str()) || path.ends_with("tests.rs") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap();
        for word in forbidden {
            // An address is a value, and opens nothing.
            let code = code.replace("std::net::SocketAddr", "");
            assert!(!code.contains(word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (_, path, text) in sources() {
        let is_test =
            path.ends_with("tests.rs") || path.components().any(|c| c.as_os_str() == "tests");
        assert!(is_test || text.starts_with("//!"), "{}", path.display());
    }
}

#[test]
fn the_top_level_holds_what_the_users_know() {
    let known = BTreeSet::from([
        "Cargo.lock",
        "Cargo.toml",
        "README.md",
        "config.toml",
        "out",
        "src",
        "target",
        "tests",
    ]);
    for entry in std::fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name();
        let name = name.to_str().unwrap();
        assert!(name.starts_with('.') || known.contains(name), "{name}");
    }
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::article::Text;\nuse crate::{plan, store::{format, directory}};\n\
                // crate::cli\nlet x = crate::state::State::new();";
    let found: Vec<String> = imports(text).into_iter().collect();
    assert_eq!(found, ["article", "plan", "state", "store"]);
}
