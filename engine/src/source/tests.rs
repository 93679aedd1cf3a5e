//! The source without threads: a dealer that works when it is told to, and feeds that are asked.

use super::batch::Maker;
use super::dealer::{Dealer, Notice, Work};
use super::feed::{FileFeed, Stream};
use super::{Origin, Place, Source, SourceError, explain};
use crate::plan::{Plan, ShardPlan, compile, split};
use crate::record::TagNames;
use crate::shard::{Answer, Feed, Wanted};
use acp_wire::agent::Share;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files for one test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn packed(&self, name: &str, content: &str) -> PathBuf {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content.as_bytes()).unwrap();
        self.file(name, encoder.finish().unwrap())
    }
}

/// An open loop with a source.
pub(super) fn plan(path: &Path, change: impl FnOnce(&mut Value)) -> Arc<Plan> {
    let mut document = json!({
        "schema": "acp.plan/1",
        "target": { "url": "http://h/" },
        "load": { "model": "open", "rate": "1000", "duration": "10s" },
        "source": { "file": path },
    });
    change(&mut document);
    Arc::new(compile(&serde_json::from_value(document).unwrap()).unwrap())
}

fn numbered(lines: u64) -> String {
    (0..lines).map(|line| format!("/{line}\n")).collect()
}

/// A dealer and the feeds of its shards.
pub(super) struct Process {
    dealer: Dealer,
    pub(super) parts: Vec<ShardPlan>,
    feeds: Vec<FileFeed>,
    tags: TagNames,
    notices: Vec<Notice>,
}

impl Process {
    pub(super) fn start(plan: &Arc<Plan>, share: Share, shards: u32) -> Self {
        let tags = TagNames::default();
        let template = plan.template.as_ref().unwrap();
        let maker = Maker::new(template, &tags, plan.document.seed, false);
        let source = Source::open(plan, &maker, &|| false).unwrap().unwrap();
        Self::of(plan, share, shards, &source)
    }

    fn of(plan: &Arc<Plan>, share: Share, shards: u32, source: &Source) -> Self {
        let tags = TagNames::default();
        let template = plan.template.as_ref().unwrap();
        let maker = Maker::new(template, &tags, plan.document.seed, false);
        let parts = split(plan, &share, shards, &[([127, 0, 0, 1], 1).into()]);
        let partition = plan.document.source.as_ref().unwrap().partition;
        let cursor = source.cursor(plan);
        let (dealer, streams) = Dealer::new(cursor, source.kind, maker, partition, share, &parts);
        let feed = |measured: Stream| FileFeed { warmup: None, measured };
        let feeds = streams.into_iter().map(feed).collect();
        Self { dealer, parts, feeds, tags, notices: Vec::new() }
    }

    fn work(&mut self) {
        while self.dealer.work().unwrap() == Work::Done {}
        self.notices.extend(self.dealer.take_notices());
    }

    /// The path of the request with an index of a shard, and its tag.
    pub(super) fn give(&mut self, shard: usize, index: u64) -> Option<(String, Option<String>)> {
        self.work();
        let wanted = Wanted { index, slot: self.parts[shard].slot(index), is_warmup: false };
        let mut bytes = Vec::new();
        let mut given = self.feeds[shard].give(wanted, &mut bytes);
        if given == Answer::NotYet && bytes.is_empty() {
            // It has said what it wants.
            self.work();
            given = self.feeds[shard].give(wanted, &mut bytes);
        }
        let Answer::Given(given) = given else { return None };
        let tag = self.tags.name(given.tag);
        let text = String::from_utf8(bytes).unwrap();
        Some((text.split(' ').nth(1).unwrap().to_string(), tag))
    }

    pub(super) fn path(&mut self, shard: usize, index: u64) -> String {
        self.give(shard, index).map_or("-".into(), |(path, _)| path)
    }

    /// Paths of the first own slots of the process, in order of slots.
    pub(super) fn paths(&mut self, slots: u64) -> Vec<String> {
        let shards = self.parts.len() as u64;
        let shard_of = |number: u64| usize::try_from(number % shards).unwrap();
        (0..slots).map(|number| self.path(shard_of(number), number / shards)).collect()
    }
}

pub(super) fn whole() -> Share {
    Share::whole(8)
}

