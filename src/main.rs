//! The one binary: parse the command line, call a crate, turn the answer into an exit code.

fn main() {}
