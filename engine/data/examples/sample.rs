//! Takes a sample of a log, and says how close it is, how long it took and how much memory.
//!
//! `cargo run --release -p acp-data --example sample -- FORMAT SIZE LOG OUTPUT`, where the format is a
//! `log_format` of nginx and the log may be `-`

use acp_data::extract::{
    Format, LatencyUnit, Layout, LogFormat, Options, Privacy, Sample, extract,
};
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [format, size, log, output] = words.as_slice() else {
        return Err("FORMAT SIZE LOG OUTPUT are needed".into());
    };
    let options = Options {
        paths: vec![log.into()],
        format: Format::Text(LogFormat::parse(format)?),
        latency_unit: LatencyUnit::Second,
        patterns: Vec::new(),
        sample: Sample::Stratified,
        size: Some(acp_wire::units::parse_count(size)?),
        seed: 1,
        bad_share_max: 0.01,
        layout: Layout::Jsonl,
        has_host: false,
        has_user_agent: false,
        privacy: Privacy::Keep,
        replay: None,
    };
    let start = Instant::now();
    let found = extract(&options, &mut BufWriter::new(File::create(output)?))?;
    let seconds = start.elapsed().as_secs_f64();
    let rate = found.report.lines as f64 / seconds;
    let mut out = std::io::stdout();
    write!(out, "{}{seconds:.1} s, {rate:.0} lines/s", found.report.text())?;
    // Only Linux says so.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    writeln!(out, ", most memory {}", peak.map_or("unknown", str::trim))?;
    Ok(())
}