#[test]
fn lines_of_all_kinds_of_files_are_read() {
    let folder = Folder::new();
    let rows: Vec<(&str, PathBuf, Vec<&str>)> = vec![
        ("one line", folder.file("a", "/a\n"), vec!["/a", "/a", "/a"]),
        ("no last line end", folder.file("b", "/a\n/b"), vec!["/a", "/b", "/a"]),
        ("CRLF", folder.file("c", "/a\r\n/b\r\n"), vec!["/a", "/b", "/a"]),
        ("comments", folder.file("d", "# x\n\n/a\n \t\n#y\n/b\n"), vec!["/a", "/b", "/a"]),
        ("lines", folder.file("e", "GET /a\nPOST /b x y\n"), vec!["/a", "/b", "/a"]),
        (
            "json",
            folder.file("f", "{\"path\":\"/a\"}\n\n{\"path\":\"/b\",\"method\":\"PUT\"}\n"),
            vec!["/a", "/b", "/a"],
        ),
        ("packed", folder.packed("g.gz", "/a\n/b\n"), vec!["/a", "/b", "/a"]),
    ];
    for (what, path, expect) in rows {
        let plan = plan(&path, |_| ());
        assert_eq!(Process::start(&plan, whole(), 2).paths(3), expect, "{what}");
    }
}

#[test]
fn a_folder_is_its_files_in_name_order() {
    let folder = Folder::new();
    let below = |path: &str| folder.0.path().join(path);
    folder.file("2", "/c");
    folder.file("10", "/a\n/b");
    folder.packed("3.gz", "/d\n");
    folder.file("1-empty", "");
    std::fs::create_dir(below("0")).unwrap();
    for aside in [".hidden", "#open#", "2~", "~", "#", "0/.x"] {
        folder.file(aside, "/aside");
    }
    std::fs::create_dir_all(below("10-more/.git")).unwrap();
    std::fs::create_dir_all(below("10-more/y/z")).unwrap();
    folder.file("10-more/.git/config", "/aside");
    folder.file("10-more/x~y", "/e");
    folder.file("10-more/y/z/1", "/f");
    // A link to a file is a file; one to a folder could go round in a circle.
    std::os::unix::fs::symlink(below("2"), below("10-more/y/2")).unwrap();
    std::os::unix::fs::symlink(folder.0.path(), below("10-more/y/round")).unwrap();
    let plan = plan(folder.0.path(), |_| ());
    let found = Process::start(&plan, whole(), 1).paths(9);
    assert_eq!(found, ["/a", "/b", "/e", "/c", "/f", "/c", "/d", "/a", "/b"]);
}

/// Why a source cannot be used.
fn refused(path: &Path, change: impl FnOnce(&mut Value)) -> String {
    let plan = plan(path, change);
    let maker = Maker::new(plan.template.as_ref().unwrap(), &TagNames::default(), 1, false);
    match Source::open(&plan, &maker, &|| false) {
        Err(error @ SourceError::File(_)) => error.to_string(),
        Err(error) => error.to_string(),
        Ok(_) => "nothing is wrong".into(),
    }
}

#[test]
fn a_look_that_is_stopped_ends_early() {
    let folder = Folder::new();
    let many = folder.file("many", numbered(1_000_000));
    let comments = folder.file("comments", "# nothing\n".repeat(1_000_000));
    for order in ["random", "shuffle"] {
        let planned = |path| plan(path, |plan| plan["source"]["order"] = order.into());
        let (many, comments) = (planned(&many), planned(&comments));
        let maker = Maker::new(many.template.as_ref().unwrap(), &TagNames::default(), 1, false);
        let lines = |is_stopped: &dyn Fn() -> bool| {
            let source = Source::open(&many, &maker, is_stopped).unwrap().unwrap();
            source.index.unwrap().lines()
        };
        let looks = std::cell::Cell::new(0);
        let first = lines(&|| true);
        let third = lines(&|| {
            looks.set(looks.get() + 1);
            looks.get() == 3
        });
        assert!(0 < first && first < third && third < 700_000, "{order}: {first}, {third} lines");
        assert_eq!(lines(&|| false), 1_000_000, "{order}");
        let stopped = Source::open(&comments, &maker, &|| true);
        assert!(matches!(stopped, Err(SourceError::Stopped)), "{order}");
    }
}

