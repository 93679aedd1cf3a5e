//! Every route, and everything that can be wrong with a request to it.

use super::server::{AGENT_TOKEN, Got, Server, plan};
use acp_control::api::openapi_json;
use acp_control::store::Role::{self, Admin, Operator, Viewer};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A route of the API: method, path, the least role, a good body, and the status with a good body and
/// ids of nothing.
struct Route {
    method: &'static str,
    path: &'static str,
    role: Role,
    body: Option<Value>,
    status: u16,
}

fn routes() -> Vec<Route> {
    let row = |method, path, role, body, status| Route { method, path, role, body, status };
    let with_plan = || Some(json!({ "plan": plan("10") }));
    vec![
        row("POST", "/plans/check", Operator, with_plan(), 200),
        row("GET", "/tasks", Viewer, None, 200),
        row("POST", "/tasks", Operator, with_plan(), 201),
        row("GET", "/tasks/{id}", Viewer, None, 404),
        row("PUT", "/tasks/{id}", Operator, with_plan(), 404),
        row("DELETE", "/tasks/{id}", Operator, None, 404),
        row("POST", "/tasks/{id}/clone", Operator, None, 404),
        row("POST", "/tasks/{id}/runs", Operator, None, 404),
        row("GET", "/runs", Viewer, None, 200),
        row("GET", "/runs/{id}", Viewer, None, 404),
        row("GET", "/runs/{id}/frames", Viewer, None, 404),
        row("GET", "/runs/{id}/series", Viewer, None, 404),
        row("GET", "/runs/{id}/events", Viewer, None, 404),
        row("GET", "/runs/{id}/report", Viewer, None, 404),
        row("POST", "/runs/{id}/rate", Operator, Some(json!({ "rate": "5" })), 404),
        row("POST", "/runs/{id}/pause", Operator, None, 404),
        row("POST", "/runs/{id}/resume", Operator, None, 404),
        row("POST", "/runs/{id}/stop", Operator, None, 404),
        row("POST", "/stop-all", Operator, None, 200),
        row("GET", "/compare?a=1&b=2", Viewer, None, 404),
        row("GET", "/datasets", Viewer, None, 200),
        row("GET", "/agents", Viewer, None, 200),
        row("POST", "/agents/{id}/drain", Admin, None, 404),
        row("POST", "/agents/{id}/enable", Admin, None, 404),
        row("POST", "/agents/{id}/remove", Admin, None, 404),
        row("GET", "/agents/{id}/host", Viewer, None, 404),
        row("GET", "/cluster", Viewer, None, 200),
        row("GET", "/cluster/tree?path=/gone", Viewer, None, 404),
        row("POST", "/logout", Viewer, None, 204),
        row("GET", "/me", Viewer, None, 200),
        row("GET", "/users", Admin, None, 200),
        row("PUT", "/users/{name}", Admin, Some(json!({ "role": "viewer" })), 422),
        row("DELETE", "/users/{name}", Admin, None, 404),
        row("GET", "/tokens", Admin, None, 200),
        row("POST", "/tokens", Admin, Some(json!({ "name": "ci", "role": "viewer" })), 201),
        row("DELETE", "/tokens/{id}", Admin, None, 404),
        row("GET", "/audit", Admin, None, 200),
    ]
}

