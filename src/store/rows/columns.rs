//! What the columns of a query stand for, and a row written as the plain JSON it could be.

use serde::Deserialize as _;
use serde::de::IgnoredAny;

use crate::article::{ContentHash, Diagnostic, Place, Severity, StorePath};
use crate::config::{Config, RowsConfig};
use crate::files::Body;
use crate::store::format;

/// Fields that are true or false: where a database has no such type, 1 and 0 stand for it.
const TRUTHS: [&str; 2] = ["news", "index"];
/// Fields that may be lists or objects: text that begins as JSON does is JSON.
const STRUCTURED: [&str; 13] = [
    "section",
    "sections",
    "story",
    "stories",
    "tags",
    "authors",
    "image",
    "images",
    "video",
    "audio",
    "source",
    "comments",
    "translations",
];

/// One value of a row.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum Cell<'r> {
    /// Nothing.
    Null,
    /// A whole number.
    #[cfg(feature = "sqlite")]
    Integer(i64),
    /// Another number.
    #[cfg(feature = "sqlite")]
    Real(f64),
    /// Text.
    Text(&'r str),
    /// Bytes that are no text in UTF-8.
    #[cfg(feature = "sqlite")]
    Binary,
    /// A value as JSON, by a database that knows types.
    #[cfg(feature = "postgres")]
    Json(&'r str),
}

/// The columns of a query, in its order.
#[derive(Clone, Debug)]
pub(in crate::store) struct Columns {
    list: Vec<Column>,
    /// The column that is the key.
    pub(in crate::store) key: usize,
    /// The column that grows with every change.
    pub(in crate::store) sequence: Option<usize>,
    /// The last column that is written.
    last: usize,
}

#[derive(Clone, Debug)]
struct Column {
    /// As the database calls it.
    name: String,
    /// The fields of an article that it gives: one, none, or, of the key, two.
    fields: Vec<String>,
}

/// A row as plain JSON, and what could not be written.
#[derive(Debug, Default)]
pub(in crate::store) struct Text {
    /// One object; the column numbered n from 0 stands in line n + 1.
    pub(in crate::store) bytes: Vec<u8>,
    /// Columns whose values cannot be read at all.
    pub(super) faults: Vec<Fault>,
}

impl Text {
    /// The body that is printed of the row at `path`.
    pub(in crate::store) fn body(&self, path: &StorePath, config: &Config) -> Body {
        Body {
            hash: Some(ContentHash::of(&self.bytes)),
            html: format::row_body(path, &self.bytes, config),
        }
    }
}

/// A value that cannot be read at all.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) column: usize,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) remedy: &'static str,
}

impl Columns {
    /// What `names` stand for: they are compared as SQL does, without regard to the case of ASCII
    /// letters.
    ///
    /// # Errors
    /// Where the key is not among them, or two give the same field; the message is for people.
    pub(in crate::store) fn new(names: &[String], rows: &RowsConfig) -> Result<Self, String> {
        let find = |wanted: &str| {
            let exactly = names.iter().position(|name| name == wanted);
            exactly.or_else(|| {
                names
                    .iter()
                    .position(|name| name.eq_ignore_ascii_case(wanted))
            })
        };
        let missing = |key: &str, name: &str| {
            format!("there is no column `{name}`, which [store] {key} names")
        };
        let key = find(&rows.key).ok_or_else(|| missing("key", &rows.key))?;
        let sequence = match &rows.sequence {
            Some(name) => Some(find(name).ok_or_else(|| missing("sequence", name))?),
            None => None,
        };
        let mut list: Vec<Column> = names.iter().map(|name| Column::new(name)).collect();
        if let Some(key) = list.get_mut(key).filter(|_| find("id").is_none()) {
            // What tells rows apart for good tells articles apart.
            key.fields.push("id".to_owned());
        }
        for (at, column) in list.iter().enumerate() {
            let before = list.iter().take(at).flat_map(|column| &column.fields);
            let mut before = before.filter(|field| column.fields.contains(*field));
            if let Some(field) = before.next() {
                return Err(format!("two columns are called `{field}`"));
            }
        }
        let end = list.iter().rposition(|column| !column.fields.is_empty());
        Ok(Self {
            list,
            key,
            sequence,
            last: end.unwrap_or(0),
        })
    }

    /// A doubt for each column that nothing is read from, of the store called `store`.
    pub(super) fn doubts(&self, store: &StorePath) -> Vec<Diagnostic> {
        let unread = self.list.iter().enumerate().filter(|(at, column)| {
            column.fields.is_empty() && *at != self.key && Some(*at) != self.sequence
        });
        let doubts = unread.map(|(at, column)| Diagnostic {
            severity: Severity::Doubt,
            code: "unknown-column",
            path: store.clone(),
            place: line(at),
            message: format!(
                "nothing is read from the column `{}`",
                crate::article::escape_controls(&column.name)
            ),
            remedy: "leave it out of the query, or call it as the field it is".to_owned(),
            excerpt: None,
        });
        doubts.collect()
    }