#[test]
fn sources_that_cannot_be_used_are_refused_before_the_start() {
    let folder = Folder::new();
    let long = format!("/a\n/{}\n", "x".repeat(4 << 20));
    for (what, content, part) in [
        ("empty", "", "has no requests"),
        ("comments only", "# a\n\n# b\n", "has no requests"),
        ("no format", "hello\n", "x:1: its format is not known"),
        ("a path without slash", "/a\n\nb\n", "x:3: bad path `b`"),
        ("a blank in a path", "/a b\n", "%20"),
        ("no path", "GET /a\nGET\n", "x:2: it has no path"),
        ("a bad method", "GET /a\nG@T /b\n", "x:2: bad method `G@T`"),
        ("broken JSON", "{}\n{\"path\"\n", "x:2: bad JSON"),
        ("an unknown field", "{\"url\":\"/\"}\n", "unknown field `url`"),
        ("a length", "{\"headers\":{\"Content-Length\":\"1\"}}\n", "leave it out"),
        ("too long", &long, "x:2: a line has at most"),
    ] {
        let path = folder.file("x", content);
        let error = refused(&path, |_| ());
        assert!(error.contains(part), "{what}: {error}");
        for order in ["random", "shuffle"] {
            let error = refused(&path, |plan| plan["source"]["order"] = json!(order));
            assert!(error.contains(part), "{what}, {order}: {error}");
        }
    }
    let packed = folder.packed("x.gz", "/a\n");
    let random = |plan: &mut Value| plan["source"]["order"] = json!("random");
    assert!(refused(&packed, random).contains("hint: gunzip it"));
    let missing = refused(Path::new("no/such"), |_| ());
    let folder_of_process = std::env::current_dir().unwrap().display().to_string();
    assert!(missing.contains(&format!("{folder_of_process}/no/such")), "{missing}");
    let none = Folder::new();
    assert!(refused(none.0.path(), |_| ()).contains("has no files"));
    none.file(".hidden", "/a");
    assert!(refused(none.0.path(), |_| ()).contains("has no files"));
    assert!(refused(Path::new("/dev/null"), |_| ()).contains("neither a file"));
}

#[test]
fn a_file_that_may_not_be_read_is_said() {
    let folder = Folder::new();
    let path = folder.file("x", "/a\n");
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0);
    std::fs::set_permissions(&path, permissions).unwrap();
    if std::fs::File::open(&path).is_ok() {
        return eprintln!("this user may read every file: not tested");
    }
    let error = refused(&path, |_| ());
    assert!(error.contains("Permission denied") && error.contains("/x`"), "{error}");
}

/// How often each path came.
pub(super) fn tally(paths: impl IntoIterator<Item = String>) -> BTreeMap<String, u32> {
    let mut tally = BTreeMap::new();
    paths.into_iter().for_each(|path| *tally.entry(path).or_default() += 1);
    tally
}

#[test]
fn agents_share_out_the_lines_exactly() {
    let folder = Folder::new();
    for (lines, agents, shards) in [(10, 2, 3), (7, 3, 1), (1, 4, 2), (3000, 2, 3), (5, 7, 2)] {
        let path = folder.file("x", numbered(lines));
        let slots = 3 * lines * agents;
        let mut all = Vec::new();
        for offset in 0..agents {
            let plan = plan(&path, |plan| plan["source"]["partition"] = json!("agent"));
            let share = Share { offset, stride: agents, ..whole() };
            let found = Process::start(&plan, share, shards).paths(slots / agents);
            for (number, path) in (0..).zip(&found) {
                let slot: u64 = offset + number * agents;
                assert_eq!(*path, format!("/{}", slot % lines), "slot {slot}");
            }
            all.extend(found);
        }
        let each = u32::try_from(slots / lines).unwrap();
        assert!(tally(all).values().all(|&count| count == each), "{lines}, {agents}");
    }
}

#[test]
fn shuffled_lines_come_once_a_pass_and_seeds_repeat() {
    let folder = Folder::new();
    let path = folder.file("x", numbered(500));
    let of_seed = |seed: u64| {
        let plan = plan(&path, |plan| {
            plan["source"]["order"] = json!("shuffle");
            plan["seed"] = json!(seed);
        });
        Process::start(&plan, whole(), 3).paths(1500)
    };
    let first = of_seed(1);
    for pass in first.chunks(500) {
        assert_eq!(tally(pass.iter().cloned()).len(), 500);
    }
    assert_ne!(first[..500], first[500..1000]);
    assert_eq!(first, of_seed(1));
    assert_ne!(first, of_seed(2));
}

