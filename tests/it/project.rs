//! A project to try khabar on: a configuration, a store, an `out` and a state in a temporary folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown, lchown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

/// The time of most builds: a Monday.
pub(crate) const NOW: &str = "2025-03-10T13:00:00Z";
/// A published article of the time just before [`NOW`].
pub(crate) const DATE: &str = "2025-03-10T12:00:00Z";
/// The user of nobody's files, on every Linux.
const NOBODY: u32 = 65_534;
/// No command of these tests takes so long unless it hangs.
const HANG: Duration = Duration::from_mins(1);

const CONFIG: &str = r#"
[publication]
name         = "News Example"
title        = "نيوز إكزامبل"
language     = "ar"
url          = "https://news.example/"
feeds_url    = "https://news.example/"
id_authority = "news.example,2016"
[store]
kind = "directory"
path = "store"
[out]
kind = "directory"
path = "out"
[state]
path = "state"
"#;

/// A project; its folder goes with it.
pub(crate) struct Project {
    root: TempDir,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Files by their path below a folder; folders are not listed.
pub(crate) type Tree = BTreeMap<String, Vec<u8>>;

/// What a rewrite of a file would change: inode, modification time in nanoseconds, mode.
pub(crate) type Stamp = (u64, i64, i64, u32);

impl Project {
    /// A project with an empty store.
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// A project whose configuration ends with `tables`.
    pub(crate) fn with(tables: &str) -> Self {
        let project = Self {
            root: TempDir::new().unwrap(),
        };
        std::fs::create_dir(project.store()).unwrap();
        project.configure(tables);
        project
    }

    /// The sample newsroom of the repository under its own configuration, published elsewhere.
    pub(crate) fn sample() -> Self {
        let project = Self {
            root: TempDir::new().unwrap(),
        };
        let newsroom = repository().join("tests/newsroom");
        let config = std::fs::read_to_string(repository().join("config.toml")).unwrap();
        let store = format!("path = {:?}", newsroom.to_str().unwrap());
        let config = config.replacen("path = \"tests/newsroom\"", &store, 1);
        assert!(config.contains(&store) && config.contains("path = \"out\""));
        std::fs::write(project.config(), config).unwrap();
        project
    }

    /// Replaces the tables behind the fixed part of the configuration.
    pub(crate) fn configure(&self, tables: &str) {
        std::fs::write(self.config(), format!("{CONFIG}{tables}")).unwrap();
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.root().join("config.toml")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.root().join("store")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.root().join("out")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root().join("state")
    }

    /// Writes a file of the store, and the folders it lies in.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.store().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.store().join(path)).unwrap();
    }

    /// Writes `articles` named `a000`, `a001`…, one minute apart, the first the newest.
    pub(crate) fn write_many(&self, articles: std::ops::Range<usize>) {
        for number in articles {
            let id = format!("a{number:03}");
            self.write(&format!("{id}.md"), article(&id, &minutes_before(number)));
        }
    }

    /// The program, in the project's folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin!("khabar"));
        command.current_dir(self.root()).args(args).timeout(HANG);
        command
    }

    /// Runs the program in the project's folder.
    pub(crate) fn khabar(&self, args: &[&str]) -> Run {
        Run::of(&mut self.command(args))
    }

    /// Runs the program without the rights of the superuser, for whom no file is closed.
    pub(crate) fn khabar_as_nobody(&self, args: &[&str]) -> Run {
        let program = self.root().join("khabar");
        std::fs::copy(cargo_bin!("khabar"), &program).unwrap();
        let mut command = std::process::Command::new(&program);
        command.current_dir(self.root()).args(args);
        if Path::new("/proc/self").metadata().unwrap().uid() == 0 {
            give_away(self.root());
            command.uid(NOBODY).gid(NOBODY);
        }
        let run = Run::of(Command::from_std(command).timeout(HANG));
        std::fs::remove_file(program).unwrap();
        run
    }

    /// `khabar build --now <now>`, which has to succeed.
    pub(crate) fn build_at(&self, now: &str) -> Run {
        self.khabar(&["build", "--now", now]).ends(0)
    }

    /// `khabar build` at [`NOW`], which has to succeed.
    pub(crate) fn build(&self) -> Run {
        self.build_at(NOW)
    }

    /// Everything in `out`.
    pub(crate) fn tree(&self) -> Tree {
        tree(&self.out())
    }

    /// One document of `out`.
    pub(crate) fn read(&self, path: &str) -> String {
        let path = self.out().join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// What `out` would be if there were neither an `out` nor a checkpoint, with the same memory.
    pub(crate) fn rebuilt(&self, now: &str) -> Tree {
        let other = TempDir::new().unwrap();
        let config = std::fs::read_to_string(self.config()).unwrap();
        let config = config.replace(
            "path = \"store\"",
            &format!("path = {:?}", self.store().to_str().unwrap()),
        );
        std::fs::write(other.path().join("config.toml"), config).unwrap();
        if self.state().join("memory").exists() {
            std::fs::create_dir_all(other.path().join("state")).unwrap();
            let to = other.path().join("state/memory");
            std::fs::copy(self.state().join("memory"), to).unwrap();
        }
        let mut command = Command::new(cargo_bin!("khabar"));
        command.current_dir(other.path()).timeout(HANG);
        Run::of(command.args(["build", "--now", now])).ends(0);
        tree(&other.path().join("out"))
    }

    /// The ids of the articles that `feed.json` of the front shows, in its order.
    pub(crate) fn shown(&self) -> Vec<String> {
        self.shown_in("feed.json")
    }

    /// The ids of the articles in a JSON feed, in its order.
    pub(crate) fn shown_in(&self, path: &str) -> Vec<String> {
        let feed: serde_json::Value = serde_json::from_str(&self.read(path)).unwrap();
        feed["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| local_id(item["id"].as_str().unwrap()))
            .collect()
    }
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let stderr = text(output.stderr);
        assert!(!stderr.contains("panicked"), "{stderr}");
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr,
        }
    }

    /// The same, where it ended with `code`.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The same, where it told people about `words`.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "no {words:?} in {self:#?}");
        self
    }

    /// The lines of the results.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }
}

