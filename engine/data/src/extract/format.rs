//! Lines of text by a `log_format` of nginx, and by those of Apache, which are such formats too.
//!
//! A format is texts and `$variables` in turn; a variable ends where the text behind it begins. Within
//! quotes a backslash hides the byte behind it: nginx writes `"` as `\x22`, Apache as `\"`. More may
//! follow behind the end of a format after a blank: many logs have a field more than they say.

use super::bad_line::BadLine;
use super::entry::Raw;
use std::borrow::Cow;
use thiserror::Error;

/// Apache's and nginx's `combined`.
pub const COMBINED: &str = "$remote_addr $ident $remote_user [$time_local] \"$request\" $status \
                            $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";
/// Apache's `common`.
pub const COMMON: &str =
    "$remote_addr $ident $remote_user [$time_local] \"$request\" $status $body_bytes_sent";
/// What nginx is taken to write where nothing is said: `combined` and the time it took.
pub const NGINX: &str = "$remote_addr $ident $remote_user [$time_local] \"$request\" $status \
                         $body_bytes_sent \"$http_referer\" \"$http_user_agent\" $request_time";

/// Why a format cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum FormatError {
    #[error("`${0}` and `${1}` have nothing between them, so nobody could tell them apart")]
    Adjacent(String, String),
    #[error("`$` without a name at {0}\nhint: '$remote_addr [$time_local] \"$request\" $status'")]
    Name(usize),
    #[error("the format has no request\nhint: $request, or $request_method and $request_uri")]
    NoRequest,
}

/// What a variable is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Request,
    Method,
    Target,
    Arguments,
    Status,
    Time,
    Latency,
    /// Counts where there is no other latency; a list, with blanks.
    UpstreamLatency,
    Host,
    UserAgent,
    /// A list of something else.
    OtherList,
    Other,
}

impl Field {
    fn of(name: &str) -> Self {
        match name {
            "request" => Self::Request,
            "request_method" => Self::Method,
            "request_uri" | "uri" | "document_uri" => Self::Target,
            "args" | "query_string" => Self::Arguments,
            "status" => Self::Status,
            "time_local" | "time_iso8601" | "msec" => Self::Time,
            "request_time" => Self::Latency,
            "upstream_response_time" => Self::UpstreamLatency,
            "host" | "http_host" => Self::Host,
            "http_user_agent" => Self::UserAgent,
            _ if name.starts_with("upstream_") => Self::OtherList,
            _ => Self::Other,
        }
    }

    fn is_list(self) -> bool {
        matches!(self, Self::UpstreamLatency | Self::OtherList)
    }
}

/// A variable and the text behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    field: Field,
    end: Vec<u8>,
    is_quoted: bool,
}

/// A format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFormat {
    start: Vec<u8>,
    parts: Vec<Part>,
}

impl LogFormat {
    /// Reads a format: `'$remote_addr - $remote_user [$time_local] "$request" $status'`.
    ///
    /// # Errors
    ///
    /// When lines could not be read by it, or would have no request.
    pub fn parse(format: &str) -> Result<Self, FormatError> {
        let format = format.trim();
        let mut texts = format.split('$');
        let start = texts.next().unwrap_or_default().as_bytes().to_vec();
        let (mut parts, mut names) = (Vec::<Part>::new(), Vec::<String>::new());
        let mut before = start.last().copied();
        let mut at = start.len();
        for text in texts {
            let (name, after) = name(text).ok_or(FormatError::Name(at))?;
            if let Some(last) = parts.last().filter(|last| last.end.is_empty()) {
                debug_assert!(last.end.is_empty(), "nothing stands between them");
                let last = names.last().cloned().unwrap_or_default();
                return Err(FormatError::Adjacent(last, name.into()));
            }
            let is_quoted = before == Some(b'"') && after.starts_with('"');
            let end = after.as_bytes().to_vec();
            before = end.last().copied();
            parts.push(Part { field: Field::of(name), end, is_quoted });
            names.push(name.into());
            at += text.len() + 1;
        }
        let has = |field| parts.iter().any(|part| part.field == field);
        if !has(Field::Request) && !has(Field::Target) {
            return Err(FormatError::NoRequest);
        }
        Ok(Self { start, parts })
    }

