//! Statements about users and tokens.

use super::document::{name, time};
use super::insert::Insert;
use super::session::{Row, Session};
use super::{StoreError, Stored, TokenRecord, UserRecord};

const USER: Insert = Insert {
    table: "user_account",
    columns: &["name", "password_hash", "role", "created_unix_us"],
    key: "name",
    replaced: &["password_hash", "role", "created_unix_us"],
};

const TOKEN: Insert = Insert {
    table: "token",
    columns: &["id", "hash", "name", "user_name", "role", "created_unix_us", "expires_unix_us"],
    key: "id",
    replaced: &["hash", "name", "user_name", "role", "created_unix_us", "expires_unix_us"],
};

const SELECT_USER: &str = "SELECT name, password_hash, role, created_unix_us FROM user_account";

const SELECT_TOKEN: &str = "SELECT id, hash, name, user_name, role, created_unix_us, \
                            expires_unix_us FROM token";

pub(super) async fn put_user(session: &mut Session, user: &UserRecord) -> Stored<()> {
    let row = vec![
        user.name.as_str().into(),
        user.password_hash.as_str().into(),
        name(&user.role)?.into(),
        time(user.created_unix_us).into(),
    ];
    USER.row(session, row).await
}

pub(super) async fn user(session: &mut Session, name: &str) -> Stored<Option<UserRecord>> {
    let row = session.row(format!("{SELECT_USER} WHERE name = ?"), vec![name.into()]).await?;
    let user = row.map(|row| read_user(&row)).transpose()?;
    // MySQL does not see spaces at the end when it compares.
    Ok(user.filter(|user| user.name == name))
}

pub(super) async fn users(session: &mut Session) -> Stored<Vec<UserRecord>> {
    let rows = session.rows(format!("{SELECT_USER} ORDER BY name"), Vec::new()).await?;
    rows.iter().map(read_user).collect()
}

pub(super) async fn delete_user(session: &mut Session, name: &str) -> Stored<bool> {
    let sql = "DELETE FROM user_account WHERE name = ?";
    Ok(session.execute(sql, vec![name.into()]).await? > 0)
}

pub(super) async fn put_token(session: &mut Session, token: &TokenRecord) -> Stored<()> {
    // MySQL would replace the other token instead of saying so.
    let sql = "SELECT COUNT(*) FROM token WHERE hash = ? AND id <> ?";
    let values = vec![token.hash.as_str().into(), token.id.as_str().into()];
    if session.number(sql, values).await? > 0 {
        return Err(StoreError::Exists("a token with this hash".into()));
    }
    let row = vec![
        token.id.as_str().into(),
        token.hash.as_str().into(),
        token.name.as_str().into(),
        token.user.as_str().into(),
        name(&token.role)?.into(),
        time(token.created_unix_us).into(),
        token.expires_unix_us.map(time).into(),
    ];
    TOKEN.row(session, row).await
}

pub(super) async fn token(session: &mut Session, hash: &str) -> Stored<Option<TokenRecord>> {
    let row = session.row(format!("{SELECT_TOKEN} WHERE hash = ?"), vec![hash.into()]).await?;
    let token = row.map(|row| read_token(&row)).transpose()?;
    Ok(token.filter(|token| token.hash == hash))
}

pub(super) async fn tokens(session: &mut Session) -> Stored<Vec<TokenRecord>> {
    let rows = session.rows(format!("{SELECT_TOKEN} ORDER BY id"), Vec::new()).await?;
    rows.iter().map(read_token).collect()
}

pub(super) async fn delete_token(session: &mut Session, id: &str) -> Stored<bool> {
    Ok(session.execute("DELETE FROM token WHERE id = ?", vec![id.into()]).await? > 0)
}

fn read_user(row: &Row) -> Stored<UserRecord> {
    Ok(UserRecord {
        name: row.text(0)?,
        password_hash: row.text(1)?,
        role: row.name(2)?,
        created_unix_us: row.time(3)?,
    })
}

fn read_token(row: &Row) -> Stored<TokenRecord> {
    Ok(TokenRecord {
        id: row.text(0)?,
        hash: row.text(1)?,
        name: row.text(2)?,
        user: row.text(3)?,
        role: row.name(4)?,
        created_unix_us: row.time(5)?,
        expires_unix_us: row.maybe_time(6)?,
    })
}
