//! Moments between two others, as text. All of them are UTC.

use super::error::Fault;
use crate::digits::{push_padded, push_signed};
use crate::random::Random;
use acp_wire::rows::DateOrder;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const DAY_MS: i64 = 86_400_000;
/// Years have four digits: from the first moment of year 0 to behind the last of 9999.
const YEARS_MS: std::ops::Range<i64> = -62_167_219_200_000..253_402_300_800_000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Moments of rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Date {
    from_ms: i64,
    /// Moments to choose from.
    span_ms: u64,
    /// Of all rows, where moments rise from row to row.
    rising_rows: Option<u64>,
    parts: Vec<Part>,
}

/// A part of a moment.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(Vec<u8>),
    Year,
    Month,
    MonthName,
    Day,
    YearDay,
    Hour,
    Minute,
    Second,
    Millisecond,
    Unix,
}

/// A moment, taken apart.
struct Moment {
    ms: i64,
    year: i64,
    month: u64,
    day: u64,
    year_day: u64,
    of_day_ms: u64,
}

impl Date {
    /// Moments from `from` to `to`, as `format` writes them. The error comes with its field.
    pub(super) fn new(
        from: &str,
        to: &str,
        format: Option<&str>,
        order: DateOrder,
        rows: u64,
    ) -> Result<Self, (&'static str, Fault)> {
        let (from_ms, is_from_day) = moment(from).map_err(|fault| ("from", fault))?;
        let (to_ms, is_to_day) = moment(to).map_err(|fault| ("to", fault))?;
        let last_ms = if is_to_day { to_ms + DAY_MS - 1 } else { to_ms };
        if last_ms < from_ms {
            return Err(("to", Fault::Order));
        }
        let default = if is_from_day && is_to_day { "%F" } else { "%FT%TZ" };
        let parts = parts(format.unwrap_or(default)).map_err(|fault| ("format", fault))?;
        let rising_rows = (order == DateOrder::Ascending).then_some(rows);
        Ok(Self { from_ms, span_ms: last_ms.abs_diff(from_ms) + 1, rising_rows, parts })
    }

    /// The same with other texts between its numbers.
    pub(super) fn map(&self, change: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let mut date = self.clone();
        for part in &mut date.parts {
            if let Part::Text(text) = part {
                *text = change(text);
            }
        }
        date
    }

    /// The texts between its numbers.
    pub(super) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_slice()),
            _ => None,
        })
    }

    /// Whether it is written as a number.
    pub(super) fn is_number(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Unix] | [Part::Unix, Part::Millisecond])
    }

    pub(super) fn most_bytes(&self) -> usize {
        let most = |part: &Part| match part {
            Part::Text(text) => text.len(),
            Part::Unix => 12,
            _ => 4,
        };
        self.parts.iter().map(most).sum()
    }

    /// Appends the moment of a row.
    #[inline]
    pub(super) fn write(&self, row: u64, random: &mut Random, bytes: &mut Vec<u8>) {
        let offset = match self.rising_rows {
            None => random.below(self.span_ms),
            Some(rows) => share(self.span_ms, row, rows),
        };
        let moment = Moment::of(self.from_ms.wrapping_add_unsigned(offset));
        for part in &self.parts {
            part.write(&moment, bytes);
        }
    }
}

/// `whole · row / rows`.
#[inline]
fn share(whole: u64, row: u64, rows: u64) -> u64 {
    match whole.checked_mul(row) {
        Some(product) => product / rows,
        None => {
            let share = u128::from(whole) * u128::from(row) / u128::from(rows);
            u64::try_from(share).unwrap_or(u64::MAX)
        }
    }
}

/// Milliseconds from 1970 on, and whether a whole day is meant.
fn moment(text: &str) -> Result<(i64, bool), Fault> {
    let bad = |why: String| Fault::Moment { text: text.into(), why };
    let is_day = !text.contains([':', 'T', 't', ' ']);
    let found = match text.parse::<Timestamp>() {
        Ok(found) => found,
        Err(_) => {
            let civil: DateTime =
                text.parse().map_err(|error: jiff::Error| bad(error.to_string()))?;
            TimeZone::UTC.to_timestamp(civil).map_err(|error| bad(error.to_string()))?
        }
    };
    match found.as_millisecond() {
        ms if YEARS_MS.contains(&ms) => Ok((ms, is_day)),
        _ => Err(bad("years are 0 to 9999".into())),
    }
}

