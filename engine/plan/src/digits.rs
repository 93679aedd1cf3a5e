//! Numbers as text, written without memory of their own.

use crate::random::Random;

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";
pub(crate) const UUID_BYTES: usize = 36;
/// A number with its sign, at the most.
pub(crate) const MAX_DECIMAL_BYTES: usize = 20;

/// The digits of 0 to 99, two each: a division for every other digit.
const PAIRS: [u8; 200] = {
    let mut pairs = [b'0'; 200];
    let (mut number, mut digits) = (0, [b'0', b'0']);
    while number < 100 {
        pairs[2 * number] = digits[0];
        pairs[2 * number + 1] = digits[1];
        number += 1;
        digits[1] += 1;
        if digits[1] > b'9' {
            digits[1] = b'0';
            digits[0] += 1;
        }
    }
    pairs
};

/// Writes the digits of a number to the end of `room`; returns where they begin.
#[inline]
fn digits(mut number: u64, room: &mut [u8; MAX_DECIMAL_BYTES]) -> usize {
    let mut start = room.len();
    while number >= 10 {
        // Below 200 whatever the number.
        let pair = usize::try_from(number % 100).unwrap_or(0) * 2;
        number /= 100;
        start -= 2;
        room[start..start + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    if number > 0 || start == room.len() {
        start -= 1;
        room[start] = b'0' + u8::try_from(number).unwrap_or(0);
    }
    start
}

/// Appends a number.
#[inline]
pub(crate) fn push_decimal(bytes: &mut Vec<u8>, number: u64) {
    let mut room = [0; MAX_DECIMAL_BYTES];
    let start = digits(number, &mut room);
    bytes.extend_from_slice(&room[start..]);
}

/// Appends a number with zeros before it up to `width` digits.
#[inline]
pub(crate) fn push_padded(bytes: &mut Vec<u8>, number: u64, width: usize) {
    let mut room = [0; MAX_DECIMAL_BYTES];
    let start = digits(number, &mut room);
    let missing = width.saturating_sub(room.len() - start);
    bytes.resize(bytes.len() + missing, b'0');
    bytes.extend_from_slice(&room[start..]);
}

/// Appends a number with its sign, and zeros up to `width` digits.
#[inline]
pub(crate) fn push_signed(bytes: &mut Vec<u8>, number: i64, width: usize) {
    if number < 0 {
        bytes.push(b'-');
    }
    push_padded(bytes, number.unsigned_abs(), width);
}

/// Appends `number` · 10^-`decimals`.
#[inline]
pub(crate) fn push_fixed(bytes: &mut Vec<u8>, number: i64, decimals: u32) {
    if decimals == 0 {
        return push_signed(bytes, number, 0);
    }
    if number < 0 {
        bytes.push(b'-');
    }
    let scale = 10_u64.pow(decimals);
    push_decimal(bytes, number.unsigned_abs() / scale);
    bytes.push(b'.');
    push_padded(bytes, number.unsigned_abs() % scale, decimals as usize);
}

#[inline]
fn hex_digit(number: u64) -> u8 {
    HEX_DIGITS[usize::try_from(number & 15).unwrap_or(0)]
}

/// Appends random hexadecimal digits.
#[inline]
pub(crate) fn push_hex(bytes: &mut Vec<u8>, digits: u64, random: &mut Random) {
    let mut bits = 0;
    for digit in 0..digits {
        if digit % 16 == 0 {
            bits = random.draw();
        }
        bytes.push(hex_digit(bits));
        bits >>= 4;
    }
}

/// Appends a random UUID: version 4, variant 1 (RFC 9562).
#[inline]
pub(crate) fn push_uuid(bytes: &mut Vec<u8>, random: &mut Random) {
    let high = random.draw() & !0xf000 | 0x4000;
    let low = random.draw() & !(0b11 << 62) | 0b10 << 62;
    let all = u128::from(high) << 64 | u128::from(low);
    let mut text = [b'-'; UUID_BYTES];
    let mut digit = 0;
    for (at, byte) in text.iter_mut().enumerate() {
        if matches!(at, 8 | 13 | 18 | 23) {
            continue;
        }
        let nibble = all >> (124 - 4 * digit) & 15;
        *byte = HEX_DIGITS[usize::try_from(nibble).unwrap_or(0)];
        digit += 1;
    }
    bytes.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn decimals_have_their_point() {
        for (number, decimals, expect) in [
            (0, 0, "0"),
            (-5, 0, "-5"),
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (12345, 2, "123.45"),
            (-100, 2, "-1.00"),
            (i64::MAX, 9, "9223372036.854775807"),
        ] {
            assert_eq!(written(|bytes| push_fixed(bytes, number, decimals)), expect);
        }
    }

    proptest! {
        #[test]
        fn numbers_are_written_as_the_library_does(number in any::<u64>(), shift in 0..64, width in 0_usize..30) {
            let number = number >> shift;
            prop_assert_eq!(written(|bytes| push_decimal(bytes, number)), number.to_string());
            let padded = written(|bytes| push_padded(bytes, number, width));
            prop_assert_eq!(padded, format!("{number:0width$}"));
            let signed = number.cast_signed();
            prop_assert_eq!(written(|bytes| push_signed(bytes, signed, 0)), signed.to_string());
        }
    }
}
