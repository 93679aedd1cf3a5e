//! The engine of a part: a child process of its own, told what to do by lines, telling what it does
//! by lines.

mod arguments;
mod change;
mod child;
mod outcome;
mod output;

pub(crate) use arguments::arguments;
pub(crate) use change::change_line;
pub(crate) use child::{Command, Engine, Launch};
pub(crate) use outcome::{Cause, End, conclude};
pub(crate) use output::News;
