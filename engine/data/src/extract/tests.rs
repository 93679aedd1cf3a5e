//! Whole extractions: small logs in, query files and reports out.

use super::*;
use acp_plan::Random;
use proptest::prelude::*;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A log of a shop: some routes, ids in paths, few errors, slow now and then, busy at noon.
fn shop(lines: usize, seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut text = String::new();
    for _ in 0..lines {
        let id = random.below(1_000_000);
        let request = match random.below(100) {
            0..50 => format!("GET /item/{id}?ref=home"),
            50..80 => format!("GET /search?q=w{id}&page={}", random.below(9)),
            80..95 => format!("GET /static/{:08x}.js", id * 7919),
            95..99 => format!("POST /cart/{id}/add"),
            _ => "GET /health".into(),
        };
        let status = match random.below(200) {
            0 => 500,
            1..5 => 404,
            _ => 200,
        };
        let ms = 1 << random.below(10);
        let hour = random.below(12) + random.below(13);
        let (minute, second) = (random.below(60), random.below(60));
        writeln!(
            text,
            "10.0.0.1 - - [10/Oct/2024:{hour:02}:{minute:02}:{second:02} +0000] \"{request} HTTP/1.1\" \
             {status} 12 \"-\" \"Mozilla/5.0 (X11)\" {}.{:03}",
            ms / 1000,
            ms % 1000
        )
        .unwrap();
    }
    text
}

fn options(path: &Path, size: u64) -> Options {
    Options {
        paths: vec![path.into()],
        format: Format::Text(LogFormat::parse(NGINX).unwrap()),
        latency_unit: LatencyUnit::Second,
        patterns: Vec::new(),
        sample: Sample::Stratified,
        size: Some(size),
        seed: 1,
        bad_share_max: 0.01,
        layout: Layout::Jsonl,
        has_host: false,
        has_user_agent: false,
        privacy: Privacy::Keep,
        replay: None,
    }
}

