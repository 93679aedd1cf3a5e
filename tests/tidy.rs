//! Rules of the house that a compiler does not hold: who may import whom, where `unsafe` lives, how
//! files begin.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Folders of code, and what is not ours in them.
const CODE: [&str; 8] = ["src", "engine", "control", "agent", "monitor", "web", "perf", "tests"];

/// Crates of ours that each crate may use, by the folder of its `Cargo.toml`.
const CRATES: [(&str, &[&str]); 12] = [
    (
        ".",
        &[
            "acp-agent",
            "acp-control",
            "acp-coord",
            "acp-data",
            "acp-engine",
            "acp-report",
            "acp-wire",
        ],
    ),
    ("engine/wire", &[]),
    ("engine/plan", &["acp-wire"]),
    ("engine/report", &["acp-wire", "acp-plan"]),
    ("engine/data", &["acp-wire", "acp-plan"]),
    ("engine", &["acp-wire", "acp-plan", "acp-report", "acp-data", "acp-web"]),
    ("control/coord", &["acp-wire"]),
    ("control", &["acp-wire", "acp-plan", "acp-report", "acp-coord", "acp-monitor", "acp-web"]),
    ("agent", &["acp-wire", "acp-coord", "acp-monitor"]),
    ("monitor", &["acp-wire"]),
    ("web", &[]),
    ("perf", &["acp-wire"]),
];

/// Crates that must not come into the engine: it has no runtime but its own.
const NOT_IN_ENGINE: [&str; 4] = ["tokio", "axum", "sqlx", "hyper"];

/// Modules of the engine that each of its modules may use, besides itself.
const ENGINE: [(&str, &[&str]); 11] = [
    ("cpus", &[]),
    ("calibration", &[]),
    ("conn", &["record"]),
    ("record", &[]),
    ("shard", &["plan", "pace", "conn", "record"]),
    ("source", &["cpus", "plan", "record", "shard"]),
    ("drivers", &["shard", "pace", "plan", "record"]),
    (
        "launch",
        &["calibration", "cpus", "plan", "pace", "record", "shard", "source", "drivers", "report"],
    ),
    ("target", &["conn", "cpus", "drivers"]),
    ("cli", &["cpus", "plan", "report", "source", "launch", "drivers"]),
    ("doctor", &["calibration", "cpus", "plan", "report", "launch", "drivers", "cli"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every `.rs` file below `folder`, with its path from the root.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!files.is_empty(), "no code below `{folder}`");
    files
}

fn all_files() -> Vec<(String, String)> {
    CODE.iter().flat_map(|folder| rust_files(folder)).collect()
}

/// Fails with every offence, not only the first.
fn none(offences: &[String], rule: &str) {
    assert!(offences.is_empty(), "{rule}:\n  {}", offences.join("\n  "));
}

fn manifest(folder: &str) -> String {
    fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap()
}

/// The part of a manifest that lists what a crate is built with.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]" || line == "[target.'cfg(unix)'.dependencies]";
        } else if inside && !line.trim().is_empty() {
            names.push(line.split(['.', '=', ' ']).next().unwrap_or_default());
        }
    }
    names
}

#[test]
fn crates_use_only_what_their_row_allows() {
    let mut offences = Vec::new();
    for (folder, allowed) in CRATES {
        let text = manifest(folder);
        for name in dependencies(&text).into_iter().filter(|name| name.starts_with("acp-")) {
            if !allowed.contains(&name) {
                offences.push(format!("{folder} uses {name}"));
            }
        }
    }
    let engine = manifest("engine");
    for name in dependencies(&engine).into_iter().filter(|name| NOT_IN_ENGINE.contains(name)) {
        offences.push(format!("engine uses {name}"));
    }
    none(&offences, "imports between crates go one way");
}

