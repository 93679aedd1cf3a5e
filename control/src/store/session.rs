//! A connection of one of the two databases, lent to one method of the store. In: a statement and
//! its values. Out: rows. Everything above it is written once for both.

use super::failure::{Failure, stored};
use super::{StoreError, Stored};
use serde::de::DeserializeOwned;
use sqlx::database::HasStatementCache;
use sqlx::mysql::MySqlRow;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Database, Encode, MySql, Row as _, Sqlite, Type};
use std::borrow::Cow;
use std::time::Duration;

/// How long one statement may take. A database that has stopped answering in the middle of a
/// conversation is given up after it.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(15);

/// Length of a statement that connections keep prepared.
const KEPT_BYTES: usize = 1_000;

/// What differs between the databases.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Starts a transaction that writes.
    pub(super) begin_write: &'static str,
    /// Starts a transaction that sees one state of everything.
    pub(super) begin_read: &'static str,
    /// Behind a `SELECT`: nobody else may write these rows until the end of the transaction. One
    /// writer at a time is all there is in SQLite.
    pub(super) for_update: &'static str,
    /// Between rows to insert and what to replace in those that are there: before the key,
    pub(super) upsert_before_key: &'static str,
    /// behind the key; without a key where the database looks at all of them.
    pub(super) upsert_after_key: &'static str,
    /// Around the name of a column: its value in the row that could not be inserted.
    pub(super) new_value: [&'static str; 2],
    /// Placeholders in one statement.
    pub(super) placeholders_max: usize,
}

pub(super) const SQLITE: Dialect = Dialect {
    begin_write: "BEGIN IMMEDIATE",
    begin_read: "BEGIN",
    for_update: "",
    upsert_before_key: " ON CONFLICT (",
    upsert_after_key: ") DO UPDATE SET ",
    new_value: ["excluded.", ""],
    placeholders_max: 32_000,
};

pub(super) const MYSQL: Dialect = Dialect {
    begin_write: "START TRANSACTION",
    begin_read: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION READ ONLY",
    for_update: " FOR UPDATE",
    upsert_before_key: " ON DUPLICATE KEY UPDATE ",
    upsert_after_key: "",
    new_value: ["VALUES(", ")"],
    placeholders_max: 65_000,
};

impl Dialect {
    /// Whether the key of a table is named where rows are replaced.
    pub(super) fn names_key(&self) -> bool {
        !self.upsert_after_key.is_empty()
    }
}

/// A value of a placeholder.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Text or null.
    Text(Option<String>),
    /// An integer or null.
    Integer(Option<i64>),
    /// A number.
    Real(f64),
}

impl Value {
    /// About how many bytes it takes on its way.
    pub(super) fn size_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.as_ref().map_or(1, |text| text.len() + 4),
            Self::Integer(_) | Self::Real(_) => 8,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_string()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(Some(i64::from(number)))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Integer(Some(i64::from(flag)))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

/// The connection itself.
#[derive(Debug)]
pub(super) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    MySql(PoolConnection<MySql>),
}

/// A connection in use. One that is dropped with its transaction open, or in the middle of a
/// statement, is closed and not lent again, so that the database takes everything back.
#[derive(Debug)]
pub(super) struct Session {
    connection: Option<Connection>,
    dialect: &'static Dialect,
    /// A transaction is open or a statement under way.
    is_dirty: bool,
    /// The connection is of no use any more.
    is_lost: bool,
    lost_a_race: bool,
}

impl Session {
    pub(super) fn new(connection: Connection) -> Self {
        let dialect = match connection {
            Connection::Sqlite(_) => &SQLITE,
            Connection::MySql(_) => &MYSQL,
        };
        Self {
            connection: Some(connection),
            dialect,
            is_dirty: false,
            is_lost: false,
            lost_a_race: false,
        }
    }