/// A folder with a log.
fn log(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn run(options: &Options) -> Result<(Extraction, String), ExtractError> {
    let mut lines = Vec::new();
    let found = extract(options, &mut lines)?;
    Ok((found, String::from_utf8(lines).unwrap()))
}

/// Of a named pipe, which passes by once.
fn run_stream(options: &Options, text: &str) -> (Extraction, String) {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let (text, to) = (text.to_string(), pipe.clone());
    let writer = std::thread::spawn(move || std::fs::write(to, text));
    let found = run(&Options { paths: vec![pipe], ..options.clone() }).unwrap();
    writer.join().unwrap().unwrap();
    found
}

#[test]
fn a_stratified_sample_is_closer_than_a_uniform_one() {
    let text = shop(40_000, 3);
    let (_folder, path) = log(&text);
    let stratified = options(&path, 4000);
    let uniform = Options { sample: Sample::Uniform, ..stratified.clone() };
    let (of_file, lines) = run(&stratified).unwrap();
    let (of_stream, _) = run_stream(&stratified, &text);
    let (of_chance, chance_lines) = run(&uniform).unwrap();
    let (of_stream_by_chance, _) = run_stream(&uniform, &text);
    for found in [&of_file, &of_stream, &of_chance, &of_stream_by_chance] {
        assert_eq!((found.report.lines, found.report.bad_lines), (40_000, 0));
        assert_eq!(found.report.sample.size, 4000);
        assert_eq!(found.report.dimensions.len(), 5);
        assert_eq!(found.report.warnings.len(), 1, "{:?}", found.report.warnings);
    }
    for found in [&of_file, &of_stream] {
        for dimension in &found.report.dimensions {
            let (distance, chance) = (dimension.distance, dimension.uniform_distance);
            assert!(distance < chance, "{dimension:?}");
            let is_exact = matches!(dimension.name, "route" | "method");
            assert!(!is_exact || distance < 0.01, "{dimension:?}");
        }
    }
    for found in [&of_chance, &of_stream_by_chance] {
        for dimension in &found.report.dimensions {
            let ratio = dimension.distance / dimension.uniform_distance;
            assert!((0.1..4.0).contains(&ratio), "{dimension:?}");
        }
    }
    assert_eq!((lines.lines().count(), chance_lines.lines().count()), (4000, 4000));
    let routes: Vec<_> = of_file.report.routes.iter().map(|route| &*route.route).collect();
    assert_eq!(
        routes,
        [
            "GET /item/{}?ref",
            "GET /search?page&q",
            "GET /static/{}",
            "POST /cart/{}/add",
            "GET /health"
        ]
    );
}

#[test]
fn lines_of_the_sample_are_lines_of_the_log() {
    let text = shop(2000, 5);
    let (_folder, path) = log(&text);
    let mut of_log = HashMap::<&str, u64>::new();
    for line in text.lines() {
        *of_log.entry(line.split('"').nth(1).unwrap()).or_default() += 1;
    }
    for sample in [Sample::Stratified, Sample::Uniform, Sample::First] {
        let all = Options { sample, layout: Layout::Line, ..options(&path, 300) };
        for lines in [run(&all).unwrap().1, run_stream(&all, &text).1] {
            let mut left = of_log.clone();
            for line in lines.lines() {
                let left = left.get_mut(&*format!("{line} HTTP/1.1")).unwrap();
                *left = left.checked_sub(1).unwrap();
            }
            assert_eq!(lines.lines().count(), 300, "{sample:?}");
        }
    }
    let first = Options { sample: Sample::First, layout: Layout::Line, ..options(&path, 3) };
    let expected: String = text.lines().take(3).fold(String::new(), |text, line| {
        text + line.split('"').nth(1).unwrap().trim_end_matches(" HTTP/1.1") + "\n"
    });
    assert_eq!(run(&first).unwrap().1, expected);
    assert_eq!(run_stream(&first, &text).1, expected);
}

#[test]
fn seeds_repeat() {
    let text = shop(3000, 7);
    let (_folder, path) = log(&text);
    for sample in [Sample::Stratified, Sample::Uniform] {
        let one = Options { sample, ..options(&path, 200) };
        let other = Options { seed: 2, ..one.clone() };
        assert_eq!(run(&one).unwrap(), run(&one).unwrap());
        assert_eq!(run_stream(&one, &text), run_stream(&one, &text));
        assert_ne!(run(&one).unwrap().1, run(&other).unwrap().1);
        assert_ne!(run_stream(&one, &text).1, run_stream(&other, &text).1);
    }
}

#[test]
fn rare_errors_are_in_the_sample() {
    let mut text = shop(30_000, 9).replace("\" 500 ", "\" 200 ");
    let rare = text.lines().next().unwrap().replace("\" 200 ", "\" 503 ");
    writeln!(text, "{rare}").unwrap();
    let (_folder, path) = log(&text);
    let (found, lines) = run(&options(&path, 1000)).unwrap();
    assert!(found.report.sample.has_minimum, "{:?}", found.report.sample);
    let status = found.report.dimensions.iter().find(|one| one.name == "status").unwrap();
    assert_eq!(status.values, 3);
    let path_of_it = rare.split('"').nth(1).unwrap().split(' ').nth(1).unwrap();
    assert!(lines.contains(&format!("\"{path_of_it}\"")), "{path_of_it}");
}

#[test]
fn a_replay_is_in_the_order_of_time() {
    let text = shop(5000, 11);
    let (_folder, path) = log(&text);
    let replay = Replay { time_of: TimeOf::End, speed: Speed::new(3600.0 / 10.0).unwrap() };
    let all = Options { replay: Some(replay), size: None, ..options(&path, 0) };
    let (found, lines) = run(&all).unwrap();
    let at = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["at_us"].as_u64().unwrap()
    };
    let offsets: Vec<_> = lines.lines().map(at).collect();
    assert_eq!((offsets.len(), offsets[0]), (5000, 0));
    assert!(offsets.is_sorted());
    let report = &found.report;
    let span = report.last_unix_us.unwrap() - report.first_unix_us.unwrap();
    let last = i64::try_from(offsets[4999]).unwrap();
    assert!((last - span).abs() < 3_000_000, "{last} {span}");
    let profile = found.profile.unwrap();
    assert_eq!((profile.piece_s, profile.duration_s), (1, offsets[4999] / 360_000_000 + 1));
    assert_eq!(run_stream(&all, &text).1.lines().count(), 5000);
}

