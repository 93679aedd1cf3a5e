//! Frames into columns: what each kind of column keeps, and that sums are the same in any width.

use super::*;
use acp_wire::frame::{Cost, Flags};
use acp_wire::report::Distribution;
use proptest::prelude::*;

/// A second of 10 requests per number given.
fn frame(second: u64, number: u64) -> Frame {
    let times = Distribution {
        count: number,
        max: number * 100,
        p50: number,
        p90: number + 1,
        p99: number + 2,
        p99_9: number + 3,
        ..Distribution::default()
    };
    Frame {
        second,
        planned: number * 10,
        sent: number * 9,
        completed: number * 8,
        in_flight: number,
        rate_target: number as f64,
        cost: Cost { busy_ratio: number as f64 / 10.0, machine_us: number, ..Cost::default() },
        response_ns: Some(times),
        service_ns: Some(times),
        response_bands: BTreeMap::from([(9, number), (10, 1)]),
        ..Frame::default()
    }
}

fn warmup(second: u64, number: u64) -> Frame {
    Frame { flags: Flags { warmup: true, last: false }, ..frame(second, number) }
}

fn columns(width_s: u32, warmup_seconds: u64, frames: &[Frame]) -> Columns {
    let mut columns = Columns::new(width_s);
    for frame in frames {
        columns.push(&Brief::from(frame), 1, warmup_seconds);
    }
    columns
}

#[test]
fn rows_begin_where_the_table_says() {
    let measured: Vec<_> = [0, 1, 2, 5, 9].map(|second| frame(second, 1)).into();
    let both = [&[0, 1, 2].map(|second| warmup(second, 1))[..], &measured].concat();
    for (what, width_s, warmup_seconds, frames, second, seconds) in [
        ("nothing", 1, 0, &[][..], &[][..], &[][..]),
        ("a hole is no row", 1, 0, &measured, &[0, 1, 2, 5, 9], &[1, 1, 1, 1, 1]),
        ("two seconds", 2, 0, &measured, &[0, 2, 4, 8], &[2, 1, 1, 1]),
        ("all in one", 60, 0, &measured, &[0], &[5]),
        ("a warm-up", 1, 3, &both, &[-3, -2, -1, 0, 1, 2, 5, 9], &[1; 8]),
        ("the warm-up has rows of its own", 5, 3, &both, &[-5, 0, 5], &[3, 3, 2]),
        ("longer than planned", 1, 2, &both, &[-2, -1, 0, 1, 2, 5, 9], &[1; 7]),
        ("not planned at all", 1, 0, &both[..4], &[-1, 0], &[1, 1]),
        ("0 wide is 1 wide", 0, 0, &measured[..2], &[0, 1], &[1, 1]),
    ] {
        let found = columns(width_s, warmup_seconds, frames);
        assert_eq!((&found.second[..], &found.seconds[..]), (second, seconds), "{what}");
    }
}

#[test]
fn each_kind_of_column_keeps_what_it_says() {
    let lost = Frame {
        errors: BTreeMap::from([(ErrorClass::Reset, 4)]),
        not_sent: BTreeMap::from([(NotSent::Backlog, 3)]),
        status: BTreeMap::from([(503, 2)]),
        response_ns: Some(Distribution::default()),
        service_ns: None,
        response_bands: BTreeMap::from([(8, 7)]),
        ..frame(4, 1)
    };
    let found = columns(2, 0, &[frame(0, 3), frame(1, 2), lost]);
    assert_eq!(found.planned, [50, 10]);
    assert_eq!((&found.sent[..], &found.machine_us[..]), (&[45, 9][..], &[5, 1][..]));
    assert_eq!(found.rate_target, [2.5, 1.0], "the mean");
    assert_eq!((&found.in_flight[..], &found.busy_ratio[..]), (&[3, 1][..], &[0.3, 0.1][..]));
    assert_eq!(found.response_p50_ns, [Some(3), None], "none of no values");
    assert_eq!(found.response_p99_9_ns, [Some(6), None]);
    assert_eq!(found.response_max_ns, [Some(300), None]);
    assert_eq!(found.service_p99_ns, [Some(5), None], "none where it is not known");
    assert_eq!(found.send_lag_p99_ns, [None, None]);
    assert_eq!(found.errors, BTreeMap::from([(ErrorClass::Reset, vec![0, 4])]));
    assert_eq!(found.not_sent, BTreeMap::from([(NotSent::Backlog, vec![0, 3])]));
    assert_eq!(found.status, BTreeMap::from([(503, vec![0, 2])]));
    let bands: Vec<_> = found.bands.iter().map(RowBands::entries).collect();
    assert_eq!(bands, [&[(9, 5), (10, 2)][..], &[(8, 7)]]);
}

