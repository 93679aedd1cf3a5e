//! Files of a run: its report, and its frames where they were kept.

use acp_report::compare::{Basis, Blocks, Subject};
use acp_wire::{FRAME_SCHEMA, Frame, REPORT_SCHEMA, Report};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

/// A line of frames is some kilobytes; a file without line breaks is not read to its end.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// A run as its files have it.
pub(super) struct Run {
    /// Path of the report as it was given.
    pub(super) name: String,
    pub(super) report: Report,
    blocks: Blocks,
}

#[derive(Deserialize)]
struct Head {
    schema: Option<String>,
}

impl Run {
    pub(super) fn of(name: &str, report: Report, blocks: Blocks) -> Self {
        Self { name: name.into(), report, blocks }
    }

    /// # Errors
    ///
    /// When a file cannot be read, or is something else.
    pub(super) fn read(path: &Path, frames: Option<&Path>) -> Result<Self> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("failed to read report `{name}`"))?;
        let report = parse(&text).with_context(|| format!("bad report `{name}`"))?;
        let blocks = match frames {
            Some(path) => read_frames(path, &report)
                .with_context(|| format!("bad frames `{}`", path.display()))?,
            None => Blocks::of_report(&report).with_context(|| format!("bad report `{name}`"))?,
        };
        Ok(Self::of(&name, report, blocks))
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject { run: &self.name, report: &self.report, blocks: Some(&self.blocks) }
    }

    /// What intervals rest on, for people.
    pub(super) fn basis(&self) -> String {
        let count = self.blocks.count();
        let of = match self.blocks.basis() {
            _ if count == 0 => return "no seconds: nothing can be judged".into(),
            Basis::Histograms => "histograms of each second, from its frames",
            Basis::Summaries => "percentiles and bands of each second, from its report",
        };
        format!("{count} blocks of {of}")
    }

    pub(super) fn basis_name(&self) -> &'static str {
        match self.blocks.basis() {
            Basis::Histograms => "histograms",
            Basis::Summaries => "summaries",
        }
    }
}

fn parse(text: &str) -> Result<Report> {
    if text.trim().is_empty() {
        bail!("the file is empty");
    }
    let first = text.lines().next().unwrap_or_default();
    let is_frame = |head: Head| head.schema.as_deref() == Some(FRAME_SCHEMA);
    if serde_json::from_str::<Head>(first).is_ok_and(is_frame) {
        bail!("these are frames\nhint: give the report, and these as --frames-a, --frames-b");
    }
    let head: Head = serde_json::from_str(text).context("not JSON of a report")?;
    match head.schema.as_deref() {
        Some(REPORT_SCHEMA) => serde_json::from_str(text).context("not JSON of a report"),
        Some(other) => bail!("schema is `{other}`, expected `{REPORT_SCHEMA}`"),
        None => bail!("there is no schema, expected `{REPORT_SCHEMA}`"),
    }
}

fn read_frames(path: &Path, report: &Report) -> Result<Blocks> {
    let mut reader = BufReader::new(File::open(path).context("failed to open")?);
    let mut blocks = Blocks::new(report.run.duration_us);
    let mut line = String::new();
    for number in 1.. {
        line.clear();
        let count = reader.by_ref().take(LINE_BYTES_MAX).read_line(&mut line);
        if count.with_context(|| format!("failed to read line {number}"))? == 0 {
            break;
        }
        let of_line = || format!("line {number}");
        let head: Head = serde_json::from_str(&line).with_context(of_line)?;
        // The line before the frames of a run that waits for its start is of another schema.
        if head.schema.as_deref() == Some(FRAME_SCHEMA) {
            let frame: Frame = serde_json::from_str(&line).with_context(of_line)?;
            blocks.push(&frame, 1);
        }
    }
    if blocks.count() == 0 {
        bail!("there is no frame of the measured part");
    }
    Ok(blocks)
}
