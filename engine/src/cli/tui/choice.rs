//! Whether a live view is shown, from the flags and from what the program is connected to.

use crate::cli::arguments::RunArgs;
use nix::unistd::{getpgrp, tcgetpgrp};
use std::io::{self, IsTerminal as _};
use std::path::Path;

/// What the choice depends on.
#[derive(Clone, Debug, Default)]
pub(super) struct Circumstances {
    pub(super) is_forced: bool,
    pub(super) is_unwanted: bool,
    /// Somebody else steers the run, or uses standard input or the terminal for something else.
    pub(super) is_driven: bool,
    pub(super) term: Option<String>,
    pub(super) stderr_is_terminal: bool,
    /// Standard input is that terminal and this program is in its foreground: keys can be read.
    pub(super) has_keys: bool,
}

impl Circumstances {
    pub(super) fn now(arguments: &RunArgs) -> Self {
        let dash = Path::new("-");
        let is_dash = |path: &Option<std::path::PathBuf>| path.as_deref() == Some(dash);
        let frames_on_terminal = is_dash(&arguments.frames) && io::stdout().is_terminal();
        Self {
            is_forced: arguments.tui,
            is_unwanted: arguments.no_tui || arguments.quiet,
            is_driven: arguments.control.is_some()
                || arguments.share.is_some()
                || frames_on_terminal,
            term: std::env::var("TERM").ok(),
            stderr_is_terminal: io::stderr().is_terminal(),
            has_keys: io::stdin().is_terminal()
                && tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp()),
        }
    }
}

/// Whether to show it.
///
/// # Errors
///
/// A sentence for people, when it is asked for and cannot be.
pub(super) fn choose(circumstances: &Circumstances) -> Result<bool, String> {
    let Circumstances { is_forced, is_unwanted, is_driven, .. } = *circumstances;
    let is_dumb = circumstances.term.as_deref().is_none_or(|term| matches!(term, "" | "dumb"));
    let obstacle = if !circumstances.stderr_is_terminal {
        Some("standard error is not a terminal")
    } else if !circumstances.has_keys {
        Some("standard input is not the terminal, or the program is in the background")
    } else if is_dumb {
        Some("the variable TERM names no terminal that can show it")
    } else if is_driven {
        Some("--control, --share and frames on the terminal leave no room for it")
    } else {
        None
    };
    match obstacle {
        _ if is_unwanted => Ok(false),
        Some(obstacle) if is_forced => {
            Err(format!("no live view: {obstacle}\nhint: leave out --tui"))
        }
        obstacle => Ok(obstacle.is_none()),
    }
}

/// Whether colours are wanted.
pub(super) fn has_color(arguments: &RunArgs) -> bool {
    !arguments.no_color && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(what: &str, change: impl Fn(&mut Circumstances), expect: Result<bool, &str>) {
        let mut circumstances = Circumstances {
            term: Some("xterm".into()),
            stderr_is_terminal: true,
            has_keys: true,
            ..Circumstances::default()
        };
        change(&mut circumstances);
        match (choose(&circumstances), expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found, expect, "{what}"),
            (Err(found), Err(part)) => assert!(found.contains(part), "{what}: `{found}`"),
            (found, expect) => panic!("{what}: {found:?}, expected {expect:?}"),
        }
    }

    #[test]
    fn it_is_shown_where_there_is_a_terminal_to_show_it_on() {
        check("a terminal", |_| (), Ok(true));
        check("asked for", |c| c.is_forced = true, Ok(true));
        check("--quiet or --no-tui", |c| c.is_unwanted = true, Ok(false));
        for (what, obstacle) in [
            ("a pipe", (|c| c.stderr_is_terminal = false) as fn(&mut Circumstances)),
            ("no TERM", |c| c.term = None),
            ("an empty TERM", |c| c.term = Some(String::new())),
            ("TERM=dumb", |c| c.term = Some("dumb".into())),
            ("in the background", |c| c.has_keys = false),
            ("commands come from elsewhere", |c| c.is_driven = true),
        ] {
            check(what, obstacle, Ok(false));
            let forced = |c: &mut Circumstances| {
                obstacle(c);
                c.is_forced = true;
            };
            check(what, forced, Err("no live view: "));
        }
    }
}
