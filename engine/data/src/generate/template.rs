//! A template as it is given: a text with values in double braces, or a file of columns (TOML).

use super::values::load;
use acp_plan::rows::{Rows, RowsError};
use acp_wire::ROWS_SCHEMA;
use acp_wire::rows::{Column, Count, Generate, Kind, Layout};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;
use toml::de::{DeTable, DeValue};

/// Why a template cannot be used.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum TemplateError {
    #[error("failed to read template `{path}`: {source}\nhint: a template as text has values in double braces: '/item/{{{{key}}}}'", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path}:{line}: {message}", path = path.display())]
    Toml { path: PathBuf, line: usize, message: String },
    #[error("{path}:{line}: schema `{schema}`, expected `{ROWS_SCHEMA}`", path = path.display())]
    Schema { path: PathBuf, line: usize, schema: String },
    #[error("{path}:{line}: {error}", path = path.display())]
    RowsOfFile { path: PathBuf, line: usize, error: Box<RowsError> },
    #[error("{0}")]
    Rows(RowsError),
}

/// A file of columns.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    rows: Option<Count>,
    seed: Option<u64>,
    template: Option<String>,
    format: Option<Layout>,
    #[serde(default)]
    columns: Vec<Column>,
}

/// A template, and where it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// What rows are made from.
    pub generate: Generate,
    /// File and text.
    file: Option<(PathBuf, String)>,
}

impl Template {
    /// Takes a text with values in double braces, or else the name of a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is none of columns.
    pub fn read(text: &str) -> Result<Self, TemplateError> {
        if text.contains("{{") {
            let generate = Generate { template: Some(text.into()), ..Generate::default() };
            return Ok(Self { generate, file: None });
        }
        let path = PathBuf::from(text);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(path, text),
            Err(source) => Err(TemplateError::Read { path, source }),
        }
    }

    /// Reads the text of a file.
    fn parse(path: PathBuf, text: String) -> Result<Self, TemplateError> {
        let found: Document = match toml::from_str(&text) {
            Ok(found) => found,
            Err(error) => {
                let line = line_at(&text, error.span().map_or(0, |span| span.start));
                let message = error.message().to_owned();
                return Err(TemplateError::Toml { path, line, message });
            }
        };
        if found.schema != ROWS_SCHEMA {
            let line = line_of(&text, "schema");
            return Err(TemplateError::Schema { path, line, schema: found.schema });
        }
        let Document { rows, seed, template, format, mut columns, .. } = found;
        let folder = path.parent().unwrap_or(Path::new(""));
        for column in &mut columns {
            // A file of values is named from where the template is.
            if let Kind::File { file, .. } = &mut column.kind {
                *file = folder.join(&*file).display().to_string();
            }
        }
        let generate = Generate { template, rows, seed, format, columns };
        Ok(Self { generate, file: Some((path, text)) })
    }

    /// Compiles it, with its files of values. Also their SHA-256, by name.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its line where it is in a file.
    pub fn compile(&self) -> Result<(Rows, BTreeMap<String, String>), TemplateError> {
        let mut hashes = BTreeMap::new();
        let mut load = |file: &str| {
            let bytes = load(file)?;
            hashes.insert(file.to_owned(), sha256(bytes.as_deref().unwrap_or_default()));
            Ok(bytes)
        };
        match Rows::compile(&self.generate, 1, &mut load) {
            Ok(rows) => Ok((rows, hashes)),
            Err(error) => Err(self.error(error)),
        }
    }

    fn error(&self, error: RowsError) -> TemplateError {
        match &self.file {
            None => TemplateError::Rows(error),
            Some((path, text)) => {
                let line = line_of(text, &error.place);
                TemplateError::RowsOfFile { path: path.clone(), line, error: Box::new(error) }
            }
        }
    }
}