fn parts(format: &str) -> Result<Vec<Part>, Fault> {
    let mut parts = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        push_text(&mut parts, &rest[..at]);
        let code = &rest[at + 1..];
        let of_fields = |fields: &str| self::parts(fields);
        let bytes = match code.as_bytes().first() {
            Some(b'3') if code.starts_with("3f") => 2,
            _ => code.chars().next().map_or(0, char::len_utf8),
        };
        match &code[..bytes] {
            "Y" => parts.push(Part::Year),
            "m" => parts.push(Part::Month),
            "b" => parts.push(Part::MonthName),
            "d" => parts.push(Part::Day),
            "j" => parts.push(Part::YearDay),
            "H" => parts.push(Part::Hour),
            "M" => parts.push(Part::Minute),
            "S" => parts.push(Part::Second),
            "3f" => parts.push(Part::Millisecond),
            "s" => parts.push(Part::Unix),
            "F" => parts.extend(of_fields("%Y-%m-%d")?),
            "T" => parts.extend(of_fields("%H:%M:%S")?),
            "%" => push_text(&mut parts, "%"),
            unknown => return Err(Fault::DateFormat(format!("%{unknown}"))),
        }
        rest = &code[bytes..];
    }
    push_text(&mut parts, rest);
    Ok(parts)
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(last)) => last.extend_from_slice(text.as_bytes()),
        _ => parts.push(Part::Text(text.into())),
    }
}

impl Part {
    #[inline]
    fn write(&self, moment: &Moment, bytes: &mut Vec<u8>) {
        match self {
            Self::Text(text) => bytes.extend_from_slice(text),
            Self::Year => push_padded(bytes, moment.year.unsigned_abs(), 4),
            Self::Month => push_padded(bytes, moment.month, 2),
            Self::MonthName => {
                let place = usize::try_from(moment.month - 1).unwrap_or(0);
                bytes.extend_from_slice(MONTHS[place].as_bytes());
            }
            Self::Day => push_padded(bytes, moment.day, 2),
            Self::YearDay => push_padded(bytes, moment.year_day, 3),
            Self::Hour => push_padded(bytes, moment.of_day_ms / 3_600_000, 2),
            Self::Minute => push_padded(bytes, moment.of_day_ms / 60_000 % 60, 2),
            Self::Second => push_padded(bytes, moment.of_day_ms / 1000 % 60, 2),
            Self::Millisecond => push_padded(bytes, moment.of_day_ms % 1000, 3),
            Self::Unix => push_signed(bytes, moment.ms.div_euclid(1000), 0),
        }
    }
}

