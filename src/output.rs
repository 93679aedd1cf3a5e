//! What commands print. A reader that has gone away (`acp task list | head -1`) is no failure: it has
//! seen enough.

use anyhow::{Context as _, Result};
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Prints a line.
///
/// # Errors
///
/// When standard output cannot be written.
pub(crate) fn out(line: impl Display) -> Result<()> {
    text(&format!("{line}\n"))
}

/// Prints a text as it is.
///
/// # Errors
///
/// When standard output cannot be written.
pub(crate) fn text(text: &str) -> Result<()> {
    write(&mut io::stdout(), text)
}

/// Tells the user something beside the output. Where that cannot be written, there is nobody to tell.
pub(crate) fn tell(line: impl Display) {
    drop(writeln!(io::stderr(), "{line}"));
}

fn write(to: &mut impl Write, text: &str) -> Result<()> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("failed to write to standard output"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_a_reader_that_has_gone_is_no_failure() {
        for (kind, is_good) in [
            (ErrorKind::BrokenPipe, true),
            (ErrorKind::StorageFull, false),
            (ErrorKind::PermissionDenied, false),
        ] {
            assert_eq!(write(&mut Broken(kind), "x").is_ok(), is_good, "{kind}");
        }
    }
}
