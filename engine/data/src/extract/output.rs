//! Requests of a sample as lines of a query file.

use super::privacy::Privacy;
use super::stamp::Stamp;
use super::stratum::Stratum;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

/// A request of the sample.
#[derive(Clone, Debug)]
pub(super) struct Picked {
    pub(super) stratum: Stratum,
    pub(super) path: Box<[u8]>,
    pub(super) host: Option<Box<str>>,
    pub(super) user_agent: Option<Box<str>>,
    pub(super) stamp: Option<Stamp>,
    pub(super) latency_us: Option<u64>,
}

/// How the lines of a query file are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// A path with its query.
    Path,
    /// `METHOD PATH`.
    Line,
    /// JSON, with headers, the route as tag, and the time in a replay.
    #[default]
    Jsonl,
}

#[derive(Serialize)]
struct JsonLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    at_us: Option<u64>,
    method: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
}

/// Writes lines.
pub(super) struct Writer<'w> {
    pub(super) to: &'w mut dyn Write,
    pub(super) layout: Layout,
    pub(super) privacy: &'w Privacy,
    /// Of each route.
    pub(super) tags: HashMap<u32, String>,
}

impl Writer<'_> {
    /// Writes a request; in a replay it is due at `at_us` after the first.
    pub(super) fn write(
        &mut self,
        method: &str,
        picked: &Picked,
        at_us: Option<u64>,
    ) -> io::Result<()> {
        let path = self.privacy.apply(&picked.path);
        match self.layout {
            Layout::Path => self.to.write_all(&path)?,
            Layout::Line => {
                self.to.write_all(method.as_bytes())?;
                self.to.write_all(b" ")?;
                self.to.write_all(&path)?;
            }
            Layout::Jsonl => {
                let headers = [("host", &picked.host), ("user-agent", &picked.user_agent)];
                let headers = headers.into_iter().filter_map(|(name, value)| {
                    let value = value.as_deref().filter(|value| is_header(value));
                    value.map(|value| (name, value))
                });
                let line = JsonLine {
                    at_us,
                    method,
                    path: &String::from_utf8_lossy(&path),
                    headers: headers.collect(),
                    tag: self.tags.get(&picked.stratum.route).map(String::as_str),
                };
                serde_json::to_writer(&mut *self.to, &line)?;
            }
        }
        self.to.write_all(b"\n")
    }
}

/// Whether it can stand in a header.
fn is_header(value: &str) -> bool {
    value.bytes().all(|byte| byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_as_the_table_says() {
        let stratum = Stratum { route: 7, method: 0, status: 200, latency: 0, time: 0 };
        let plain = Picked {
            stratum,
            path: b"/a?b=\"1\"".as_slice().into(),
            host: None,
            user_agent: None,
            stamp: None,
            latency_us: None,
        };
        let full =
            Picked { host: Some("h".into()), user_agent: Some("x \"é\"".into()), ..plain.clone() };
        let bad = Picked { user_agent: Some("a\nb".into()), ..full.clone() };
        let untagged = Picked { stratum: Stratum { route: 8, ..stratum }, ..plain.clone() };
        for (what, layout, picked, at_us, expected) in [
            ("path", Layout::Path, &full, None, "/a?b=\"1\"\n"),
            ("line", Layout::Line, &full, Some(5), "PUT /a?b=\"1\"\n"),
            (
                "JSON",
                Layout::Jsonl,
                &plain,
                None,
                "{\"method\":\"PUT\",\"path\":\"/a?b=\\\"1\\\"\",\"tag\":\"/a?b\"}\n",
            ),
            (
                "all that there can be",
                Layout::Jsonl,
                &full,
                Some(5),
                "{\"at_us\":5,\"method\":\"PUT\",\"path\":\"/a?b=\\\"1\\\"\",\"headers\":{\"host\":\"h\",\
                 \"user-agent\":\"x \\\"é\\\"\"},\"tag\":\"/a?b\"}\n",
            ),
            (
                "a bad header is left out",
                Layout::Jsonl,
                &bad,
                None,
                "{\"method\":\"PUT\",\"path\":\"/a?b=\\\"1\\\"\",\"headers\":{\"host\":\"h\"},\"tag\":\"/a?b\"}\n",
            ),
            (
                "no tag",
                Layout::Jsonl,
                &untagged,
                None,
                "{\"method\":\"PUT\",\"path\":\"/a?b=\\\"1\\\"\"}\n",
            ),
        ] {
            let mut text = Vec::new();
            let tags = HashMap::from([(7, "/a?b".to_string())]);
            let mut writer = Writer { to: &mut text, layout, privacy: &Privacy::Keep, tags };
            writer.write("PUT", picked, at_us).unwrap();
            assert_eq!(String::from_utf8(text).unwrap(), expected, "{what}");
        }
    }
}
