//! Lines that are JSON objects: which fields mean what, and a reader that looks at no others.
//!
//! A field is named by a dotted path: `http.status` is `{"http":{"status":200}}`, and also a field that
//! has the dot in its name. Of several names for one meaning the first that a line has counts.

use super::bad_line::{BadLine, quoted};
use super::entry::Raw;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use thiserror::Error;

/// What fields can mean, and the names that are tried for it where none is given.
const MEANINGS: [(&str, &[&str]); 9] = [
    ("request", &["request"]),
    ("method", &["method", "request_method", "http.request.method", "verb"]),
    ("path", &["path", "uri", "request_uri", "url", "url.original", "url.path"]),
    ("query", &["query", "args", "query_string", "url.query"]),
    ("status", &["status", "status_code", "http.response.status_code", "response_code"]),
    ("time", &["time", "timestamp", "@timestamp", "ts", "time_iso8601", "time_local", "msec"]),
    ("latency", &["latency", "request_time", "duration", "response_time", "elapsed"]),
    ("host", &["host", "http_host", "request_host"]),
    ("user_agent", &["user_agent", "http_user_agent", "agent", "user_agent.original"]),
];

/// Why the names of fields cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FieldError {
    /// Not `meaning=name`.
    #[error("bad field `{0}`\nhint: meaning=name, as in latency=http.took_ms")]
    Shape(String),
    /// No such meaning.
    #[error(
        "unknown meaning `{0}`\nhint: request, method, path, query, status, time, latency, host or user_agent"
    )]
    Meaning(String),
}

/// Which fields mean what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonFields {
    /// Of each meaning: names, the first before the second.
    names: Vec<Vec<String>>,
}

impl Default for JsonFields {
    fn default() -> Self {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Self { names: MEANINGS.iter().map(|(_, names)| owned(names)).collect() }
    }
}

impl JsonFields {
    /// The usual names, and instead of them those that are given as `meaning=name`.
    ///
    /// # Errors
    ///
    /// When one of them is not of that shape.
    pub fn parse(given: &[String]) -> Result<Self, FieldError> {
        let mut fields = Self::default();
        for text in given {
            let (meaning, name) = text
                .split_once('=')
                .filter(|(_, name)| !name.split('.').any(str::is_empty))
                .ok_or_else(|| FieldError::Shape(text.clone()))?;
            let place = MEANINGS.iter().position(|(known, _)| *known == meaning);
            let place = place.ok_or_else(|| FieldError::Meaning(meaning.into()))?;
            fields.names[place] = vec![name.into()];
        }
        Ok(fields)
    }

    /// The texts of a line.
    pub(super) fn read<'a>(&self, line: &'a [u8]) -> Result<Raw<'a>, BadLine> {
        if line.trim_ascii_start().first() != Some(&b'{') {
            return Err(BadLine::Json(format!("`{}` is no object", quoted(line))));
        }
        let mut found = Found::default();
        let mut reader = serde_json::Deserializer::from_slice(line);
        let names = self.names.iter().enumerate().flat_map(|(meaning, names)| {
            names.iter().enumerate().map(move |(rank, name)| Wanted { meaning, rank, name })
        });
        let wanted: Vec<_> = names.collect();
        let object = Object { wanted, found: &mut found };
        let read = object.deserialize(&mut reader).and_then(|()| reader.end());
        read.map_err(|error| BadLine::Json(error.to_string()))?;
        let [request, method, target, arguments, status, time, latency, host, user_agent] =
            found.texts.map(|found| found.map(|(_, text)| text));
        Ok(Raw { request, method, target, arguments, status, time, latency, host, user_agent })
    }
}

/// A name that is looked for, from where we stand on.
#[derive(Clone, Copy)]
struct Wanted<'n> {
    meaning: usize,
    rank: usize,
    name: &'n str,
}

