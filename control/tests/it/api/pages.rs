//! The page, and what every answer tells a browser.

use super::server::{Server, plan};
use std::io::Read as _;

#[tokio::test]
async fn the_page_is_files_of_its_own() {
    // It is there before the login: the page asks for it.
    let server = Server::guarded().await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
    ] {
        let got = server.get(path).await;
        assert_eq!(
            (got.status, got.headers["content-type"].to_str().unwrap()),
            (200, kind),
            "{path}"
        );
        assert_eq!(got.headers["cache-control"], "no-cache", "{path}");
    }
    let page = server.get("/").await.text;
    assert!(!page.contains("<style") && !page.contains(" style="), "nothing inline");
    let scripts = page.matches("<script").count();
    assert_eq!(scripts, page.matches("src=\"").count(), "every script is a file");
    assert!(!page.contains(" on"), "no handlers inline");
    let script = server.get("/app.js").await.text;
    for unsafe_way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!script.contains(unsafe_way), "text goes in as text, not by `{unsafe_way}`");
    }
    for path in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "/nothing.js", "/src/lib.rs"] {
        server.get(path).await.error(404, path);
    }
}

#[tokio::test]
async fn every_answer_has_the_headers() {
    let server = Server::guarded().await;
    for path in ["/", "/nothing", "/api/v1/me", "/healthz", "/agent/v1/plans/1", "/taskList"] {
        let headers = server.get(path).await.headers;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(headers[name], value, "{path}: {name}");
        }
        assert!(headers.contains_key("cache-control"), "{path}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
    }
}

#[tokio::test]
async fn answers_are_compressed_for_whoever_takes_it() {
    let server = Server::open().await;
    let id = server.running(&plan("10")).await;
    let events = format!("/api/v1/runs/{id}/events");
    for (path, accepts, encoding) in [
        ("/app.js", "gzip", Some("gzip")),
        ("/app.js", "identity", None),
        ("/app.js", "br", None),
        ("/api/v1/runs", "gzip, br", Some("gzip")),
        ("/api/openapi.json", "gzip;q=0", None),
        // What compresses would hold back what happened until there is more.
        (&events, "gzip", None),
    ] {
        let request = server.request("GET", path).header("accept-encoding", accepts);
        let response = request.send().await.unwrap();
        let found = response.headers().get("content-encoding").map(|value| value.to_str().unwrap());
        assert_eq!((response.status().as_u16(), found), (200, encoding), "{path} {accepts}");
    }
    let plain = server.get("/app.js").await.text;
    let request = server.request("GET", "/app.js").header("accept-encoding", "gzip");
    let bytes = request.send().await.unwrap().bytes().await.unwrap();
    assert!(bytes.len() < plain.len() / 2, "{} of {}", bytes.len(), plain.len());
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain);
}

#[tokio::test]
async fn health_is_for_everybody_and_metrics_are_not() {
    let server = Server::guarded().await;
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(server.get("/readyz").await.status, 200);
    server.get("/metrics").await.error(401, "names of runs are in it");
    let token = server.token(acp_control::store::Role::Viewer).await;
    let got = server.send(server.request("GET", "/metrics").bearer_auth(token)).await;
    assert!(
        got.headers["content-type"].to_str().unwrap().starts_with("application/openmetrics-text")
    );
    for line in ["acp_runs{state=\"running\"} 0", "acp_coordinator_up 1", "acp_process_open_fds "] {
        assert!(got.text.contains(line), "`{line}` is not in {}", got.text);
    }
}
