//! Where the report and the frames go. Files are opened before the run: a path that cannot be
//! written must not cost a result.

use super::arguments::{Format, RunArgs};
use crate::launch::Finished;
use crate::report::{Style, render_csv, render_hdr, render_json, render_text};
use acp_wire::Frame;
use serde::Serialize;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

/// A place for bytes, with its name for messages.
pub(super) struct Sink {
    name: String,
    /// None is standard output.
    file: Option<File>,
    is_begun: bool,
}

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
    frames: Option<Sink>,
    style: Style,
}

impl Outputs {
    pub(super) fn open(arguments: &RunArgs) -> Result<Self, String> {
        let stdout = Path::new("-");
        let mut reports = Vec::new();
        for path in &arguments.output {
            let format = format_of(path).or(arguments.format).unwrap_or(Format::Text);
            reports.push((format, Sink::open(path)?));
        }
        let frames = arguments.frames.as_deref().map(Sink::open).transpose()?;
        let on_stdout = |path: &Path| path == stdout;
        let takers = arguments.output.iter().filter(|path| on_stdout(path)).count()
            + usize::from(arguments.frames.as_deref().is_some_and(on_stdout));
        if takers > 1 {
            return Err(
                "standard output can take one of report and frames\nhint: give the others a file"
                    .into(),
            );
        }
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
        Ok(Self { reports, frames, style })
    }

    /// Writes the line that comes before the frames of a run that waits for its start.
    pub(super) fn ready(&mut self, run: &str, open_connections: usize) -> Result<(), String> {
        let Some(sink) = &mut self.frames else { return Ok(()) };
        let ready = Ready { schema: "acp.ready/1", run, open_connections };
        let line = serde_json::to_string(&ready).map_err(|error| error.to_string())?;
        sink.write(&format!("{line}\n"))
    }

    /// Writes a frame as a line.
    pub(super) fn frame(&mut self, frame: &Frame) -> Result<(), String> {
        let Some(sink) = &mut self.frames else { return Ok(()) };
        let mut line = serde_json::to_string(frame).map_err(|error| error.to_string())?;
        line.push('\n');
        sink.write(&line)
    }

    /// Writes the report everywhere; a place that fails does not keep the others from it.
    pub(super) fn report(&mut self, finished: &Finished) -> Result<(), String> {
        let mut failures = Vec::new();
        for (format, sink) in &mut self.reports {
            let distributions = &finished.distributions;
            let text = match format {
                Format::Json => render_json(&finished.report),
                Format::Csv => render_csv(&finished.report),
                Format::Hdr => render_hdr(&distributions.response),
                Format::Text => {
                    let style =
                        Style { color: self.style.color && sink.name == "-", ..self.style.clone() };
                    render_text(&finished.report, &style, &|percentile| {
                        let at = |histogram: &hdrhistogram::Histogram<u64>| {
                            histogram.value_at_percentile(percentile)
                        };
                        (at(&distributions.response), at(&distributions.service))
                    })
                }
            };
            failures.extend(sink.write(&text).err());
        }
        if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
    }
}

impl Sink {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let name = path.display().to_string();
        if path == Path::new("-") {
            return Ok(Self { name, file: None, is_begun: false });
        }
        // What it holds stays until something is written: a run that is refused costs nothing.
        let file = File::options().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| format!("failed to create `{name}`: {error}"))?;
        Ok(Self { name, file: Some(file), is_begun: false })
    }

    pub(super) fn write(&mut self, text: &str) -> Result<(), String> {
        match self.try_write(text.as_bytes()) {
            // The reader of a pipe has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(format!("failed to write `{}`: {error}", self.name)),
            Ok(()) => Ok(()),
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            let mut stdout = io::stdout();
            return stdout.write_all(bytes).and_then(|()| stdout.flush());
        };
        if !self.is_begun && file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        self.is_begun = true;
        file.write_all(bytes)
    }
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "json" => Some(Format::Json),
        "csv" => Some(Format::Csv),
        "hdr" | "hgrm" => Some(Format::Hdr),
        "txt" => Some(Format::Text),
        _ => None,
    }
}
