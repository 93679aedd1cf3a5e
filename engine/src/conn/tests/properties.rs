//! Generated responses: valid ones must be counted exactly, broken ones must not depend on cuts.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{End, HeadPool, Pool, Response, trace, whole};

/// One generated response: its bytes and what must be counted.
#[derive(Clone, Debug)]
struct Generated {
    bytes: Vec<u8>,
    response: Response,
}

/// How the generator frames a body.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Body {
    None,
    Length,
    Chunked,
}

/// The parts of a response, drawn apart so that a failure shrinks part by part.
#[derive(Clone, Debug)]
struct Parts {
    interim: usize,
    status: u16,
    body: Body,
    payload: Vec<u8>,
    chunk: usize,
    close: Option<&'static str>,
    line_end: &'static str,
    fillers: Vec<&'static str>,
    trailer: &'static str,
}

const FILLERS: [&str; 6] = [
    "Server: x",
    "X-Folded: a\r\n b",
    "Content-Lengths: 7",
    "Empty:",
    "Connection: x, keep-alive",
    "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

fn parts() -> impl Strategy<Value = Parts> {
    let body = select(vec![Body::None, Body::Length, Body::Chunked]);
    (
        (0..3_usize, select(vec![200_u16, 204, 304, 404, 503]), body),
        (proptest::collection::vec(any::<u8>(), 0..300), 1..100_usize),
        select(vec![None, Some("Connection: close"), Some("connection:a,CLOSE")]),
        select(vec!["\r\n", "\n"]),
        proptest::collection::vec(select(FILLERS.to_vec()), 0..5),
        select(vec!["", "A: b\r\n", "A: b\n c\n"]),
    )
        .prop_map(
            |((interim, status, body), (payload, chunk), close, line_end, fillers, trailer)| {
                Parts { interim, status, body, payload, chunk, close, line_end, fillers, trailer }
            },
        )
}

impl Parts {
    fn render(self) -> Generated {
        let mut head: Vec<String> = vec![format!("HTTP/1.1 {} Reason", self.status)];
        head.extend(self.fillers.iter().map(|&line| line.to_owned()));
        head.extend(self.close.map(str::to_owned));
        let bodiless = matches!(self.status, 204 | 304);
        let mut body = Vec::new();
        let mut body_bytes = if bodiless { 0 } else { self.payload.len() as u64 };
        match self.body {
            Body::None if bodiless => {}
            Body::None => {
                head.push("Content-Length: 0".to_owned());
                body_bytes = 0;
            }
            Body::Length => {
                head.push(format!("Content-Length: {}", self.payload.len()));
                body.extend_from_slice(&self.payload);
            }
            Body::Chunked => {
                head.push("Transfer-Encoding: chunked".to_owned());
                for chunk in self.payload.chunks(self.chunk) {
                    body.extend(format!("{:x};e=f\r\n", chunk.len()).bytes());
                    body.extend_from_slice(chunk);
                    body.extend(b"\r\n");
                }
                body.extend(format!("0\r\n{}\r\n", self.trailer).bytes());
            }
        }
        let mut bytes = "HTTP/1.1 100 Continue\r\nA: b\r\n\r\n".repeat(self.interim).into_bytes();
        bytes.extend(head.iter().flat_map(|line| line.bytes().chain(self.line_end.bytes())));
        bytes.extend(self.line_end.bytes());
        bytes.extend(if bodiless { Vec::new() } else { body });
        let response = Response { status: self.status, reuse: self.close.is_none(), body_bytes };
        Generated { bytes, response }
    }
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        proptest::collection::vec(1..50_usize, 1..6),
        proptest::collection::vec(1..600_usize, 1..4),
    ]
}

fn stream() -> impl Strategy<Value = Vec<Generated>> {
    let one = parts().prop_map(Parts::render);
    // Repeated responses are what remembered heads are for.
    proptest::collection::vec((one, 1..4_usize), 1..5).prop_map(|runs| {
        runs.into_iter().flat_map(|(one, times)| std::iter::repeat_n(one, times)).collect()
    })
}

proptest! {
    #[test]
    fn valid_streams_are_counted_exactly(stream in stream(), lengths in lengths()) {
        let bytes: Vec<u8> = stream.iter().flat_map(|one| one.bytes.clone()).collect();
        let mut end = 0;
        let expected: Vec<(usize, Response)> = stream
            .iter()
            .map(|one| {
                end += one.bytes.len();
                (end, one.response)
            })
            .collect();
        let mut warm = HeadPool::new();
        for lengths in [vec![bytes.len()], lengths] {
            for mut pool in [Pool::Forgetful, Pool::Shared(&mut warm)] {
                let found = trace(&bytes, &lengths, false, &mut pool);
                prop_assert_eq!(&found.responses, &expected);
                prop_assert_eq!(found.last, Ok((true, End::Idle)));
            }
        }
    }

    #[test]
    fn broken_streams_do_not_depend_on_cuts_or_memory(
        stream in stream(),
        changes in proptest::collection::vec((any::<Index>(), change()), 1..4),
        lengths in lengths(),
        head_request: bool,
    ) {
        let mut bytes: Vec<u8> = stream.iter().flat_map(|one| one.bytes.clone()).collect();
        for (at, change) in &changes {
            change.apply(&mut bytes, at);
        }
        let expected = whole(&bytes, head_request);
        let mut warm = HeadPool::new();
        for lengths in [vec![bytes.len().max(1)], lengths, vec![1]] {
            for mut pool in [Pool::Forgetful, Pool::Shared(&mut warm)] {
                let found = trace(&bytes, &lengths, head_request, &mut pool);
                prop_assert_eq!(&found, &expected, "pieces of {:?}", lengths);
            }
        }
    }

    #[test]
    fn connections_of_one_pool_do_not_disturb_each_other(
        streams in proptest::collection::vec((stream(), lengths()), 2..4),
    ) {
        let mut warm = HeadPool::new();
        for (stream, lengths) in streams.iter().chain(&streams) {
            let bytes: Vec<u8> = stream.iter().flat_map(|one| one.bytes.clone()).collect();
            for head_request in [false, true] {
                let found = trace(&bytes, lengths, head_request, &mut Pool::Shared(&mut warm));
                prop_assert_eq!(found, whole(&bytes, head_request));
            }
        }
    }
}

/// What a careless server or proxy does to bytes.
#[derive(Clone, Debug)]
enum Change {
    Set(u8),
    Insert(&'static [u8]),
    Remove,
    Cut,
}

fn change() -> impl Strategy<Value = Change> {
    let inserts: Vec<&'static [u8]> = vec![
        b"\r",
        b"\n",
        b"\r\n",
        b" ",
        b":",
        b"0",
        b"9",
        b"\0",
        b"\xff",
        b"\r\n\r\n",
        b"\nContent-Length: 3\n",
        b"\nTransfer-Encoding: chunked\n",
        b"HTTP/1.0 200 \r\n",
    ];
    prop_oneof![
        4 => select(b"\r\n :;,09aHx\0\x7f".to_vec()).prop_map(Change::Set),
        4 => select(inserts).prop_map(Change::Insert),
        4 => Just(Change::Remove),
        1 => Just(Change::Cut),
    ]
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>, at: &Index) {
        if bytes.is_empty() {
            return;
        }
        let at = at.index(bytes.len());
        match self {
            Self::Set(byte) => bytes[at] = *byte,
            Self::Insert(insert) => drop(bytes.splice(at..at, insert.iter().copied())),
            Self::Remove => drop(bytes.remove(at)),
            Self::Cut => bytes.truncate(at),
        }
    }
}