#[test]
fn columns_are_written_as_arrays_of_one_length() {
    let found = columns(1, 1, &[warmup(0, 2), frame(0, 3), frame(1, 4)]);
    let written = serde_json::to_value(&found).unwrap();
    let mut names: Vec<_> = written.as_object().unwrap().iter().collect();
    names.retain(|(_, column)| column.is_array());
    assert_eq!(names.len(), 27, "{names:?}");
    for (name, column) in names {
        assert_eq!(column.as_array().unwrap().len(), 3, "{name}");
    }
    assert_eq!(written["second"], serde_json::json!([-1, 0, 1]));
    assert_eq!(written["bands"][1], serde_json::json!([9, 3, 10, 1]));
    assert_eq!(written["send_lag_p50_ns"][0], serde_json::Value::Null);
}

#[test]
fn more_codes_than_anybody_reads_are_written_by_class() {
    let check =
        |what: &str, codes: &[(u16, u64)], expect: &[(&str, u64)], columns_written: usize| {
            let table = Frame { status: codes.iter().copied().collect(), ..frame(1, 1) };
            let found = columns(1, 0, &[frame(0, 1), table.clone(), frame(2, 1)]);
            let written = serde_json::to_value(&found).unwrap();
            let status = written["status"].as_object().unwrap();
            assert_eq!(status.len(), columns_written, "{what}: {status:?}");
            for (name, count) in expect {
                assert_eq!(status[*name], serde_json::json!([0, count, 0]), "{what}: {name}");
            }
            let sum: u64 = status.values().map(|counts| counts[1].as_u64().unwrap()).sum();
            assert_eq!(sum, table.status.values().sum::<u64>(), "{what}");
        };
    check("none", &[], &[], 0);
    check("a few", &[(200, 5), (404, 0), (503, 1)], &[("200", 5), ("503", 1)], 2);
    let many = |codes: std::ops::Range<u16>| codes.map(|code| (code, 1_000 - u64::from(code)));
    let most: Vec<_> = many(200..264).collect();
    check("as many as are named", &most, &[("200", 800), ("263", 737)], 64);
    let more: Vec<_> = many(200..265).collect();
    check("one more", &more, &[("200", 800), ("263", 737), ("2xx", 736)], 65);
    let all: Vec<_> = many(100..1_000).collect();
    check("all that there are", &all, &[("100", 900), ("163", 837), ("9xx", 5_050)], 73);
    let rare = [&[(599, 1_000_000)], &more[..]].concat();
    check("the most are named", &rare, &[("599", 1_000_000), ("2xx", 736 + 737)], 65);
}

#[test]
fn widths_are_the_least_that_fit() {
    for (what, first, last, rows, frame_width_s, width_s) in [
        ("a short run", 0, 59, 3_600, 1, 1),
        ("as many as fit", 0, 3_599, 3_600, 1, 1),
        ("one more", 0, 3_600, 3_600, 1, 2),
        ("one more before it", -1, 3_599, 3_600, 1, 2),
        ("two hours", 0, 7_199, 3_600, 1, 2),
        ("a day", 0, 86_399, 3_600, 1, 30),
        ("a day in few rows", 0, 86_399, 10, 1, 3_600),
        ("frames of 10 s", 0, 599, 3_600, 10, 10),
        ("frames of 10 s do not fit into 15 s", 0, 11_999, 800, 10, 30),
        ("frames of no width of rows", 0, 599, 3_600, 7, 10),
        ("frames of no time", 0, 5, 10, 0, 1),
        ("the rows of the edges count", 1, 20, 10, 1, 5),
        ("nothing", 0, -1, 10, 1, 1),
        ("for ever", i64::MIN, i64::MAX, 10, 1, 3_600),
    ] {
        assert_eq!(Columns::width_for(first, last, rows, frame_width_s), width_s, "{what}");
    }
}

