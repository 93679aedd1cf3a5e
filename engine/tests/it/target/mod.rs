//! The built-in target, talked to over plain sockets.

mod faults;
mod tls;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use acp_engine::target::{
    Counts, ResponseOptions, Target, TargetError, TargetOptions, body, judge, parse_error_rate,
    read_arrivals,
};
use acp_wire::units::parse_rate;

/// Long enough for any machine; a test that gets here has failed.
const PATIENCE: Duration = Duration::from_secs(20);

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

fn start(options: TargetOptions) -> Target {
    Target::start(options).expect("target")
}

fn with_response(response: ResponseOptions) -> TargetOptions {
    TargetOptions { response, ..TargetOptions::default() }
}

/// A response as it came over the wire.
#[derive(Debug, PartialEq, Eq)]
struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| header.0 == name);
        found.map(|header| header.1.as_str())
    }
}

struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    fn connect(target: &Target) -> Client {
        let stream = TcpStream::connect(target.address()).expect("connect");
        stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
        stream.set_nodelay(true).expect("nodelay");
        Client { reader: BufReader::new(stream) }
    }

    fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream().write_all(bytes.as_ref()).expect("write");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("line");
        let line = line.strip_suffix("\r\n").expect("a whole line");
        line.to_owned()
    }

    fn head(&mut self) -> Response {
        let status = self.line();
        let status = status.strip_prefix("HTTP/1.1 ").expect("status line");
        let status = status.split(' ').next().and_then(|code| code.parse().ok()).expect("code");
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        Response { status, headers, body: Vec::new() }
    }

    fn response(&mut self) -> Response {
        let mut response = self.head();
        if response.header("transfer-encoding") == Some("chunked") {
            response.body = self.chunks();
        } else if let Some(length) = response.header("content-length") {
            response.body = vec![0; length.parse().expect("length")];
            self.reader.read_exact(&mut response.body).expect("body");
        }
        response
    }

    fn chunks(&mut self) -> Vec<u8> {
        let (mut body, mut count) = (Vec::new(), 0);
        loop {
            let size = usize::from_str_radix(&self.line(), 16).expect("chunk size");
            let start = body.len();
            body.resize(start + size, 0);
            self.reader.read_exact(&mut body[start..]).expect("chunk");
            assert_eq!(self.line(), "");
            if size == 0 {
                assert!(count > 1, "several chunks");
                return body;
            }
            count += 1;
        }
    }

    fn get(&mut self) -> Response {
        self.send(REQUEST);
        self.response()
    }

    fn counts(&mut self) -> Counts {
        self.send("GET /__acp/count HTTP/1.1\r\nHost: test\r\n\r\n");
        serde_json::from_slice(&self.response().body).expect("counts")
    }

    fn assert_closed(&mut self) {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).expect("end of stream");
        assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    }
}

#[test]
fn every_request_gets_the_same_answer() {
    let target = start(TargetOptions::default());
    let mut client = Client::connect(&target);
    let first = client.get();
    assert_eq!(first.status, 200);
    assert_eq!(first.body, b"Hello, world!\n");
    for _ in 0..100 {
        assert_eq!(client.get(), first);
    }
    let counts = target.stop().expect("stop");
    assert_eq!((counts.requests, counts.responses, counts.connections), (101, 101, 1));
    assert_eq!(counts.bytes_received, 101 * REQUEST.len() as u64);
}

#[test]
fn the_response_is_what_was_asked_for() {
    let target = start(with_response(ResponseOptions {
        status: 503,
        body_bytes: 1000,
        headers: vec!["X-Test: yes".to_owned()],
        chunked: false,
    }));
    let response = Client::connect(&target).get();
    assert_eq!(response.status, 503);
    assert_eq!(response.header("x-test"), Some("yes"));
    assert_eq!(response.body, body(1000));
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let target = start(TargetOptions::default());
    let mut client = Client::connect(&target);
    let one =
        format!("{REQUEST}HEAD / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
    client.send(one.repeat(500));
    for _ in 0..500 {
        assert_eq!(client.response().body, b"Hello, world!\n");
        assert_eq!(client.head().header("content-length"), Some("14"));
        assert_eq!(client.response().body, b"Hello, world!\n");
    }
    assert_eq!(target.stop().expect("stop").requests, 1500);
}

#[test]
fn requests_may_come_a_byte_at_a_time() {
    let target = start(TargetOptions::default());
    let mut client = Client::connect(&target);
    for _ in 0..3 {
        for byte in REQUEST.bytes() {
            client.send([byte]);
        }
        assert_eq!(client.response().status, 200);
    }
}

#[test]
fn bodies_of_requests_are_read_and_ignored() {
    let target = start(TargetOptions::default());
    let mut client = Client::connect(&target);
    client.send(format!(
        "POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n{}",
        "x".repeat(1_000_000)
    ));
    assert_eq!(client.response().status, 200);
    let chunks = "4\r\nGET \r\n".repeat(10_000);
    client.send(format!("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"));
    assert_eq!(client.response().status, 200);
    client.send("POST / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.head().status, 100);
    client.send("x");
    assert_eq!(client.response().status, 200);
    let counts = target.stop().expect("stop");
    assert_eq!((counts.requests, counts.responses), (3, 3));
}

#[test]
fn uploads_larger_than_all_receive_memory_are_read() {
    const BODY_BYTES: usize = 4 << 20;
    let target = start(TargetOptions::default());
    let request = format!("POST / HTTP/1.1\r\nContent-Length: {BODY_BYTES}\r\n\r\n");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let mut client = Client::connect(&target);
            let request = &request;
            scope.spawn(move || {
                for _ in 0..3 {
                    client.send(request);
                    client.send(vec![b'x'; BODY_BYTES]);
                    assert_eq!(client.response().status, 200);
                }
            });
        }
    });
    let counts = target.stop().expect("stop");
    assert_eq!(counts.requests, 24);
    assert_eq!(counts.bytes_received, 24 * (BODY_BYTES + request.len()) as u64);
}

