//! Histograms as they come over the wire: base64 of HDR V2 → a histogram, or why not.
//!
//! Whoever sends frames is not trusted with memory: a header with other bounds than ours, or with a
//! length that is not that of the bytes, is refused before anything is allocated for it.

use super::buckets::COOKIE;
use super::distributions::{DIGITS, HIGHEST_NS, LOWEST_NS};
use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use thiserror::Error;

/// Cookie, payload length, normalizing offset, digits: 4 each; lowest, highest, ratio: 8 each.
const HEADER_BYTES: usize = 40;
/// Every bucket of our bounds with the longest number, and the header.
const MAX_BYTES: usize = 1 << 19;

/// Bits of half the sub-buckets that three digits need.
pub(crate) const HALF_BITS: u32 = 10;
/// Buckets of our bounds: 2,048, and 1,024 for each power of two up to an hour.
pub(crate) const BUCKETS: u64 = 33 << HALF_BITS;

/// Why a text is not a histogram of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HistogramError {
    /// Not base64.
    #[error("histogram is not base64")]
    Base64,
    /// Longer than any histogram of these bounds.
    #[error("histogram of {0} bytes is above the limit of {MAX_BYTES}")]
    TooLong(usize),
    /// No HDR V2 header, or one whose length is not that of the bytes.
    #[error("histogram has no HDR V2 header that fits its bytes")]
    Header,
    /// Another range or precision: it could not be added up.
    #[error("histogram has other bounds than 1 ns to 1 h with {DIGITS} digits")]
    Bounds,
    /// A good header and bad counts.
    #[error("counts of histogram cannot be read")]
    Counts,
}

/// Reads a histogram. It has the bounds of [`super::new_histogram`]; its least and greatest value
/// are those of their buckets.
///
/// # Errors
///
/// See [`HistogramError`].
pub fn decode(text: &str) -> Result<Histogram<u64>, HistogramError> {
    let bytes = read(text)?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(|_| HistogramError::Counts)
}

/// Reads only the buckets of a histogram that have a count: the highest value of each, and how many
/// were recorded. Without the memory of a whole histogram this takes a fraction of the time of
/// [`decode`], for whoever reads every second of a long run.
///
/// # Errors
///
/// See [`HistogramError`]; what is an error here is one there.
pub(crate) fn decode_buckets(text: &str) -> Result<Vec<(u64, u64)>, HistogramError> {
    let mut buckets = decode_counts(text)?;
    buckets.iter_mut().for_each(|(place, _)| *place = highest_ns(*place));
    Ok(buckets)
}

/// The same with the place of each bucket instead of its value.
///
/// # Errors
///
/// As [`decode_buckets`].
pub(crate) fn decode_counts(text: &str) -> Result<Vec<(u64, u64)>, HistogramError> {
    let bytes = read(text)?;
    let (header, mut rest) = bytes.split_at(HEADER_BYTES);
    if header[8..12] != [0; 4] || header[32..] != 1_f64.to_be_bytes() {
        return Err(HistogramError::Counts);
    }
    let mut buckets = Vec::new();
    let mut index = 0_u64;
    while !rest.is_empty() {
        let number = next_number(&mut rest).ok_or(HistogramError::Counts)?;
        if number > 0 && index < BUCKETS {
            buckets.push((index, number.unsigned_abs()));
        } else if number > 0 {
            return Err(HistogramError::Counts);
        }
        // Below 0: so many buckets without a count.
        let passed = if number < 0 { number.unsigned_abs() } else { 1 };
        index = index.checked_add(passed).ok_or(HistogramError::Counts)?;
    }
    Ok(buckets)
}

