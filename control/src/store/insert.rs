//! Rows into a table, many in one statement. In: a table and rows. Out: statements short enough for
//! the database, with what replaces rows that are there.

use super::Stored;
use super::session::{Dialect, Session, Value};

/// Bytes of values in one statement. MariaDB takes no message above 16 MiB unless told to; a single
/// row may be longer.
const STATEMENT_BYTES: usize = 4 << 20;

/// Where rows go.
#[derive(Debug)]
pub(super) struct Insert {
    pub(super) table: &'static str,
    pub(super) columns: &'static [&'static str],
    /// The key by which a row may be there already.
    pub(super) key: &'static str,
    /// Columns that are replaced in a row that is there; none: it is an error.
    pub(super) replaced: &'static [&'static str],
}

impl Insert {
    /// Inserts rows in the order given.
    pub(super) async fn rows(&self, session: &mut Session, rows: Vec<Vec<Value>>) -> Stored<()> {
        let rows_max = session.dialect().placeholders_max / self.columns.len();
        let mut waiting: Vec<Value> = Vec::new();
        let (mut count, mut size_bytes) = (0, 0);
        for row in rows {
            debug_assert_eq!(row.len(), self.columns.len(), "a row of `{}`", self.table);
            let row_bytes: usize = row.iter().map(Value::size_bytes).sum();
            if count == rows_max || (count > 0 && size_bytes + row_bytes > STATEMENT_BYTES) {
                let sql = self.sql(session.dialect(), count);
                session.execute(sql, std::mem::take(&mut waiting)).await?;
                (count, size_bytes) = (0, 0);
            }
            waiting.extend(row);
            count += 1;
            size_bytes += row_bytes;
        }
        if count > 0 {
            let sql = self.sql(session.dialect(), count);
            session.execute(sql, waiting).await?;
        }
        Ok(())
    }

    /// Inserts one row.
    pub(super) async fn row(&self, session: &mut Session, row: Vec<Value>) -> Stored<()> {
        self.rows(session, vec![row]).await
    }

    fn sql(&self, dialect: &Dialect, count: usize) -> String {
        let Self { table, columns, key, replaced } = self;
        let row = format!("({})", placeholders(columns.len()));
        let rows = vec![row; count].join(", ");
        let mut sql = format!("INSERT INTO {table} ({}) VALUES {rows}", columns.join(", "));
        if !replaced.is_empty() {
            sql.push_str(dialect.upsert_before_key);
            if dialect.names_key() {
                sql.push_str(key);
            }
            sql.push_str(dialect.upsert_after_key);
            let [before, after] = dialect.new_value;
            let replace = |column: &&str| format!("{column} = {before}{column}{after}");
            sql.push_str(&replaced.iter().map(replace).collect::<Vec<_>>().join(", "));
        }
        sql
    }
}

/// `?, ?, ?`
pub(super) fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::session::{MYSQL, SQLITE};

    fn check(replaced: &'static [&'static str], dialect: &Dialect, count: usize, expect: &str) {
        let insert = Insert { table: "t", columns: &["a", "b"], key: "a", replaced };
        assert_eq!(insert.sql(dialect, count), expect);
    }

    #[test]
    fn statements_in_both_dialects() {
        check(&[], &SQLITE, 1, "INSERT INTO t (a, b) VALUES (?, ?)");
        check(&[], &MYSQL, 2, "INSERT INTO t (a, b) VALUES (?, ?), (?, ?)");
        check(
            &["b"],
            &SQLITE,
            2,
            "INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ON CONFLICT (a) DO UPDATE SET b = excluded.b",
        );
        check(
            &["a", "b"],
            &MYSQL,
            1,
            "INSERT INTO t (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE a = VALUES(a), b = VALUES(b)",
        );
    }
}