#[test]
fn every_crate_has_a_row() {
    let listed: Vec<_> = CRATES.iter().map(|(folder, _)| *folder).collect();
    let text = manifest(".");
    let members = text.lines().find(|line| line.starts_with("members")).unwrap();
    for member in members.split('"').skip(1).step_by(2) {
        assert!(listed.contains(&member), "crate `{member}` has no row in this test");
    }
}

/// What a file of the engine uses of the engine: `crate::name` outside of tests.
fn used_modules(text: &str) -> Vec<&str> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code_lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut used = Vec::new();
    for line in code_lines {
        for after in line.split("crate::").skip(1) {
            let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
            used.push(&after[..end]);
        }
    }
    used
}

#[test]
fn modules_of_the_engine_use_only_what_their_row_allows() {
    let mut offences = Vec::new();
    for (name, text) in rust_files("engine/src") {
        let inside = name.strip_prefix("engine/src/").unwrap();
        let module = inside.split(['/', '.']).next().unwrap();
        if matches!(module, "lib" | "main") || inside.contains("tests") {
            continue;
        }
        let Some((_, allowed)) = ENGINE.iter().find(|(row, _)| *row == module) else {
            offences.push(format!("{name}: module `{module}` has no row in this test"));
            continue;
        };
        for used in used_modules(&text).into_iter().filter(|used| *used != module) {
            if !allowed.contains(&used) {
                offences.push(format!("{name} uses {used}"));
            }
        }
    }
    none(&offences, "imports inside the engine go one way");
}

#[test]
fn only_the_command_line_knows_clap() {
    let knows = |text: &str| used_words(text).any(|word| word == "clap");
    let offences: Vec<_> = rust_files("engine/src")
        .into_iter()
        .filter(|(name, text)| knows(text) && !name.contains("/cli") && !name.ends_with("main.rs"))
        .map(|(name, _)| name)
        .collect();
    none(&offences, "clap belongs into a file or folder `cli`");
}

/// Words of the code, without comments and strings.
fn used_words(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default().to_string());
    let words = lines.flat_map(|line| {
        let without_strings: String = line.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        without_strings.split(|c| !is_part(c)).map(str::to_string).collect::<Vec<_>>()
    });
    words.collect::<Vec<_>>().into_iter()
}

#[test]
fn unsafe_lives_in_the_uring_driver() {
    let home = Path::new("engine/src/drivers/uring");
    let offences: Vec<_> = all_files()
        .into_iter()
        .filter(|(name, _)| !Path::new(name).starts_with(home))
        .filter(|(_, text)| used_words(text).any(|word| word == "unsafe"))
        .map(|(name, _)| name)
        .collect();
    none(&offences, "`unsafe` outside of engine/src/drivers/uring");
}

#[test]
fn files_say_what_they_are_and_are_one_noun_long() {
    let mut offences = Vec::new();
    for (name, text) in all_files() {
        let first = text.lines().find(|line| !line.starts_with("#!")).unwrap_or_default();
        if !first.starts_with("//!") {
            offences.push(format!("{name} does not begin with `//!`"));
        }
        // Tables of test rows may be longer: they are read by looking for a row.
        let most = if name.contains("tests/") { 600 } else { 500 };
        if text.lines().count() > most {
            offences.push(format!("{name} has {} lines", text.lines().count()));
        }
    }
    none(&offences, "a file is one noun and opens with what it is");
}

#[test]
fn nothing_else_is_at_the_root() {
    let known = [
        "Cargo.toml",
        "Cargo.lock",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "clippy.toml",
        "deny.toml",
        "rustfmt.toml",
        "agent",
        "control",
        "engine",
        "monitor",
        "perf",
        "web",
        "src",
        "tests",
        "target",
    ];
    let names = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name());
    let offences: Vec<_> = names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !known.contains(&name.as_str()))
        .collect();
    none(&offences, "the root holds what the architecture names");
}

