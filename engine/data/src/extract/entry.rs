//! What a line of a log says of one request, from whichever format it was taken.
//!
//! `Raw` is what a format finds: texts by their meaning. `Entry` is what they say, checked: a method
//! and a path that can be sent, numbers as numbers.

use super::bad_line::{BadLine, quoted};
use super::stamp::Stamp;
use std::borrow::Cow;

/// A method is not longer.
const MAX_METHOD_BYTES: usize = 20;
/// Nothing takes longer: some years.
const MAX_LATENCY_S: f64 = 1e8;

/// What stands in a log: as it is there, or with its escapes resolved.
type Text<'a> = Cow<'a, [u8]>;

/// Texts of a line.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Raw<'a> {
    /// `GET /a?b=1 HTTP/1.1`, or its parts.
    pub(super) request: Option<Text<'a>>,
    pub(super) method: Option<Text<'a>>,
    pub(super) target: Option<Text<'a>>,
    pub(super) arguments: Option<Text<'a>>,
    pub(super) status: Option<Text<'a>>,
    pub(super) time: Option<Text<'a>>,
    pub(super) latency: Option<Text<'a>>,
    pub(super) host: Option<Text<'a>>,
    pub(super) user_agent: Option<Text<'a>>,
}

/// What a number of a latency counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LatencyUnit {
    /// Seconds.
    #[default]
    Second,
    /// Milliseconds.
    Millisecond,
    /// Microseconds.
    Microsecond,
    /// Nanoseconds.
    Nanosecond,
}

impl LatencyUnit {
    fn per_us(self) -> f64 {
        match self {
            Self::Second => 1e6,
            Self::Millisecond => 1e3,
            Self::Microsecond => 1.0,
            Self::Nanosecond => 1e-3,
        }
    }
}

/// A request of a log.
#[derive(Debug, PartialEq)]
pub(super) struct Entry<'a> {
    pub(super) method: Cow<'a, str>,
    /// With its query; graphic ASCII that begins with `/`.
    pub(super) path: Text<'a>,
    /// 0: the log has none.
    pub(super) status: u16,
    pub(super) stamp: Option<Stamp>,
    pub(super) latency_us: Option<u64>,
    pub(super) host: Option<Cow<'a, str>>,
    pub(super) user_agent: Option<Cow<'a, str>>,
}

impl<'a> Raw<'a> {
    /// Checks the texts.
    pub(super) fn read(self, unit: LatencyUnit) -> Result<Entry<'a>, BadLine> {
        let (method, target) = match (self.request, self.method, self.target) {
            (_, Some(method), Some(target)) => (method, target),
            (Some(request), _, _) => split_request(request)?,
            (None, method, Some(target)) => (method.unwrap_or(Cow::Borrowed(b"GET")), target),
            (None, _, None) => return Err(BadLine::Missing("request")),
        };
        let mut path = path_of(target)?;
        if let Some(arguments) = self.arguments.filter(|text| !is_nothing(text))
            && !path.contains(&b'?')
        {
            let all = path.to_mut();
            all.push(b'?');
            push_graphic(&arguments, all);
        }
        let present = |text: &Text<'_>| !is_nothing(text);
        Ok(Entry {
            method: method_of(method)?,
            path,
            status: self.status.as_deref().map_or(Ok(0), status_of)?,
            stamp: self.time.filter(present).map(|text| Stamp::read(&text)).transpose()?,
            latency_us: match self.latency.filter(present) {
                Some(text) => Some(latency_us(&text, unit)?),
                None => None,
            },
            host: self.host.filter(present).map(text_of),
            user_agent: self.user_agent.filter(present).map(text_of),
        })
    }
}

/// What logs write where there is nothing.
fn is_nothing(text: &[u8]) -> bool {
    matches!(text, b"" | b"-")
}

/// Method and target of `GET /a HTTP/1.1`.
fn split_request(request: Text<'_>) -> Result<(Text<'_>, Text<'_>), BadLine> {
    let bad = || BadLine::Request(quoted(&request));
    let first = memchr::memchr(b' ', &request).ok_or_else(bad)?;
    let mut end = request.len();
    // The version is what follows the last blank; the oldest requests have none.
    if let Some(last) = memchr::memrchr(b' ', &request).filter(|last| *last > first)
        && request[last + 1..].starts_with(b"HTTP/")
    {
        end = last;
    }
    if first + 1 >= end {
        return Err(bad());
    }
    Ok(match request {
        Cow::Borrowed(text) => (text[..first].into(), text[first + 1..end].into()),
        Cow::Owned(text) => {
            (Cow::Owned(text[..first].to_vec()), Cow::Owned(text[first + 1..end].to_vec()))
        }
    })
}

