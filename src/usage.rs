//! Mistakes of the command line that are found after it was parsed: they have the exit code of those
//! that the parser finds.

use std::fmt;

/// Exit code of a command line that cannot be used.
pub(crate) const EXIT_USAGE: u8 = 2;

/// What is wrong with the command line, or with what it names.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The same error, as a mistake of the command line.
pub(crate) fn usage(error: anyhow::Error) -> anyhow::Error {
    Usage(sentence(&error)).into()
}

/// The exit code of a command that ended with `error`.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<Usage>() { EXIT_USAGE } else { 1 }
}

/// An error and its causes in one line; a hint comes last, on its own.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let (mut text, mut hints) = (String::new(), String::new());
    for cause in error.chain() {
        let cause = cause.to_string();
        let (what, hint) = cause.split_once("\nhint: ").unwrap_or((&cause, ""));
        // A cause is often in the message of what it caused.
        if !text.contains(what) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(what);
        }
        if !hint.is_empty() {
            hints = format!("\nhint: {hint}");
        }
    }
    text + &hints
}
