//! Where commands to a running engine come from.

use super::arguments::RunArgs;
use super::messages::Messages;
use crate::launch::{Control, follow};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

/// A stream of commands that nobody reads yet.
pub(super) enum Commands {
    StandardInput,
    /// Opened by its reader: opening a pipe waits for whoever writes to it.
    File(PathBuf),
}

/// The stream that the arguments name, if they do.
pub(super) fn open(arguments: &RunArgs) -> Result<Option<Commands>, String> {
    let Some(path) = &arguments.control else { return Ok(None) };
    if path == Path::new("-") {
        if arguments.plan_file.as_deref() == Some(path) {
            return Err(
                "standard input can be the plan or the commands\nhint: give the plan a file".into(),
            );
        }
        return Ok(Some(Commands::StandardInput));
    }
    match std::fs::metadata(path) {
        Ok(_) => Ok(Some(Commands::File(path.clone()))),
        Err(error) => Err(format!("failed to read commands `{}`: {error}", path.display())),
    }
}

impl Commands {
    /// Obeys them on a thread of its own, which ends with the stream or with the process.
    pub(super) fn follow(self, control: &Control, messages: &Messages) -> io::Result<()> {
        let (control, messages) = (control.clone(), messages.clone());
        let body = move || {
            let mut warn = |text: &str| messages.say(&format!("warning: {text}"));
            let result = match self {
                Self::StandardInput => follow(io::stdin().lock(), &control, &mut warn),
                Self::File(path) => match File::open(path) {
                    Ok(file) => follow(BufReader::new(file), &control, &mut warn),
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = result {
                warn(&format!("commands are not read any more: {error}"));
            }
        };
        std::thread::Builder::new().name("commands".into()).spawn(body).map(drop)
    }
}
