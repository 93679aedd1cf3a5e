//! Reach: which files of its host a plan may name.
//!
//! A plan comes from people who may start runs, which is not everybody who may read all that the agent
//! can read. Where the settings name folders, every file of a plan must be in one of them once links
//! are followed, and so must everything that links in a folder of query files lead to. The engine opens
//! the files later: whoever can change links inside those folders in between decides what is read.

use acp_wire::Plan;
use acp_wire::rows::Generate;
use std::fs;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// With this a PEM text begins that stands where a file could.
const PEM: &str = "-----BEGIN";

/// Why a plan is not run on this host.
#[derive(Debug, Error)]
pub(super) enum ReachError {
    #[error("its plan cannot be read, so nobody knows which files it names: {0}")]
    Plan(String),
    #[error("{field} `{file}` cannot be found on this agent: {source}")]
    Missing { field: &'static str, file: String, source: std::io::Error },
    #[error(
        "{field} `{file}` is outside of the folders that plans may name on this agent ({folders})"
    )]
    Outside { field: &'static str, file: String, folders: String },
}

/// Checks the files that the plan at `plan` names; relative ones are looked for in `work`, the folder
/// that its engine works in. No `folders`: it may name any.
pub(super) fn check(plan: &Path, work: &Path, folders: &[PathBuf]) -> Result<(), ReachError> {
    if folders.is_empty() {
        return Ok(());
    }
    let bytes = fs::read(plan).map_err(|error| ReachError::Plan(error.to_string()))?;
    let plan: Plan =
        serde_json::from_slice(&bytes).map_err(|error| ReachError::Plan(error.to_string()))?;
    // A folder that is not there holds nothing.
    let roots: Vec<_> = folders.iter().filter_map(|folder| fs::canonicalize(folder).ok()).collect();
    for (field, file) in files(&plan) {
        let missing = |source| ReachError::Missing { field, file: file.into(), source };
        let path = fs::canonicalize(work.join(file)).map_err(missing)?;
        if !is_inside(&path, &roots) || !are_links_inside(&path, &roots).map_err(missing)? {
            let shown: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
            let folders = shown.join(", ");
            return Err(ReachError::Outside { field, file: file.into(), folders });
        }
    }
    Ok(())
}

/// Files that a plan names, with the fields that do.
fn files(plan: &Plan) -> Vec<(&'static str, &str)> {
    let tls = &plan.tls;
    let authorities = tls.cacert.as_deref().filter(|text| !text.contains(PEM));
    let named = [
        ("source.file", plan.source.as_ref().and_then(|source| source.file.as_deref())),
        ("tls.cacert", authorities),
        ("tls.cert", tls.cert.as_deref()),
        ("tls.key", tls.key.as_deref()),
    ];
    let named = named.into_iter().filter_map(|(field, file)| Some((field, file?)));
    let values = plan.source.iter().flat_map(|source| &source.generate).flat_map(Generate::files);
    named.chain(values.map(|file| ("source.generate.columns", file))).collect()
}

fn is_inside(path: &Path, roots: &[PathBuf]) -> bool {
    roots.iter().any(|root| path.starts_with(root))
}