#[test]
fn a_head_request_gets_no_body() {
    let target = start(with_response(ResponseOptions { body_bytes: 777, ..Default::default() }));
    let mut client = Client::connect(&target);
    client.send("HEAD / HTTP/1.1\r\n\r\n");
    assert_eq!(client.head().header("content-length"), Some("777"));
    assert_eq!(client.get().body.len(), 777);
}

#[test]
fn connections_end_when_the_client_says_so() {
    let target = start(TargetOptions::default());
    for (request, connection) in [
        ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", Some("close")),
        ("GET / HTTP/1.0\r\n\r\n", Some("close")),
    ] {
        let mut client = Client::connect(&target);
        client.send(request);
        // Not read any more.
        client.send(REQUEST);
        assert_eq!(client.response().header("connection"), connection);
        client.assert_closed();
    }
    let mut old = Client::connect(&target);
    for _ in 0..2 {
        old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(old.response().header("connection"), Some("keep-alive"));
    }
    assert_eq!(target.stop().expect("stop").requests, 4);
}

#[test]
fn a_client_that_has_said_everything_still_gets_its_answer() {
    for delay_ns in [0, 20_000_000] {
        let target = start(TargetOptions { delay_ns, ..TargetOptions::default() });
        let mut client = Client::connect(&target);
        client.send(REQUEST.repeat(3));
        client.stream().shutdown(Shutdown::Write).expect("shutdown");
        for _ in 0..3 {
            assert_eq!(client.response().status, 200);
        }
        client.assert_closed();
    }
}

#[test]
fn a_bad_request_is_refused_and_the_connection_closed() {
    let target = start(TargetOptions::default());
    for bad in ["hello\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "\0\0\0\0"] {
        let mut client = Client::connect(&target);
        client.send(REQUEST);
        client.send(bad);
        assert_eq!(client.response().status, 200);
        let refusal = client.response();
        assert_eq!((refusal.status, refusal.header("connection")), (400, Some("close")));
        client.assert_closed();
    }
    let counts = target.stop().expect("stop");
    assert_eq!((counts.requests, counts.bad_requests), (3, 3));
}

#[test]
fn an_endless_head_is_refused() {
    let target = start(TargetOptions::default());
    let mut client = Client::connect(&target);
    client.send(format!("GET / HTTP/1.1\r\nA: {}", "x".repeat(40_000)));
    assert_eq!(client.response().status, 400);
}

#[test]
fn a_chunked_response_is_the_same_body_in_pieces() {
    for body_bytes in [14, 10_000, 1_000_000] {
        let target = start(with_response(ResponseOptions {
            body_bytes,
            chunked: true,
            ..Default::default()
        }));
        let mut client = Client::connect(&target);
        for _ in 0..3 {
            assert_eq!(client.get().body, body(body_bytes));
        }
        client.send("GET / HTTP/1.0\r\n\r\n");
        assert_eq!(client.response().header("content-length"), Some(&*body_bytes.to_string()));
    }
}

