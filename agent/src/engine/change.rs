//! A change as an engine reads it on its control stream.

use acp_wire::agent::{Change, ChangeKind};
use serde::Serialize;

/// The line of a change.
pub(crate) fn change_line(change: &Change) -> serde_json::Result<String> {
    serde_json::to_string(&ChangeLine::of(change))
}

/// Its fields.
#[derive(Debug, Serialize)]
struct ChangeLine<'a> {
    number: u32,
    at_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pause: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    resume: bool,
}

impl<'a> ChangeLine<'a> {
    fn of(change: &'a Change) -> Self {
        let (number, at_us) = (change.number, change.at_us);
        let line = Self { number, at_us, rate: None, pause: false, resume: false };
        match &change.kind {
            ChangeKind::Rate(rate) => Self { rate: Some(rate), ..line },
            ChangeKind::Pause => Self { pause: true, ..line },
            ChangeKind::Resume => Self { resume: true, ..line },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_command_of_one_line() {
        for (kind, expect) in [
            (ChangeKind::Rate("20k".to_owned()), "\"rate\":\"20k\""),
            (ChangeKind::Rate("\n".to_owned()), "\"rate\":\"\\n\""),
            (ChangeKind::Pause, "\"pause\":true"),
            (ChangeKind::Resume, "\"resume\":true"),
        ] {
            let line = change_line(&Change { number: 3, at_us: 9, kind }).unwrap();
            assert_eq!(line, format!("{{\"number\":3,\"at_us\":9,{expect}}}"));
        }
    }
}
