//! Text with values that differ from slot to slot: `/item?id={{int 1 1000}}&t={{now_ms}}`.

use crate::braces::{Part, Unclosed, parts};
use crate::digits::{
    MAX_DECIMAL_BYTES, UUID_BYTES, push_decimal, push_hex, push_signed, push_uuid,
};
use crate::random::Random;
use crate::zipf::Zipf;
use thiserror::Error;

/// Digits of `{{hex n}}`, at the most.
const MAX_HEX_DIGITS: u64 = 1024;
/// Ranks of `{{zipf n s}}`, at the most: what a float counts exactly.
const MAX_RANKS: u64 = 1 << 53;
/// Digits of the time in milliseconds, from 2001 to 2286.
pub const NOW_DIGITS: usize = 13;

/// Why a text is not a template.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum TemplateError {
    #[error(
        "`{{{{` without `}}}}`\nhint: text that is no template is sent as it stands with templates = false (--no-templates)"
    )]
    Open,
    #[error(
        "unknown value `{{{{{0}}}}}`\nhint: there are slot, uuid, int, zipf, hex, now_ms and line; text that is no template is sent as it stands with templates = false (--no-templates)"
    )]
    Unknown(String),
    #[error("bad value `{{{{{text}}}}}`: {why}\nhint: {hint}")]
    Arguments { text: String, why: &'static str, hint: &'static str },
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(Vec<u8>),
    Slot,
    Uuid,
    Int { low: i64, span: u64 },
    Zipf(Zipf),
    Hex(u64),
    NowMs,
    Line,
}

/// What the values of one slot are made from.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    /// The slot.
    pub slot: u64,
    /// Its random numbers.
    pub random: Random,
    /// Time of the wall clock, Unix, in milliseconds.
    pub now_ms: u64,
    /// Its line of the source.
    pub line: &'a [u8],
}

impl<'a> Values<'a> {
    /// The values of a slot follow from seed and slot, but for the time. The warm-up, whose slots have
    /// numbers of their own, has others.
    #[inline]
    #[must_use]
    pub fn new(seed: u64, is_warmup: bool, slot: u64, now_ms: u64, line: &'a [u8]) -> Self {
        let seed = if is_warmup { !seed } else { seed };
        Self { slot, random: Random::of(seed, slot), now_ms, line }
    }
}

/// Text with values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

impl Template {
    /// Text without values.
    pub(crate) fn text(text: &[u8]) -> Self {
        let mut template = Self::default();
        template.push_text(text);
        template
    }

    /// Reads `text`, whose values are in double braces.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, TemplateError> {
        let mut template = Self::default();
        for part in parts(text).map_err(|Unclosed| TemplateError::Open)? {
            match part {
                Part::Text(text) => template.push_text(text),
                Part::Inside(value) => {
                    let value = String::from_utf8_lossy(value);
                    template.pieces.push(Piece::parse(value.trim())?);
                }
            }
        }
        Ok(template)
    }

    /// Appends text.
    pub(crate) fn push_text(&mut self, text: &[u8]) {
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(last)) => last.extend_from_slice(text),
            _ => self.pieces.push(Piece::Text(text.into())),
        }
    }

    /// Appends another template.
    pub(crate) fn push(&mut self, other: &Self) {
        for piece in &other.pieces {
            match piece {
                Piece::Text(text) => self.push_text(text),
                value => self.pieces.push(value.clone()),
            }
        }
    }

    /// Its text, where it has no values.
    pub(crate) fn as_text(&self) -> Option<&[u8]> {
        match self.pieces.as_slice() {
            [] => Some(b""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Its pieces of text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_slice()),
            _ => None,
        })
    }

    /// Whether it begins with a text that satisfies a test, or with a line of the source.
    pub(crate) fn starts(&self, is_good: impl Fn(&[u8]) -> bool) -> bool {
        match self.pieces.first() {
            Some(Piece::Text(text)) => is_good(text),
            Some(Piece::Line) => true,
            _ => false,
        }
    }

    /// Whether it begins with a line of the source.
    pub(crate) fn starts_with_line(&self) -> bool {
        matches!(self.pieces.first(), Some(Piece::Line))
    }

    /// Whether it holds lines of the source.
    pub(crate) fn wants_line(&self) -> bool {
        self.pieces.contains(&Piece::Line)
    }

    /// Whether it holds the time of sending.
    pub(crate) fn wants_now(&self) -> bool {
        self.pieces.contains(&Piece::NowMs)
    }

    /// Bytes that it can have, at the most, without lines of the source.
    pub(crate) fn most_bytes(&self) -> usize {
        let most = |piece: &Piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Slot | Piece::Int { .. } | Piece::Zipf(_) | Piece::NowMs => MAX_DECIMAL_BYTES,
            Piece::Uuid => UUID_BYTES,
            Piece::Hex(digits) => usize::try_from(*digits).unwrap_or(usize::MAX),
            Piece::Line => 0,
        };
        self.pieces.iter().map(most).sum()
    }

    /// How often it holds the line of the source.
    pub(crate) fn lines(&self) -> usize {
        self.pieces.iter().filter(|piece| **piece == Piece::Line).count()
    }

    /// Appends the text for a slot, and to `now_places` where in `bytes` the time stands.
    #[inline]
    pub(crate) fn render(
        &self,
        values: &mut Values,
        bytes: &mut Vec<u8>,
        now_places: &mut Vec<usize>,
    ) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => bytes.extend_from_slice(text),
                Piece::Slot => push_decimal(bytes, values.slot),
                Piece::Uuid => push_uuid(bytes, &mut values.random),
                Piece::Int { low, span } => {
                    let number = low.wrapping_add_unsigned(values.random.below(*span));
                    push_signed(bytes, number, 0);
                }
                Piece::Zipf(zipf) => push_decimal(bytes, zipf.draw(&mut values.random)),
                Piece::Hex(digits) => push_hex(bytes, *digits, &mut values.random),
                Piece::NowMs => {
                    now_places.push(bytes.len());
                    push_decimal(bytes, values.now_ms);
                }
                Piece::Line => bytes.extend_from_slice(values.line),
            }
        }
    }
}