/// Texts by meaning, each with the rank of the name it was found by.
#[derive(Default)]
struct Found<'a> {
    texts: [Option<(usize, Cow<'a, [u8]>)>; MEANINGS.len()],
}

impl<'a> Found<'a> {
    fn put(&mut self, wanted: Wanted<'_>, text: Cow<'a, [u8]>) {
        let place = &mut self.texts[wanted.meaning];
        if place.as_ref().is_none_or(|(rank, _)| wanted.rank < *rank) {
            *place = Some((wanted.rank, text));
        }
    }
}

/// An object, with what is looked for in it.
struct Object<'n, 'f, 'a> {
    wanted: Vec<Wanted<'n>>,
    found: &'f mut Found<'a>,
}

impl<'a> DeserializeSeed<'a> for Object<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'a>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Object<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<Key<'a>>()? {
            let mut here = None;
            let mut below = Vec::new();
            for wanted in &self.wanted {
                match wanted.name.strip_prefix(&*key.0) {
                    Some("") => here = here.or(Some(*wanted)),
                    Some(rest) => {
                        if let Some(name) = rest.strip_prefix('.') {
                            below.push(Wanted { name, ..*wanted });
                        }
                    }
                    None => {}
                }
            }
            if here.is_none() && below.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(Value { here, below, found: self.found })?;
            }
        }
        Ok(())
    }
}

/// A name, without a copy where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'a> serde::Deserialize<'a> for Key<'a> {
    fn deserialize<D: serde::Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'a> Visitor<'a> for KeyVisitor {
            type Value = Key<'a>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Owned(text.into())))
            }
        }
        from.deserialize_str(KeyVisitor)
    }
}

/// A value that is looked for, or that holds what is.
struct Value<'n, 'f, 'a> {
    here: Option<Wanted<'n>>,
    below: Vec<Wanted<'n>>,
    found: &'f mut Found<'a>,
}

impl<'a> Value<'_, '_, 'a> {
    fn put(self, text: Cow<'a, [u8]>) {
        if let Some(wanted) = self.here {
            self.found.put(wanted, text);
        }
    }

    fn put_shown(self, value: impl fmt::Display) {
        self.put(Cow::Owned(value.to_string().into_bytes()));
    }
}

