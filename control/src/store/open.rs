//! Opening a database. In: a URL. Out: a [`Store`] whose tables are there, or a sentence about why
//! not, without the password.

use super::database::Database;
use super::failure;
use super::session::SQLITE;
use super::{Store, StoreError, Stored};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, MySqlConnection, SqliteConnection};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// How long a method waits for a connection before the database counts as away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a writer of SQLite waits for one in another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that read an SQLite file.
const SQLITE_READERS: u32 = 4;

/// Connections to MySQL. Its default limit is 151 for everybody.
const MYSQL_CONNECTIONS: u32 = 16;

/// How often the tables are looked after at the start while other processes do the same.
const MIGRATE_ATTEMPTS: u32 = 20;

/// Pause between those.
const MIGRATE_PAUSE: Duration = Duration::from_millis(100);

/// A connection of MySQL is the same whatever the server's defaults are: text that does not fit is
/// an error, rows that are read are not locked, and a lock is waited for as long as in SQLite.
const MYSQL_SETTINGS: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'; \
                              SET SESSION innodb_lock_wait_timeout = 5; \
                              SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

const HINT: &str = "use `sqlite:PATH` or `mysql://user:password@host:port/database`";

/// Primary result codes of SQLite: busy, locked, input or output failed, disk full.
const SQLITE_PASSES: [u32; 4] = [5, 6, 10, 13];

/// Taken by who makes the tables, until its connection ends. One database, one lock.
const MYSQL_LOCK: &str = "SELECT GET_LOCK(CONCAT('acp.', MD5(DATABASE())), 60)";

/// Access denied, to the server and to the database; no such database.
const MYSQL_REFUSED: [u16; 3] = [1045, 1044, 1049];

static SQLITE_TABLES: Migrator = sqlx::migrate!("migrations/sqlite");

/// Opens the database at a URL, `sqlite:PATH` or `mysql://user:password@host:port/database` (also
/// `mariadb://`), and makes its tables. The file of SQLite and its folder are made on first start.
///
/// # Errors
/// [`StoreError::Settings`] where the URL, the password or the folder has to be changed,
/// [`StoreError::Unavailable`] where the server does not answer.
pub async fn open(url: &str) -> Stored<Arc<dyn Store>> {
    let database = match url.split_once(':') {
        Some(("sqlite", path)) => open_sqlite(path.strip_prefix("//").unwrap_or(path)).await?,
        Some(("mysql" | "mariadb", _)) => open_mysql(url).await?,
        // The rest of the URL may hold a password.
        Some((scheme, _)) => {
            let text = format!("failed to open a database of the kind `{scheme}`: {HINT}");
            return Err(StoreError::Settings(text));
        }
        None => {
            return Err(StoreError::Settings(format!("failed to read the URL: {HINT}")));
        }
    };
    Ok(Arc::new(database))
}

async fn open_sqlite(path: &str) -> Stored<Database> {
    if path.is_empty() || path.starts_with(':') || path.contains('?') {
        let text = format!("failed to open `{path}`: not the name of a file; {HINT}");
        return Err(StoreError::Settings(text));
    }
    make_file(Path::new(path))?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    migrate_sqlite(&options).await.map_err(|error| {
        let text = format!("failed to open the database `{path}`: {error}");
        if passes(&error) { StoreError::Unavailable(text) } else { StoreError::Settings(text) }
    })?;
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .max_lifetime(None)
            .idle_timeout(None)
            .test_before_acquire(false)
    };
    let readers = options.clone().pragma("query_only", "ON");
    Ok(Database::Sqlite {
        writer: pool(1).connect_lazy_with(options),
        readers: pool(SQLITE_READERS).connect_lazy_with(readers),
    })
}

/// The file holds hashes of passwords and tokens: only its owner reads it.
fn make_file(path: &Path) -> Stored<()> {
    let failed = |what: &str, path: &Path, error: std::io::Error| {
        StoreError::Settings(format!("failed to {what} `{}`: {error}", path.display()))
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| failed("make the folder", folder, error))?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|error| failed("open the database", path, error))
}

