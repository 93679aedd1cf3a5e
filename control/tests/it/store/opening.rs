//! Opening: what is made, what is refused, and that no password is in what is said.

use super::world::kind;
use crate::mariadb::{MariaDb, PASSWORD, USER};
use acp_control::store::{RunRecord, StoreError, open};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

/// Part of every URL here that has a password.
const SECRET: &str = "hunter2";

async fn refused(row: &str, url: &str, expect_kind: &str, expect_text: &str) {
    let error = match open(url).await {
        Ok(_) => panic!("{row}: opened"),
        Err(error) => error,
    };
    let text = error.to_string();
    assert!(text.contains(expect_text), "{row}: {text}");
    assert!(!text.contains(SECRET) && !text.contains(PASSWORD), "{row}: {text}");
    assert_eq!(kind(Err::<(), StoreError>(error)), expect_kind, "{row}: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_that_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    std::fs::write(folder.path().join("file"), "x".repeat(5_000)).unwrap();
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    let rows = [
        ("nothing", String::new(), "use `sqlite:PATH`"),
        ("no scheme", "acp.db".into(), "use `sqlite:PATH`"),
        ("another database", format!("postgres://u:{SECRET}@h/d"), "`postgres`"),
        ("no path", "sqlite:".into(), "not the name of a file"),
        ("memory", "sqlite::memory:".into(), "not the name of a file"),
        ("options", "sqlite:/tmp/x?mode=ro".into(), "not the name of a file"),
        ("a folder", format!("sqlite:{path}/folder"), "Is a directory"),
        ("below a file", format!("sqlite:{path}/file/new/acp.db"), "failed to make the folder"),
        ("where nobody may write", "sqlite:/proc/new/acp.db".into(), "failed to make the folder"),
        ("not a database", format!("sqlite:{path}/file"), "file is not a database"),
        ("not a URL", format!("mysql://u:{SECRET}@[::1/d"), "failed to read the URL"),
        ("a bad port", format!("mysql://u:{SECRET}@h:99999/d"), "failed to read the URL"),
        ("no database named", format!("mysql://u:{SECRET}@h:1"), "names no database"),
    ];
    for (row, url, expect) in rows {
        refused(row, &url, "settings", expect).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_refuse() {
    let server = MariaDb::shared();
    let good = server.new_database();
    let at = format!("127.0.0.1:{}", server.port());
    // Nobody listens on the first, and nobody answers on the second.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute = silent.local_addr().unwrap();
    let rows = [
        ("a wrong password", format!("mysql://{USER}:{SECRET}@{at}/acp_0"), "settings", "denied"),
        ("an unknown user", format!("mysql://who:{SECRET}@{at}/acp_0"), "settings", "denied"),
        ("no such database", good.replace("/acp_", "/acp_no_"), "settings", "Unknown database"),
        ("not allowed", format!("mysql://{USER}:{PASSWORD}@{at}/mysql"), "settings", "denied"),
        ("nobody there", format!("mysql://u:{SECRET}@{closed}/d"), "unavailable", "refused"),
        ("no answer", format!("mysql://u:{SECRET}@{mute}/d"), "unavailable", "does not answer"),
    ];
    for (row, url, kind, expect) in rows {
        refused(row, &url, kind, expect).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/ä 100%.db");
    let server = MariaDb::shared();
    let mysql = server.new_database();
    let sqlite = [format!("sqlite:{}", path.display()), format!("sqlite://{}", path.display())];
    let mariadb = [mysql.clone(), mysql.replace("mysql://", "mariadb://")];
    for [first, second] in [sqlite, mariadb] {
        let run = RunRecord { id: "r".into(), ..RunRecord::default() };
        open(&first).await.unwrap().create_run(&run).await.unwrap();
        let store = open(&second).await.unwrap();
        assert_eq!(store.run("r").await.unwrap(), Some(run), "{first}");
    }
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others can read hashes of passwords");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_open_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = MariaDb::shared();
    for url in [format!("sqlite:{}/acp.db", folder.path().display()), server.new_database()] {
        let mut openers = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let url = url.clone();
            openers.spawn(async move { open(&url).await.unwrap().ping().await.unwrap() });
        }
        openers.join_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_were_cut_off_half_way_are_finished() {
    let server = MariaDb::shared();
    let url = server.new_database();
    open(&url).await.unwrap();
    let database = url.rsplit_once('/').unwrap().1;
    server.sql(&format!(
        "USE {database}; UPDATE _sqlx_migrations SET success = FALSE; DROP TABLE token, audit;"
    ));
    open(&url).await.unwrap().tokens().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused() {
    let server = MariaDb::shared();
    let url = server.new_database();
    open(&url).await.unwrap();
    let database = url.rsplit_once('/').unwrap().1;
    server.sql(&format!("USE {database}; UPDATE _sqlx_migrations SET version = 9999;"));
    refused("made by a newer one", &url, "settings", "9999").await;
}
