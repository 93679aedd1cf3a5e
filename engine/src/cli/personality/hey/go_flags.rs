//! Flags as Go's `flag` package reads them, for a parser that reads them otherwise.
//!
//! One dash or two are the same; a value follows a `=` or is the next argument, whatever that looks
//! like; a switch has a value only after a `=`; short flags cannot be put together; the first
//! argument that is no flag ends the flags. <https://pkg.go.dev/flag#hdr-Command_line_flag_syntax>

use std::ffi::OsString;

/// Flags with a value.
const VALUES: [&str; 17] =
    ["n", "c", "q", "z", "o", "m", "H", "t", "A", "d", "D", "T", "U", "a", "x", "host", "cpus"];
/// Switches.
const SWITCHES: [&str; 7] = [
    "h2",
    "disable-compression",
    "disable-keepalive",
    "disable-redirects",
    "more",
    "readall",
    "allow-insecure",
];

/// Arguments of a process, with those of `hey` in the form that the parser of this program reads;
/// arguments of other commands are as they were.
pub fn go_arguments(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments = arguments.into_iter();
    let mut found: Vec<_> = arguments.by_ref().take(2).collect();
    if found.get(1).is_some_and(|command| command == "hey") {
        rewrite(&mut arguments, &mut found);
    } else {
        found.extend(arguments);
    }
    found
}

fn rewrite(arguments: &mut dyn Iterator<Item = OsString>, found: &mut Vec<OsString>) {
    while let Some(argument) = arguments.next() {
        let Some((name, value)) = split(&argument) else {
            // What follows is no flag, whatever it looks like.
            found.push("--".into());
            found.extend((argument != "--").then_some(argument));
            found.extend(arguments);
            return;
        };
        if VALUES.contains(&name.as_str()) {
            let value = value.or_else(|| arguments.next());
            found.push(with_value(&name, value));
        } else if SWITCHES.contains(&name.as_str()) {
            found.extend(switch(&name, value));
        } else if name == "h" || name == "help" {
            found.push("--help".into());
        } else {
            // Not known: the parser says so. With one dash it could be taken for several flags.
            found.push(format!("--{name}").into());
        }
    }
}

/// Name and value of a flag; none for what is no flag.
fn split(argument: &OsString) -> Option<(String, Option<OsString>)> {
    let text = argument.to_str()?;
    let name = text.strip_prefix('-')?;
    let name = name.strip_prefix('-').unwrap_or(name);
    if name.is_empty() {
        return None;
    }
    Some(match name.split_once('=') {
        Some((name, value)) => (name.into(), Some(value.into())),
        None => (name.into(), None),
    })
}

fn with_value(name: &str, value: Option<OsString>) -> OsString {
    let mut flag = OsString::from(if name.len() == 1 { "-" } else { "--" });
    flag.push(name);
    // Without a value: the parser says that one is missing.
    if let Some(value) = value {
        flag.push("=");
        flag.push(value);
    }
    flag
}

/// A switch that is on, nothing for one that is off.
fn switch(name: &str, value: Option<OsString>) -> Option<OsString> {
    let text = value.as_ref().map(|value| value.to_string_lossy());
    match text.as_deref() {
        None | Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Some(format!("--{name}").into()),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => None,
        // No truth value: the parser says that a switch takes none.
        Some(other) => Some(format!("--{name}={other}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: &str) {
        let arguments = format!("acp {line}");
        let found = go_arguments(arguments.split(' ').map(OsString::from));
        let found: Vec<_> = found.iter().map(|argument| argument.to_str().unwrap()).collect();
        assert_eq!(found.join(" "), format!("acp {expect}"), "`{line}`");
    }

    #[test]
    fn flags_are_read_as_go_reads_them() {
        for (line, expect) in [
            ("bench -n 5 --disable-keepalive=true u", "bench -n 5 --disable-keepalive=true u"),
            ("hey", "hey"),
            ("hey u", "hey -- u"),
            ("hey -n 5 -c=2 u", "hey -n=5 -c=2 -- u"),
            ("hey --n 5 --c=2 u", "hey -n=5 -c=2 -- u"),
            ("hey -d -x u", "hey -d=-x -- u"),
            ("hey -d == u", "hey -d=== -- u"),
            ("hey -d= u", "hey -d= -- u"),
            ("hey -host h -cpus=2 u", "hey --host=h --cpus=2 -- u"),
            ("hey -disable-keepalive u", "hey --disable-keepalive -- u"),
            ("hey --disable-keepalive=T u", "hey --disable-keepalive -- u"),
            ("hey -disable-keepalive=false -h2=0 u", "hey -- u"),
            ("hey -more=maybe u", "hey --more=maybe -- u"),
            ("hey -disable-keepalive false", "hey --disable-keepalive -- false"),
            ("hey -n", "hey -n"),
            ("hey u -n 5", "hey -- u -n 5"),
            ("hey -n 5 -- -u", "hey -n=5 -- -u"),
            ("hey - x", "hey -- - x"),
            ("hey -n5 u", "hey --n5 -- u"),
            ("hey -disable-foo u", "hey --disable-foo -- u"),
            ("hey -h", "hey --help"),
            ("hey -help u", "hey --help -- u"),
        ] {
            check(line, expect);
        }
    }

    #[test]
    fn arguments_need_not_be_text() {
        use std::os::unix::ffi::OsStringExt as _;
        let odd = OsString::from_vec(vec![b'-', 0xff]);
        let line = ["acp", "hey", "-d"].map(OsString::from).into_iter().chain([odd.clone()]);
        let mut value = OsString::from("-d=");
        value.push(&odd);
        assert_eq!(go_arguments(line)[2], value);
        let line = ["acp", "hey"].map(OsString::from).into_iter().chain([odd.clone()]);
        assert_eq!(go_arguments(line)[2..], [OsString::from("--"), odd]);
    }
}
