//! The time of a line, in any of the forms that logs have.
//!
//! | Form | Example |
//! |---|---|
//! | `$time_local`, `%t` | `10/Oct/2000:13:55:36 -0700` |
//! | ISO 8601 | `2000-10-10T13:55:36.123-07:00`, `2000-10-10 13:55:36Z` |
//! | epoch | `971211336.123`; so large numbers are ms, µs or ns |

use super::bad_line::{BadLine, quoted};

const DAY_S: i64 = 86_400;
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// A time of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) unix_us: i64,
    /// Of the day where the log was written, as far as it says where that was.
    pub(super) second_of_day: u32,
    /// Whether it is told in whole seconds, so that order within a second is all that is known.
    pub(super) is_whole_second: bool,
}

impl Stamp {
    /// Reads a time of any form.
    pub(super) fn read(text: &[u8]) -> Result<Self, BadLine> {
        let found = match text {
            [_, _, b'/', ..] => local(text),
            [_, _, _, _, b'-', ..] => iso(text),
            _ => epoch(text),
        };
        found.ok_or_else(|| BadLine::Time(quoted(text)))
    }

    fn of(days: i64, second_of_day: u32, micros: Option<i64>, offset_s: i64) -> Self {
        let local_s = days * DAY_S + i64::from(second_of_day);
        let unix_us = (local_s - offset_s) * 1_000_000 + micros.unwrap_or(0);
        Self { unix_us, second_of_day, is_whole_second: micros.is_none() }
    }
}

/// `10/Oct/2000:13:55:36 -0700`.
fn local(text: &[u8]) -> Option<Stamp> {
    if text.len() != 26 || text[6] != b'/' || text[11] != b':' || text[20] != b' ' {
        return None;
    }
    let month = MONTHS.iter().position(|name| **name == text[3..6])?;
    let month = i64::try_from(month).ok()? + 1;
    let days = days(number(&text[7..11])?, month, number(&text[0..2])?)?;
    Some(Stamp::of(days, clock(&text[12..20])?, None, zone(&text[21..])?))
}

/// `2000-10-10T13:55:36.123-07:00`. Without a zone it is UTC.
fn iso(text: &[u8]) -> Option<Stamp> {
    if text.len() < 19 || text[7] != b'-' || !matches!(text[10], b'T' | b't' | b' ') {
        return None;
    }
    let days = days(number(&text[0..4])?, number(&text[5..7])?, number(&text[8..10])?)?;
    let second_of_day = clock(&text[11..19])?;
    let mut rest = &text[19..];
    let mut micros = None;
    if let [b'.' | b',', after @ ..] = rest {
        let end = after.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(after.len());
        micros = Some(micros_of(&after[..end])?);
        rest = &after[end..];
    }
    Some(Stamp::of(days, second_of_day, micros, zone(rest.trim_ascii_start())?))
}

/// Seconds since 1970; a number too large for that is milli-, micro- or nanoseconds: each of the four is
/// beyond the year 5000 in the next smaller unit, and before 1973 in the next larger one.
fn epoch(text: &[u8]) -> Option<Stamp> {
    let point = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
    let whole = number(&text[..point])?;
    let fraction = match text.get(point + 1..) {
        Some(digits) => Some(micros_of(digits)?),
        None => None,
    };
    let (unix_us, is_whole_second) = match whole {
        0..100_000_000_000 => (whole * 1_000_000 + fraction.unwrap_or(0), fraction.is_none()),
        100_000_000_000..100_000_000_000_000 => {
            (whole * 1000 + fraction.unwrap_or(0) / 1000, false)
        }
        100_000_000_000_000..100_000_000_000_000_000 => (whole, false),
        _ => (whole / 1000, false),
    };
    let second_of_day = u32::try_from(unix_us.div_euclid(1_000_000).rem_euclid(DAY_S)).ok()?;
    Some(Stamp { unix_us, second_of_day, is_whole_second })
}

/// Digits behind a point, as millionths; what is finer is cut.
fn micros_of(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |place: usize| digits.get(place).map_or(0, |digit| i64::from(digit - b'0'));
    Some((0..6).fold(0, |sum, place| sum * 10 + digit(place)))
}

