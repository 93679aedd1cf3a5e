//! The description of the API is a file in the repository: a change of it is a change of the API.

use super::server::Server;
use acp_control::api::openapi_json;
use std::path::PathBuf;

#[tokio::test]
async fn the_description_is_the_golden_file() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let text = openapi_json();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; UPDATE=1 writes it", path.display()));
    assert_eq!(text, golden, "the API has changed; UPDATE=1 accepts it");
    let served = Server::guarded().await.get("/api/openapi.json").await;
    assert_eq!((served.status, served.text), (200, golden), "it is served to everybody");
}