fn method_of(method: Text<'_>) -> Result<Cow<'_, str>, BadLine> {
    let is_good = (1..=MAX_METHOD_BYTES).contains(&method.len())
        && method.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_'));
    if !is_good {
        return Err(BadLine::Method(quoted(&method)));
    }
    Ok(text_of(method))
}

/// The path of a target, as it can be sent: what is not graphic ASCII is written as `%XX`. Of an absolute
/// URL, as proxies log it, the path is taken.
fn path_of(target: Text<'_>) -> Result<Text<'_>, BadLine> {
    let mut target = target;
    for scheme in [b"http://".as_slice(), b"https://"] {
        let Some(rest) = target.strip_prefix(scheme) else { continue };
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        let mut path = rest[end..].to_vec();
        if path.first() != Some(&b'/') {
            path.insert(0, b'/');
        }
        target = Cow::Owned(path);
        break;
    }
    if target.first() != Some(&b'/') {
        return Err(BadLine::Path(quoted(&target)));
    }
    if target.iter().fold(true, |all, byte| all & byte.is_ascii_graphic()) {
        return Ok(target);
    }
    let mut path = Vec::with_capacity(target.len() + 16);
    push_graphic(&target, &mut path);
    Ok(Cow::Owned(path))
}

fn push_graphic(text: &[u8], to: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in text {
        match byte.is_ascii_graphic() {
            true => to.push(byte),
            false => {
                to.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
        }
    }
}

/// Three digits; a request that was given up has none in some logs.
fn status_of(text: &[u8]) -> Result<u16, BadLine> {
    let bad = || BadLine::Status(quoted(text));
    match text {
        b"" | b"-" | b"0" | b"000" => Ok(0),
        [b'1'..=b'9', tail @ ..] if tail.len() == 2 => {
            let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
            let tens = digit(&tail[0]).zip(digit(&tail[1]));
            let (tens, ones) = tens.ok_or_else(bad)?;
            Ok(u16::from(text[0] - b'0') * 100 + tens * 10 + ones)
        }
        _ => Err(bad()),
    }
}

/// `0.123`, `12.5ms`; several, of several upstreams, add up: `0.010, 0.025 : 0.1`.
fn latency_us(text: &[u8], unit: LatencyUnit) -> Result<u64, BadLine> {
    let bad = || BadLine::Latency(quoted(text));
    let mut sum_us = 0.0;
    for part in text.split(|byte| matches!(byte, b',' | b':')) {
        let part = part.trim_ascii();
        if is_nothing(part) {
            continue;
        }
        let end = part.iter().rposition(u8::is_ascii_digit).ok_or_else(bad)? + 1;
        let unit = match part[end..].trim_ascii() {
            b"" => unit,
            b"s" => LatencyUnit::Second,
            b"ms" => LatencyUnit::Millisecond,
            b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => LatencyUnit::Microsecond,
            b"ns" => LatencyUnit::Nanosecond,
            _ => return Err(bad()),
        };
        let number = str::from_utf8(&part[..end]).ok().and_then(|text| text.parse::<f64>().ok());
        sum_us += number.ok_or_else(bad)? * unit.per_us();
    }
    if !(0.0..=MAX_LATENCY_S * 1e6).contains(&sum_us) {
        return Err(bad());
    }
    #[expect(clippy::cast_possible_truncation, reason = "some years of µs fit")]
    #[expect(clippy::cast_sign_loss, reason = "not negative, as was just looked at")]
    let rounded = sum_us.round() as u64;
    Ok(rounded)
}

fn text_of(bytes: Text<'_>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_request(request: &str) -> Result<(String, String), BadLine> {
        let raw = Raw { request: Some(request.as_bytes().into()), ..Raw::default() };
        let entry = raw.read(LatencyUnit::Second)?;
        Ok((entry.method.into(), String::from_utf8(entry.path.into()).unwrap()))
    }

    #[test]
    fn requests_are_read() {
        for (request, method, path) in [
            ("GET / HTTP/1.1", "GET", "/"),
            ("POST /a?b=1 HTTP/2.0", "POST", "/a?b=1"),
            ("GET /old", "GET", "/old"),
            ("GET /a b HTTP/1.1", "GET", "/a%20b"),
            ("GET /é HTTP/1.1", "GET", "/%C3%A9"),
            ("GET http://h:80/a?b HTTP/1.1", "GET", "/a?b"),
            ("GET https://h HTTP/1.1", "GET", "/"),
            ("GET https://h?a HTTP/1.1", "GET", "/?a"),
            ("M-SEARCH /x HTTP/1.1", "M-SEARCH", "/x"),
        ] {
            assert_eq!(of_request(request), Ok((method.into(), path.into())), "{request}");
        }
        for (request, part) in [
            ("", "bad request"),
            ("-", "bad request"),
            ("GET", "bad request"),
            ("GET ", "bad request"),
            (" / HTTP/1.1", "bad method"),
            ("get / HTTP/1.1", "bad method"),
            ("G@T / HTTP/1.1", "bad method"),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1", "bad method"),
            ("\u{16}\u{3}\u{1} \u{0}", "bad path"),
            ("OPTIONS * HTTP/1.1", "bad path"),
            ("CONNECT h:443 HTTP/1.1", "bad path"),
            ("GET a HTTP/1.1", "bad path"),
            ("GET HTTP/1.1", "bad path"),
            ("GET ftp://h/a HTTP/1.1", "bad path"),
        ] {
            let error = of_request(request).unwrap_err().to_string();
            assert!(error.contains(part), "{request}: {error}");
        }
        let none = Raw { method: Some(b"GET".as_slice().into()), ..Raw::default() };
        assert_eq!(none.read(LatencyUnit::Second), Err(BadLine::Missing("request")));
    }

    #[test]
    fn arguments_of_their_own_become_a_query() {
        for (target, arguments, path) in [
            ("/a", "b=1", "/a?b=1"),
            ("/a", "b=x y", "/a?b=x%20y"),
            ("/a", "-", "/a"),
            ("/a", "", "/a"),
            ("/a?b=1", "b=1", "/a?b=1"),
        ] {
            let raw = Raw {
                target: Some(target.as_bytes().into()),
                arguments: Some(arguments.as_bytes().into()),
                ..Raw::default()
            };
            let entry = raw.read(LatencyUnit::Second).unwrap();
            assert_eq!((&*entry.method, &*entry.path), ("GET", path.as_bytes()), "{target}");
        }
    }

    #[test]
    fn latencies_have_units() {
        use LatencyUnit::{Microsecond, Millisecond, Nanosecond, Second};
        for (text, unit, expected) in [
            ("0.123", Second, 123_000),
            ("0.000", Second, 0),
            ("12", Millisecond, 12_000),
            ("12", Microsecond, 12),
            ("12600", Nanosecond, 13),
            ("12.5ms", Second, 12_500),
            ("3 s", Millisecond, 3_000_000),
            ("250µs", Second, 250),
            ("250μs", Second, 250),
            ("1e-3", Second, 1000),
            ("0.010, 0.025 : 0.1", Second, 135_000),
            ("0.010, -", Second, 10_000),
        ] {
            assert_eq!(latency_us(text.as_bytes(), unit), Ok(expected), "{text}");
        }
        for text in ["x", "1x", "-1", "1 2", "1m", "inf", "nan", "1e300", "0..1", "ms", "--1"] {
            assert!(latency_us(text.as_bytes(), Second).is_err(), "{text}");
        }
    }

    #[test]
    fn a_status_has_three_digits_or_is_none() {
        for (text, expected) in
            [("200", Ok(200)), ("499", Ok(499)), ("999", Ok(999)), ("-", Ok(0)), ("000", Ok(0))]
        {
            assert_eq!(status_of(text.as_bytes()), expected, "{text}");
        }
        for text in ["20", "2000", "2x0", "20x", "x00", "099", "+20", "２００"] {
            assert_eq!(status_of(text.as_bytes()), Err(BadLine::Status(text.into())), "{text}");
        }
    }
}
