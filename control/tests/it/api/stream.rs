//! The event stream: nothing is lost, whoever serves it.

use super::server::{Server, plan};
use acp_control::store::{EventRecord, FrameCommit, RunState, StoredFrame};
use acp_wire::Frame;
use acp_wire::frame::{Histograms, Slow, Tagged};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A message of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    kind: String,
    id: String,
    data: Value,
}

impl Message {
    fn parse(block: &str) -> Option<Self> {
        let of = |name: &str| {
            block
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .map(|text| text.trim().to_owned())
        };
        let data = serde_json::from_str(&of("data:")?).unwrap();
        Some(Self { kind: of("event:")?, id: of("id:")?, data })
    }
}

/// Reads a stream until `enough`, or its end.
async fn read(
    server: &Server,
    run: &str,
    last: Option<&str>,
    enough: impl Fn(&[Message]) -> bool,
) -> Vec<Message> {
    let mut request = server.request("GET", &format!("/api/v1/runs/{run}/events"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    read_from(request, enough).await
}

/// Reads the answer to a request until `enough`, or its end.
pub(super) async fn read_from(
    request: reqwest::RequestBuilder,
    enough: impl Fn(&[Message]) -> bool,
) -> Vec<Message> {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let (mut stream, mut text, mut messages) = (response.bytes_stream(), String::new(), Vec::new());
    let reading = async {
        while let Some(Ok(bytes)) = stream.next().await {
            text.push_str(std::str::from_utf8(&bytes).unwrap());
            while let Some((block, rest)) = text.split_once("\n\n") {
                messages.extend(Message::parse(block));
                text = rest.to_owned();
                if enough(&messages) {
                    return;
                }
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), reading).await;
    assert!(in_time.is_ok(), "the stream has not come to where it should");
    messages
}

async fn commit(server: &Server, run: &str, seconds: std::ops::Range<u64>) {
    let frame = |second| Frame {
        second,
        sent: second + 1,
        histograms: Histograms { response: Some("large".into()), ..Histograms::default() },
        classes: BTreeMap::from([(2, "large".into())]),
        tags: BTreeMap::from([(
            "a".into(),
            Tagged { completed: 7, errors: 1, response: Some("large".into()) },
        )]),
        slowest: vec![Slow { slot: 3, ended_ns: 9, ..Slow::default() }],
        ..Frame::default()
    };
    let stored =
        |second| StoredFrame { run: run.into(), number: 0, width_s: 1, frame: frame(second) };
    let frames = seconds.map(stored).collect();
    let commit = FrameCommit { run: run.into(), frames, ..FrameCommit::default() };
    server.store.commit_frames(&commit).await.unwrap();
}

pub(super) async fn event(server: &Server, run: &str, text: &str) {
    let event = EventRecord {
        run: run.into(),
        kind: "note".into(),
        text: text.into(),
        ..EventRecord::default()
    };
    server.store.add_event(&event).await.unwrap();
}

async fn end(server: &Server, run: &str) {
    server
        .schedule(run, |run| {
            run.state = RunState::Done;
            run.verdict = Some("valid".into());
        })
        .await;
}

pub(super) fn seconds(messages: &[Message]) -> Vec<u64> {
    let frames = messages.iter().filter(|message| message.kind == "frame");
    frames.map(|message| message.data["frame"]["second"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_run_is_followed_to_its_end() {
    let server = Server::open().await;
    let id = server.running(&plan("10")).await;
    // More than is read from the store at once.
    commit(&server, &id, 0..150).await;
    event(&server, &id, "one").await;
    let follow = read(&server, &id, None, |_| false);
    let drive = async {
        commit(&server, &id, 150..155).await;
        event(&server, &id, "two").await;
        end(&server, &id).await;
    };
    let (messages, ()) = tokio::join!(follow, drive);
    assert_eq!(seconds(&messages), (0..155).collect::<Vec<_>>());
    let texts: Vec<_> = messages
        .iter()
        .filter(|message| message.kind == "event")
        .map(|message| message.data["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["one", "two"]);
    let last = messages.last().unwrap();
    assert_eq!((last.kind.as_str(), last.id.as_str()), ("end", "f155.e2"));
    assert_eq!(last.data["verdict"], "valid");
    let state = messages.iter().rfind(|message| message.kind == "state").unwrap();
    assert_eq!(state.data["state"], "done");
    let frame = messages.iter().find(|message| message.kind == "frame").unwrap();
    assert_eq!(frame.data["frame"]["histograms"], json!({}), "they are not for browsers");
    assert_eq!(frame.data["frame"]["classes"], json!(null), "neither are these");
    assert_eq!(frame.data["frame"]["tags"], json!({ "a": { "completed": 7, "errors": 1 } }));
    assert_eq!(frame.data["frame"]["slowest"][0]["slot"], 3);
    assert_eq!(frame.id, "f1.e0");
}

#[tokio::test]
async fn a_stream_goes_on_without_a_hole_wherever_it_broke() {
    let server = Server::open().await;
    let id = server.running(&plan("10")).await;
    commit(&server, &id, 0..5).await;
    event(&server, &id, "one").await;
    commit(&server, &id, 5..8).await;
    event(&server, &id, "two").await;
    end(&server, &id).await;
    let whole = read(&server, &id, None, |_| false).await;
    let counted = |messages: &[Message]| -> Vec<Message> {
        messages.iter().filter(|message| message.kind != "state").cloned().collect()
    };
    for (index, message) in whole.iter().enumerate() {
        let rest = read(&server, &id, Some(&message.id), |_| false).await;
        let mut both = counted(&whole[..=index]);
        // `end` comes to whoever comes back after it, too.
        both.retain(|message| message.kind != "end");
        both.extend(counted(&rest));
        assert_eq!(both, counted(&whole), "after {}", message.id);
    }
}

#[tokio::test]
async fn a_stream_goes_on_at_another_server() {
    let server = Server::open().await;
    let id = server.running(&plan("10")).await;
    commit(&server, &id, 0..4).await;
    let first = read(&server, &id, None, |messages| seconds(messages).len() == 3).await;
    let last = first.last().unwrap().id.clone();
    let server = server.restart().await;
    commit(&server, &id, 4..6).await;
    end(&server, &id).await;
    let rest = read(&server, &id, Some(&last), |_| false).await;
    let both: Vec<_> = seconds(&first).into_iter().chain(seconds(&rest)).collect();
    assert_eq!(both, (0..6).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams() {
    let server = Server::open().await;
    let id = server.running(&plan("10")).await;
    let url = format!("/api/v1/runs/{id}/events");
    let mut response = server.request("GET", &url).send().await.unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"event:"), "{first:?}");
    let restarted = tokio::time::timeout(Duration::from_secs(30), server.restart()).await;
    assert!(restarted.is_ok(), "it waits for a stream that never ends");
    // Whatever was on its way; then the end, clean or not.
    while let Ok(Some(_)) = response.chunk().await {}
}

#[tokio::test]
async fn bad_ids_and_too_many_streams_are_refused() {
    let settings = acp_control::settings::ApiSettings {
        event_streams_max: 1,
        ..acp_control::settings::ApiSettings::default()
    };
    let server = Server::start(settings).await;
    let id = server.running(&plan("10")).await;
    let url = format!("/api/v1/runs/{id}/events");
    for bad in ["x", "f1", "f1.e", "f-1.e0", "f99999999999999999999.e0"] {
        let request = server.request("GET", &url).header("last-event-id", bad);
        server.send(request).await.error(400, bad);
    }
    let open = server.request("GET", &url).send().await.unwrap();
    assert_eq!(open.status(), 200);
    let got = server.get(&url).await;
    got.error(429, "one is open");
    assert!(got.headers.contains_key("retry-after"));
    drop(open);
    let free = async {
        while server.request("GET", &url).send().await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), free).await.is_ok(), "it stays taken");
}
