//! Settings of a daemon: defaults, then a TOML file, then the environment, then flags, each over the
//! one before.
//!
//! A variable is the path of a setting in capitals after a prefix, levels apart by `__`:
//! `ACP_AGENT_STATE_FOLDER`, `ACP_CONTROL_COORD__CONNECT`. Lists are separated by commas.

use crate::output::tell;
use anyhow::{Context as _, Result, anyhow, bail};
use serde::{Serialize, de::DeserializeOwned};
use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;
use toml::{Table, Value};

/// One setting from the command line: its path and its value.
pub(crate) type Flag = (String, Option<String>);

/// What a daemon's settings are called, as far as its defaults do not say.
pub(crate) struct Names {
    /// Of its variables.
    pub(crate) prefix: &'static str,
    /// Settings without a default that are text, whatever they look like: a token may be a number.
    pub(crate) texts: &'static [&'static str],
    /// Other settings without a default.
    pub(crate) others: &'static [&'static str],
}

impl Names {
    /// Whether a setting begins like this. Kubernetes makes variables such as
    /// `ACP_CONTROL_SERVICE_HOST` for a service `acp-control`: they are not meant for us.
    fn is_known(&self, path: &str, defaults: &Table) -> bool {
        let first = |path: &str| path.split('.').next().unwrap_or_default().to_string();
        let name = first(path);
        defaults.contains_key(&name)
            || self.texts.iter().chain(self.others).any(|known| first(known) == name)
    }
}

/// Puts settings together.
///
/// # Errors
///
/// When the file cannot be read, or a setting is unknown or of the wrong type. No message has a secret
/// in it.
pub(crate) fn layered<T>(
    file: Option<&Path>,
    names: &Names,
    variables: impl Iterator<Item = (OsString, OsString)>,
    flags: &[Flag],
) -> Result<T>
where
    T: Default + Serialize + DeserializeOwned,
{
    let defaults = Table::try_from(T::default()).context("defaults are not a table")?;
    let mut table = match file {
        Some(path) => read(path)?,
        None => Table::new(),
    };
    for (name, value) in variables {
        let Some(name) = name.to_str() else { continue };
        let Some(path) = name.strip_prefix(names.prefix) else { continue };
        let path = path.to_lowercase().replace("__", ".");
        if !names.is_known(&path, &defaults) {
            tell(format_args!("warning: variable `{name}` is not a setting and is ignored"));
            continue;
        }
        let text = value.to_str().with_context(|| format!("variable `{name}` is not UTF-8"))?;
        set(&mut table, &defaults, names, &path, text).with_context(|| format!("bad `{name}`"))?;
    }
    for (path, text) in flags {
        if let Some(text) = text {
            set(&mut table, &defaults, names, path, text)
                .with_context(|| format!("bad value for `{path}`"))?;
        }
    }
    let secrets = secrets(&table);
    let whole = over(defaults, table);
    Value::Table(whole).try_into().map_err(|error: toml::de::Error| {
        let of = file.map_or(String::new(), |path| format!(" (file `{}`)", path.display()));
        let text = error.to_string();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = secrets.iter().fold(text, |text, secret| text.replace(secret, MASK));
        anyhow!("bad settings{of}: {text}\nhint: --print-config shows settings as they are written")
    })
}

/// Settings as a file would hold them, with passwords in URLs masked.
///
/// # Errors
///
/// When they cannot be written as TOML.
pub(crate) fn to_toml(settings: &impl Serialize) -> Result<String> {
    let failed = "settings cannot be written as TOML";
    let mut value = Value::try_from(settings).context(failed)?;
    mask(&mut value);
    toml::to_string_pretty(&value).context(failed)
}

/// Stands for what is not shown.
const MASK: &str = "***";

/// Where the password of a URL is: `scheme://user:HERE@host`. The last `@` counts, since a password that
/// was not encoded may have one.
fn password_of(url: &str) -> Option<Range<usize>> {
    let start = url.find("://")? + 3;
    let end = start + url[start..].rfind('@')?;
    let begin = start + url[start..end].find(':')? + 1;
    Some(begin..end)
}

fn mask(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(password) = password_of(text) {
                text.replace_range(password, MASK);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| mask(value)),
        _ => {}
    }
}