/// Several processes may start on one file. They look one after the other, under the lock of the one
/// writer: whoever comes second finds the tables made. To look at what is there without it would be
/// to make a column twice. The first to turn the file to WAL is in the way of all others for a
/// moment, so who fails looks again.
async fn migrate_sqlite(options: &SqliteConnectOptions) -> Result<(), sqlx::Error> {
    let mut attempt = 1;
    loop {
        let done = async {
            let mut connection: SqliteConnection = options.connect().await?;
            let mut transaction = connection.begin_with(SQLITE.begin_write).await?;
            let done = SQLITE_TABLES.run_direct(None, &mut *transaction, false).await;
            if done.is_ok() {
                transaction.commit().await?;
            } else {
                drop(transaction);
            }
            connection.close().await?;
            done.map_err(sqlx::Error::from)
        };
        match done.await {
            Err(error) if attempt < MIGRATE_ATTEMPTS && passes(&error) => attempt += 1,
            done => return done,
        }
        tokio::time::sleep(MIGRATE_PAUSE).await;
    }
}

/// Whether a failure to make the tables of SQLite may go away by itself: another process makes
/// them, the disk is full, it does not answer.
fn passes(error: &sqlx::Error) -> bool {
    let error = match error {
        sqlx::Error::Migrate(error) => match &**error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error,
            _ => return false,
        },
        other => other,
    };
    let Some(error) = error.as_database_error() else {
        return false;
    };
    let code = error.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default();
    error.is_unique_violation() || SQLITE_PASSES.contains(&(code & 0xff))
}

async fn open_mysql(url: &str) -> Stored<Database> {
    let options = MySqlConnectOptions::from_str(url)
        .map_err(|_| StoreError::Settings(format!("failed to read the URL of MySQL: {HINT}")))?
        .disable_statement_logging();
    let place = format!("{}:{}", options.get_host(), options.get_port());
    if options.get_database().is_none() {
        let text = format!("failed to use MySQL at `{place}`: the URL names no database; {HINT}");
        return Err(StoreError::Settings(text));
    }
    let connected = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await;
    let mut connection = match connected {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return Err(refused(&place, &error)),
        Err(_) => {
            let text = format!("MySQL at `{place}` does not answer");
            return Err(StoreError::Unavailable(text));
        }
    };
    let migrated = migrate_mysql(&mut connection).await;
    migrated.map_err(|error| refused(&place, &error.into()))?;
    connection.close().await.map_err(|error| refused(&place, &error))?;
    let pool = MySqlPoolOptions::new()
        .max_connections(MYSQL_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(MYSQL_SETTINGS).execute(connection).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options);
    Ok(Database::MySql(pool))
}

/// MySQL ends a transaction at every table that is made, so a migration that was cut off stays half
/// done and marked so. Its statements may be run again: the mark is taken away and it is.
async fn migrate_mysql(connection: &mut MySqlConnection) -> Result<(), MigrateError> {
    // The lock of sqlx has no time-out in a way that MariaDB does not know, and takes nothing.
    let mut tables = sqlx::migrate!("migrations/mysql");
    tables.set_locking(false);
    let locked: Option<i64> = sqlx::query_scalar(MYSQL_LOCK).fetch_one(&mut *connection).await?;
    if locked != Some(1) {
        let text = "another process has been making the tables for a minute";
        return Err(sqlx::Error::Protocol(text.into()).into());
    }
    let done = tables.run_direct(None, connection, false).await;
    let Err(MigrateError::Dirty(_)) = done else {
        return done;
    };
    sqlx::query("DELETE FROM _sqlx_migrations WHERE success = FALSE")
        .execute(&mut *connection)
        .await?;
    tables.run_direct(None, connection, false).await
}

fn refused(place: &str, error: &sqlx::Error) -> StoreError {
    let text = match error {
        sqlx::Error::Database(database) => database.message().to_string(),
        other => other.to_string(),
    };
    let text = format!("MySQL at `{place}`: {text}");
    let number = error.as_database_error().and_then(failure::mysql_number);
    let is_refused = number.is_some_and(|number| MYSQL_REFUSED.contains(&number));
    let is_other_version = match error {
        sqlx::Error::Migrate(error) => !matches!(**error, MigrateError::Execute(_)),
        _ => false,
    };
    if is_refused || is_other_version {
        StoreError::Settings(text)
    } else {
        StoreError::Unavailable(text)
    }
}
