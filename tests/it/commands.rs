//! The command line from outside: new projects, help, completions, exit codes.

use crate::project::{NOW, Project, Run, repository};

const COMMANDS: [&str; 16] = [
    "build",
    "check",
    "explain",
    "verify",
    "withdraw",
    "restore",
    "accept",
    "init",
    "completions",
    "man",
    "help",
    "watch",
    "serve",
    "sync",
    "unit",
    "schema",
];

#[test]
fn a_new_project_is_good_and_builds() {
    let project = Project::new();
    project.khabar(&["init", "newsroom"]).ends(0);
    let inside = |args: &[&str]| {
        let mut command = project.command(args);
        command.current_dir(project.root().join("newsroom"));
        Run::of(&mut command)
    };
    let checked = inside(&["check"])
        .ends(0)
        .says("2 files read: 0 faults, 0 doubts");
    assert_eq!(checked.stdout, "");
    let built = inside(&["build", "--strict"]).ends(0);
    assert!(built.stdout.starts_with("2 articles, "), "{built:?}");
    assert!(built.stdout.ends_with(" s\n") && built.lines().len() == 1);
    assert_eq!(inside(&["verify"]).ends(0).stdout, "");
    // Nothing that exists is overwritten.
    let config = project.root().join("newsroom/config.toml");
    std::fs::write(&config, "# mine").unwrap();
    project.khabar(&["init", "newsroom"]).ends(1);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "# mine");
}

#[test]
fn completions_are_made_for_each_shell() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = project.khabar(&["completions", shell]).ends(0).stdout;
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    project.khabar(&["completions", "cmd"]).ends(2);
}

#[test]
fn the_manual_page_has_every_command() {
    let page = Project::new().khabar(&["man"]).ends(0).stdout;
    assert!(page.contains(".TH khabar"), "{page}");
    for command in COMMANDS {
        let name = format!("khabar\\-{command}");
        let is_named = page.contains(&name) || page.contains(&format!("khabar {command}"));
        assert!(is_named || command == "help", "{command}");
    }
}

#[test]
fn every_command_has_help() {
    let project = Project::new();
    for command in COMMANDS.into_iter().filter(|command| *command != "help") {
        let help = project.khabar(&[command, "--help"]).ends(0);
        assert!(help.stdout.contains("Usage: khabar"), "{command}: {help:?}");
        assert_eq!(help.stderr, "", "{command}");
    }
    let help = project.khabar(&["--help"]).ends(0).stdout;
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {command}")), "{command}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    let project = Project::new();
    for args in [
        &[] as &[&str],
        &["bulid"],
        &["build", "--strickt"],
        &["build", "--now", "yesterday"],
        &["build", "--now", "2025-03-10T13:00:00"],
        &["check", "--format", "xml"],
        &["withdraw"],
        &["withdraw", ""],
        &["withdraw", "a\nb"],
        &["build", "-q", "-v"],
        &["build", "--log", "xml"],
    ] {
        let run = project.khabar(args).ends(2);
        assert_eq!(run.stdout, "", "{args:?}");
        assert!(!run.stderr.is_empty(), "{args:?}");
    }
    assert!(!project.out().exists() && !project.state().exists());
}

#[test]
fn every_fault_of_the_configuration_is_told_with_its_place() {
    let project = Project::new();
    project.configure("[feeds]\nnewst = 5\nfloor = \"soon\"\n[[channel]]\nid = \"videos\"\n");
    for command in ["build", "check", "verify", "accept"] {
        let run = project.khabar(&[command]).ends(2);
        assert_eq!(run.stdout, "", "{command}");
        // The fixed part has sixteen lines.
        run.says("config.toml:18:1")
            .says("newest")
            .says("config.toml:19:9")
            .says("config.toml:20:");
    }
    assert!(!project.out().exists() && !project.state().exists());
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let project = Project::new();
    let run = project.khabar(&["build", "-c", "nowhere.toml"]).ends(2);
    run.says("nowhere.toml").says("khabar init");
}

#[test]
fn paths_that_lie_in_one_another_are_refused() {
    let project = Project::new();
    std::os::unix::fs::symlink("store", project.root().join("out")).unwrap();
    let run = project.khabar(&["build", "--now", NOW]);
    assert!(run.code == 1 || run.code == 2, "{run:?}");
    assert!(run.stderr.contains("out") && run.stderr.contains("store"));
    assert_eq!(std::fs::read_dir(project.store()).unwrap().count(), 0);
}

#[test]
fn results_go_to_standard_output_and_words_to_standard_error() {
    let project = Project::new();
    project.write("a.md", crate::project::article("a", "2025-03-10T12:00:00Z"));
    project.write("bad.md", "---\ntitle: خبر\ndate: غدا\n---\n");
    let quiet = project.khabar(&["build", "-qq", "--now", NOW]).ends(0);
    assert_eq!((quiet.lines().len(), quiet.stderr.as_str()), (1, ""));
    let logged = project
        .khabar(&["build", "--log", "json", "-vv", "--now", NOW])
        .ends(0);
    for line in logged.stderr.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["message"].is_string() && event["level"].is_string());
    }
    assert!(logged.stderr.contains("bad.md:3:7"), "{}", logged.stderr);
    let coloured = project.khabar(&["check", "--color", "always"]).ends(1);
    assert!(coloured.stdout.contains("\u{1b}["));
    let plain = project.khabar(&["check"]).ends(1);
    assert!(!plain.stdout.contains('\u{1b}') && !plain.stderr.contains('\u{1b}'));
}

/// Every command of the README, in its form, is one that there is.
#[test]
fn the_commands_of_the_readme_exist() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let mut found = 0;
    for line in readme.lines() {
        for (at, _) in line.match_indices("khabar ") {
            let is_code = line.starts_with("khabar ") || line[..at].ends_with('`');
            let word = line[at + "khabar ".len()..]
                .split(|c: char| !c.is_ascii_lowercase())
                .next()
                .unwrap_or_default();
            if is_code && !word.is_empty() {
                assert!(COMMANDS.contains(&word), "README: {line}");
                found += 1;
            }
        }
    }
    assert!(found > 8, "the README has lost its commands");
}
