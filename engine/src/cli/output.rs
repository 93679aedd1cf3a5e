//! Where the report and the frames go. Places are opened before the run: a path that cannot be
//! written must not cost a result.

use super::arguments::{Format, RunArgs};
use super::frames::{FrameWriter, MAX_WAITING_BYTES};
use super::sink::Sink;
use super::textfile::TextFile;
use crate::launch::{Finished, Progress};
use crate::report::{
    Style, render_csv, render_hdr, render_json, render_junit, render_markdown, render_page_series,
    render_prometheus, render_prometheus_so_far, render_text,
};
use acp_wire::{Frame, Report};
use serde::Serialize;
use std::io::{self, IsTerminal as _};
use std::path::Path;

/// Connections are open, and the run waits for its start.
#[derive(Serialize)]
struct Ready<'a> {
    schema: &'static str,
    run: &'a str,
    open_connections: usize,
}

/// All outputs of a run.
pub(super) struct Outputs {
    reports: Vec<(Format, Sink)>,
    /// Written again with each frame.
    text_files: Vec<TextFile>,
    frames: Option<FrameWriter>,
    style: Style,
}

impl Outputs {
    pub(super) fn open(arguments: &RunArgs) -> Result<Self, String> {
        let stdout = Path::new("-");
        let on_stdout = |path: &Path| path == stdout;
        let takers = arguments.output.iter().filter(|path| on_stdout(path)).count()
            + usize::from(arguments.frames.as_deref().is_some_and(on_stdout));
        if takers > 1 {
            return Err(
                "standard output can take one of report and frames\nhint: give the others a file"
                    .into(),
            );
        }
        let (mut reports, mut text_files) = (Vec::new(), Vec::new());
        for path in &arguments.output {
            let format = format_of(path).or(arguments.format).unwrap_or(Format::Text);
            if format == Format::Prometheus && TextFile::is_possible(path) {
                text_files.push(TextFile::open(path)?);
            } else {
                reports.push((format, Sink::open(path)?));
            }
        }
        let frames = match &arguments.frames {
            Some(path) => Some(FrameWriter::start(Sink::open(path)?, MAX_WAITING_BYTES)?),
            None => None,
        };
        if takers == 0 {
            let format = match arguments.output.is_empty() {
                true => arguments.format.unwrap_or(Format::Text),
                false => Format::Text,
            };
            reports.push((format, Sink::open(stdout)?));
        }
        let color = !arguments.no_color
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && io::stdout().is_terminal();
        let style = Style { color, percentiles: arguments.percentiles.clone() };
        Ok(Self { reports, text_files, frames, style })
    }

    /// Takes the line that comes before the frames of a run that waits for its start.
    pub(super) fn ready(&mut self, run: &str, open_connections: usize) -> Result<(), String> {
        self.line(&Ready { schema: "acp.ready/1", run, open_connections })
    }

    /// Takes a frame. It never waits; an error is one that must end the run.
    pub(super) fn frame(&mut self, frame: &Frame, progress: &Progress) -> Result<(), String> {
        for file in &self.text_files {
            file.show(render_prometheus_so_far(progress.run, progress.sum, frame));
        }
        self.line(frame)
    }

    fn line(&mut self, document: &impl Serialize) -> Result<(), String> {
        let Some(frames) = &mut self.frames else { return Ok(()) };
        let mut line = serde_json::to_string(document).map_err(|error| error.to_string())?;
        line.push('\n');
        frames.write(line)
    }

    /// Writes what is left of a run that has come to no report: its frames, and the newest text.
    /// Returns what could not be written.
    pub(super) fn abandon(self) -> Vec<String> {
        let texts = self.text_files.into_iter().filter_map(|file| file.settle().err());
        let mut failures: Vec<_> = texts.collect();
        failures.extend(self.frames.and_then(|frames| frames.finish().err()));
        failures
    }

    /// Writes the report everywhere, and what is left of the frames. A place that fails does not keep
    /// the others from it.
    pub(super) fn finish(mut self, finished: &Finished) -> Result<(), String> {
        let mut failures = Vec::new();
        for (format, sink) in &mut self.reports {
            let color = self.style.color && sink.name == "-";
            let text = render(*format, finished, &Style { color, ..self.style.clone() });
            failures.extend(sink.write(&text).err());
        }
        for file in self.text_files {
            failures.extend(file.finish(render_prometheus(&finished.report)).err());
        }
        failures.extend(self.frames.and_then(|frames| frames.finish().err()));
        if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
    }
}

fn render(format: Format, finished: &Finished, style: &Style) -> String {
    let (report, distributions) = (&finished.report, &finished.distributions);
    match format {
        Format::Json => render_json(report),
        Format::Csv => render_csv(report),
        Format::Hdr => render_hdr(&distributions.response),
        Format::Html => html(report),
        Format::Junit => render_junit(report),
        Format::Markdown => render_markdown(report),
        Format::Prometheus => render_prometheus(report),
        Format::Text => render_text(report, style, &|percentile| {
            let at = |histogram: &hdrhistogram::Histogram<u64>| {
                histogram.value_at_percentile(percentile)
            };
            (at(&distributions.response), at(&distributions.service))
        }),
    }
}

/// The page of a control plane with this report in it.
fn html(report: &Report) -> String {
    let series = render_page_series(report);
    // That document has the series already.
    let report = Report { series: Vec::new(), ..report.clone() };
    acp_web::offline::report(&render_json(&report), &series)
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "json" => Some(Format::Json),
        "csv" => Some(Format::Csv),
        "hdr" | "hgrm" => Some(Format::Hdr),
        "txt" => Some(Format::Text),
        "html" | "htm" => Some(Format::Html),
        "xml" => Some(Format::Junit),
        "md" => Some(Format::Markdown),
        "prom" => Some(Format::Prometheus),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_a_report_leaves_what_was_measured() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let sink = Sink::open(&path("frames.jsonl")).unwrap();
        let mut outputs = Outputs {
            reports: vec![(Format::Json, Sink::open(&path("report.json")).unwrap())],
            text_files: vec![TextFile::open(&path("now.prom")).unwrap()],
            frames: Some(FrameWriter::start(sink, MAX_WAITING_BYTES).unwrap()),
            style: Style::default(),
        };
        for seq in 0..1000 {
            outputs.line(&Frame { seq, ..Frame::default() }).unwrap();
            outputs.text_files[0].show(seq.to_string());
        }
        assert_eq!(outputs.abandon(), Vec::<String>::new());
        let frames = std::fs::read_to_string(path("frames.jsonl")).unwrap();
        let sequence = frames.lines().map(|line| serde_json::from_str::<Frame>(line).unwrap().seq);
        assert!(sequence.eq(0..1000), "every frame, in order");
        assert_eq!(std::fs::read_to_string(path("now.prom")).unwrap(), "999", "the newest text");
        assert_eq!(std::fs::read_to_string(path("report.json")).unwrap(), "");
    }

    #[test]
    fn what_cannot_be_written_of_it_is_said() {
        let sink = Sink::open(Path::new("/dev/full")).unwrap();
        let mut outputs = Outputs {
            reports: Vec::new(),
            text_files: Vec::new(),
            frames: Some(FrameWriter::start(sink, MAX_WAITING_BYTES).unwrap()),
            style: Style::default(),
        };
        outputs.line(&Frame::default()).unwrap();
        let failures = outputs.abandon();
        assert!(failures[0].contains("failed to write `/dev/full`"), "{failures:?}");
    }
}