#[test]
fn personal_data_can_be_left_out() {
    let text = shop(500, 13);
    let (_folder, path) = log(&text);
    let all = Options { size: None, ..options(&path, 0) };
    let dropped = Options { privacy: Privacy::Drop, ..all.clone() };
    let agents = Options { has_user_agent: true, has_host: true, ..all.clone() };
    let hashed =
        Options { privacy: Privacy::hash_by_a_random_key(vec!["q".into()]), ..all.clone() };
    assert!(run(&all).unwrap().1.contains("ref=home"));
    assert!(!run(&all).unwrap().1.contains("Mozilla"));
    assert!(!run(&dropped).unwrap().1.contains("ref=home"));
    assert!(run(&agents).unwrap().1.contains("\"user-agent\":\"Mozilla/5.0 (X11)\""));
    let lines = run(&hashed).unwrap().1;
    assert!(lines.contains("ref=home") && lines.contains("&page=") && !lines.contains("q=w"));
}

#[test]
fn what_is_no_sample_is_said() {
    let good = shop(200, 1);
    let bad = "2024/01/01 00:00:00 [error] not a request\n";
    let no_time = "{\"path\":\"/a\"}\n".repeat(10);
    let json = Format::Json(JsonFields::default());
    let replay = Some(Replay { time_of: TimeOf::Start, speed: Speed::ONE });
    let base = options(Path::new(""), 10);
    for (what, text, change, part) in [
        ("nothing", String::new(), base.clone(), "no requests"),
        ("blank lines", "\n\n \n".into(), base.clone(), "no requests"),
        ("another format", bad.repeat(1500), base.clone(), "none of 1000 lines is a request"),
        ("a short one", bad.repeat(3), base.clone(), "none of 3 lines is a request"),
        (
            "too many bad lines",
            good.clone() + &bad.repeat(3),
            base.clone(),
            "3 of 203 lines are bad",
        ),
        (
            "JSON is not text",
            good.clone(),
            Options { format: json.clone(), ..base.clone() },
            "access.log:1: bad JSON",
        ),
        (
            "a replay without times",
            no_time,
            Options { format: json, replay, ..base.clone() },
            "10 requests have none",
        ),
    ] {
        let (_folder, path) = log(&text);
        let error = run(&Options { paths: vec![path], ..change }).unwrap_err().to_string();
        assert!(error.contains(part), "{what}: `{error}` lacks `{part}`");
    }
    let (_folder, path) = log(&(good + &bad.repeat(2)));
    let (found, _) = run(&options(&path, 10)).unwrap();
    assert_eq!(found.report.bad_lines, 2);
    let example = &found.report.bad_examples[0];
    assert!(example.contains("access.log:201: it is not as the format says"), "{example}");
}

#[test]
fn many_methods_are_no_methods() {
    let line = |method: String| {
        format!(
            "- - - [10/Oct/2024:00:00:00 +0000] \"{method} / HTTP/1.1\" 200 1 \"-\" \"-\" 0.1\n"
        )
    };
    let letter = |number: u32| char::from(b'A' + u8::try_from(number).unwrap());
    let methods = (0..80).map(|number| format!("M{}{}", letter(number / 10), letter(number % 10)));
    let (_folder, path) = log(&methods.map(line).collect::<String>());
    let all = Options { bad_share_max: 0.5, ..options(&path, 100) };
    let (found, lines) = run(&all).unwrap();
    assert_eq!((found.report.bad_lines, lines.lines().count()), (16, 64));
    assert!(found.report.bad_examples[0].contains("the 64 that a log can have"));
}

#[test]
fn the_report_is_what_it_was() {
    let text = shop(3000, 17) + "garbage\n";
    let (_folder, path) = log(&text);
    let (mut found, _) = run(&options(&path, 500)).unwrap();
    for example in &mut found.report.bad_examples {
        *example = example.rsplit('/').next().unwrap().to_string();
    }
    let json = serde_json::to_string_pretty(&found.report).unwrap() + "\n";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/extract/golden");
    for (name, text) in [("report.txt", found.report.text()), ("report.json", json)] {
        let path = folder.join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, expected, "{name}: `UPDATE=1` rewrites it");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_log_gives_a_sample_of_its_size(
        lines in 1_usize..400, size in 0_u64..500, seed: u64,
    ) {
        let text = shop(lines, seed);
        let (_folder, path) = log(&text);
        for sample in [Sample::Stratified, Sample::Uniform, Sample::First] {
            let all = Options { sample, seed, ..options(&path, size) };
            let expected = size.min(lines as u64);
            let (found, written) = run(&all).unwrap();
            prop_assert_eq!(found.report.sample.size, expected);
            prop_assert_eq!(written.lines().count() as u64, expected);
            for dimension in &found.report.dimensions {
                prop_assert!((0.0..=1.0).contains(&dimension.distance));
            }
        }
    }
}
