//! Commands to a running engine, one JSON a line.
//!
//! `{"rate":"20k","at_us":5000000,"number":1}`, `{"pause":true}`, `{"resume":true}`, `{"stop":true}`,
//! `{"lease_us":15000000}`.

use super::Control;
use acp_wire::agent::ChangeKind;
use serde::{Deserialize, Deserializer};
use std::io::{self, BufRead, Read as _};
use thiserror::Error;

/// Longest line.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Another course.
    Change {
        /// Its number, if it has one: repeated and older ones are ignored.
        number: Option<u32>,
        /// When, in microseconds from the start of the measured part; none: in 20 ms.
        at_us: Option<u64>,
        /// What.
        kind: ChangeKind,
    },
    /// Nothing is sent any more.
    Stop,
    /// The right to send for so long, from now on.
    Lease {
        /// How long.
        lease_us: u64,
    },
}

/// Why a line is not a command.
#[derive(Debug, Error)]
pub enum CommandError {
    /// Not JSON, or not these fields.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// None of them, or several.
    #[error("one of rate, pause, resume, stop and lease_us is expected")]
    NotOne,
    /// A time or a number on what has none.
    #[error("only changes have at_us and number")]
    NoChange,
}

/// The fields of a line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    rate: Option<String>,
    #[serde(default, deserialize_with = "mark")]
    pause: bool,
    #[serde(default, deserialize_with = "mark")]
    resume: bool,
    #[serde(default, deserialize_with = "mark")]
    stop: bool,
    lease_us: Option<u64>,
    at_us: Option<u64>,
    number: Option<u32>,
}

/// `true`, or the `null` of a serialized [`ChangeKind`]: that it is there is what counts.
fn mark<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or(true))
}

impl Command {
    /// Parses a line.
    ///
    /// # Errors
    ///
    /// When it is not one command.
    pub fn parse(line: &str) -> Result<Self, CommandError> {
        let Line { rate, pause, resume, stop, lease_us, at_us, number } =
            serde_json::from_str(line)?;
        let change = |kind| Self::Change { number, at_us, kind };
        let commands = [
            rate.map(|rate| change(ChangeKind::Rate(rate))),
            pause.then(|| change(ChangeKind::Pause)),
            resume.then(|| change(ChangeKind::Resume)),
            stop.then_some(Self::Stop),
            lease_us.map(|lease_us| Self::Lease { lease_us }),
        ];
        let mut given = commands.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(Self::Stop | Self::Lease { .. }), None)
                if at_us.is_some() || number.is_some() =>
            {
                Err(CommandError::NoChange)
            }
            (Some(command), None) => Ok(command),
            _ => Err(CommandError::NotOne),
        }
    }
}

/// Obeys the commands of a stream until it ends, which may end the lease. `warn` is told what was
/// not obeyed.
///
/// # Errors
///
/// When reading fails; the stream is over then, too.
pub fn follow(
    mut stream: impl BufRead,
    control: &Control,
    warn: &mut dyn FnMut(&str),
) -> io::Result<()> {
    let mut line = Vec::new();
    let result = loop {
        line.clear();
        match stream.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) => break Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => break Err(error),
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let obeyed = match Command::parse(text) {
            Ok(command) => control.obey(command).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = obeyed {
            let shown: String = text.chars().take(200).collect();
            warn(&format!("command `{shown}` is ignored: {why}"));
        }
    };
    control.hang_up();
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::agent::Change;

    #[test]
    fn lines_are_the_commands_of_the_table() {
        let change = |number, at_us, kind| Command::Change { number, at_us, kind };
        for (line, expected) in [
            (
                r#"{"rate":"20k","at_us":5000000,"number":1}"#,
                change(Some(1), Some(5_000_000), ChangeKind::Rate("20k".into())),
            ),
            (r#"{"rate":"300/m"}"#, change(None, None, ChangeKind::Rate("300/m".into()))),
            (r#"{"pause":true}"#, change(None, None, ChangeKind::Pause)),
            (r#"{"pause":null,"number":2}"#, change(Some(2), None, ChangeKind::Pause)),
            (r#" {"resume":true, "at_us":7} "#, change(None, Some(7), ChangeKind::Resume)),
            (r#"{"stop":true}"#, Command::Stop),
            (r#"{"lease_us":15000000}"#, Command::Lease { lease_us: 15_000_000 }),
        ] {
            assert_eq!(Command::parse(line).expect(line), expected);
        }
    }

    #[test]
    fn a_change_as_agents_send_it_is_a_command() {
        for kind in [ChangeKind::Rate("1".into()), ChangeKind::Pause, ChangeKind::Resume] {
            let change = Change { number: 3, at_us: 9, kind: kind.clone() };
            let line = serde_json::to_string(&change).expect("JSON");
            let expected = Command::Change { number: Some(3), at_us: Some(9), kind };
            assert_eq!(Command::parse(&line).expect(&line), expected);
        }
    }

    #[test]
    fn other_lines_are_refused() {
        for line in [
            "stop",
            "[]",
            "{}",
            "{",
            r#"{"stop":false}"#,
            r#"{"pause":false}"#,
            r#"{"pause":"yes"}"#,
            r#"{"pause":true,"resume":true}"#,
            r#"{"rate":"20k","stop":true}"#,
            r#"{"rate":20}"#,
            r#"{"rate":"20k","at_us":-1}"#,
            r#"{"rate":"20k","when":1}"#,
            r#"{"stop":true,"at_us":1}"#,
            r#"{"lease_us":1,"number":1}"#,
            r#"{"lease_us":"15s"}"#,
            r#"{"at_us":1}"#,
        ] {
            assert!(Command::parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_bad_line_costs_a_warning_and_nothing_else() {
        let long = format!("{}\n", "x".repeat(200_000));
        let text = format!("nonsense\n\n\u{fffd}\n{long}{{\"rate\":\"1\"}}\n{{\"stop\":true}}");
        let control = Control::default();
        let mut warnings = Vec::new();
        let read = follow(text.as_bytes(), &control, &mut |text| warnings.push(text.to_string()));
        assert!(read.is_ok());
        assert!(control.is_stopped(), "the last line has no end");
        // The long line comes in four pieces; the rate comes before there is a plan.
        assert_eq!(warnings.len(), 2 + 4 + 1, "{warnings:?}");
        assert!(warnings[0].starts_with("command `nonsense` is ignored: "), "{warnings:?}");
        assert!(warnings.iter().all(|warning| warning.len() < 1000));
    }

    #[test]
    fn the_end_of_the_stream_ends_a_lease() {
        for (text, is_stopped) in [("", false), ("{\"lease_us\":3600000000}\n", true)] {
            let control = Control::default();
            follow(text.as_bytes(), &control, &mut |_| ()).expect("a string can be read");
            assert_eq!(control.is_stopped(), is_stopped, "{text:?}");
        }
    }
}