impl Route {
    fn what(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    async fn send(&self, server: &Server, token: Option<&str>, body: Body) -> Got {
        self.send_as(server, self.method, token, body).await
    }

    async fn send_as(&self, server: &Server, method: &str, token: Option<&str>, body: Body) -> Got {
        let path = self.path.replace("{id}", "01NOTHING").replace("{name}", "nobody");
        let mut request = server.request(method, &format!("/api/v1{path}"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        server.send(body.of(&self.body, request)).await
    }
}

enum Body {
    Good,
    Text(&'static str, String),
}

impl Body {
    fn of(self, good: &Option<Value>, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match (self, good) {
            (Self::Good, None) => request,
            (Self::Good, Some(body)) => request.json(body),
            (Self::Text("", text), _) => request.body(text),
            (Self::Text(kind, text), _) => request.header("content-type", kind).body(text),
        }
    }
}

#[test]
fn every_route_of_the_description_is_in_the_table() {
    let api: Value = serde_json::from_str(&openapi_json()).unwrap();
    let mut described = BTreeSet::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let with_prefix = |route: Route| {
        let path = route.path.split('?').next().unwrap();
        format!("{} /api/v1{path}", route.method)
    };
    let mut listed: BTreeSet<String> = routes().into_iter().map(with_prefix).collect();
    // It is for those who have no role yet: `login.rs` tests it.
    listed.insert("POST /api/v1/login".into());
    assert_eq!(described, listed);
}

#[tokio::test]
async fn every_route_needs_its_role() {
    let server = Server::guarded().await;
    let expired = server.token(Viewer).await;
    let mut token =
        server.store.token(&acp_control::auth::hash_hex(&expired)).await.unwrap().unwrap();
    token.expires_unix_us = Some(1);
    server.store.put_token(&token).await.unwrap();
    let tokens = [Viewer, Operator, Admin];
    let tokens = [
        (tokens[0], server.token(tokens[0]).await),
        (tokens[1], server.token(tokens[1]).await),
        (tokens[2], server.token(tokens[2]).await),
    ];
    for route in routes() {
        let what = route.what();
        for wrong in [None, Some(""), Some("acp_nonsense"), Some(AGENT_TOKEN), Some(&expired)] {
            let got = route.send(&server, wrong, Body::Good).await;
            got.error(401, &format!("{what} with token {wrong:?}"));
            assert_eq!(got.headers["www-authenticate"], "Bearer", "{what}");
        }
        for (role, token) in &tokens {
            let got = route.send(&server, Some(token), Body::Good).await;
            let expected = if *role < route.role { 403 } else { route.status };
            assert_eq!(got.status, expected, "{what} as {role:?}: {}", got.text);
            if expected >= 400 {
                got.error(expected, &what);
            }
        }
    }
}

#[tokio::test]
async fn bad_bodies_are_refused_everywhere() {
    let server = Server::guarded().await;
    let token = server.token(Admin).await;
    let token = Some(token.as_str());
    let json = "application/json";
    let huge = format!("\"{}\"", "x".repeat(1 << 20));
    for route in routes() {
        let what = route.what();
        let got = route.send_as(&server, "PATCH", token, Body::Good).await;
        got.error(405, &what);
        assert!(got.headers.contains_key("allow"), "{what}: says what is allowed");
        if route.body.is_none() {
            continue;
        }
        // It takes one of two bodies, and says which.
        let incomplete = if route.path == "/plans/check" { 400 } else { 422 };
        for (case, status, body) in [
            ("broken", 400, Body::Text(json, "{".into())),
            ("nothing", 400, Body::Text(json, String::new())),
            ("not an object", 422, Body::Text(json, "[]".into())),
            ("nothing in it", incomplete, Body::Text(json, "{}".into())),
            ("a typing mistake", incomplete, Body::Text(json, "{\"naem\":1}".into())),
            ("bytes", 400, Body::Text(json, "\u{0}\u{1}".into())),
            ("a form", 415, Body::Text("application/x-www-form-urlencoded", "a=b".into())),
            ("no type", 415, Body::Text("", "{}".into())),
            ("huge", 413, Body::Text(json, huge.clone())),
        ] {
            route.send(&server, token, body).await.error(status, &format!("{what}, {case}"));
        }
    }
}

#[tokio::test]
async fn bad_parameters_are_refused() {
    let server = Server::open().await;
    for path in [
        "/tasks?limit=0",
        "/tasks?limit=201",
        "/tasks?limit=x",
        "/tasks?limit=-1",
        "/tasks?offset=99999999999",
        "/tasks?naem=x",
        "/tasks?state=gone",
        "/datasets?limit=201",
        "/runs?state=gone",
        "/runs?limit=1&limit=2",
        "/runs/x/frames?limit=1001",
        "/runs/x/frames?after=x",
        "/runs/x/frames?after=-1",
        "/runs?offset=2147483648",
        "/runs/x/report?format=pdf",
        "/runs/%ff",
        "/compare",
        "/compare?a=1",
        "/compare?a=1&b=2&d=4",
        "/compare?a=1&b=2&c=3&d=4&e=5",
        "/agents/x/host?from=2&to=1",
        "/agents/x/host?from=-1",
        "/cluster/tree?path=/a/../b",
        "/cluster/tree?path=%00",
        "/audit?limit=1000",
    ] {
        server.get(&format!("/api/v1{path}")).await.error(400, path);
    }
    for path in
        ["/api/v1", "/api/v1/", "/api/v1/task", "/api/v2/tasks", "/nothing", "/api/v1/runs/"]
    {
        server.get(path).await.error(404, path);
    }
    server.post("/", None).await.error(405, "a page cannot be written");
}

#[tokio::test]
async fn agents_have_their_own_token() {
    let server = Server::guarded().await;
    let admin = server.token(Admin).await;
    let frames = json!({ "agent": "a", "epoch": 1, "parts": [] });
    let info = json!({ "agent": "a", "host": "h", "version": "1", "cores": 1, "protocols": [] });
    let status = json!({ "info": info, "epoch": 1, "revision": 3, "cores_free": 1, "parts": [] });
    let huge = format!("\"{}\"", "x".repeat(1 << 20));
    for (method, path, body, good) in [
        ("POST", "/register", Some(json!({ "info": info })), 200),
        ("DELETE", "/register?agent=a&session=x", None, 204),
        ("GET", "/assignment?agent=a&session=x", None, 410),
        ("GET", "/plans/0000", None, 404),
        ("GET", "/runs/0000/changes", None, 404),
        ("POST", "/frames", Some(frames), 200),
        ("POST", "/status", Some(status), 200),
    ] {
        let what = format!("{method} {path}");
        let request = || server.request(method, &format!("/agent/v1{path}"));
        let with = |request: reqwest::RequestBuilder| match &body {
            Some(body) => request.json(body),
            None => request,
        };
        for wrong in ["", "nonsense", &AGENT_TOKEN[1..], &admin] {
            let got = server.send(with(request().bearer_auth(wrong))).await;
            got.error(401, &format!("{what} with `{wrong}`"));
        }
        server.send(with(request())).await.error(401, &what);
        let got = server.send(with(request().bearer_auth(AGENT_TOKEN))).await;
        assert_eq!(got.status, good, "{what}: {}", got.text);
        let wrong = server.request("PATCH", &format!("/agent/v1{path}")).bearer_auth(AGENT_TOKEN);
        server.send(wrong).await.error(405, &what);
        if body.is_none() {
            continue;
        }
        let typed =
            || request().bearer_auth(AGENT_TOKEN).header("content-type", "application/json");
        server.send(typed().body("{")).await.error(400, &what);
        server.send(typed().body("{}")).await.error(422, &what);
        server.send(request().bearer_auth(AGENT_TOKEN).body("{}")).await.error(415, &what);
        // Frames may be larger: `agents.rs` tests how large.
        if path != "/frames" {
            server.send(typed().body(huge.clone())).await.error(413, &what);
        }
    }
}
