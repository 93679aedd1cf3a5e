//! Users, tokens, audit.

use super::world::{HARD_TEXTS, World, kind, on_both};
use acp_control::store::{AuditRecord, Page, Role, TokenRecord, UserRecord};

on_both!(users, tokens, audit);

fn user(name: &str, role: Role) -> UserRecord {
    UserRecord {
        name: name.into(),
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into(),
        role,
        created_unix_us: 4,
    }
}

async fn users(world: World) {
    assert_eq!(world.store.users().await.unwrap(), []);
    let all = [
        user("Ann", Role::Operator),
        user("ann", Role::Admin),
        user("o'brien", Role::Viewer),
        user("ä🚀", Role::Viewer),
    ];
    for one in &all {
        world.store.put_user(one).await.unwrap();
        assert_eq!(world.store.user(&one.name).await.unwrap().as_ref(), Some(one));
    }
    assert_eq!(world.store.users().await.unwrap(), all);
    for (row, name) in [
        ("another case", "ANN"),
        ("a space behind", "ann "),
        ("no accent", "a🚀"),
        ("a wildcard", "a%"),
        ("nothing", ""),
        ("SQL", "' OR ''='"),
    ] {
        assert_eq!(world.store.user(name).await.unwrap(), None, "{row}");
        assert!(!world.store.delete_user(name).await.unwrap() || name == "ann ", "{row}");
    }
    world.store.put_user(&user("Ann", Role::Admin)).await.unwrap();
    assert_eq!(world.store.user("Ann").await.unwrap().unwrap().role, Role::Admin, "replaced");
    assert!(world.store.delete_user("Ann").await.unwrap());
    assert!(!world.store.delete_user("Ann").await.unwrap(), "again");
    assert_eq!(world.store.user("Ann").await.unwrap(), None);
}

async fn tokens(world: World) {
    let token = |id: &str, hash: &str, expires_unix_us| TokenRecord {
        id: id.into(),
        hash: hash.into(),
        name: HARD_TEXTS.concat(),
        user: "ann".into(),
        role: Role::Operator,
        created_unix_us: 4,
        expires_unix_us,
    };
    let all = [token("1", "abc", None), token("2", "def", Some(9))];
    for one in &all {
        world.store.put_token(one).await.unwrap();
        assert_eq!(world.store.token(&one.hash).await.unwrap().as_ref(), Some(one));
    }
    assert_eq!(world.store.tokens().await.unwrap(), all);
    for (row, hash) in [("case", "ABC"), ("space", "abc "), ("part", "ab"), ("none", "")] {
        assert_eq!(world.store.token(hash).await.unwrap(), None, "{row}");
    }
    assert_eq!(kind(world.store.put_token(&token("3", "abc", None)).await), "exists", "its hash");
    assert_eq!(world.store.tokens().await.unwrap(), all, "nothing written");
    world.store.put_token(&token("2", "ghi", Some(10))).await.unwrap();
    assert_eq!(world.store.token("def").await.unwrap(), None, "the old one is gone");
    assert_eq!(world.store.token("ghi").await.unwrap().unwrap().id, "2");
    assert!(world.store.delete_token("1").await.unwrap());
    assert!(!world.store.delete_token("1").await.unwrap(), "again");
    assert_eq!(world.store.token("abc").await.unwrap(), None);
}

async fn audit(world: World) {
    let mut all = Vec::new();
    for (at_unix_us, text) in (1..).zip(HARD_TEXTS) {
        let record = AuditRecord {
            at_unix_us: at_unix_us / 2,
            by: text.into(),
            address: "127.0.0.1:5".into(),
            action: "run.stop".into(),
            subject: text.into(),
            text: text.into(),
        };
        world.store.add_audit(&record).await.unwrap();
        all.insert(0, record);
    }
    let page = |offset, limit| Page { offset, limit };
    assert_eq!(world.store.audit(page(0, 100)).await.unwrap(), all, "newest first");
    assert_eq!(world.store.audit(page(2, 3)).await.unwrap(), all[2..5]);
    assert_eq!(world.store.audit(page(10, 3)).await.unwrap(), []);
}