/// A number of the V2 form: seven bits a byte, the lowest first, a ninth byte whole; the lowest bit
/// of it all is the sign.
fn next_number(rest: &mut &[u8]) -> Option<i64> {
    let mut folded = 0_u64;
    for place in 0..9 {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        let is_whole = place == 8;
        let bits = if is_whole { byte } else { byte & 0x7f };
        folded |= u64::from(bits) << (7 * place);
        if is_whole || byte < 0x80 {
            break;
        }
    }
    Some((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
}

/// The highest value of a bucket by its place: values below 2,048 have one each, above each power of
/// two has 1,024.
pub(crate) fn highest_ns(index: u64) -> u64 {
    let width_bits = (index >> HALF_BITS).saturating_sub(1);
    let kept = index - (width_bits << HALF_BITS);
    ((kept + 1) << width_bits) - 1
}

/// The bytes of a histogram with a header of ours.
fn read(text: &str) -> Result<Vec<u8>, HistogramError> {
    if text.len() / 4 * 3 > MAX_BYTES {
        return Err(HistogramError::TooLong(text.len() / 4 * 3));
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    let bytes = bytes.map_err(|_| HistogramError::Base64)?;
    check_header(&bytes)?;
    Ok(bytes)
}

fn check_header(bytes: &[u8]) -> Result<(), HistogramError> {
    let Some((header, counts)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Err(HistogramError::Header);
    };
    let number = |at: usize| header[at..at + 4].iter().fold(0, |all, &b| all << 8 | u32::from(b));
    let long = |at: usize| u64::from(number(at)) << 32 | u64::from(number(at + 4));
    if number(0) != COOKIE || usize::try_from(number(4)) != Ok(counts.len()) {
        return Err(HistogramError::Header);
    }
    if number(12) != u32::from(DIGITS) || long(16) != LOWEST_NS || long(24) != HIGHEST_NS {
        return Err(HistogramError::Bounds);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{encode, new_histogram};
    use hdrhistogram::serialization::{Serializer as _, V2Serializer};
    use proptest::prelude::*;

    fn base64(bytes: &[u8]) -> String {
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }

    fn bytes_of(histogram: &Histogram<u64>) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(histogram, &mut bytes).unwrap();
        bytes
    }

    fn recorded(histogram: &Histogram<u64>) -> Vec<(u64, u64)> {
        let steps = histogram.iter_recorded();
        steps.map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
    }

    #[test]
    fn there_are_as_many_buckets_as_in_the_library() {
        assert_eq!(BUCKETS, new_histogram().distinct_values() as u64);
        let mut histogram = new_histogram();
        histogram.record(HIGHEST_NS).unwrap();
        let text = encode(&histogram).unwrap();
        assert_eq!(decode_buckets(&text).unwrap(), recorded(&histogram));
    }

    #[test]
    fn what_is_not_a_histogram_of_ours_is_refused() {
        let mut good = new_histogram();
        good.record_n(1_234, 5).unwrap();
        let good = bytes_of(&good);
        let spoilt = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            base64(&bytes)
        };
        let other = |low, high, digits| {
            let mut histogram = Histogram::new_with_bounds(low, high, digits).unwrap();
            histogram.record(1_000_000).unwrap();
            base64(&bytes_of(&histogram))
        };
        for (what, text, why) in [
            ("not base64", "!".to_string(), HistogramError::Base64),
            ("nothing", String::new(), HistogramError::Header),
            ("half a header", base64(&good[..20]), HistogramError::Header),
            ("cut off", base64(&good[..good.len() - 1]), HistogramError::Header),
            ("more after it", base64(&[good.as_slice(), b"x"].concat()), HistogramError::Header),
            ("another cookie", spoilt(3, 0), HistogramError::Header),
            ("a length of 4 GiB", spoilt(4, 0xff), HistogramError::Header),
            ("fewer digits", other(1, HIGHEST_NS, 2), HistogramError::Bounds),
            ("a larger range", other(1, 2 * HIGHEST_NS, 3), HistogramError::Bounds),
            ("another lowest", other(1000, HIGHEST_NS, 3), HistogramError::Bounds),
            ("an offset", spoilt(11, 1), HistogramError::Counts),
            ("another ratio", spoilt(32, 0), HistogramError::Counts),
            ("too long", "A".repeat(1 << 20), HistogramError::TooLong(786_432)),
        ] {
            assert_eq!(decode(&text).unwrap_err(), why, "{what}");
            assert_eq!(decode_buckets(&text).unwrap_err(), why, "{what}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(values in prop::collection::vec(1_u64..=HIGHEST_NS, 1..50)) {
            let mut histogram = new_histogram();
            for &value in &values {
                histogram.record(value).unwrap();
            }
            let text = encode(&histogram).unwrap();
            let read = decode(&text).unwrap();
            prop_assert_eq!(read.len(), values.len() as u64);
            prop_assert_eq!(encode(&read).unwrap(), text.clone());
            prop_assert_eq!(decode_buckets(&text).unwrap(), recorded(&read));
        }

        #[test]
        fn no_counts_bring_it_down(counts in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = bytes_of(&new_histogram())[..HEADER_BYTES].to_vec();
            bytes[4..8].copy_from_slice(&u32::try_from(counts.len()).unwrap().to_be_bytes());
            bytes.extend(&counts);
            // Good or bad, it is an answer, and the same one.
            let text = base64(&bytes);
            prop_assert_eq!(decode_buckets(&text), decode(&text).map(|read| recorded(&read)));
        }
    }
}