impl Piece {
    /// Reads what stands between the braces.
    fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut words = text.split_ascii_whitespace();
        let name = words.next().unwrap_or_default();
        let arguments: Vec<_> = words.collect();
        let bad = |why, hint| TemplateError::Arguments { text: text.into(), why, hint };
        match (name, arguments.as_slice()) {
            ("slot", []) => Ok(Self::Slot),
            ("uuid", []) => Ok(Self::Uuid),
            ("now_ms", []) => Ok(Self::NowMs),
            ("line", []) => Ok(Self::Line),
            ("slot" | "uuid" | "now_ms" | "line", _) => {
                Err(bad("it takes no arguments", "{{slot}}, {{uuid}}, {{now_ms}}, {{line}}"))
            }
            ("int", arguments) => int(arguments).map_err(|why| bad(why, "{{int 1 1000}}")),
            ("zipf", arguments) => {
                let hint = "{{zipf 1000000 1.1}}: ranks up to a million, exponent 1.1";
                zipf(arguments).map_err(|why| bad(why, hint))
            }
            ("hex", arguments) => hex(arguments).map_err(|why| bad(why, "{{hex 16}}: 16 digits")),
            _ => Err(TemplateError::Unknown(text.into())),
        }
    }
}

fn int(arguments: &[&str]) -> Result<Piece, &'static str> {
    let [low, high] = arguments else { return Err("it takes the least and the greatest number") };
    let number = |text: &str| text.parse::<i64>().map_err(|_| "it takes two whole numbers");
    let (low, high) = (number(low)?, number(high)?);
    match high.abs_diff(low).checked_add(1) {
        _ if high < low => Err("its first number is the least"),
        None => Err("that are too many numbers"),
        Some(span) => Ok(Piece::Int { low, span }),
    }
}

fn zipf(arguments: &[&str]) -> Result<Piece, &'static str> {
    let [count, exponent] = arguments else { return Err("it takes a count and an exponent") };
    let count = count.parse::<u64>().map_err(|_| "its count is not a whole number")?;
    let exponent = exponent.parse::<f64>().map_err(|_| "its exponent is not a number")?;
    match (1..=MAX_RANKS).contains(&count) && (0.0..=100.0).contains(&exponent) {
        true => Ok(Piece::Zipf(Zipf::new(count, exponent))),
        false => Err("its count is 1 to 2^53, its exponent 0 to 100"),
    }
}

