//! Records: the folder of one part, and what a restarted agent finds there.
//!
//! ```text
//! <state folder>/runs/<part>/part.json      what was assigned: it was begun
//!                            plan.json      the plan its engine reads
//!                            frames.jsonl   frames that control has not stored
//!                            report.json    written by the engine at its end
//!                            ended.json     how it ended: it is never started again
//! <state folder>/reports/<part>.json        reports of parts that are done, the newest hundred
//! ```

use crate::files::write_whole;
use acp_wire::agent::{Part, PartStatus};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Reports that are kept.
const REPORTS_MAX: usize = 100;

/// The folder of one part.
#[derive(Clone, Debug)]
pub(crate) struct PartFolder {
    path: PathBuf,
}

/// A part that an agent before this one had begun.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) folder: PartFolder,
    pub(crate) part: Part,
    /// How it ended; none where the agent ended first.
    pub(crate) ended: Option<PartStatus>,
}

impl PartFolder {
    /// Makes the folder of a part that is begun now. Its name must be a file name.
    pub(crate) fn create(state_folder: &Path, part: &Part) -> io::Result<Self> {
        let path = state_folder.join("runs").join(&part.part);
        fs::create_dir_all(&path)?;
        let folder = Self { path };
        write_whole(&folder.path.join("part.json"), &serde_json::to_vec(part)?)?;
        Ok(folder)
    }

    /// Every part of a state folder.
    pub(crate) fn all(state_folder: &Path) -> io::Result<Vec<Found>> {
        let runs = state_folder.join("runs");
        fs::create_dir_all(&runs)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(runs)? {
            let folder = Self { path: entry?.path() };
            match folder.read() {
                Ok((part, ended)) => found.push(Found { folder, part, ended }),
                Err(error) => {
                    tracing::warn!("`{}` is no part's folder: {error}", folder.path.display());
                }
            }
        }
        Ok(found)
    }

    fn read(&self) -> io::Result<(Part, Option<PartStatus>)> {
        let part = serde_json::from_slice(&fs::read(self.path.join("part.json"))?)?;
        let ended = match fs::read(self.path.join("ended.json")) {
            Ok(bytes) => Some(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok((part, ended))
    }

    /// Remembers how the part ended.
    pub(crate) fn end(&self, status: &PartStatus) -> io::Result<()> {
        write_whole(&self.path.join("ended.json"), &serde_json::to_vec(status)?)
    }

    /// How long ago it ended; zero where that is not known.
    pub(crate) fn ended_ago(&self) -> Duration {
        let ended = fs::metadata(self.path.join("ended.json")).and_then(|meta| meta.modified());
        let ended = ended.unwrap_or_else(|_| SystemTime::now());
        SystemTime::now().duration_since(ended).unwrap_or_default()
    }

    /// The folder itself: where the engine works.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where its engine reads the plan.
    pub(crate) fn plan(&self) -> PathBuf {
        self.path.join("plan.json")
    }

    /// Where its engine writes the report.
    pub(crate) fn report(&self) -> PathBuf {
        self.path.join("report.json")
    }

    /// Where its frames wait.
    pub(crate) fn frames(&self) -> PathBuf {
        self.path.join("frames.jsonl")
    }

    /// Removes everything but the engine's report, which people may want to look at.
    pub(crate) fn remove(&self) -> io::Result<()> {
        if let (Some(runs), Some(name)) = (self.path.parent(), self.path.file_name())
            && let Some(state_folder) = runs.parent()
        {
            let reports = state_folder.join("reports");
            fs::create_dir_all(&reports)?;
            let kept = reports.join(format!("{}.json", name.display()));
            match fs::rename(self.report(), kept) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => keep_newest(&reports, REPORTS_MAX)?,
            }
        }
        fs::remove_dir_all(&self.path)
    }
}

/// Removes all but the newest files of a folder.
fn keep_newest(folder: &Path, count: usize) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort_unstable();
    let old = files.len().saturating_sub(count);
    files[..old].iter().try_for_each(|(_, path)| fs::remove_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::agent::{PartState, Share};

    fn part(name: &str) -> Part {
        Part {
            part: name.to_owned(),
            run: "r".to_owned(),
            plan: "p".to_owned(),
            t0_unix_us: 1,
            share: Share::whole(1),
            cores: 1,
            changes: 0,
            change: None,
            stop: false,
        }
    }

    #[test]
    fn a_restarted_agent_finds_what_was_begun_and_how_it_ended() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(PartFolder::all(state.path()).unwrap().len(), 0, "the first start");
        let ended = PartFolder::create(state.path(), &part("r.0")).unwrap();
        let status = PartStatus { state: PartState::Failed, ..PartStatus::default() };
        ended.end(&status).unwrap();
        PartFolder::create(state.path(), &part("r.1")).unwrap();
        fs::create_dir(state.path().join("runs/empty")).unwrap();
        let mut found = PartFolder::all(state.path()).unwrap();
        found.sort_by(|a, b| a.part.part.cmp(&b.part.part));
        assert_eq!(found.len(), 2, "an empty folder is no part");
        assert_eq!((&found[0].part, &found[0].ended), (&part("r.0"), &Some(status)));
        assert_eq!((&found[1].part, &found[1].ended), (&part("r.1"), &None));
        assert!(found[0].folder.ended_ago() < Duration::from_secs(600));
        found[0].folder.remove().unwrap();
        assert_eq!(PartFolder::all(state.path()).unwrap().len(), 1);
    }
}