/// In hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// In hexadecimal.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The line of a byte, from 1.
fn line_at(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// The line of a field (`columns[2].weights`), or of what it would be in.
fn line_of(text: &str, place: &str) -> usize {
    let Ok(root) = DeTable::parse(text) else { return 1 };
    let mut names = place.split('.');
    let first = names.next().unwrap_or_default();
    let Some((mut found, mut line)) = step(root.get_ref(), first, text) else { return 1 };
    for name in names {
        let next = found.as_table().and_then(|table| step(table, name, text));
        let Some((below, line_below)) = next else { break };
        (found, line) = (below, line_below);
    }
    line
}

/// The value of a field (`columns[2]`, `weights`), and its line.
fn step<'a, 'i>(
    table: &'a DeTable<'i>,
    name: &str,
    text: &str,
) -> Option<(&'a DeValue<'i>, usize)> {
    let (name, number) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        Some((name, number)) => (name, number.parse::<usize>().ok()),
        None => (name, None),
    };
    let value = table.get(name)?;
    let value = match number {
        Some(number) => value.get_ref().get(number)?,
        None => value,
    };
    Some((value.get_ref(), line_at(text, value.span().start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "schema = \"acp.rows/1\"\nrows = 10\n";

    /// What is wrong with a file; nothing: its first row.
    fn found(text: &str) -> String {
        let parsed = Template::parse("a/t.toml".into(), text.into());
        match parsed.and_then(|template| template.compile()) {
            Ok((rows, _)) => {
                let mut bytes = Vec::new();
                rows.write(0, &mut bytes);
                String::from_utf8(bytes).unwrap()
            }
            Err(error) => error.to_string(),
        }
    }

    fn check(text: &str, expect: &str) {
        let found = found(&format!("{HEAD}{text}"));
        assert!(found.contains(expect), "{text}: {found}");
    }

    #[test]
    fn files_are_read() {
        check("template = \"/a/{{row}}\"\n", "/a/0");
        check("[[columns]]\nname = \"a\"\nkind = \"constant\"\nvalue = \"x\"\n", "{\"a\":\"x\"}");
        check(
            "format = { kind = \"path\", path = \"/{{n}}\" }\n\
             columns = [{ name = \"n\", kind = \"normal\", mean = 5, deviation = 0, min = 0, max = 9 }]\n",
            "/5",
        );
    }

    #[test]
    fn errors_have_their_line() {
        check("rows = 11\n", "a/t.toml:3: duplicate key");
        check("x = 1\n", "a/t.toml:3: unknown field `x`");
        check(
            "\n\ntemplate = \"/{{nope}}\"\n",
            "a/t.toml:5: bad template: unknown value `{{nope}}`",
        );
        let column = "[[columns]]\nname = \"a\"\n";
        let other = "[[columns]]\nname = \"b\"\n";
        check(&format!("{column}kind = \"list\"\n"), "a/t.toml:3: missing field `values`");
        check(&format!("{column}kind = \"zip\"\n"), "a/t.toml:3: unknown variant `zip`");
        check(
            &format!("{column}kind = \"uuid\"\ncount = 1\n"),
            "a/t.toml:3: unknown field `count`",
        );
        check(
            &format!("{column}kind = \"list\"\nvalues = []\n"),
            "a/t.toml:6: bad columns[0].values",
        );
        check(
            &format!("{column}kind = \"uuid\"\n\n{other}kind = \"hex\"\n\ndigits = 0\n"),
            "a/t.toml:11: bad columns[1].digits: it has 1 to 65536",
        );
        check(
            &format!("{column}kind = \"uuid\"\n{column}kind = \"uuid\"\n"),
            "a/t.toml:7: bad columns[1].name",
        );
        check(&format!("{column}kind = \"file\"\nfile = \"no\"\n"), "failed to read `a/no`");
        check("[format]\nkind = \"csv\"\ncolumns = [\"b\"]\n", "a/t.toml:5: bad format.columns");
        check("[format]\nkind = \"path\"\npath = \"a\"\n", "a/t.toml:5: bad format.path");
        check("[format]\nkind = \"path\"\npaht = \"a\"\n", "a/t.toml:3: unknown field `paht`");
        let other = found("schema = \"acp.plan/1\"\n");
        assert_eq!(other, "a/t.toml:1: schema `acp.plan/1`, expected `acp.rows/1`");
        assert!(found("rows = 1\n").contains("missing field `schema`"));
        assert!(found("schema = \"acp.rows/1\"\n").contains("a/t.toml:1: bad rows: how many"));
    }

    #[test]
    fn a_text_or_a_file() {
        let text = Template::read("/a/{{row}}").unwrap().generate;
        assert_eq!(text.template.as_deref(), Some("/a/{{row}}"));
        let missing = Template::read("/no/such.toml").unwrap_err().to_string();
        assert!(missing.contains("`/no/such.toml`") && missing.contains("{{key}}"), "{missing}");
    }
}
