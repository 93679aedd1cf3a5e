//! The command line of an engine.

use crate::clock::micros;
use crate::cores::Placement;
use crate::records::PartFolder;
use acp_wire::agent::Part;
use std::ffi::OsString;
use std::time::Duration;

/// What an engine is called with, after the program and its first arguments.
pub(crate) fn arguments(
    part: &Part,
    folder: &PartFolder,
    agent: &str,
    start_at_unix_us: u64,
    lease: Duration,
    placement: &Placement,
) -> serde_json::Result<Vec<OsString>> {
    let share = serde_json::to_string(&part.share)?;
    let mut arguments: Vec<OsString> = vec!["--plan".into(), folder.plan().into()];
    let texts: [&str; 16] = [
        "--share",
        &share,
        "--start-at",
        &start_at_unix_us.to_string(),
        "--run-id",
        &part.run,
        "--agent",
        agent,
        "--frames",
        "-",
        "--control",
        "-",
        "--lease",
        &format!("{}us", micros(lease)),
        "-t",
        &placement.threads.to_string(),
    ];
    arguments.extend(texts.map(OsString::from));
    arguments.extend(["--output".into(), folder.report().into(), "--quiet".into()]);
    if !placement.cpus.is_empty() {
        let cpus: Vec<String> = placement.cpus.iter().map(u32::to_string).collect();
        arguments.extend(["--cpus".into(), cpus.join(",").into()]);
    }
    if !placement.may_spin {
        arguments.extend(["--spin", "off"].map(OsString::from));
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::agent::Share;

    #[test]
    fn an_engine_is_called_with_what_its_part_says() {
        let part = Part {
            part: "run.3".to_owned(),
            run: "run".to_owned(),
            plan: String::new(),
            t0_unix_us: 0,
            share: Share { offset: 1, stride: 3, ..Share::whole(7) },
            cores: 2,
            changes: 0,
            change: None,
            stop: false,
        };
        let state = tempfile::tempdir().unwrap();
        let folder = PartFolder::create(state.path(), &part).unwrap();
        let check = |placement: Placement, expect: &str| {
            let lease = Duration::from_millis(1500);
            let words = arguments(&part, &folder, "host:1", 99, lease, &placement).unwrap();
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            let text = words.join(" ").replace(&*folder.path().to_string_lossy(), "FOLDER");
            let head = "--plan FOLDER/plan.json --share {\"offset\":1,\"stride\":3,\
                        \"connections\":7,\"first_connection\":0,\"from_us\":0,\"skip\":0} \
                        --start-at 99 --run-id run --agent host:1 --frames - --control - --lease 1500000us";
            let tail = "--output FOLDER/report.json --quiet";
            assert_eq!(text, format!("{head} {}", expect.replace("TAIL", tail)));
        };
        let pinned = Placement { threads: 2, cpus: vec![4, 6], may_spin: true };
        check(pinned.clone(), "-t 2 TAIL --cpus 4,6");
        check(Placement { may_spin: false, ..pinned }, "-t 2 TAIL --cpus 4,6 --spin off");
        let anywhere = Placement { threads: 1, cpus: vec![], may_spin: false };
        check(anywhere, "-t 1 TAIL --spin off");
    }
}
