//! Tasks: saved, found, changed, deleted.

use super::world::{HARD_TEXTS, World, kind, on_both};
use acp_control::store::{Page, RunRecord, RunState, TaskFilter, TaskRecord};
use std::collections::BTreeMap;

on_both!(comes_back_as_it_was, lists, finds_text, by_last_run, sad);

const ALL: Page = Page { offset: 0, limit: 1_000 };

fn task(id: &str, name: &str, created_unix_us: u64) -> TaskRecord {
    TaskRecord {
        id: id.into(),
        name: name.into(),
        owner: "ann".into(),
        created_unix_us,
        updated_unix_us: created_unix_us,
        ..TaskRecord::default()
    }
}

async fn comes_back_as_it_was(world: World) {
    for (number, text) in HARD_TEXTS.into_iter().enumerate() {
        let mut task = task(&format!("t{number}"), text, u64::MAX >> 1);
        task.owner = text.into();
        task.plan.name = text.into();
        task.plan.seed = u64::MAX;
        task.plan.tags = BTreeMap::from([(text.to_string(), text.to_string())]);
        world.store.create_task(&task).await.unwrap();
        assert_eq!(world.store.task(&task.id).await.unwrap(), Some(task.clone()), "{text:?}");

        task.name = format!("{text}{text}");
        task.updated_unix_us = 7;
        world.store.update_task(&task).await.unwrap();
        assert_eq!(world.store.task(&task.id).await.unwrap(), Some(task), "{text:?} changed");
    }
}

async fn lists(world: World) {
    // Two of the same moment: the higher id is newer.
    for (id, at) in [("a", 10), ("b", 30), ("c", 20), ("d", 20)] {
        world.store.create_task(&task(id, id, at)).await.unwrap();
    }
    let bobs = TaskRecord { owner: "bob".into(), ..task("e", "e", 5) };
    world.store.create_task(&bobs).await.unwrap();
    let check = async |row: &str, owner: Option<&str>, page: Page, expect: &str, total: u64| {
        let filter = TaskFilter { owner: owner.map(str::to_string), ..TaskFilter::default() };
        let (found, count) = world.store.tasks(&filter, page).await.unwrap();
        let ids: String = found.iter().map(|task| task.id.as_str()).collect();
        assert_eq!((ids.as_str(), count), (expect, total), "{row}");
    };
    check("all", None, ALL, "bdcae", 5).await;
    check("first page", None, Page { offset: 0, limit: 2 }, "bd", 5).await;
    check("middle", None, Page { offset: 2, limit: 2 }, "ca", 5).await;
    check("last page", None, Page { offset: 4, limit: 2 }, "e", 5).await;
    check("behind the end", None, Page { offset: 5, limit: 2 }, "", 5).await;
    check("far behind", None, Page { offset: u64::MAX, limit: u32::MAX }, "", 5).await;
    check("nothing asked for", None, Page { offset: 0, limit: 0 }, "", 5).await;
    check("an owner", Some("bob"), ALL, "e", 1).await;
    check("an owner in other case", Some("Bob"), ALL, "", 0).await;
    check("an unknown owner", Some("' OR 1=1 --"), ALL, "", 0).await;
    assert!(world.store.delete_task("b").await.unwrap());
    check("one deleted", None, ALL, "dcae", 4).await;
    let deleted = world.store.task("b").await.unwrap().unwrap();
    assert!(deleted.is_deleted, "its runs can still name it");
}

async fn finds_text(world: World) {
    let names =
        ["100% load", "a_b", "axb", "ÄRGER", "Checkout", "it's", "back\\slash", "🚀 go", ""];
    for (id, name) in ('a'..).zip(names) {
        let mut task = task(&id.to_string(), name, 1);
        if id == 'e' {
            task.owner = "bob".into();
            task.plan.target.url = "http://Shop.Example:8080/Ä%20b?c=_".into();
        }
        world.store.create_task(&task).await.unwrap();
    }
    // What is looked at is what was saved last.
    let mut moved = world.store.task("h").await.unwrap().unwrap();
    (moved.owner, moved.plan.target.url) = ("ÖZGÜR".into(), "http://10.0.0.7/".into());
    world.store.update_task(&moved).await.unwrap();
    let rows = [
        ("percent means itself", "% ", None, "a"),
        ("percent in a target", "ä%2", None, "e"),
        ("a target in other case", "SHOP.example:80", None, "e"),
        ("a target that was changed", "10.0.0.7", None, "h"),
        ("an owner", "özgür", None, "h"),
        ("a part of an owner", "AN", None, "igfdcba"),
        ("a name and an owner are two texts", "checkoutbob", None, ""),
        ("a target of another owner", "shop", Some("ann"), ""),
        ("underscore means itself", "a_b", None, "b"),
        ("case does not matter", "CHECK", None, "e"),
        ("nor beyond ASCII", "ärg", None, "d"),
        ("a quote", "'", None, "f"),
        ("a backslash", "\\", None, "g"),
        ("four bytes", "🚀", None, "h"),
        ("another of four bytes", "🚁", None, ""),
        ("not there", "xyz", None, ""),
        ("all have nothing in them", "", None, "ihgfedcba"),
        ("with an owner", "check", Some("bob"), "e"),
        ("of another owner", "check", Some("ann"), ""),
    ];
    for (row, text, owner, expect) in rows {
        let owner = owner.map(|owner: &str| owner.into());
        let filter = TaskFilter { text: Some(text.into()), owner, ..TaskFilter::default() };
        let (found, count) = world.store.tasks(&filter, ALL).await.unwrap();
        let ids: String = found.iter().map(|task| task.id.as_str()).collect();
        assert_eq!((ids.as_str(), count), (expect, expect.len() as u64), "{row}");
    }
    let long = TaskFilter { text: Some("%_".repeat(100_000)), ..TaskFilter::default() };
    assert_eq!(world.store.tasks(&long, ALL).await.unwrap().1, 0, "a very long text");
}