/// The folder of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A good article in Markdown.
pub(crate) fn article(id: &str, date: &str) -> String {
    article_with(id, date, "")
}

/// A good article in Markdown with further lines of front matter.
pub(crate) fn article_with(id: &str, date: &str, lines: &str) -> String {
    format!(
        "---\nid: {id}\ntitle: خبر {id}\ndate: {date}\n{lines}---\nنص الخبر {id} كما ورد من المراسل.\n"
    )
}

/// The instant so many minutes before [`DATE`].
pub(crate) fn minutes_before(minutes: usize) -> String {
    let date = chrono::DateTime::parse_from_rfc3339(DATE).unwrap();
    let minutes = chrono::Duration::minutes(i64::try_from(minutes).unwrap());
    (date - minutes)
        .to_utc()
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// The id of an article in its tag URI, percent-decoded.
pub(crate) fn local_id(tag: &str) -> String {
    let (_, id) = tag.split_once("news.example,2016:").unwrap();
    let mut bytes = Vec::new();
    let mut rest = id.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Every file below a folder. Links are listed with where they lead.
pub(crate) fn tree(folder: &Path) -> Tree {
    let mut tree = Tree::new();
    each_file(folder, &mut |path, file| {
        let bytes = match std::fs::read_link(file) {
            Ok(target) => target.into_os_string().into_encoded_bytes(),
            Err(_) => match std::fs::read(file) {
                Ok(bytes) => bytes,
                // Staged by a daemon, and in its place by now.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
                Err(error) => panic!("{}: {error}", file.display()),
            },
        };
        tree.insert(path, bytes);
    });
    tree
}

/// Every file below a folder, with what a rewrite would change.
pub(crate) fn stamps(folder: &Path) -> BTreeMap<String, Stamp> {
    let mut stamps = BTreeMap::new();
    each_file(folder, &mut |path, file| {
        stamps.insert(path, stamp(file));
    });
    stamps
}

/// What a rewrite of a file would change.
pub(crate) fn stamp(file: &Path) -> Stamp {
    let meta = file.symlink_metadata().unwrap();
    (meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.mode())
}

/// Makes a folder and everything in it nobody's.
fn give_away(folder: &Path) {
    chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            give_away(&path);
        } else {
            lchown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
}

fn each_file(folder: &Path, act: &mut dyn FnMut(String, &Path)) {
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            } else {
                let inside = path.strip_prefix(folder).unwrap();
                act(inside.to_str().unwrap().to_owned(), &path);
            }
        }
    }
}

/// The paths at which two trees differ.
pub(crate) fn differing(a: &Tree, b: &Tree) -> Vec<String> {
    let mut paths: Vec<String> = a
        .keys()
        .chain(b.keys())
        .filter(|path| a.get(*path) != b.get(*path))
        .cloned()
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Where two trees differ, with both texts, for a failed assertion; nothing where they do not.
#[track_caller]
pub(crate) fn assert_same(left: &Tree, right: &Tree, what: &str) {
    let mut told = String::new();
    for path in differing(left, right) {
        let text = |tree: &Tree| {
            tree.get(&path).map_or("(none)".to_owned(), |bytes| {
                String::from_utf8_lossy(bytes).into_owned()
            })
        };
        writeln!(told, "--- {path}\n{}\n+++\n{}", text(left), text(right)).unwrap();
    }
    assert!(told.is_empty(), "{what}:\n{told}");
}