/// Everything in `table` that no message may show, the longest first.
fn secrets(table: &Table) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(inner) => found.extend(secrets(inner)),
            Value::String(text) if is_secret(name) => found.push(text.clone()),
            Value::String(text) => {
                found.extend(password_of(text).map(|password| text[password].to_string()));
            }
            other if is_secret(name) => found.push(other.to_string()),
            _ => {}
        }
    }
    found.retain(|secret| !secret.is_empty());
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    found
}

fn is_secret(name: &str) -> bool {
    name.ends_with("token") || name == "password"
}

fn read(path: &Path) -> Result<Table> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read `{name}`"))?;
    text.parse().map_err(|error: toml::de::Error| {
        // The line itself is not shown: it may hold a token.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        anyhow!("bad settings in `{name}`, line {line}: {}", error.message())
    })
}

/// Puts `text` at `path`, as the type that the default there has.
fn set(table: &mut Table, defaults: &Table, names: &Names, path: &str, text: &str) -> Result<()> {
    let value = match names.texts.contains(&path) || COORD_TEXTS.contains(&path) {
        true => Value::String(text.into()),
        false => typed(at(defaults, path), text)?,
    };
    put(table, path, value)
}

/// Texts of a coordinator other than the default one.
const COORD_TEXTS: [&str; 5] =
    ["coord.connect", "coord.root", "coord.user", "coord.password", "coord.password_file"];

fn at<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        Some((first, rest)) => at(table.get(first)?.as_table()?, rest),
        None => table.get(path),
    }
}

fn put(table: &mut Table, path: &str, value: Value) -> Result<()> {
    let Some((first, rest)) = path.split_once('.') else {
        table.insert(path.into(), value);
        return Ok(());
    };
    match table.entry(first).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => put(inner, rest, value),
        _ => bail!("`{first}` is no table"),
    }
}

fn typed(default: Option<&Value>, text: &str) -> Result<Value> {
    let list = |text: &str| {
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_string)
            .map(Value::String)
            .collect()
    };
    Ok(match default {
        Some(Value::String(_)) => Value::String(text.into()),
        Some(Value::Array(_)) if !text.trim_start().starts_with('[') => Value::Array(list(text)),
        Some(Value::Boolean(_)) => Value::Boolean(text.parse().context("`true` or `false`")?),
        Some(Value::Integer(_)) => Value::Integer(text.parse().context("a whole number")?),
        Some(Value::Float(_)) => Value::Float(text.parse().context("a number")?),
        Some(Value::Table(_)) if !text.trim_start().starts_with('{') => Value::Table(pairs(text)?),
        // No default to go by: a TOML value if it reads as one (`3`, `{ zone = "a" }`), else text.
        _ => match format!("value = {text}").parse::<Table>() {
            Ok(mut table) => table.remove("value").unwrap_or_else(|| Value::String(text.into())),
            Err(_) => Value::String(text.into()),
        },
    })
}

/// `key=value,key=value`.
fn pairs(text: &str) -> Result<Table> {
    let mut table = Table::new();
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let (key, value) = pair.split_once('=').context("`key=value`")?;
        table.insert(key.trim().into(), Value::String(value.trim().into()));
    }
    Ok(table)
}

