//! What it costs: sizes are held, times are printed.
//!
//! `cargo nextest run --release -p acp-engine --run-ignored only --no-capture conn`

use std::hint::black_box;
use std::time::Instant;

use super::{HeadPool, Http1, Progress};

#[test]
fn a_connection_is_small() {
    let bytes = size_of::<Http1>();
    assert!(bytes <= 96, "{bytes}");
}

/// Every head a new one, and every head the same.
#[test]
#[ignore = "prints times, for a release build on a quiet machine"]
fn print_time_of_a_response() {
    let response = |byte: char| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5";
        format!("{head}\r\nServer: abcdefgh{byte}\r\n\r\nhello").into_bytes()
    };
    let rounds = 5_000_000_u32;
    for (word, responses) in [
        ("equal heads", [response('a'), response('a')]),
        ("alternating heads", [response('a'), response('b')]),
    ] {
        let (mut connection, mut pool) = (Http1::new(false), HeadPool::new());
        let start = Instant::now();
        for round in 0..rounds {
            let bytes = &responses[round as usize % 2];
            let fed = connection.feed(black_box(bytes), &mut pool);
            assert!(matches!(black_box(fed), Ok((_, Progress::Done(_)))));
        }
        let each = start.elapsed() / rounds;
        println!("{word}: {each:?} for {} bytes", responses[0].len());
    }
}