    /// The texts of a line.
    pub(super) fn read<'a>(&self, line: &'a [u8]) -> Result<Raw<'a>, BadLine> {
        let missing = |text: &[u8]| BadLine::Shape(String::from_utf8_lossy(text).into());
        let mut rest = line.strip_prefix(&*self.start).ok_or_else(|| missing(&self.start))?;
        let mut raw = Raw::default();
        for part in &self.parts {
            let end = part.find_end(rest).ok_or_else(|| missing(&part.end))?;
            part.put(&rest[..end], &mut raw);
            rest = &rest[end + part.end.len().min(rest.len() - end)..];
        }
        if !rest.is_empty() && !rest[0].is_ascii_whitespace() {
            return Err(BadLine::Shape("the end of the line".into()));
        }
        Ok(raw)
    }
}

/// `name` or `{name}`, and what follows it.
fn name(text: &str) -> Option<(&str, &str)> {
    if let Some(inside) = text.strip_prefix('{') {
        let (name, after) = inside.split_once('}')?;
        return Some((name, after)).filter(|_| !name.is_empty());
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    Some(text.split_at(end)).filter(|_| end > 0)
}

impl Part {
    /// Where the value at the start of `text` ends.
    #[inline]
    fn find_end(&self, text: &[u8]) -> Option<usize> {
        match &*self.end {
            _ if self.is_quoted => self.find_quote(text),
            // The last of the line: a word, but for times, which may have a blank.
            [] if self.field == Field::Time => Some(text.len()),
            [] => Some(memchr::memchr(b' ', text).unwrap_or(text.len())),
            [byte] => self.skip_list(text, |text| memchr::memchr(*byte, text)),
            end => self.skip_list(text, |text| memchr::memmem::find(text, end)),
        }
    }

    /// The first quote that no backslash hides and that the text of the format follows.
    fn find_quote(&self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
            if text[at] == b'\\' {
                at += 2;
            } else if text[at..].starts_with(&self.end) {
                return Some(at);
            } else {
                at += 1;
            }
        }
    }

    /// Lists have blanks within: `0.010, 0.020 : 0.030`.
    #[inline]
    fn skip_list(&self, text: &[u8], find: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
        let mut at = find(text)?;
        while self.field.is_list() {
            let is_within = text[..at].ends_with(b",")
                || text[..at].ends_with(b" :")
                || text[at..].starts_with(b" : ");
            if !is_within {
                break;
            }
            at += 1 + find(&text[at + 1..])?;
        }
        Some(at)
    }

    #[inline]
    fn put<'a>(&self, value: &'a [u8], raw: &mut Raw<'a>) {
        let place = match self.field {
            Field::Other | Field::OtherList => return,
            Field::Request => &mut raw.request,
            Field::Method => &mut raw.method,
            // The whole one is told before or after the path alone.
            Field::Target
                if raw.target.as_ref().is_some_and(|known| known.len() >= value.len()) =>
            {
                return;
            }
            Field::Target => &mut raw.target,
            Field::Arguments => &mut raw.arguments,
            Field::Status => &mut raw.status,
            Field::Time => &mut raw.time,
            Field::UpstreamLatency if raw.latency.is_some() => return,
            Field::Latency | Field::UpstreamLatency => &mut raw.latency,
            Field::Host => &mut raw.host,
            Field::UserAgent => &mut raw.user_agent,
        };
        *place = Some(unescaped(value));
    }
}

