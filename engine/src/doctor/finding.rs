//! What one check has found.

use serde::Serialize;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Ok,
    /// Worth knowing: results may be less good than they could be.
    Note,
    /// The load of the plan will fail or lie.
    Bad,
    /// It could not be found out.
    Unknown,
}

impl State {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Bad => "bad",
            Self::Unknown => "unknown",
        }
    }
}

/// What a check has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the check: `open_files`.
    pub check: &'static str,
    /// How it is.
    pub state: State,
    /// What was found, with numbers.
    pub found: String,
    /// Why it matters.
    pub why: &'static str,
    /// What to do, a command where there is one; none where nothing is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// A check's name and reason, which its findings have in common.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    pub(super) check: &'static str,
    pub(super) why: &'static str,
}

impl Subject {
    pub(super) fn ok(self, found: impl Into<String>) -> Finding {
        self.finding(State::Ok, found.into(), None)
    }

    pub(super) fn note(self, found: impl Into<String>, fix: impl Into<String>) -> Finding {
        self.finding(State::Note, found.into(), Some(fix.into()))
    }

    pub(super) fn bad(self, found: impl Into<String>, fix: impl Into<String>) -> Finding {
        self.finding(State::Bad, found.into(), Some(fix.into()))
    }

    pub(super) fn unknown(self, found: impl Into<String>) -> Finding {
        self.finding(State::Unknown, found.into(), None)
    }

    /// The files that would tell cannot be read.
    pub(super) fn unreadable(self, path: &str) -> Finding {
        self.unknown(format!("/{path} cannot be read"))
    }

    fn finding(self, state: State, found: String, fix: Option<String>) -> Finding {
        Finding { check: self.check, state, found, why: self.why, fix }
    }
}