#[test]
fn random_lines_are_those_of_their_slots() {
    let folder = Folder::new();
    let path = folder.file("x", numbered(100));
    let plan = plan(&path, |plan| plan["source"]["order"] = json!("random"));
    let all = Process::start(&plan, whole(), 1).paths(6000);
    let even = Process::start(&plan, Share { stride: 2, ..whole() }, 2).paths(3000);
    assert!(even.iter().eq(all.iter().step_by(2)), "whoever sends a slot sends the same");
    // Chi-square with 99 degrees of freedom: mean 99, standard deviation 14.
    let counts = tally(all);
    let statistic: f64 =
        counts.values().map(|&count| (f64::from(count) - 60.0).powi(2) / 60.0).sum();
    assert!(counts.len() == 100 && statistic < 99.0 + 5.0 * 14.1, "{statistic}");
}

#[test]
fn slots_that_were_given_up_take_their_lines_with_them() {
    let folder = Folder::new();
    let path = folder.file("x", numbered(1_000_000));
    let plan = plan(&path, |_| ());
    let mut process = Process::start(&plan, whole(), 2);
    for (shard, index) in [(0, 0), (1, 5), (0, 7), (1, 6), (0, 3000), (1, 3000)] {
        let slot = index * 2 + shard as u64;
        assert_eq!(process.path(shard, index), format!("/{slot}"), "{shard}, {index}");
    }
    // So far ahead that nobody reads on till there.
    for shard in [0, 1, 0, 1] {
        process.path(shard, 400_000);
    }
    assert_eq!(process.path(0, 400_001), "/800002");
    assert_eq!(process.path(1, 400_001), "/800003");
}

#[test]
fn parts_that_take_over_go_on_with_the_right_lines() {
    let folder = Folder::new();
    let path = folder.file("x", numbered(700));
    let rows = [("agent", 0, 0), ("agent", 1, 1_500_000), ("none", 0, 0), ("none", 1, 1_500_000)];
    for (partition, offset, from_us) in rows {
        let plan = plan(&path, |plan| plan["source"]["partition"] = json!(partition));
        let share = Share { offset, stride: 2, from_us, ..whole() };
        let mut process = Process::start(&plan, share, 3);
        // 1,000 slots a second, half of them this part's, over three shards.
        let first = from_us * 500 / 1_000_000;
        for number in first..first + 600 {
            let (shard, index) = (usize::try_from(number % 3).unwrap(), number / 3);
            let line = if partition == "agent" { offset + number * 2 } else { number };
            assert_eq!(process.path(shard, index), format!("/{}", line % 700), "{partition}");
        }
    }
}

#[test]
fn earlier_slots_than_the_first_can_be_asked_for_before_the_start() {
    let folder = Folder::new();
    let path = folder.file("x", numbered(100_000));
    let plan = plan(&path, |_| ());
    let share = Share { from_us: 5_000_000, ..whole() };
    let mut process = Process::start(&plan, share, 2);
    process.work();
    for shard in [0, 1] {
        process.path(shard, 1000);
    }
    assert_eq!(process.path(0, 1001), "/2002");
    assert_eq!(process.path(1, 1001), "/2003");
}

#[test]
fn a_closed_loop_sends_each_line_once() {
    let folder = Folder::new();
    let path = folder.file("x", numbered(1000));
    let closed = |requests: Option<u64>| {
        plan(&path, |plan| plan["load"] = json!({ "requests": requests, "duration": "1s" }))
    };
    let mut process = Process::start(&closed(Some(1000)), whole(), 3);
    let mut found = Vec::new();
    for (shard, requests) in [(0, 334), (1, 333), (2, 333)] {
        // One after the other: no shard waits for lines that another has.
        found.extend((0..requests).map(|index| process.path(shard, index)));
    }
    assert!(tally(found).into_values().eq(std::iter::repeat_n(1, 1000)));
    let mut process = Process::start(&closed(None), whole(), 1);
    let found: Vec<_> = (0..2500).map(|index| process.path(0, index)).collect();
    let expected = (0..2500).map(|line| format!("/{}", line % 1000));
    assert!(found.into_iter().eq(expected), "in order");
}