/// What stands behind backslashes: `\x22`, `\"`, `\\`, `\t`.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        let (byte, used) = match (first, after) {
            (b'\\', [b'x', high, low, ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high * 16 + low, 3),
                _ => (b'\\', 0),
            },
            (b'\\', [b't', ..]) => (b'\t', 1),
            (b'\\', [b'n', ..]) => (b'\n', 1),
            (b'\\', [b'r', ..]) => (b'\r', 1),
            (b'\\', [hidden @ (b'"' | b'\\'), ..]) => (*hidden, 1),
            _ => (*first, 0),
        };
        plain.push(byte);
        rest = &rest[used..];
    }
    Cow::Owned(plain)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::LatencyUnit;
    use super::*;
    use proptest::prelude::*;

    const LINE: &str = r#"::1 - "#;

    /// Method, path, status, whether it has a time, latency.
    type Found = (String, String, u16, bool, Option<u64>);

    fn read(format: &str, line: &str) -> Result<Found, BadLine> {
        let format = LogFormat::parse(format).unwrap();
        let entry = format.read(line.as_bytes())?.read(LatencyUnit::Second)?;
        let path = String::from_utf8(entry.path.into()).unwrap();
        Ok((entry.method.into(), path, entry.status, entry.stamp.is_some(), entry.latency_us))
    }

    #[test]
    fn lines_are_read() {
        let good = |path: &str, status, latency| {
            Ok(("GET".to_string(), path.to_string(), status, true, latency))
        };
        let time = "[10/Oct/2000:13:55:36 -0700]";
        for (what, format, line, expected) in [
            (
                "common",
                COMMON,
                format!(r#"127.0.0.1 - frank {time} "GET /a.gif HTTP/1.0" 200 2326"#),
                good("/a.gif", 200, None),
            ),
            (
                "combined",
                COMBINED,
                format!(
                    r#"{LINE}- {time} "GET /a?b=1 HTTP/1.0" 404 - "http://r/" "Mozilla/4 (x)""#
                ),
                good("/a?b=1", 404, None),
            ),
            (
                "combined by the format for common",
                COMMON,
                format!(r#"{LINE}- {time} "GET /a HTTP/1.0" 404 - "-" "x""#),
                good("/a", 404, None),
            ),
            (
                "a user with blanks",
                COMBINED,
                format!(r#"{LINE}John Doe {time} "GET /a HTTP/1.0" 200 1 "-" "-""#),
                good("/a", 200, None),
            ),
            (
                "quotes of Apache",
                COMBINED,
                format!(r#"{LINE}- {time} "GET /a\"b HTTP/1.0" 200 1 "-" "a \"b\" \\""#),
                good("/a\"b", 200, None),
            ),
            (
                "quotes of nginx",
                COMBINED,
                format!(r#"{LINE}- {time} "GET /\x22\xC3\xA9\x5Cx HTTP/1.0" 200 1 "-" "-""#),
                good("/\"%C3%A9\\x", 200, None),
            ),
            (
                "a field more",
                COMBINED,
                format!(r#"{LINE}- {time} "GET /a HTTP/1.0" 200 1 "-" "-" 0.5 more"#),
                good("/a", 200, None),
            ),
            (
                "with the time it took",
                NGINX,
                format!(r#"{LINE}- {time} "GET /a HTTP/1.0" 200 1 "-" "-" 0.005"#),
                good("/a", 200, Some(5000)),
            ),
            (
                "and a field more",
                NGINX,
                format!(r#"{LINE}- {time} "GET /a HTTP/1.0" 200 1 "-" "-" 0.005 0.004"#),
                good("/a", 200, Some(5000)),
            ),
            (
                "a list of upstreams",
                "$upstream_addr $upstream_response_time $status $request_uri $msec",
                "10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 0.1, 0.2 : 0.3 200 /a 971211336.5".into(),
                good("/a", 200, Some(600_000)),
            ),
            (
                "the time of the request counts",
                "$upstream_response_time|$request_time|$status|$uri|$args|$time_iso8601",
                "0.1, 0.2|0.5|200|/a|b=1|2000-10-10T13:55:36-07:00".into(),
                good("/a?b=1", 200, Some(500_000)),
            ),
            (
                "the time last",
                "${request_method} $request_uri $status [$http_x] $time_local",
                "GET /a 200 [] 10/Oct/2000:13:55:36 -0700".into(),
                good("/a", 200, None),
            ),
        ] {
            assert_eq!(read(format, &line), expected, "{what}");
        }
    }

    #[test]
    fn bad_lines_are_refused() {
        let time = "[10/Oct/2000:13:55:36 -0700]";
        for (what, format, line, part) in [
            ("nothing", COMBINED, String::new(), "` ` is missing"),
            ("a text", COMBINED, "hello".into(), "` ` is missing"),
            ("an error log", COMBINED, "2024/01/01 00:00:00 [error] 1#1: x".into(), "is missing"),
            ("no quote", COMMON, format!("{LINE}- {time} GET / 200 1"), "is missing"),
            ("cut", COMBINED, format!(r#"{LINE}- {time} "GET / HTTP/1.1" 200 1 "-" "Moz"#), "`\"`"),
            ("cut in an escape", COMBINED, format!(r#"{LINE}- {time} "GET /\"#), "is missing"),
            ("garbage", COMMON, format!(r#"{LINE}- {time} "\x16\x03\x01" 400 1"#), "bad request"),
            ("no request", COMMON, format!(r#"{LINE}- {time} "-" 408 0"#), "bad request"),
            (
                "a word as status",
                COMMON,
                format!(r#"{LINE}- {time} "GET / HTTP/1.1" OK 1"#),
                "bad status",
            ),
            (
                "a bad time",
                COMMON,
                format!(r#"{LINE}- [today] "GET / HTTP/1.1" 200 1"#),
                "bad time",
            ),
            (
                "no time it took",
                NGINX,
                format!(r#"{LINE}- {time} "GET / HTTP/1.1" 200 1 "-" "-""#),
                "`\" ` is missing",
            ),
            (
                "a word as the time it took",
                NGINX,
                format!(r#"{LINE}- {time} "GET / HTTP/1.1" 200 1 "-" "-" fast"#),
                "bad latency",
            ),
            ("another start", "<$request>", "[GET /]".into(), "`<` is missing"),
            (
                "no blank behind the end",
                "<$request>",
                "<GET / HTTP/1.1>x".into(),
                "the end of the line",
            ),
        ] {
            let error = read(format, &line).unwrap_err().to_string();
            assert!(error.contains(part), "{what}: `{error}` lacks `{part}`");
        }
    }

    #[test]
    fn bad_formats_are_refused() {
        for (format, part) in [
            ("", "no request"),
            ("$status", "no request"),
            ("$request_method $status", "no request"),
            ("$request$status", "`$request` and `$status`"),
            ("$ $request", "`$` without a name at 0"),
            ("$status ${ $request", "`$` without a name at 8"),
            ("${} $request", "without a name"),
        ] {
            let error = LogFormat::parse(format).unwrap_err().to_string();
            assert!(error.contains(part), "{format}: `{error}` lacks `{part}`");
        }
        for format in [COMBINED, COMMON, NGINX, "$uri", "a $request b"] {
            assert!(LogFormat::parse(format).is_ok(), "{format}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            for format in [COMBINED, NGINX, "$upstream_addr $request", "\"$request\""] {
                let format = LogFormat::parse(format).unwrap();
                if let Ok(raw) = format.read(&line) {
                    drop(raw.read(LatencyUnit::Second));
                }
            }
        }

        #[test]
        fn what_nginx_escapes_comes_back(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut escaped = Vec::new();
            for &byte in &text {
                match byte {
                    b'"' | b'\\' | 0..=31 | 127.. => escaped.extend(format!("\\x{byte:02X}").bytes()),
                    _ => escaped.push(byte),
                }
            }
            prop_assert_eq!(&*unescaped(&escaped), &*text);
        }
    }
}