/// `top` over `bottom`. A table of another kind (its first key `kind` differs) replaces the whole.
fn over(mut bottom: Table, top: Table) -> Table {
    let kind = |table: &Table| table.get("kind").cloned();
    if kind(&top).is_some() && kind(&top) != kind(&bottom) {
        return top;
    }
    for (name, value) in top {
        let merged = match (bottom.remove(&name), value) {
            (Some(Value::Table(below)), Value::Table(above)) => Value::Table(over(below, above)),
            (_, value) => value,
        };
        bottom.insert(name, merged);
    }
    bottom
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        connect: String,
        retries: u32,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        listen: String,
        hosts: Vec<String>,
        quiet: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cores: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<String>,
        inner: Inner,
    }

    impl Default for Sample {
        fn default() -> Self {
            let inner = Inner { connect: "a".into(), retries: 1 };
            Self {
                listen: "x:1".into(),
                hosts: Vec::new(),
                quiet: false,
                cores: None,
                token: None,
                inner,
            }
        }
    }

    const NAMES: Names = Names { prefix: "ACP_X_", texts: &["token"], others: &["cores"] };

    fn flags(pairs: &[(&str, &str)]) -> Result<Sample> {
        let flags: Vec<Flag> =
            pairs.iter().map(|(path, text)| ((*path).into(), Some((*text).into()))).collect();
        layered(None, &NAMES, std::iter::empty(), &flags)
    }

    #[test]
    fn each_layer_is_over_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sample.toml");
        std::fs::write(&file, "listen = \"file:1\"\n[inner]\nretries = 5\n").unwrap();
        let found: Sample = layered(Some(&file), &NAMES, std::iter::empty(), &[]).unwrap();
        assert_eq!((found.listen.as_str(), found.inner.retries), ("file:1", 5));
        assert_eq!(found.inner.connect, "a", "what a file does not say keeps its default");
        let over = [("listen".to_string(), Some("flag:1".to_string()))];
        let found: Sample = layered(Some(&file), &NAMES, std::iter::empty(), &over).unwrap();
        assert_eq!(found.listen, "flag:1");
    }

    #[test]
    fn text_becomes_the_type_of_the_setting() {
        let found = flags(&[
            ("hosts", "a, b"),
            ("quiet", "true"),
            ("cores", "3"),
            ("token", "7"),
            ("inner.retries", "7"),
            ("inner.connect", "5"),
        ]);
        let inner = Inner { connect: "5".into(), retries: 7 };
        let hosts = vec!["a".into(), "b".into()];
        let expected = Sample {
            listen: "x:1".into(),
            hosts,
            quiet: true,
            cores: Some(3),
            token: Some("7".into()),
            inner,
        };
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn bad_settings_are_refused_with_their_name() {
        for (what, path, text, part) in [
            ("an unknown one", "nope", "1", "nope"),
            ("an unknown one below", "inner.nope", "1", "nope"),
            ("no truth value", "quiet", "yes", "quiet"),
            ("no number", "inner.retries", "x", "inner.retries"),
            ("below what is no table", "listen.x", "1", "listen"),
        ] {
            let error = format!("{:#}", flags(&[(path, text)]).expect_err(what));
            assert!(error.contains(part), "{what}: {error}");
        }
    }

    #[test]
    fn variables_that_are_no_settings_are_ignored() {
        let read = |name: &str, value: &str| {
            let variables = [(OsString::from(name), OsString::from(value))];
            layered::<Sample>(None, &NAMES, variables.into_iter(), &[])
        };
        for (name, value, is_good) in [
            ("ACP_X_SERVICE_HOST", "10.0.0.1", true),
            ("ACP_X_PORT", "tcp://10.0.0.1:80", true),
            ("ACP_X_PORT_80_TCP__ADDR", "10.0.0.1", true),
            ("OTHER", "1", true),
            ("ACP_X_CORES", "4", true),
            ("ACP_X_TOKEN", "4", true),
            ("ACP_X_CORES", "many", false),
            ("ACP_X_INNER__NOPE", "1", false),
            ("ACP_X_LISTEN__X", "1", false),
        ] {
            let read = read(name, value);
            assert_eq!(read.is_ok(), is_good, "{name}={value}: {read:?}");
        }
        assert_eq!(read("ACP_X_TOKEN", "4").unwrap().token.as_deref(), Some("4"));
    }

    #[test]
    fn secrets_are_not_shown() {
        for (url, expect) in [
            ("mysql://acp:s3cret@db/acp", "mysql://acp:***@db/acp"),
            ("mysql://acp:s3c@ret@db/acp", "mysql://acp:***@db/acp"),
            ("mysql://acp@db/acp", "mysql://acp@db/acp"),
            ("http://10.0.0.1:7700", "http://10.0.0.1:7700"),
            ("sqlite:/a:b@c", "sqlite:/a:b@c"),
        ] {
            let text = to_toml(&Table::from_iter([("x".into(), Value::from(url))])).unwrap();
            assert_eq!(text, format!("x = \"{expect}\"\n"));
        }
        let folder = tempfile::tempdir().unwrap();
        for (what, text) in [
            ("a number", "token = 271828"),
            ("broken", "token = \"271828"),
            ("beside a mistake", "token = \"271828\"\nnope = \"271828\""),
            ("in a URL of the wrong type", "cores = \"mysql://a:271828@b\""),
        ] {
            let file = folder.path().join("sample.toml");
            std::fs::write(&file, text).unwrap();
            let read = layered::<Sample>(Some(&file), &NAMES, std::iter::empty(), &[]);
            let error = format!("{:#}", read.expect_err(what));
            assert!(!error.contains("271828"), "{what}: {error}");
        }
    }
}
