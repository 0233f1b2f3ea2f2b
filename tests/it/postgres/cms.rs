//! The program whose tables they are.

use std::collections::BTreeMap;

use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

use crate::project::Project;
use crate::stores::Fields;

/// Where the server is.
fn url() -> String {
    std::env::var("KHABAR_POSTGRES").expect("KHABAR_POSTGRES names a server to test with")
}

/// A program that writes articles, in a schema of its own that goes with it.
pub(super) struct Cms {
    runtime: Runtime,
    client: Client,
    pub(super) schema: String,
    /// Whether the schema goes with it.
    is_owner: bool,
}

impl Cms {
    /// Another connection to the schema `schema`.
    pub(super) fn join(schema: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url(), NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        });
        let cms = Self {
            runtime,
            client,
            schema: schema.to_owned(),
            is_owner: false,
        };
        cms.execute(&format!("SET search_path = \"{schema}\""));
        cms
    }

    /// A new schema with the tables that `khabar schema` prints, and a sequence.
    pub(super) fn new(project: &Project, name: &str) -> Self {
        let schema = format!("{name}_{}", std::process::id());
        let mut cms = Self::join(&schema);
        cms.is_owner = true;
        let tables = project.khabar(&["schema", "postgres"]).ends(0).stdout;
        cms.execute(&format!(
            "DROP SCHEMA IF EXISTS \"{schema}\" CASCADE; CREATE SCHEMA \"{schema}\"; {tables}
             ALTER TABLE khabar_articles ADD seq bigserial, ADD key text UNIQUE;
             CREATE INDEX ON khabar_articles (seq);
             ALTER TABLE khabar_articles DROP CONSTRAINT khabar_articles_pkey;
             ALTER TABLE khabar_articles ALTER id DROP NOT NULL, ALTER published TYPE text,
                 ALTER expires TYPE text, ADD section text;
             DROP TRIGGER khabar_row ON khabar_articles;
             CREATE TRIGGER khabar_row AFTER INSERT OR UPDATE OR DELETE ON khabar_articles
                 FOR EACH ROW EXECUTE FUNCTION khabar_changed('key');"
        ));
        cms
    }

    pub(super) fn execute(&self, sql: &str) {
        let done = self.runtime.block_on(self.client.batch_execute(sql));
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// What `[store]` says of it.
    pub(super) fn table(&self, way: &str) -> String {
        let schema = &self.schema;
        let options = format!("options=-csearch_path%3D{schema}&application_name={schema}");
        let url = url();
        let mark = if url.contains('?') { '&' } else { '?' };
        format!(
            "kind = \"postgres\"\nurl = \"{url}{mark}{options}\"\ntable = \"khabar_articles\"\n\
             key = \"key\"\npoll = \"100ms\"\n{way}"
        )
    }

    /// The project with this store.
    pub(super) fn configure(&self, project: &Project, way: &str) {
        let config = std::fs::read_to_string(project.config()).unwrap();
        let table = self.table(way);
        let config = config.replacen("kind = \"directory\"\npath = \"store\"\n", &table, 1);
        assert!(config.contains("kind = \"postgres\""));
        std::fs::write(project.config(), config).unwrap();
    }

    pub(super) fn put_row(&self, key: &str, fields: &Fields) {
        let names: Vec<String> = fields.keys().map(|name| format!("\"{name}\"")).collect();
        let values: Vec<String> = fields.values().map(|value| literal(value)).collect();
        // As an application does that writes a row anew.
        self.execute(&format!(
            "DELETE FROM khabar_articles WHERE key = {key};
             INSERT INTO khabar_articles (key, {}) VALUES ({key}, {})",
            names.join(", "),
            values.join(", "),
            key = literal(key)
        ));
    }

    pub(super) fn article(&self, key: &str, published: &str) {
        self.put_row(key, &article(key, published));
    }
}

impl Drop for Cms {
    fn drop(&mut self) {
        if self.is_owner && !std::thread::panicking() {
            let sql = format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.schema);
            let _ = self.runtime.block_on(self.client.batch_execute(&sql));
        }
    }
}

pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn article(key: &str, published: &str) -> Fields {
    BTreeMap::from([
        ("id", key.to_owned()),
        ("title", format!("خبر {key}")),
        ("body", format!("<p>نص الخبر {key}.</p>")),
        ("published", published.to_owned()),
    ])
}