async fn by_last_run(world: World) {
    use RunState::{Aborted, Done, Failed, Running};
    // States of runs by age: the last one counts, and of two of a moment the higher id.
    let tasks: [(&str, &[(u64, RunState)]); 6] = [
        ("a", &[]),
        ("b", &[(5, Done)]),
        ("c", &[(5, Done), (9, Running)]),
        ("d", &[(9, Failed), (5, Running)]),
        ("e", &[(7, Failed), (7, Done)]),
        ("f", &[(5, Aborted)]),
    ];
    for (id, runs) in tasks {
        world.store.create_task(&task(id, id, 1)).await.unwrap();
        for (number, (created_unix_us, state)) in runs.iter().enumerate() {
            let run = RunRecord {
                id: format!("{id}{number}"),
                task: id.into(),
                created_unix_us: *created_unix_us,
                state: *state,
                ..RunRecord::default()
            };
            world.store.create_run(&run).await.unwrap();
        }
    }
    // Runs of a task that is gone are nobody's.
    let stray = RunRecord { id: "z".into(), task: "zz".into(), ..RunRecord::default() };
    world.store.create_run(&stray).await.unwrap();
    assert!(world.store.delete_task("f").await.unwrap());
    let rows: [(&str, &[RunState], bool, &str); 8] = [
        ("any", &[], false, "edcba"),
        ("never", &[], true, "a"),
        ("done", &[Done], false, "eb"),
        ("done or never", &[Done], true, "eba"),
        ("running", &[Running], false, "c"),
        ("failed", &[Failed], false, "d"),
        ("of a deleted task", &[Aborted], false, ""),
        ("some", &[Running, Failed, Done], false, "edcb"),
    ];
    for (row, states, is_never_run, expect) in rows {
        let filter = TaskFilter { states: states.to_vec(), is_never_run, ..TaskFilter::default() };
        let (found, total) = world.store.tasks(&filter, ALL).await.unwrap();
        let ids: String = found.iter().map(|task| task.id.as_str()).collect();
        assert_eq!((ids.as_str(), total), (expect, expect.len() as u64), "{row}");
        let page = Page { offset: 1, limit: 1 };
        let (found, total) = world.store.tasks(&filter, page).await.unwrap();
        let ids: String = found.iter().map(|task| task.id.as_str()).collect();
        let second = expect.get(1..2).unwrap_or_default();
        assert_eq!((ids.as_str(), total), (second, expect.len() as u64), "{row}, second page");
    }
    let both = TaskFilter {
        text: Some("B".into()),
        owner: Some("ann".into()),
        states: vec![Done],
        is_never_run: true,
    };
    assert_eq!(world.store.tasks(&both, ALL).await.unwrap().1, 1, "with everything else");

    let last = async |ids: &[&str]| {
        let ids: Vec<_> = ids.iter().map(|id| (*id).to_string()).collect();
        let mut found: Vec<_> =
            world.store.last_runs(&ids).await.unwrap().into_iter().map(|run| run.id).collect();
        found.sort_unstable();
        found.join(" ")
    };
    assert_eq!(last(&[]).await, "", "of none");
    assert_eq!(last(&["a", "unknown", "' OR 1=1 --"]).await, "", "that have none");
    assert_eq!(last(&["a", "b", "c", "d", "e", "f"]).await, "b0 c1 d0 e1 f0");
    assert_eq!(last(&["c", "c"]).await, "c1", "twice the same");
}

async fn sad(world: World) {
    let saved = task("t", "name", 1);
    world.store.create_task(&saved).await.unwrap();
    assert_eq!(kind(world.store.create_task(&saved).await), "exists", "twice");
    let error = world.store.create_task(&saved).await.unwrap_err().to_string();
    assert_eq!(error, "task `t` exists already");
    assert_eq!(world.store.task("u").await.unwrap(), None, "unknown");
    assert_eq!(world.store.task("T").await.unwrap(), None, "ids have a case");
    assert_eq!(world.store.task("t' OR '1'='1").await.unwrap(), None, "not SQL");
    assert_eq!(kind(world.store.update_task(&task("u", "", 1)).await), "conflict", "unknown");
    assert!(!world.store.delete_task("u").await.unwrap(), "delete an unknown one");
    assert!(world.store.delete_task("t").await.unwrap());
    assert!(!world.store.delete_task("t").await.unwrap(), "delete again");
    assert_eq!(kind(world.store.update_task(&saved).await), "conflict", "change a deleted one");
    assert_eq!(kind(world.store.create_task(&saved).await), "exists", "its id is not free");
    let long = task(&"x".repeat(100_000), "", 1);
    let made = world.store.create_task(&long).await;
    // SQLite takes any length, MySQL says that it does not.
    let expect = if world.server.is_some() { "bad record" } else { "ok" };
    assert_eq!(kind(made), expect, "a very long id");
}