impl<'a> DeserializeSeed<'a> for Value<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'a>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Value<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text or a number")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<(), E> {
        self.put(Cow::Borrowed(text.as_bytes()));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.put(Cow::Owned(text.as_bytes().to_vec()));
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.put_shown(number);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.put_shown(number);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.put_shown(number);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        match self.here {
            None => Ok(()),
            Some(wanted) => {
                let name = MEANINGS[wanted.meaning].0;
                Err(E::custom(format_args!("{name} is `{value}`, neither a text nor a number")))
            }
        }
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut list: S) -> Result<(), S::Error> {
        if let Some(wanted) = self.here {
            let name = MEANINGS[wanted.meaning].0;
            return Err(S::Error::custom(format_args!("{name} is a list")));
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<M: MapAccess<'a>>(self, map: M) -> Result<(), M::Error> {
        // A name may be that of a text in one log and of an object in another.
        Object { wanted: self.below, found: self.found }.visit_map(map)
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::LatencyUnit;
    use super::*;

    /// Method, path, status, Unix time in ms, latency in µs.
    type Found = (String, String, u16, Option<i64>, Option<u64>);

    fn read(fields: &[&str], line: &str) -> Result<Found, BadLine> {
        let fields: Vec<_> = fields.iter().map(ToString::to_string).collect();
        let fields = JsonFields::parse(&fields).unwrap();
        let entry = fields.read(line.as_bytes())?.read(LatencyUnit::Millisecond)?;
        let path = String::from_utf8(entry.path.into()).unwrap();
        let time = entry.stamp.map(|stamp| stamp.unix_us / 1000);
        Ok((entry.method.into(), path, entry.status, time, entry.latency_us))
    }

    #[test]
    fn lines_are_read() {
        for (what, fields, line, expected) in [
            (
                "the usual names",
                vec![],
                r#"{"method":"PUT","path":"/a","status":201,"time":971211336.5,"latency":12.5}"#,
                ("PUT", "/a", 201, Some(971_211_336_500), Some(12_500)),
            ),
            (
                "texts for numbers",
                vec![],
                r#"{"uri":"/a","args":"b=1","status":"404","time_local":"10/Oct/2000:13:55:36 -0700","request_time":"3"}"#,
                ("GET", "/a?b=1", 404, Some(971_211_336_000), Some(3000)),
            ),
            (
                "a request as nginx has it",
                vec![],
                r#"{"request":"GET /a HTTP/1.1","status":200}"#,
                ("GET", "/a", 200, None, None),
            ),
            (
                "names of the Elastic Common Schema",
                vec![],
                r#"{"@timestamp":"2000-10-10T20:55:36Z","http":{"request":{"method":"GET","bytes":[1]},"response":{"status_code":200}},"url":{"path":"/p","original":"/a?b"}}"#,
                ("GET", "/a?b", 200, Some(971_211_336_000), None),
            ),
            (
                "names that are given",
                vec!["path=req.target", "latency=took", "status=a.b.c"],
                r#"{"req":{"target":"/é \"x\"","path":"/no"},"path":"/no","took":"5us","a":{"b":{"c":200}}}"#,
                ("GET", "/%C3%A9%20\"x\"", 200, None, Some(5)),
            ),
            (
                "a dot in a name",
                vec!["path=req.target", "status=a.b.c"],
                r#"{"req.target":"/a","a":{"b.c":200}}"#,
                ("GET", "/a", 200, None, None),
            ),
            (
                "nothing where it may be missing",
                vec![],
                r#"{"path":"/a","status":null,"time":null,"latency":"-","x":{"y":[{}]},"z":true}"#,
                ("GET", "/a", 0, None, None),
            ),
            ("escapes in names", vec![], r#"{"p\u0061th":"\/a"}"#, ("GET", "/a", 0, None, None)),
        ] {
            let (method, path, status, time, latency) = expected;
            let expected = (method.to_string(), path.to_string(), status, time, latency);
            assert_eq!(read(&fields, line), Ok(expected), "{what}");
        }
    }

    #[test]
    fn bad_lines_are_refused() {
        for (line, part) in [
            ("", "no object"),
            ("[]", "no object"),
            ("GET /", "no object"),
            ("{", "EOF"),
            (r#"{"path":"/a""#, "EOF"),
            (r#"{"path":"/a"} x"#, "trailing"),
            (r#"{"path":"/a",}"#, "trailing comma"),
            (r#"{"a":1}"#, "no request"),
            (r#"{"path":null}"#, "no request"),
            (r#"{"path":"a"}"#, "bad path"),
            (r#"{"path":5}"#, "bad path"),
            (r#"{"path":true}"#, "path is `true`"),
            (r#"{"path":["/a"]}"#, "path is a list"),
            (r#"{"path":"/a","method":"get"}"#, "bad method"),
            (r#"{"path":"/a","status":20}"#, "bad status"),
            (r#"{"path":"/a","status":-200}"#, "bad status"),
            (r#"{"path":"/a","status":200.5}"#, "bad status"),
            (r#"{"path":"/a","time":"noon"}"#, "bad time"),
            (r#"{"path":"/a","latency":"fast"}"#, "bad latency"),
            (r#"{"path":"/a","latency":-1}"#, "bad latency"),
        ] {
            let error = read(&[], line).unwrap_err().to_string();
            assert!(error.contains(part), "{line}: `{error}` lacks `{part}`");
        }
    }

    #[test]
    fn bad_names_are_refused() {
        for (given, part) in [
            ("latency", "bad field `latency`"),
            ("latency=", "bad field"),
            ("latency=a..b", "bad field"),
            ("latency=.a", "bad field"),
            ("lag=a", "unknown meaning `lag`"),
        ] {
            let error = JsonFields::parse(&[given.into()]).unwrap_err().to_string();
            assert!(error.contains(part), "{given}: {error}");
        }
    }
}
