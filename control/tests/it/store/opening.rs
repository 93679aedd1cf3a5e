//! Opening: what is made, what is refused, and that no password is in what is said.

use super::world::kind;
use crate::mariadb::{MariaDb, PASSWORD, USER};
use acp_control::store::{Page, RunFilter, RunRecord, StoreError, TaskFilter, open};
use acp_wire::Plan;
use acp_wire::plan::Target;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, SqliteConnection};
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
    let rows = [
        ("the first ones", "success = FALSE", "DROP TABLE token, audit"),
        ("the second, at its end", "success = version <> 2", "DROP TABLE dataset_agent"),
        ("the second, at its start", "success = version <> 2", "ALTER TABLE run DROP COLUMN spark"),
        ("all, nothing is missing", "success = FALSE", "DO 0"),
    ];
    for (row, mark, missing) in rows {
        server.sql(&format!("USE {database}; UPDATE _sqlx_migrations SET {mark}; {missing};"));
        let store = open(&url).await.unwrap_or_else(|error| panic!("{row}: {error}"));
        store.tokens().await.unwrap();
        let page = Page { offset: 0, limit: 1 };
        store.datasets(page).await.unwrap();
        store.put_dataset_agent("none", 1, "a").await.unwrap_err();
        store.runs(&RunFilter::default(), page).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_first_tables_hold_is_kept() {
    let server = MariaDb::shared();
    let mysql = server.new_database();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("acp.db");
    let plan = serde_json::to_string(&Plan {
        target: Target { url: "http://Shop.Example/".into(), ..Target::default() },
        ..Plan::default()
    })
    .unwrap();
    let rows = format!(
        "INSERT INTO task VALUES ('t', 'Old', 'old', '{plan}', 'Ann', 1, 1, 0);
         INSERT INTO run VALUES ('r', 't', 'Old', '{plan}', 'h', 'Ann', 'done', '{{\"intent\":\"run\"}}', 0, \
         NULL, '[]', 1, 2, 'valid', '', 0, 0);"
    );
    let first = include_str!("../../../migrations/mysql/0001_first_tables.sql");
    let mut connection = MySqlConnection::connect(&mysql).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("{first}{rows}"))).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let first = include_str!("../../../migrations/sqlite/0001_first_tables.sql");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("{first}{rows}"))).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    for url in [mysql, format!("sqlite:{}", file.display())] {
        let store = open(&url).await.unwrap();
        let run = store.run("r").await.unwrap().unwrap();
        assert_eq!((run.spark.len(), run.verdict.as_deref()), (0, Some("valid")), "{url}");
        for (text, expect) in [("old", 1), ("shop.EX", 1), ("ann", 1), ("bob", 0)] {
            let filter = TaskFilter { text: Some(text.into()), ..TaskFilter::default() };
            let found = store.tasks(&filter, Page { offset: 0, limit: 9 }).await.unwrap();
            assert_eq!(found.1, expect, "{url}: `{text}`");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused() {
    let server = MariaDb::shared();
    let url = server.new_database();
    open(&url).await.unwrap();
    let database = url.rsplit_once('/').unwrap().1;
    server.sql(&format!(
        "USE {database}; UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1;"
    ));
    refused("made by a newer one", &url, "settings", "9999").await;
}