#[test]
fn a_large_body_reaches_a_slow_reader_whole() {
    const BODY_BYTES: usize = 8 << 20;
    let target =
        start(with_response(ResponseOptions { body_bytes: BODY_BYTES, ..Default::default() }));
    let expected = body(BODY_BYTES);
    let mut client = Client::connect(&target);
    // Pipelined, so that the next answers wait behind the one that does not fit.
    client.send(REQUEST.repeat(4));
    // The target has counted all four before anything is read.
    let start = Instant::now();
    while target.counts().requests < 4 {
        assert!(start.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    for _ in 0..4 {
        assert!(client.response().body == expected);
    }
    assert_eq!(client.counts().responses, 4);
}

#[test]
fn many_small_answers_to_a_client_that_reads_late_keep_their_order() {
    const COUNT: usize = 200_000;
    let target = start(TargetOptions {
        error_rate: parse_error_rate("20%").expect("share"),
        ..with_response(ResponseOptions { body_bytes: 100, ..Default::default() })
    });
    let mut client = Client::connect(&target);
    let mut writer = client.stream().try_clone().expect("clone");
    let writing = std::thread::spawn(move || {
        for _ in 0..COUNT / 100 {
            writer.write_all(REQUEST.repeat(100).as_bytes()).expect("write");
        }
    });
    let mut errors = 0;
    for _ in 0..COUNT {
        let response = client.response();
        if response.status == 500 {
            errors += 1;
        } else {
            assert!(response.body == body(100));
        }
    }
    writing.join().expect("writer");
    let counts = target.stop().expect("stop");
    assert_eq!((counts.requests, counts.responses), (COUNT as u64, COUNT as u64));
    assert_eq!(counts.injected_errors, errors);
}

#[test]
fn clients_that_vanish_do_no_harm() {
    let target =
        start(with_response(ResponseOptions { body_bytes: 4 << 20, ..Default::default() }));
    for _ in 0..50 {
        let mut client = Client::connect(&target);
        client.send(REQUEST.repeat(10));
        // Dropped with unread data: the target sees a reset in the middle of a send.
    }
    let mut client = Client::connect(&target);
    assert_eq!(client.get().body.len(), 4 << 20);
    let counts = client.counts();
    assert_eq!(counts.connections, 51);
    assert!(counts.responses <= counts.requests);
}

#[test]
fn places_of_closed_connections_are_used_again() {
    let target = start(TargetOptions { close_every: 2, ..TargetOptions::default() });
    for _ in 0..2_000 {
        let mut client = Client::connect(&target);
        assert_eq!(client.get().header("connection"), None);
        assert_eq!(client.get().header("connection"), Some("close"));
        client.assert_closed();
    }
    let counts = target.stop().expect("stop");
    assert_eq!((counts.requests, counts.connections), (4_000, 2_000));
}

#[test]
fn counts_can_be_asked_for_and_include_every_answered_request() {
    let target = start(TargetOptions { threads: 2, ..TargetOptions::default() });
    let mut clients: Vec<Client> = (0..20).map(|_| Client::connect(&target)).collect();
    for round in 1..=20 {
        for client in &mut clients {
            assert_eq!(client.get().status, 200);
        }
        let counts = clients[round % 20].counts();
        assert_eq!((counts.requests, counts.responses), (20 * round as u64, 20 * round as u64));
    }
}

#[test]
fn every_arrival_is_in_the_record() {
    for (threads, spin) in [(1, false), (2, false), (1, true)] {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("arrivals");
        let record = Some(path.clone());
        let target = start(TargetOptions { threads, spin, record, ..TargetOptions::default() });
        let mut clients: Vec<Client> = (0..10).map(|_| Client::connect(&target)).collect();
        for _ in 0..50 {
            for client in &mut clients {
                assert_eq!(client.get().status, 200);
            }
        }
        clients[0].counts();
        let counts = target.stop().expect("stop");
        let arrivals = read_arrivals(&path).expect("arrivals");
        assert_eq!(arrivals.len() as u64, counts.requests);
        assert!(arrivals.is_sorted());
        let judgement = judge(&arrivals, parse_rate("1k").expect("rate")).expect("judgement");
        assert_eq!(judgement.arrivals, 500);
    }
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let target = start(TargetOptions::default());
    for threads in [1, 2] {
        let listen = target.address();
        let second = Target::start(TargetOptions { listen, threads, ..TargetOptions::default() });
        assert!(matches!(second, Err(TargetError::Listen { .. })));
    }
}

#[test]
fn a_port_is_free_again_when_its_target_has_stopped() {
    let mut listen = TargetOptions::default().listen;
    for _ in 0..20 {
        let target = start(TargetOptions { listen, ..TargetOptions::default() });
        listen = target.address();
        let mut clients: Vec<Client> = (0..50).map(|_| Client::connect(&target)).collect();
        for client in &mut clients {
            assert_eq!(client.get().status, 200);
        }
        target.stop().expect("stop");
    }
}

#[test]
fn a_cpu_that_does_not_exist_is_an_error() {
    let result = Target::start(TargetOptions { cpus: vec![1023], ..TargetOptions::default() });
    assert!(matches!(result, Err(TargetError::Cpu { .. })));
}