    /// What messages call the column in this line of a row.
    pub(super) fn name(&self, line: u32) -> Option<String> {
        let at = usize::try_from(line).ok()?.checked_sub(1)?;
        let column = self.list.get(at)?;
        Some(crate::article::escape_controls(&column.name))
    }

    /// What the row is known as whose value in each column `cell` says; `None` where its key cannot be
    /// one.
    pub(in crate::store) fn path<'r>(
        &self,
        mut cell: impl FnMut(usize) -> Cell<'r>,
    ) -> Option<StorePath> {
        match cell(self.key) {
            Cell::Text(key) => super::path_of(key),
            #[cfg(feature = "sqlite")]
            Cell::Integer(key) => super::path_of(&key.to_string()),
            #[cfg(feature = "postgres")]
            Cell::Json(json) => match serde_json::from_str(json).ok()? {
                serde_json::Value::String(key) => super::path_of(&key),
                serde_json::Value::Number(key) if key.is_i64() => super::path_of(json),
                _ => None,
            },
            #[cfg(feature = "sqlite")]
            Cell::Real(_) | Cell::Binary => None,
            Cell::Null => None,
        }
    }

    /// Writes the row whose value in each column `cell` says.
    pub(in crate::store) fn write<'r>(&self, mut cell: impl FnMut(usize) -> Cell<'r>) -> Text {
        let mut text = Text::default();
        text.bytes.push(b'{');
        for (at, column) in self.list.iter().enumerate() {
            if at > 0 {
                text.bytes.push(b'\n');
            }
            for (index, field) in column.fields.iter().enumerate() {
                if index > 0 {
                    text.bytes.push(b',');
                }
                text.value(at, field, cell(at));
            }
            if at < self.last && !column.fields.is_empty() {
                text.bytes.push(b',');
            }
        }
        text.bytes.extend(b"}\n");
        text
    }
}

impl Column {
    fn new(name: &str) -> Self {
        let field = name.to_ascii_lowercase();
        let fields = if format::is_field(&field) {
            vec![field]
        } else {
            Vec::new()
        };
        Self {
            name: name.to_owned(),
            fields,
        }
    }
}

/// Where the column numbered `at` stands in a row.
pub(super) fn line(at: usize) -> Place {
    Place {
        line: u32::try_from(at + 1).unwrap_or(u32::MAX),
        column: 1,
    }
}

impl Text {
    /// Writes `field` with the value in the column `at`.
    fn value(&mut self, at: usize, field: &str, cell: Cell<'_>) {
        self.json(field);
        self.bytes.push(b':');
        match cell {
            Cell::Null => self.bytes.extend(b"null"),
            #[cfg(feature = "sqlite")]
            Cell::Integer(truth @ (0 | 1)) if TRUTHS.contains(&field) => self.json(&(truth == 1)),
            #[cfg(feature = "sqlite")]
            Cell::Integer(number) => self.json(&number),
            // Of what is no number, null is written, and null is absent.
            #[cfg(feature = "sqlite")]
            Cell::Real(number) => self.json(&number),
            Cell::Text(text) => self.text(at, field, text),
            #[cfg(feature = "postgres")]
            Cell::Json(json) => match serde_json::from_str::<String>(json) {
                Ok(text) => self.text(at, field, &text),
                Err(_) => self.flat(json),
            },
            #[cfg(feature = "sqlite")]
            Cell::Binary => self.fault(Fault {
                column: at,
                code: "not-utf8",
                message: "the value is no text in UTF-8".to_owned(),
                remedy: "store it as text in UTF-8",
            }),
        }
    }

    /// Writes text, or the JSON that it is where a field may be a list or an object.
    fn text(&mut self, at: usize, field: &str, text: &str) {
        if !(STRUCTURED.contains(&field) && looks_like_json(text)) {
            return self.json(text);
        }
        match judge(text) {
            Ok(()) => self.flat(text),
            Err(why) => self.fault(Fault {
                column: at,
                code: "json-syntax",
                message: format!("the value begins as JSON and is none: {why}"),
                remedy: "mend the JSON; plain text must not begin with `[` or `{` here",
            }),
        }
    }

    /// Writes JSON in one line: between its values, a line end is a space.
    fn flat(&mut self, json: &str) {
        let flat = json.bytes().map(|byte| match byte {
            b'\n' | b'\r' => b' ',
            other => other,
        });
        self.bytes.extend(flat);
    }

    fn json<T: serde::Serialize + ?Sized>(&mut self, value: &T) {
        // Neither a value of these types nor a vector can fail.
        let _ = serde_json::to_writer(&mut self.bytes, value);
    }

    /// In place of what cannot be read: null, with a blank by which it differs from one.
    fn fault(&mut self, fault: Fault) {
        self.bytes.extend(b" null");
        self.faults.push(fault);
    }

    /// How many bytes it takes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with(['[', '{'])
}

/// Whether `text` is one JSON value and nothing else; why not, in words that quote nothing of it.
fn judge(text: &str) -> Result<(), String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let judged = IgnoredAny::deserialize(&mut reader).and_then(|_| reader.end());
    judged.map_err(|error| {
        let said = error.to_string();
        let reason = said.split(" at line ").next().unwrap_or("bad syntax");
        reason.to_owned()
    })
}
