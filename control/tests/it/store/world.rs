//! A database for a test, and words for what tests say often.

use crate::mariadb::MariaDb;
use acp_control::store::{
    FrameCommit, PartRecord, RunRecord, Store, StoreError, StoredFrame, open,
};
use acp_wire::Frame;
use acp_wire::agent::Share;
use std::sync::Arc;
use tempfile::TempDir;

/// Text that a database may get wrong: quotes, wildcards, beyond the basic plane, none at all.
pub(crate) const HARD_TEXTS: [&str; 10] = [
    "plain",
    "",
    "it's \"quoted\" `so`; DROP TABLE run; --",
    "100%_done\\n",
    "äöü ß İstanbul",
    "漢字かな",
    "🚀 👩‍👩‍👧‍👦 𝒳",
    " spaces around ",
    "line\nbreak\ttab\r",
    "nul\u{0}and\u{7f}",
];

/// An empty store.
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) url: String,
    _folder: Option<TempDir>,
    pub(crate) server: Option<Arc<MariaDb>>,
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("new/acp.db").display());
        let store = open(&url).await.unwrap();
        Self { store, url, _folder: Some(folder), server: None }
    }

    pub(crate) async fn mariadb() -> Self {
        let server = MariaDb::shared();
        let url = server.new_database();
        let store = open(&url).await.unwrap();
        Self { store, url, _folder: None, server: Some(server) }
    }

    /// A run to hang other records on.
    pub(crate) async fn run(&self, id: &str) -> RunRecord {
        let run = RunRecord { id: id.into(), ..RunRecord::default() };
        self.store.create_run(&run).await.unwrap();
        run
    }
}

/// Makes a test of each database of functions that take a [`World`], each a new one. One test, not
/// one a function: where every test is a process, every test starts a server.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn sqlite() {
            $(println!("{}", stringify!($name));
            Box::pin($name($crate::store::world::World::sqlite().await)).await;)+
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn mariadb() {
            // Kept from one function to the next.
            let _server = $crate::mariadb::MariaDb::shared();
            $(println!("{}", stringify!($name));
            Box::pin($name($crate::store::world::World::mariadb().await)).await;)+
        }
    };
}

pub(crate) use on_both;

/// The kind of a failure, to compare with.
pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, StoreError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(StoreError::Unavailable(_)) => "unavailable",
        Err(StoreError::Exists(_)) => "exists",
        Err(StoreError::Conflict(_)) => "conflict",
        Err(StoreError::BadRecord(_)) => "bad record",
        Err(StoreError::Settings(_)) => "settings",
    }
}

pub(crate) fn part(run: &str, number: u32) -> PartRecord {
    PartRecord {
        part: format!("{run}.{number}"),
        run: run.into(),
        number,
        agent: format!("agent-{number}"),
        share: Share::whole(4),
        cores: 2,
        state: acp_wire::agent::PartState::Starting,
        lost_at_us: None,
        taken_over_by: Vec::new(),
        stored: 0,
        status: acp_wire::agent::PartStatus::default(),
        sums: String::new(),
    }
}

pub(crate) fn frame(second: u64, sent: u64) -> StoredFrame {
    let frame = Frame { second, sent, planned: sent, shard_count: 1, ..Frame::default() };
    StoredFrame { width_s: 1, frame, ..StoredFrame::default() }
}

/// What stands for the sums of a part's frames below a number.
pub(crate) fn sums(below: u64) -> String {
    format!("{{\"below\":{below}}}")
}

pub(crate) fn commit(run: &str, frames: Vec<StoredFrame>, stored: &[(&str, u64)]) -> FrameCommit {
    let sums = stored.iter().map(|(part, below)| ((*part).to_string(), sums(*below))).collect();
    let stored = stored.iter().map(|(part, below)| ((*part).to_string(), *below)).collect();
    FrameCommit { run: run.into(), epoch: 0, frames, stored, sums }
}