    pub(super) fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    /// Whether a statement failed because of another transaction: all of it may be tried again.
    pub(super) fn lost_a_race(&self) -> bool {
        self.lost_a_race
    }

    /// Runs statements without values: the beginning of a transaction.
    pub(super) async fn begin(&mut self, sql: &'static str) -> Stored<()> {
        self.control(sql).await?;
        self.is_dirty = true;
        Ok(())
    }

    /// Makes what was written last.
    pub(super) async fn commit(&mut self) -> Stored<()> {
        self.control("COMMIT").await?;
        self.is_dirty = false;
        Ok(())
    }

    /// Takes back what was written.
    pub(super) async fn roll_back(mut self) {
        // A connection that does not answer is closed, which does the same.
        if !self.is_lost && self.control("ROLLBACK").await.is_ok() {
            self.is_dirty = false;
        }
    }

    /// Runs a statement; how many rows it found or wrote.
    pub(super) async fn execute(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        values: Vec<Value>,
    ) -> Stored<u64> {
        let sql = sql.into();
        let before = self.enter();
        let work = async {
            match connection(&mut self.connection)? {
                Connection::Sqlite(lent) => bound::<Sqlite>(sql, values)
                    .execute(&mut **lent)
                    .await
                    .map(|r| r.rows_affected()),
                Connection::MySql(lent) => bound::<MySql>(sql, values)
                    .execute(&mut **lent)
                    .await
                    .map(|r| r.rows_affected()),
            }
        };
        let done = tokio::time::timeout(STATEMENT_TIMEOUT, work).await;
        self.leave(before, done)
    }

    /// Runs a query.
    pub(super) async fn rows(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        values: Vec<Value>,
    ) -> Stored<Vec<Row>> {
        let sql = sql.into();
        let before = self.enter();
        let work = async {
            match connection(&mut self.connection)? {
                Connection::Sqlite(lent) => bound::<Sqlite>(sql, values)
                    .fetch_all(&mut **lent)
                    .await
                    .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
                Connection::MySql(lent) => bound::<MySql>(sql, values)
                    .fetch_all(&mut **lent)
                    .await
                    .map(|rows| rows.into_iter().map(Row::MySql).collect()),
            }
        };
        let done = tokio::time::timeout(STATEMENT_TIMEOUT, work).await;
        self.leave(before, done)
    }

    /// Runs a query for one row.
    pub(super) async fn row(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        values: Vec<Value>,
    ) -> Stored<Option<Row>> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Runs a query for one number.
    pub(super) async fn number(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        values: Vec<Value>,
    ) -> Stored<i64> {
        let row = self.row(sql, values).await?;
        row.ok_or_else(|| StoreError::BadRecord("a number is missing".into()))?.integer(0)
    }

    async fn control(&mut self, sql: &'static str) -> Stored<()> {
        let before = self.enter();
        let work = async {
            let statement = sqlx::raw_sql(sql);
            match connection(&mut self.connection)? {
                Connection::Sqlite(lent) => statement.execute(&mut **lent).await.map(|_| ()),
                Connection::MySql(lent) => statement.execute(&mut **lent).await.map(|_| ()),
            }
        };
        let done = tokio::time::timeout(STATEMENT_TIMEOUT, work).await;
        self.leave(before, done)
    }

    /// While a statement is under way the connection is not to be lent again.
    fn enter(&mut self) -> bool {
        std::mem::replace(&mut self.is_dirty, true)
    }

