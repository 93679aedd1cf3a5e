//! Logging in: passwords, sessions, forged requests, users and tokens.

use super::server::{Got, Server};
use acp_control::api::put_admin;
use acp_control::clock::Clock;
use acp_control::settings::ApiSettings;
use acp_control::store::Role;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

async fn with_admin() -> Server {
    let server = Server::guarded().await;
    put_admin(server.store.as_ref(), Clock::new(), "ann", PASSWORD).await.unwrap();
    server
}

async fn log_in(server: &Server, user: &str, password: &str) -> Got {
    server.post("/api/v1/login", Some(json!({ "user": user, "password": password }))).await
}

/// The cookie that an answer sets.
fn cookie(got: &Got) -> String {
    let set = got.headers["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

fn as_page(request: RequestBuilder, cookie: &str) -> RequestBuilder {
    request.header("cookie", cookie).header("x-acp-csrf", "1")
}

#[tokio::test]
async fn a_browser_logs_in_and_out() {
    let server = with_admin().await;
    let got = log_in(&server, "ann", PASSWORD).await;
    assert_eq!(
        (got.status, got.json()),
        (200, json!({ "name": "ann", "role": "admin", "auth": true }))
    );
    let set = got.headers["set-cookie"].to_str().unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    assert!(!set.contains("Secure"), "not over http: {set}");
    let cookie = cookie(&got);
    let me = || server.request("GET", "/api/v1/me").header("cookie", &cookie);
    assert_eq!(server.send(me()).await.json()["name"], "ann");
    let stored = server.store.tokens().await.unwrap();
    assert!(stored.iter().all(|token| !cookie.contains(&token.hash)), "only its hash is stored");
    let logout = as_page(server.request("POST", "/api/v1/logout"), &cookie);
    assert_eq!(server.send(logout).await.status, 204);
    server.send(me()).await.error(401, "the session is over");
    let audit: Vec<_> = server.audit().await.into_iter().map(|(_, action)| action).collect();
    assert_eq!(audit, ["login", "logout"]);
}

#[tokio::test]
async fn cookies_are_secure_over_https() {
    let settings: ApiSettings =
        toml::from_str("auth = true\nhttps = true\nagent_token = \"0123456789abcdef\"").unwrap();
    let server = Server::start(settings).await;
    put_admin(server.store.as_ref(), Clock::new(), "ann", PASSWORD).await.unwrap();
    let got = log_in(&server, "ann", PASSWORD).await;
    assert!(got.headers["set-cookie"].to_str().unwrap().contains("Secure"));
    assert!(got.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn guessing_is_slow() {
    let server = with_admin().await;
    for _ in 0..4 {
        log_in(&server, "ann", "wrong").await.error(401, "wrong");
    }
    assert_eq!(log_in(&server, "ann", PASSWORD).await.status, 200, "the fifth may be right");
    log_in(&server, "nobody", PASSWORD).await.error(401, "no such user");
    let got = log_in(&server, "ann", PASSWORD).await;
    got.error(429, "even the right one has to wait");
    let seconds: u64 = got.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn bad_logins_are_refused() {
    let server = with_admin().await;
    let post = |body: &str, kind: &str| {
        let request = server.request("POST", "/api/v1/login").header("content-type", kind);
        server.send(request.body(body.to_owned()))
    };
    let json = "application/json";
    post("{", json).await.error(400, "broken");
    post("{}", json).await.error(422, "nothing");
    post("user=ann", "application/x-www-form-urlencoded").await.error(415, "a form");
    let huge = format!("\"{}\"", "x".repeat(1 << 20));
    post(&huge, json).await.error(413, "huge");
    server.get("/api/v1/login").await.error(405, "it is for writing");
    let body = json!({ "user": "ann", "password": PASSWORD });
    let forged = server.request("POST", "/api/v1/login").header("origin", "http://evil.example");
    server.send(forged.json(&body)).await.error(403, "somebody else's page");
    let open = Server::open().await;
    log_in(&open, "ann", PASSWORD).await.error(409, "there is no login");
}

#[tokio::test]
async fn forged_writes_are_refused() {
    let server = with_admin().await;
    let cookie = cookie(&log_in(&server, "ann", PASSWORD).await);
    let own = server.url.clone();
    let token = server.token(Role::Operator).await;
    for (what, headers, expected) in [
        ("our page", vec![("cookie", &*cookie), ("x-acp-csrf", "1"), ("origin", &own)], 200),
        ("no origin, but the mark", vec![("cookie", &*cookie), ("x-acp-csrf", "1")], 200),
        ("a form elsewhere", vec![("cookie", &*cookie), ("origin", "http://evil.example")], 403),
        ("no mark", vec![("cookie", &*cookie), ("origin", &own)], 403),
        ("another mark", vec![("cookie", &*cookie), ("x-acp-csrf", "yes")], 403),
        (
            "the mark from elsewhere",
            vec![("cookie", &*cookie), ("x-acp-csrf", "1"), ("origin", "null")],
            403,
        ),
        (
            "a sister site",
            vec![("cookie", &*cookie), ("x-acp-csrf", "1"), ("sec-fetch-site", "same-site")],
            403,
        ),
    ] {
        let mut request = server.request("POST", "/api/v1/stop-all");
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let got = server.send(request).await;
        assert_eq!(got.status, expected, "{what}: {}", got.text);
    }
    let program = server.request("POST", "/api/v1/stop-all").bearer_auth(&token);
    assert_eq!(server.send(program).await.status, 200, "a token is not sent by itself");
    let read = server.request("GET", "/api/v1/runs").header("cookie", &cookie);
    assert_eq!(server.send(read).await.status, 200, "reading needs no mark");
}

#[tokio::test]
async fn pages_of_others_do_not_reach_a_control_without_a_login() {
    let server = Server::open().await;
    for (what, name, value) in [
        ("a form elsewhere", "origin", "http://evil.example"),
        ("a sandboxed page", "origin", "null"),
        ("a picture elsewhere", "sec-fetch-site", "cross-site"),
    ] {
        for (method, path) in [
            ("POST", "/api/v1/stop-all"),
            ("POST", "/agent/v1/frames"),
            ("DELETE", "/agent/v1/register?agent=a&session=b"),
        ] {
            let request = server.request(method, path).header(name, value);
            server.send(request).await.error(403, &format!("{what}, {path}"));
        }
        let legacy = server.request("GET", "/stop?taskid=1").header(name, value);
        let got = server.send(legacy).await.json();
        assert!(got["desc"].as_str().unwrap().contains("page of this control"), "{what}: {got}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:80"] {
        for path in ["/", "/api/v1/runs", "/agent/v1/plans/1", "/metrics", "/create"] {
            let request = server.request("GET", path).header("host", host);
            server.send(request).await.error(403, &format!("{host}{path}"));
        }
    }
    let named = server.request("GET", "/api/v1/runs").header("host", "localhost:1");
    assert_eq!(server.send(named).await.status, 200);
}

#[tokio::test]
async fn a_session_is_worth_what_its_user_is_worth_now() {
    let server = with_admin().await;
    let admin = server.token(Role::Admin).await;
    let put = async |name: &str, body: Value| {
        let request = server.request("PUT", &format!("/api/v1/users/{name}"));
        server.send(request.bearer_auth(&admin).json(&body)).await
    };
    let made = put("bob", json!({ "role": "operator", "password": PASSWORD })).await;
    assert_eq!((made.status, &made.json()["role"]), (200, &json!("operator")));
    let session = cookie(&log_in(&server, "bob", PASSWORD).await);
    let me = || server.request("GET", "/api/v1/me").header("cookie", &session);
    assert_eq!(server.send(me()).await.json()["role"], "operator");
    assert_eq!(put("bob", json!({ "role": "viewer" })).await.status, 200);
    server.send(me()).await.error(401, "a changed user logs in again");
    assert_eq!(log_in(&server, "bob", PASSWORD).await.json()["role"], "viewer");
    for (name, body, status) in [
        ("eve", json!({ "role": "viewer" }), 422),
        ("eve", json!({ "role": "viewer", "password": "short" }), 422),
        ("eve", json!({ "role": "god", "password": PASSWORD }), 422),
        ("e%20ve", json!({ "role": "viewer", "password": PASSWORD }), 422),
        (&"e".repeat(65), json!({ "role": "viewer", "password": PASSWORD }), 422),
        ("ann", json!({ "role": "viewer" }), 409),
    ] {
        put(name, body.clone()).await.error(status, &format!("{name} {body}"));
    }
    let delete = async |name: &str| {
        let request = server.request("DELETE", &format!("/api/v1/users/{name}"));
        server.send(request.bearer_auth(&admin)).await
    };
    delete("ann").await.error(409, "the last administrator");
    delete("bob%20").await.error(404, "a blank behind it");
    assert_eq!(delete("bob").await.status, 204);
    delete("bob").await.error(404, "deleted already");
    let list = server.request("GET", "/api/v1/users").bearer_auth(&admin);
    let users = server.send(list).await;
    assert!(!users.text.contains("argon2") && users.text.contains("ann"), "{}", users.text);
}

#[tokio::test]
async fn tokens_are_made_and_ended() {
    let server = with_admin().await;
    let admin = server.token(Role::Admin).await;
    let post = async |body: Value| {
        let request = server.request("POST", "/api/v1/tokens").bearer_auth(&admin);
        server.send(request.json(&body)).await
    };
    let made = post(json!({ "name": "ci", "role": "viewer", "days": 1 })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (id, secret) = (made.json()["id"].clone(), made.json()["secret"].clone());
    let (id, secret) = (id.as_str().unwrap(), secret.as_str().unwrap());
    let me = || server.request("GET", "/api/v1/me").bearer_auth(secret);
    assert_eq!(server.send(me()).await.json()["name"], "ci");
    for body in [
        json!({ "name": "", "role": "viewer" }),
        json!({ "name": " ", "role": "viewer" }),
        json!({ "name": "x".repeat(101), "role": "viewer" }),
        json!({ "name": "ci", "role": "viewer", "days": 0 }),
        json!({ "name": "ci", "role": "viewer", "days": 3651 }),
    ] {
        post(body.clone()).await.error(422, &body.to_string());
    }
    let list = server.send(server.request("GET", "/api/v1/tokens").bearer_auth(&admin)).await;
    assert!(list.text.contains(id) && !list.text.contains(secret), "{}", list.text);
    let delete = server.request("DELETE", &format!("/api/v1/tokens/{id}")).bearer_auth(&admin);
    assert_eq!(server.send(delete).await.status, 204);
    server.send(me()).await.error(401, "it is ended");
    let audit = server.send(server.request("GET", "/api/v1/audit").bearer_auth(&admin)).await;
    let actions: Vec<_> = audit.json()["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(actions, ["token.delete", "token.create"], "newest first");
    assert!(!audit.text.contains(secret));
}