#[test]
fn the_width_of_a_series_is_the_distance_of_its_frames() {
    for (what, seconds, width_s, expected) in [
        ("nothing", &[][..], 1, &[][..]),
        ("one", &[5], 1, &[1][..]),
        ("seconds", &[0, 1, 2], 1, &[1, 1, 1]),
        ("put together", &[0, 4, 8], 4, &[4, 4, 4]),
        ("with a hole", &[0, 4, 40, 44], 4, &[4, 4, 4, 4]),
    ] {
        let frames: Vec<_> = seconds.iter().map(|&second| frame(second, 1)).collect();
        let found = Columns::from_frames(&frames, 0);
        assert_eq!((found.width_s, &found.seconds[..]), (width_s, expected), "{what}");
        assert_eq!(found.sent.iter().sum::<u64>(), 9 * seconds.len() as u64, "{what}");
    }
}

prop_compose! {
    fn runs()(
        seconds in prop::collection::btree_set(0_u64..4_000, 1..60),
        warm in 0_u64..20,
        numbers in prop::collection::vec((0_u64..1_000, 200_u16..204, 0_u16..256), 80),
    ) -> (u64, Vec<Frame>) {
        let warmups = (0..warm).map(|second| (true, second));
        let moments = warmups.chain(seconds.into_iter().map(|second| (false, second)));
        let frames = moments.zip(numbers).map(|((is_warmup, second), (number, code, band))| Frame {
            flags: Flags { warmup: is_warmup, last: false },
            status: BTreeMap::from([(code, number)]),
            errors: BTreeMap::from([(ErrorClass::ALL[usize::from(code % 4)], number)]),
            response_bands: BTreeMap::from([(band, number), (300, 1)]),
            ..frame(second, number)
        });
        (warm, frames.collect())
    }
}

proptest! {
    #[test]
    fn sums_are_those_of_the_frames_in_any_width(
        (warmup_seconds, frames) in runs(),
        width_s in 1_u32..5_000,
    ) {
        let found = columns(width_s, warmup_seconds, &frames);
        let sum = |of: fn(&Frame) -> u64| frames.iter().map(of).sum::<u64>();
        prop_assert_eq!(found.planned.iter().sum::<u64>(), sum(|frame| frame.planned));
        prop_assert_eq!(found.completed.iter().sum::<u64>(), sum(|frame| frame.completed));
        prop_assert_eq!(found.seconds.iter().sum::<u32>() as usize, frames.len());
        prop_assert!(found.second.is_sorted_by(|a, b| a < b));
        let codes = found.status.values().flatten().sum::<u64>();
        prop_assert_eq!(codes, sum(|frame| frame.status.values().sum()));
        let errors = found.errors.values().flatten().sum::<u64>();
        prop_assert_eq!(errors, sum(|frame| frame.errors.values().sum()));
        let mut bands = BTreeMap::<u16, u64>::new();
        let entries = found.bands.iter().flat_map(|row| row.entries());
        entries.for_each(|(band, count)| *bands.entry(*band).or_default() += count);
        let mut expected = BTreeMap::<u16, u64>::new();
        for (&band, count) in frames.iter().flat_map(|frame| &frame.response_bands) {
            *expected.entry(band).or_default() += count;
        }
        prop_assert_eq!(bands, expected);
        let highest = frames.iter().filter_map(|frame| frame.response_ns);
        let highest = highest.filter(|times| times.count > 0).map(|times| times.p99).max();
        prop_assert_eq!(found.response_p99_ns.iter().copied().max().flatten(), highest);
        let mean: f64 = found.rate_target.iter().zip(&found.seconds).map(|(r, &s)| r * f64::from(s)).sum();
        let rates: f64 = frames.iter().map(|frame| frame.rate_target).sum();
        prop_assert!((mean - rates).abs() < 1e-6 * (1.0 + rates), "{} {}", mean, rates);
    }
}
