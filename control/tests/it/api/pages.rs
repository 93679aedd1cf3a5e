//! The page, and what every answer tells a browser.

use super::server::{Server, plan};
use std::collections::{BTreeMap, BTreeSet};
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

/// Addresses of files in a file of the page, as they are written.
fn references(path: &str, text: &str) -> Vec<String> {
    // What stands before an address, and the characters that end it.
    let marks: &[(&str, &str)] = match path.rsplit('.').next() {
        Some("html") => &[("href=\"", "\""), ("src=\"", "\"")],
        Some("js") => &[("from \"", "\""), ("import \"", "\""), ("import(\"", "\"")],
        Some("css") => &[("url(", ")"), ("@import \"", "\"")],
        _ => &[],
    };
    let after = |(before, end): &(&str, &str)| {
        let found = text.split(before).skip(1);
        found.filter_map(|rest| rest.split(*end).next()).map(str::to_owned).collect::<Vec<_>>()
    };
    let is_elsewhere = |address: &str| address.starts_with('#') || address.starts_with("data:");
    marks.iter().flat_map(after).filter(|address| !is_elsewhere(address)).collect()
}

/// The path that an address in a file at `path` leads to.
fn resolved(path: &str, address: &str) -> String {
    let mut parts: Vec<_> = path.split('/').collect();
    parts.pop();
    for part in address.trim_matches(['\'', '"']).split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn addresses_are_found_and_resolved() {
    for (path, text, expect) in [
        ("/index.html", "<link href=\"a.css\"><a href=\"#/x\">", "/a.css"),
        ("/index.html", "<script src=\"pages/a.js\">", "/pages/a.js"),
        ("/pages/a.js", "import { b } from \"../b.js\";", "/b.js"),
        ("/pages/a.js", "import \"./b.js\"; await import(\"../c/d.js\")", "/pages/b.js /c/d.js"),
        ("/a.js", "import(`./pages/${name}.js`)", ""),
        ("/a/b.css", "x { background: url('c.svg') } y { src: url(data:x) }", "/a/c.svg"),
        ("/a.txt", "href=\"b\"", ""),
    ] {
        let found = references(path, text);
        let found: Vec<_> = found.iter().map(|address| resolved(path, address)).collect();
        assert_eq!(found.join(" "), expect, "{path}: {text}");
    }
}

#[tokio::test]
async fn every_file_that_the_page_refers_to_is_there() {
    let server = Server::open().await;
    let (mut seen, mut waiting) = (BTreeSet::new(), vec!["/index.html".to_owned()]);
    let modules = acp_web::Pages::iter().filter(|path| path.ends_with(".js"));
    waiting.extend(modules.map(|path| format!("/{path}")));
    let mut kinds = BTreeMap::<String, u32>::new();
    while let Some(path) = waiting.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let got = server.get(&path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text);
        *kinds.entry(path.rsplit('.').next().unwrap().to_owned()).or_default() += 1;
        let found = references(&path, &got.text);
        waiting.extend(found.iter().map(|address| resolved(&path, address)));
    }
    // That the test reads what it should.
    assert!(["html", "js", "css", "svg"].iter().all(|kind| kinds.contains_key(*kind)), "{kinds:?}");
    assert!(kinds["js"] > 5 && kinds["css"] > 5, "{kinds:?}");
}

#[tokio::test]
async fn files_that_a_browser_has_are_not_sent_again() {
    let server = Server::open().await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        ("/vendor/uplot/uPlot.esm.js", "text/javascript; charset=utf-8"),
        ("/vendor/uplot/LICENSE", "text/plain; charset=utf-8"),
    ] {
        let got = server.get(path).await;
        let tag = got.headers["etag"].to_str().unwrap().to_owned();
        assert_eq!((got.status, &got.headers["content-type"]), (200, &kind.parse().unwrap()));
        let head = server.send(server.request("HEAD", path)).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}: only the headers");
        for name in ["etag", "content-type", "content-length", "cache-control"] {
            assert_eq!(head.headers.get(name), got.headers.get(name), "{path}: {name}");
        }
        let strong = tag.trim_start_matches("W/").to_owned();
        for (what, held, status) in [
            ("the same", tag.clone(), 304),
            ("the same, strong", strong.clone(), 304),
            ("one of some", format!("\"other\", {tag}"), 304),
            ("anything", "*".into(), 304),
            ("another", "\"other\"".into(), 200),
            ("half of it", format!("{}\"", &strong[..9]), 200),
            ("nonsense", "nonsense".into(), 200),
        ] {
            let request = server.request("GET", path).header("if-none-match", &held);
            let again = server.send(request).await;
            assert_eq!(
                (again.status, again.text.is_empty()),
                (status, status == 304),
                "{path}: {what}"
            );
            assert_eq!(again.headers["etag"], tag, "{path}: {what}");
            assert_eq!(again.headers["cache-control"], "no-cache", "{path}: {what}");
            let policy = again.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.contains("default-src 'none'"), "{path}: {what}");
        }
    }
    let page = server.get("/index.html").await;
    assert_eq!(server.get("/").await.headers["etag"], page.headers["etag"], "one file");
    assert_ne!(server.get("/app.js").await.headers["etag"], page.headers["etag"]);
    let gone = server.request("GET", "/gone.js").header("if-none-match", "*");
    server.send(gone).await.error(404, "what is not there is not held either");
}

#[tokio::test]
async fn scripts_and_styles_come_from_files_alone() {
    let server = Server::open().await;
    let headers = server.get("/").await.headers;
    let policy = headers["content-security-policy"].to_str().unwrap();
    let directives: BTreeMap<_, _> =
        policy.split(';').filter_map(|directive| directive.trim().split_once(' ')).collect();
    for (name, sources) in [
        ("default-src", "'none'"),
        ("script-src", "'self'"),
        ("style-src", "'self'"),
        ("connect-src", "'self'"),
        ("base-uri", "'none'"),
        ("frame-ancestors", "'none'"),
    ] {
        assert_eq!(directives.get(name), Some(&sources), "{policy}");
    }
    for word in ["unsafe-inline", "unsafe-eval", "unsafe-hashes", "http:", "https:", "*", "blob:"] {
        assert!(!policy.contains(word), "`{word}` is in {policy}");
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
