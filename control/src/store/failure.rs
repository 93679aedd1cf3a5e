//! Failures of the databases as those of the store. In: an error of a driver. Out: whether it helps
//! to try again, and a sentence without the password.

use super::StoreError;
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::mysql::MySqlDatabaseError;

/// What a failure means for the connection and the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// A statement failed; the connection can go on.
    Statement,
    /// Another transaction won: the same again may work.
    LostRace,
    /// The connection is of no use any more.
    Connection,
}

/// Deadlock, and rows that changed since the transaction saw them.
const MYSQL_LOST_RACE: [u16; 2] = [1213, 1020];

/// Values that a column does not take: too long, out of range, not a text, longer than a message
/// may be (`max_allowed_packet`).
const MYSQL_BAD_VALUE: [u16; 4] = [1406, 1264, 1366, 1153];

/// Primary result codes of SQLite: busy, locked.
const SQLITE_LOST_RACE: [u32; 2] = [5, 6];

impl Failure {
    pub(super) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) if lost_race(&**error) => Self::LostRace,
            sqlx::Error::Database(_)
            | sqlx::Error::RowNotFound
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Encode(_)
            | sqlx::Error::Decode(_) => Self::Statement,
            _ => Self::Connection,
        }
    }
}

fn lost_race(error: &(dyn DatabaseError + 'static)) -> bool {
    if let Some(number) = mysql_number(error) {
        return MYSQL_LOST_RACE.contains(&number);
    }
    // The primary result code is the lowest byte.
    let code = error.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default();
    SQLITE_LOST_RACE.contains(&(code & 0xff))
}

/// MySQL's own number of an error; none: it is one of SQLite.
pub(super) fn mysql_number(error: &(dyn DatabaseError + 'static)) -> Option<u16> {
    error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

/// The failure as the store says it.
pub(super) fn stored(error: &sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(database) => match database.kind() {
            ErrorKind::UniqueViolation => StoreError::Exists("a record with this key".into()),
            ErrorKind::ForeignKeyViolation => StoreError::Conflict("what it belongs to".into()),
            // The same again would fail the same.
            ErrorKind::NotNullViolation | ErrorKind::CheckViolation => {
                StoreError::BadRecord(database.message().to_string())
            }
            _ if mysql_number(&**database).is_some_and(|n| MYSQL_BAD_VALUE.contains(&n)) => {
                StoreError::BadRecord(database.message().to_string())
            }
            _ => StoreError::Unavailable(database.message().to_string()),
        },
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            StoreError::BadRecord(error.to_string())
        }
        sqlx::Error::PoolTimedOut => {
            StoreError::Unavailable("no connection within 5 s: is it running, is it busy?".into())
        }
        _ => StoreError::Unavailable(error.to_string()),
    }
}

/// Says which record a failure is about.
pub(super) fn about(error: StoreError, kind: &str, id: &str) -> StoreError {
    match error {
        StoreError::Exists(_) => StoreError::Exists(format!("{kind} `{id}`")),
        StoreError::Conflict(what) => StoreError::Conflict(format!("{kind} `{id}` or {what}")),
        other => other,
    }
}