fn hex(arguments: &[&str]) -> Result<Piece, &'static str> {
    let [digits] = arguments else { return Err("it takes a number of digits") };
    match digits.parse() {
        Ok(digits @ 1..=MAX_HEX_DIGITS) => Ok(Piece::Hex(digits)),
        _ => Err("it has 1 to 1024 digits"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rendered(text: &str, slot: u64) -> String {
        let template = Template::parse(text.as_bytes()).unwrap();
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        let mut values = Values::new(1, false, slot, 1_700_000_000_123, b"a line");
        template.render(&mut values, &mut bytes, &mut places);
        for place in places {
            assert_eq!(&bytes[place..place + NOW_DIGITS], b"1700000000123");
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn values_are_filled_in() {
        for (text, expect) in [
            ("", ""),
            ("as it stands } }} {", "as it stands } }} {"),
            ("{{slot}}", "7"),
            ("a{{ slot }}b{{slot}}c", "a7b7c"),
            ("{{line}}!", "a line!"),
            ("{{now_ms}}", "1700000000123"),
            ("{{int 5 5}}", "5"),
            ("{{int -5 -5}}", "-5"),
            ("{{zipf 1 2}}", "1"),
        ] {
            assert_eq!(rendered(text, 7), expect, "{text}");
        }
    }

    #[test]
    fn random_values_have_their_shape() {
        for slot in 0..2000 {
            let uuid = rendered("{{uuid}}", slot);
            let groups: Vec<_> = uuid.split('-').map(str::len).collect();
            assert_eq!(groups, [8, 4, 4, 4, 12], "{uuid}");
            assert_eq!(&uuid[14..15], "4", "{uuid}");
            assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
            let hex = rendered("{{hex 33}}", slot);
            assert!(hex.len() == 33 && hex.bytes().all(|digit| digit.is_ascii_hexdigit()), "{hex}");
            let int: i64 = rendered("{{int -3 4}}", slot).parse().unwrap();
            assert!((-3..=4).contains(&int), "{int}");
        }
        let ends = [i64::MIN, i64::MAX - 1];
        let wide = format!("{{{{int {} {}}}}}", ends[0], ends[1]);
        assert!((ends[0]..=ends[1]).contains(&rendered(&wide, 1).parse().unwrap()));
    }

    #[test]
    fn values_follow_from_seed_and_slot() {
        let text = "{{uuid}} {{int 1 1000000}} {{hex 16}} {{zipf 100000 1.1}}";
        assert_eq!(rendered(text, 5), rendered(text, 5));
        assert_ne!(rendered(text, 5), rendered(text, 6));
        let of = |seed, is_warmup| Values::new(seed, is_warmup, 5, 0, b"").random;
        assert_ne!(of(1, false), of(2, false));
        assert_ne!(of(1, false), of(1, true), "a warm-up makes no object twice");
        let mut uuids: Vec<_> = (0..10_000).map(|slot| rendered("{{uuid}}", slot)).collect();
        uuids.sort();
        uuids.dedup();
        assert_eq!(uuids.len(), 10_000);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (text, part) in [
            ("{{", "without"),
            ("a {{slot} b", "without"),
            ("{{}}", "unknown value `{{}}`"),
            ("{{Slot}}", "unknown value `{{Slot}}`"),
            ("{{user.name}}", "templates = false"),
            ("{{slot 1}}", "no arguments"),
            ("{{line 1}}", "no arguments"),
            ("{{int}}", "least and the greatest"),
            ("{{int 1}}", "least and the greatest"),
            ("{{int 1 2 3}}", "least and the greatest"),
            ("{{int 2 1}}", "first number is the least"),
            ("{{int a b}}", "whole numbers"),
            ("{{int 1 99999999999999999999}}", "whole numbers"),
            ("{{int -9223372036854775808 9223372036854775807}}", "too many"),
            ("{{zipf 10}}", "count and an exponent"),
            ("{{zipf 0 1}}", "1 to 2^53"),
            ("{{zipf 1.5 1}}", "whole number"),
            ("{{zipf 10 -1}}", "0 to 100"),
            ("{{zipf 10 nan}}", "0 to 100"),
            ("{{zipf 10 x}}", "not a number"),
            ("{{hex}}", "number of digits"),
            ("{{hex 0}}", "1 to 1024"),
            ("{{hex 1025}}", "1 to 1024"),
        ] {
            let error = Template::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("\nhint: "), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_written_as_they_are(number in any::<u64>()) {
            let mut bytes = Vec::new();
            push_decimal(&mut bytes, number);
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), number.to_string());
        }

        #[test]
        fn text_without_braces_stays(text in "[^{]*") {
            let template = Template::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(template.as_text(), Some(text.as_bytes()));
        }
    }
}