    fn leave<T>(
        &mut self,
        was_dirty: bool,
        done: Result<Result<T, sqlx::Error>, tokio::time::error::Elapsed>,
    ) -> Stored<T> {
        let Ok(answer) = done else {
            self.is_lost = true;
            let text = format!("no answer within {} s", STATEMENT_TIMEOUT.as_secs());
            return Err(StoreError::Unavailable(text));
        };
        self.is_dirty = was_dirty;
        answer.map_err(|error| {
            let failure = Failure::of(&error);
            self.lost_a_race |= failure == Failure::LostRace;
            self.is_lost |= failure == Failure::Connection;
            stored(&error)
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        match self.connection.take() {
            Some(Connection::Sqlite(lent)) if self.is_dirty || self.is_lost => drop(lent.detach()),
            Some(Connection::MySql(lent)) if self.is_dirty || self.is_lost => drop(lent.detach()),
            _ => {}
        }
    }
}

fn connection(lent: &mut Option<Connection>) -> Result<&mut Connection, sqlx::Error> {
    lent.as_mut().ok_or(sqlx::Error::PoolClosed)
}

/// A statement with its values. Its text comes from constants of this module's siblings; what users
/// give is in the values.
fn bound<D>(sql: Cow<'static, str>, values: Vec<Value>) -> Query<'static, D, D::Arguments>
where
    D: Database + HasStatementCache,
    Option<String>: Encode<'static, D> + Type<D>,
    Option<i64>: Encode<'static, D> + Type<D>,
    f64: Encode<'static, D> + Type<D>,
{
    // Statements with many rows are never the same twice: keeping them would only cost memory.
    let is_kept = sql.len() <= KEPT_BYTES;
    let mut query = sqlx::query::<D>(AssertSqlSafe(sql)).persistent(is_kept);
    for value in values {
        query = match value {
            Value::Text(text) => query.bind(text),
            Value::Integer(number) => query.bind(number),
            Value::Real(number) => query.bind(number),
        };
    }
    query
}

/// A row of an answer.
#[derive(Debug)]
pub(super) enum Row {
    Sqlite(SqliteRow),
    MySql(MySqlRow),
}

/// Reads a column as one of the types that both databases have.
macro_rules! column {
    ($row:expr, $index:expr) => {
        match $row {
            Row::Sqlite(row) => row.try_get($index),
            Row::MySql(row) => row.try_get($index),
        }
        .map_err(|error| StoreError::BadRecord(error.to_string()))
    };
}

impl Row {
    pub(super) fn text(&self, index: usize) -> Stored<String> {
        column!(self, index)
    }

    pub(super) fn maybe_text(&self, index: usize) -> Stored<Option<String>> {
        column!(self, index)
    }

    pub(super) fn integer(&self, index: usize) -> Stored<i64> {
        column!(self, index)
    }

    pub(super) fn maybe_integer(&self, index: usize) -> Stored<Option<i64>> {
        column!(self, index)
    }

    pub(super) fn real(&self, index: usize) -> Stored<f64> {
        column!(self, index)
    }

    pub(super) fn flag(&self, index: usize) -> Stored<bool> {
        Ok(self.integer(index)? != 0)
    }

    pub(super) fn count(&self, index: usize) -> Stored<u32> {
        let number = self.integer(index)?;
        u32::try_from(number).map_err(|_| StoreError::BadRecord(format!("`{number}` as a count")))
    }

    /// A time or a second: never negative.
    pub(super) fn time(&self, index: usize) -> Stored<u64> {
        let number = self.integer(index)?;
        u64::try_from(number).map_err(|_| StoreError::BadRecord(format!("`{number}` as a time")))
    }

    pub(super) fn maybe_time(&self, index: usize) -> Stored<Option<u64>> {
        Ok(if self.maybe_integer(index)?.is_some() { Some(self.time(index)?) } else { None })
    }

    pub(super) fn document<T: DeserializeOwned>(&self, index: usize) -> Stored<T> {
        let text: String = self.text(index)?;
        serde_json::from_str(&text).map_err(|error| StoreError::BadRecord(error.to_string()))
    }

    /// A value that is stored by its name.
    pub(super) fn name<T: DeserializeOwned>(&self, index: usize) -> Stored<T> {
        let name = serde_json::Value::String(self.text(index)?);
        serde_json::from_value(name).map_err(|error| StoreError::BadRecord(error.to_string()))
    }
}