/// Whether the links below a folder lead to places inside; true for a file. Links that lead nowhere are
/// for the engine to complain of.
fn are_links_inside(path: &Path, roots: &[PathBuf]) -> std::io::Result<bool> {
    if !path.is_dir() {
        return Ok(true);
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let is_good = match kind.is_symlink() {
            true => fs::canonicalize(entry.path()).map_or(true, |to| is_inside(&to, roots)),
            false => !kind.is_dir() || are_links_inside(&entry.path(), roots)?,
        };
        if !is_good {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::os::unix::fs::symlink;

    /// Checks a plan with these fields on a host whose folders are `data`, and `none` that is not there.
    /// `ROOT` in a plan is where everything is.
    fn check(row: &str, fields: Value, expect: Result<(), &str>) {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in
            ["data/more", "data-2", "secret", "work", "data/folder/deep", "data/leaky/deep"]
        {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for file in
            ["data/q", "data/more/q", "data-2/q", "secret/key", "work/own", "data/folder/deep/q"]
        {
            fs::write(at(file), "/\n").unwrap();
        }
        symlink(at("secret/key"), at("data/link")).unwrap();
        symlink(at("data/q"), at("secret/back")).unwrap();
        symlink(at("data/q"), at("data/folder/deep/link")).unwrap();
        symlink(at("nowhere"), at("data/folder/broken")).unwrap();
        symlink(at("secret/key"), at("data/leaky/deep/link")).unwrap();
        symlink(at("data"), at("alias")).unwrap();
        let mut plan = json!({"schema": "acp.plan/1", "target": {"url": "http://127.0.0.1/"}});
        plan.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let text = plan.to_string().replace("ROOT", &root.path().display().to_string());
        fs::write(at("work/plan.json"), text).unwrap();
        let folders = [at("alias"), at("none")];
        let found = super::check(&at("work/plan.json"), &at("work"), &folders);
        match (found.map_err(|error| error.to_string()), expect) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(part)) => assert!(error.contains(part), "{row}: {error}"),
            (found, expect) => panic!("{row}: {found:?}, not {expect:?}"),
        }
        assert!(super::check(&at("work/plan.json"), &at("work"), &[]).is_ok(), "{row}: no limits");
    }

    fn source(row: &str, file: &str, expect: Result<(), &str>) {
        check(row, json!({"source": {"file": file}}), expect);
    }

    #[test]
    fn files_outside_are_refused() {
        let outside = Err("is outside of the folders that plans may name on this agent (");
        check("no file", json!({}), Ok(()));
        source("inside", "ROOT/data/q", Ok(()));
        source("deep inside", "ROOT/data/more/../more/q", Ok(()));
        source("the folder itself, by another name", "ROOT/alias/more", Ok(()));
        source("a link to the inside", "ROOT/secret/back", Ok(()));
        source("links to the inside below it", "ROOT/data/folder", Ok(()));
        source("outside", "ROOT/secret/key", outside);
        source("a name that begins alike", "ROOT/data-2/q", outside);
        source("up and out", "ROOT/data/../secret/key", outside);
        source("a link to the outside", "ROOT/data/link", outside);
        source("a link to the outside below it", "ROOT/data/leaky", outside);
        source("all of the data, leaks and all", "ROOT/data", outside);
        source("of the run", "own", outside);
        source("a relative way out", "../secret/key", outside);
        source("a relative way in", "../data/q", Ok(()));
        source("a device", "/dev/null", outside);
        source("nothing", "ROOT/data/none", Err("source.file `"));
        let values = |row: &str, file: &str, expect| {
            let column = json!({"name": "a", "kind": "file", "file": file});
            let generate = json!({"rows": 1, "columns": [column]});
            check(row, json!({"source": {"generate": generate}}), expect);
        };
        values("values inside", "ROOT/data/q", Ok(()));
        values("values outside", "ROOT/secret/key", Err("source.generate.columns `"));
        source(
            "in a folder that is not there",
            "ROOT/none/q",
            Err("cannot be found on this agent"),
        );
    }

    #[test]
    fn files_of_tls_are_files_too() {
        for field in ["cacert", "cert", "key"] {
            let (good, bad) = (json!("ROOT/data/q"), json!("ROOT/secret/key"));
            check(field, json!({"tls": {field: good}}), Ok(()));
            check(field, json!({"tls": {field: bad}}), Err(&format!("tls.{field} `")));
        }
        check("authorities as a text", json!({"tls": {"cacert": format!("{PEM} X")}}), Ok(()));
    }

    #[test]
    fn a_plan_that_cannot_be_read_is_refused_where_files_are_limited() {
        check("a newer plan", json!({"files": ["/etc/shadow"]}), Err("unknown field `files`"));
        let folder = tempfile::tempdir().unwrap();
        let none = folder.path().join("plan.json");
        assert!(super::check(&none, folder.path(), &[folder.path().into()]).is_err());
    }
}