/// `13:55:36` as seconds of the day. A leap second is the one before it.
fn clock(text: &[u8]) -> Option<u32> {
    if text[2] != b':' || text[5] != b':' {
        return None;
    }
    let part = |at: usize| u32::try_from(number(&text[at..at + 2])?).ok();
    match (part(0)?, part(3)?, part(6)?) {
        (hour @ 0..24, minute @ 0..60, second @ 0..=60) => {
            Some(hour * 3600 + minute * 60 + second.min(59))
        }
        _ => None,
    }
}

/// `-0700`, `-07:00`, `Z` or nothing, as seconds.
fn zone(text: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match text {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, hours @ .., b':', a, b] | [sign, hours @ .., a, b] => (sign, hours, [*a, *b]),
        _ => return None,
    };
    let (hours, minutes) = (number(hours)?, number(&minutes)?);
    let offset_s = hours * 3600 + minutes * 60;
    match sign {
        _ if hours > 23 || minutes > 59 => None,
        b'+' => Some(offset_s),
        b'-' => Some(-offset_s),
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0_i64, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// Days from 1970-01-01 in the Gregorian calendar (Hinnant: chrono-compatible low-level date
/// algorithms, `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_what_the_table_says() {
        let oct = 971_211_336;
        for (text, unix_us, second_of_day, is_whole_second) in [
            ("10/Oct/2000:13:55:36 -0700", oct * 1_000_000, 50_136, true),
            ("29/Feb/2024:00:00:00 +0000", 1_709_164_800_000_000, 0, true),
            ("01/Jan/1970:01:00:00 +0100", 0, 3600, true),
            ("31/Dec/2016:23:59:60 +0000", 1_483_228_799_000_000, 86_399, true),
            ("2000-10-10T13:55:36-07:00", oct * 1_000_000, 50_136, true),
            ("2000-10-10T13:55:36.5-07:00", oct * 1_000_000 + 500_000, 50_136, false),
            ("2000-10-10 20:55:36", oct * 1_000_000, 75_336, true),
            ("2000-10-10 20:55:36,123 +0000", oct * 1_000_000 + 123_000, 75_336, false),
            ("2000-10-10T20:55:36.1234567Z", oct * 1_000_000 + 123_456, 75_336, false),
            ("1969-12-31T23:59:59Z", -1_000_000, 86_399, true),
            ("971211336", oct * 1_000_000, 75_336, true),
            ("971211336.25", oct * 1_000_000 + 250_000, 75_336, false),
            ("971211336123", oct * 1_000_000 + 123_000, 75_336, false),
            ("971211336123.5", oct * 1_000_000 + 123_500, 75_336, false),
            ("971211336123456", oct * 1_000_000 + 123_456, 75_336, false),
            ("971211336123456789", oct * 1_000_000 + 123_456, 75_336, false),
        ] {
            let expected = Stamp { unix_us, second_of_day, is_whole_second };
            assert_eq!(Stamp::read(text.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn bad_times_are_refused() {
        for text in [
            "",
            "-",
            "now",
            "10/Oct/2000",
            "10/Oct/2000:13:55:36",
            "10/Oct/2000:13:55:36 0700",
            "10/Oct/2000:13:55:36 -07000",
            "10/Oct/2000:24:00:00 -0700",
            "10/Oct/2000:13:60:36 -0700",
            "10/Oct/2000:13:55:61 -0700",
            "10/Okt/2000:13:55:36 -0700",
            "32/Oct/2000:13:55:36 -0700",
            "31/Nov/2000:13:55:36 -0700",
            "29/Feb/2023:13:55:36 -0700",
            "00/Oct/2000:13:55:36 -0700",
            "10/Oct/2000:13-55-36 -0700",
            "10/Oct/2000 13:55:36 -0700",
            "2000-13-10T13:55:36Z",
            "2000-10-10T13:55:36.Z",
            "2000-10-10T13:55:36X",
            "2000-10-10T13:55:36+7",
            "2000-10-10T13:55:36+99:00",
            "2000-10-10",
            "2000-10-10x13:55:36Z",
            "-971211336",
            "971211336.",
            "971211336.5.5",
            "9.7e8",
            "99999999999999999999",
        ] {
            let error = BadLine::Time(text.into());
            assert_eq!(Stamp::read(text.as_bytes()), Err(error), "{text}");
        }
    }
}