impl Moment {
    /// Days into dates by H. Hinnant: chrono-compatible low-level date algorithms, `civil_from_days`:
    /// years begin in March, so that the day that some have more is their last.
    #[inline]
    fn of(ms: i64) -> Self {
        let days = ms.div_euclid(DAY_MS) + 719_468;
        let of_day_ms = ms.rem_euclid(DAY_MS).unsigned_abs();
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let is_next = month >= 10;
        let year = year_of_era + era * 400 + i64::from(is_next);
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let year_day = if is_next { of_year - 305 } else { of_year + 60 + i64::from(is_leap) };
        let month = if is_next { month - 9 } else { month + 3 };
        Self {
            ms,
            year,
            month: month.unsigned_abs(),
            day: day.unsigned_abs(),
            year_day: year_day.unsigned_abs(),
            of_day_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: &str = "%Y %m %b %d %j %H %M %S %3f %s %F %T %%";

    fn written(from: &str, to: &str, format: Option<&str>, order: DateOrder, row: u64) -> String {
        let date = Date::new(from, to, format, order, 100).unwrap();
        let mut bytes = Vec::new();
        date.write(row, &mut Random::of(1, row), &mut bytes);
        assert!(bytes.len() <= date.most_bytes());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_format_follows_what_was_given() {
        for (from, to, format, expect) in [
            ("2026-02-28", "2026-02-28", None, "2026-02-28"),
            ("2026-02-28T12:00:00Z", "2026-02-28T12:00:00Z", None, "2026-02-28T12:00:00Z"),
            ("2026-02-28T12:00:00+02:00", "2026-02-28T10:00:00Z", None, "2026-02-28T10:00:00Z"),
            (
                "2026-02-28 12:00:00",
                "2026-02-28 12:00:00",
                Some("%d/%b/%Y:%T"),
                "28/Feb/2026:12:00:00",
            ),
            ("1970-01-02T00:00:00Z", "1970-01-02T00:00:00Z", Some("%s%3f"), "86400000"),
            ("1970-01-02T00:00:00Z", "1970-01-02T00:00:00Z", Some("a%%b"), "a%b"),
        ] {
            assert_eq!(written(from, to, format, DateOrder::Uniform, 3), expect, "{from} {to}");
        }
    }

    #[test]
    fn rising_moments_go_from_the_first_to_the_last() {
        let all: Vec<_> = (0..100)
            .map(|row| {
                written("2026-01-01", "2026-01-10", Some("%F %T"), DateOrder::Ascending, row)
            })
            .collect();
        assert!(all.is_sorted(), "{all:?}");
        assert_eq!(
            (all[0].as_str(), all[10].as_str()),
            ("2026-01-01 00:00:00", "2026-01-02 00:00:00")
        );
        assert!(all[99].starts_with("2026-01-10"), "{}", all[99]);
    }

    #[test]
    fn days_of_a_range_are_as_frequent_as_each_other() {
        let date = Date::new("2024-02-20", "2024-03-10", None, DateOrder::Uniform, 1).unwrap();
        let mut hits = std::collections::BTreeMap::<_, u32>::new();
        for row in 0..20_000 {
            let mut bytes = Vec::new();
            date.write(row, &mut Random::of(5, row), &mut bytes);
            *hits.entry(bytes).or_default() += 1;
        }
        // The last day counts too, and it is a leap year.
        assert_eq!(hits.len(), 20);
        let statistic: f64 =
            hits.values().map(|&hits| (f64::from(hits) - 1000.0).powi(2) / 1000.0).sum();
        assert!(statistic < 19.0 + 5.0 * 38_f64.sqrt(), "{statistic}");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for (from, to, format, field, part) in [
            ("yesterday", "2026-01-01", None, "from", "`yesterday` is no moment"),
            ("2026-01-01", "2026-13-01", None, "to", "`2026-13-01` is no moment"),
            ("2026-02-30", "2026-13-01", None, "from", "no moment"),
            ("2026-01-02", "2026-01-01", None, "to", "above the last"),
            ("-000001-01-01", "2026-01-01", None, "from", "0 to 9999"),
            ("2026-01-01", "2026-01-01", Some("%Q"), "format", "unknown `%Q`"),
            ("2026-01-01", "2026-01-01", Some("%"), "format", "unknown `%`"),
            ("2026-01-01", "2026-01-01", Some("%é"), "format", "unknown `%é`"),
        ] {
            let (found, fault) = Date::new(from, to, format, DateOrder::Uniform, 1).unwrap_err();
            assert_eq!(found, field, "{from} {to}");
            assert!(fault.to_string().contains(part), "{fault}");
        }
    }

    proptest! {
        #[test]
        fn moments_are_written_as_the_library_does(ms in YEARS_MS) {
            let parts = parts(ALL).unwrap();
            let mut bytes = Vec::new();
            parts.iter().for_each(|part| part.write(&Moment::of(ms), &mut bytes));
            let zoned = Timestamp::from_millisecond(ms).unwrap().to_zoned_datetime(TimeZone::UTC);
            let expect = zoned.strftime(ALL).to_string();
            // The library rounds seconds before 1970 up, and writes their thousandths apart.
            if ms >= 0 {
                prop_assert_eq!(String::from_utf8(bytes).unwrap(), expect);
            } else {
                let fields = |text: &str| -> Vec<String> {
                    text.split(' ').map(str::to_string).take(8).collect()
                };
                prop_assert_eq!(fields(str::from_utf8(&bytes).unwrap()), fields(&expect));
            }
        }

        #[test]
        fn shares_rise_and_stay_below_the_whole(whole in 1..u64::MAX, row in 0..(1_u64 << 53), rows in 1..(1_u64 << 53)) {
            let row = row % rows;
            prop_assert!(share(whole, row, rows) < whole);
            prop_assert!(share(whole, row, rows) <= share(whole, row + 1, rows));
        }
    }
}
