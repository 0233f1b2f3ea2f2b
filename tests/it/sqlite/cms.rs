//! The program whose database it is.

use rusqlite::{Connection, params};

use crate::project::Project;

/// The two ways in which SQLite keeps a commit whole. They lock differently.
pub(crate) const JOURNALS: [&str; 2] = ["wal", "delete"];

/// The program that writes the articles.
pub(crate) struct Cms {
    pub(crate) connection: Connection,
}

/// The columns of an article that these tests set.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) published: String,
    pub(crate) expires: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) section: String,
    pub(crate) tags: String,
}

impl Row {
    pub(crate) fn new(id: &str, published: &str) -> Self {
        Self {
            id: id.to_owned(),
            title: format!("خبر {id}"),
            body: format!("<p>نص الخبر {id} كما ورد من المراسل.</p>"),
            published: published.to_owned(),
            expires: None,
            status: "published",
            section: "x0".to_owned(),
            tags: r#"["t0"]"#.to_owned(),
        }
    }
}

impl Cms {
    /// The database of `project`, which is made where it is missing.
    pub(crate) fn open(project: &Project, journal: &str) -> Self {
        let connection = Connection::open(project.store()).unwrap();
        connection
            .pragma_update(None, "journal_mode", journal)
            .unwrap();
        connection
            .busy_timeout(std::time::Duration::from_secs(30))
            .unwrap();
        connection
            .execute_batch(
                "CREATE TABLE IF NOT EXISTS articles (
                     key TEXT PRIMARY KEY, id TEXT, title TEXT, body TEXT, published TEXT,
                     expires TEXT, status TEXT, section TEXT, tags TEXT, seq INTEGER, summary TEXT,
                     url TEXT);
                 CREATE INDEX IF NOT EXISTS by_seq ON articles (seq);",
            )
            .unwrap();
        Self { connection }
    }

    /// Writes a row, over the one with its key.
    pub(crate) fn put(&self, key: &str, row: &Row) {
        self.connection
            .prepare(
                "INSERT OR REPLACE INTO articles (key, id, title, body, published, expires, status,
                     section, tags, seq) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
                     (SELECT coalesce(max(seq), 0) + 1 FROM articles))",
            )
            .unwrap()
            .execute(params![
                key,
                row.id,
                row.title,
                row.body,
                row.published,
                row.expires,
                row.status,
                row.section,
                row.tags
            ])
            .unwrap();
    }

    pub(crate) fn remove(&self, key: &str) {
        self.connection
            .execute("DELETE FROM articles WHERE key = ?1", [key])
            .unwrap();
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
    }
}

/// A project whose store is the table of a database.
pub(crate) fn project(journal: &str, store: &str, tables: &str) -> (Project, Cms) {
    let project = Project::with(tables);
    std::fs::remove_dir(project.store()).unwrap();
    let config = std::fs::read_to_string(project.config()).unwrap();
    let kind = format!("kind = \"sqlite\"\nkey = \"key\"\n{store}");
    let config = config.replacen("kind = \"directory\"\n", &kind, 1);
    std::fs::write(project.config(), config).unwrap();
    let cms = Cms::open(&project, journal);
    (project, cms)
}