/// Every file of the page that is ours, with its path from the root, and folders of what is not.
fn page_files() -> (Vec<(String, String)>, Vec<PathBuf>) {
    let (mut files, mut vendors) = (Vec::new(), Vec::new());
    let mut folders = vec![root().join("web/ui")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let is_text = path.extension().is_some_and(|extension| {
                ["js", "css", "html", "svg"].iter().any(|text| extension == *text)
            });
            if path.is_dir() && path.parent().is_some_and(|parent| parent.ends_with("vendor")) {
                vendors.push(path);
            } else if path.is_dir() {
                folders.push(path);
            } else if is_text {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!files.is_empty() && !vendors.is_empty(), "no page below `web/ui`");
    (files, vendors)
}

/// Ways by which text becomes markup or code. Each is looked for as a word of its own.
const UNSAFE_IN_PAGE: [&str; 9] = [
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "createContextualFragment",
    "DOMParser",
    "srcdoc",
    "eval(",
    "new Function",
];

/// What is wrong with a file of the page.
fn page_offences(name: &str, text: &str) -> Vec<String> {
    let mut offences = Vec::new();
    let is_in_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    for word in UNSAFE_IN_PAGE {
        let starts = text.match_indices(word).map(|(at, _)| &text[..at]);
        if starts.into_iter().any(|before| !before.ends_with(is_in_word)) {
            offences.push(format!("{name} has `{word}`"));
        }
    }
    let is_markup = name.ends_with(".html") || name.ends_with(".svg");
    if is_markup {
        // The policy of the page forbids them, so they would do nothing.
        let attributes = text.split([' ', '\t', '\n']).filter_map(|word| word.split_once('='));
        for (attribute, _) in attributes {
            if attribute == "style" || (attribute.starts_with("on") && attribute.len() > 2) {
                offences.push(format!("{name} has the attribute `{attribute}`"));
            }
        }
        if text.contains("<style") || text.contains("<script>") {
            offences.push(format!("{name} has a script or a style that is not a file"));
        }
    } else if !text.starts_with("//") && !text.starts_with("/*") {
        offences.push(format!("{name} does not begin with what it is"));
    }
    if text.lines().count() > PAGE_LINES_MAX {
        offences.push(format!("{name} has {} lines", text.lines().count()));
    }
    offences
}

const PAGE_LINES_MAX: usize = 400;

#[test]
fn files_of_the_page_are_safe_and_say_what_they_are() {
    let (files, vendors) = page_files();
    let mut offences: Vec<_> =
        files.iter().flat_map(|(name, text)| page_offences(name, text)).collect();
    for folder in vendors {
        let licence = fs::read_to_string(folder.join("LICENSE")).unwrap_or_default();
        if licence.trim().is_empty() {
            offences.push(format!("{} has no LICENSE", folder.display()));
        }
    }
    none(&offences, "the page");
}

#[test]
fn offences_of_the_page_are_found() {
    let long = format!("// What it is.\n{}", "x();\n".repeat(PAGE_LINES_MAX));
    for (name, text, expect) in [
        ("a.js", "// What it is.\nretrieval(x); /* style= */", 0),
        ("a.css", "/* What it is. */", 0),
        ("a.js", "import \"./b.js\";", 1),
        ("a.css", "x {}\n/* late */", 1),
        ("a.js", "// x\nroot.innerHTML = text;", 1),
        ("a.js", "// x\nroot[\"outerHTML\"] = eval(text);", 2),
        ("a.js", "// x\nwindow.eval(a); new Function(a); document.write(a);", 3),
        ("a.js", long.as_str(), 1),
        ("a.html", "<p class=\"x\" lang=en>", 0),
        ("a.html", "<p style=\"x\">", 1),
        ("a.html", "<p\nonclick=\"x\">", 1),
        ("a.html", "<script>x</script>", 1),
        ("a.svg", "<svg onload=\"x\">", 1),
    ] {
        let found = page_offences(name, text);
        assert_eq!(found.len(), expect, "{name}: `{text}`: {found:?}");
    }
}
