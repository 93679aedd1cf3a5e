//! Where a value stands, and what that does to its text.

use super::error::Fault;
use super::{Draw, Piece};

/// A place in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    /// Within a path: what is not a letter, a digit or one of `-._~/` is written as `%XX` (RFC 3986).
    Path,
    /// Within a string of JSON.
    Json,
    /// Within quotes of a CSV file (RFC 4180).
    Quoted,
    /// As it is; a row is one line, so it has no end of line.
    Plain,
}

impl Context {
    /// A piece as it may stand here.
    pub(super) fn encode(self, piece: &Piece) -> Result<Piece, Fault> {
        match piece {
            Piece::Text(text) => {
                self.check(text)?;
                Ok(Piece::Text(self.text(text)))
            }
            Piece::Value(draw) => {
                draw.value.texts().iter().try_for_each(|text| self.check(text))?;
                let value = draw.value.map(|text| self.text(text));
                Ok(Piece::Value(Draw { stream: draw.stream, value }))
            }
        }
    }

    fn check(self, text: &[u8]) -> Result<(), Fault> {
        let has_end = || text.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        match self {
            Self::Quoted | Self::Plain if has_end() => Err(Fault::LineEnd),
            _ => Ok(()),
        }
    }

    fn text(self, text: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::with_capacity(text.len());
        for &byte in text {
            match self {
                Self::Path => push_percent(&mut encoded, byte),
                Self::Json => push_json(&mut encoded, byte),
                Self::Quoted if byte == b'"' => encoded.extend_from_slice(b"\"\""),
                Self::Quoted | Self::Plain => encoded.push(byte),
            }
        }
        encoded
    }
}

/// The texts of a piece that are not numbers.
pub(super) fn texts(piece: &Piece) -> Vec<&[u8]> {
    match piece {
        Piece::Text(text) => vec![text],
        Piece::Value(draw) => draw.value.texts(),
    }
}

fn hex(number: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(number & 15)]
}

fn push_percent(encoded: &mut Vec<u8>, byte: u8) {
    match byte {
        b'-' | b'.' | b'_' | b'~' | b'/' => encoded.push(byte),
        _ if byte.is_ascii_alphanumeric() => encoded.push(byte),
        _ => encoded.extend_from_slice(&[b'%', hex(byte >> 4), hex(byte)]),
    }
}

/// Bytes beyond ASCII are parts of UTF-8 and stand as they are.
fn push_json(encoded: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' | b'\\' => encoded.extend_from_slice(&[b'\\', byte]),
        b'\n' => encoded.extend_from_slice(b"\\n"),
        0..0x20 => encoded.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte)]),
        _ => encoded.push(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(context: Context, text: &str) -> Result<String, Fault> {
        match context.encode(&Piece::text(text))? {
            Piece::Text(text) => Ok(String::from_utf8(text).unwrap()),
            Piece::Value(_) => unreachable!("a text stays one"),
        }
    }

    #[test]
    fn texts_are_written_for_where_they_stand() {
        for (context, text, expect) in [
            (Context::Path, "aZ09-._~/", Ok("aZ09-._~/")),
            (Context::Path, "a b&c?d", Ok("a%20b%26c%3Fd")),
            (Context::Path, "é\n", Ok("%C3%A9%0A")),
            (Context::Json, "a\"b\\c\nd\u{1}é", Ok("a\\\"b\\\\c\\nd\\u0001é")),
            (Context::Quoted, "a\"b,c", Ok("a\"\"b,c")),
            (Context::Quoted, "a\nb", Err(Fault::LineEnd)),
            (Context::Plain, "a \"b\"", Ok("a \"b\"")),
            (Context::Plain, "a\rb", Err(Fault::LineEnd)),
        ] {
            assert_eq!(encoded(context, text), expect.map(str::to_string), "{context:?} {text:?}");
        }
    }

    proptest! {
        #[test]
        fn json_is_read_as_what_was_written(text in any::<String>()) {
            let quoted = format!("\"{}\"", encoded(Context::Json, &text).unwrap());
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
        }

        #[test]
        fn paths_have_nothing_that_ends_them(text in any::<String>()) {
            let path = encoded(Context::Path, &text).unwrap();
            prop_assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#&".contains(&byte)));
        }
    }
}