#[test]
fn a_bad_line_is_an_event_and_costs_its_slot() {
    let folder = Folder::new();
    let path = folder.file("x", "/a\n# c\n/b\n");
    for (is_open, expect) in [(true, ["/a", "-", "/c", "/a"]), (false, ["/a", "/c", "/a", "/c"])] {
        let plan = plan(&path, |plan| {
            if !is_open {
                plan["load"] = json!({});
            }
        });
        let maker = Maker::new(plan.template.as_ref().unwrap(), &TagNames::default(), 1, false);
        let mut source = Source::open(&plan, &maker, &|| false).unwrap().unwrap();
        // As if it had been changed after the check.
        let changed = folder.file("y", "/a\n# c\nb b\n/c\n");
        source.origin = Origin::Files(Arc::new(super::Files::find(&changed).unwrap()));
        let mut process = Process::of(&plan, whole(), 1, &source);
        assert_eq!(process.paths(4), expect, "open: {is_open}");
        let place = format!("{}:3: bad path `b b`", changed.display());
        let Notice::Fault(text) = &process.notices[0] else { panic!("{:?}", process.notices) };
        assert!(text.starts_with(&place), "{text}");
    }
}

#[test]
fn values_headers_and_tags_come_along() {
    let folder = Folder::new();
    let values = folder.file("v", "one\n# two\n");
    let of_values = plan(&values, |plan| {
        plan["request"] = json!({ "path": "/{{line}}/{{slot}}" });
    });
    let maker = Maker::new(of_values.template.as_ref().unwrap(), &TagNames::default(), 1, false);
    let Err(error) = Source::open(&of_values, &maker, &|| false) else {
        panic!("a blank in a path")
    };
    assert!(error.to_string().contains("v:2: bad path `# two`"), "{error}");
    let values = folder.file("v", "one\n#two\r\n");
    let of_values = plan(&values, |plan| {
        plan["request"] = json!({ "path": "/{{line}}/{{slot}}" });
    });
    assert_eq!(Process::start(&of_values, whole(), 2).paths(3), ["/one/0", "/#two/1", "/one/2"]);

    let tagged = folder.file("t", "{\"path\":\"/a\",\"tag\":\"x\"}\n{\"path\":\"/b\"}\n");
    let mut process = Process::start(&plan(&tagged, |_| ()), whole(), 1);
    assert_eq!(process.give(0, 0), Some(("/a".into(), Some("x".into()))));
    assert_eq!(process.give(0, 1), Some(("/b".into(), None)));
}

#[test]
fn what_is_explained_is_what_is_sent() {
    let folder = Folder::new();
    let path = folder.file("x", "# first\n/a\n/b\n{\n");
    let path = { folder.file("x", std::fs::read_to_string(path).unwrap().replace("{\n", "/c\n")) };
    for (order, partition) in [("seq", "none"), ("seq", "agent"), ("shuffle", "agent")] {
        let plan = plan(&path, |plan| {
            plan["source"]["order"] = json!(order);
            plan["source"]["partition"] = json!(partition);
            plan["request"] = json!({ "headers": { "x-id": "{{uuid}}" } });
        });
        let share = Share { offset: 1, stride: 3, ..whole() };
        let mut process = Process::start(&plan, share, 2);
        for number in 0..20 {
            let slot = 1 + number * 3;
            let explained = explain(slot, &share, &process.parts).unwrap();
            let (shard, index) = (usize::try_from(number % 2).unwrap(), number / 2);
            assert_eq!(explained.shard, number % 2);
            assert_eq!(explained.due_ns, Some(slot * 1_000_000));
            process.work();
            let wanted = Wanted { index, slot, is_warmup: false };
            let mut bytes = Vec::new();
            let answer = process.feeds[shard].give(wanted, &mut bytes);
            assert!(matches!(answer, Answer::Given(_)), "{answer:?}");
            assert_eq!(explained.bytes.as_deref(), Ok(bytes.as_slice()));
            let Some(Place::Line(file, line)) = explained.line else { panic!("a line of a file") };
            let text = std::fs::read_to_string(file).unwrap();
            let line = text.lines().nth(usize::try_from(line - 1).unwrap()).unwrap();
            assert!(bytes.starts_with(format!("GET {line} ").as_bytes()), "{line}");
        }
        assert!(explain(0, &share, &process.parts).is_err(), "of another share");
        assert!(explain(10_000, &share, &process.parts).is_err(), "behind the end");
    }
}
