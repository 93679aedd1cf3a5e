//! Tests of the connection: how bytes are run through it, and what must come out.

mod coding_table;
mod corpus;
mod properties;
mod table;
mod timing;

use super::{End, HeadPool, Http1, Progress, ProtocolError, Response};

/// Which heads a connection may remember.
enum Pool<'pool> {
    /// A new pool for each call: every head is parsed.
    Forgetful,
    Shared(&'pool mut HeadPool),
}

/// All that a connection shows: each response with the place where it ended, and how it all ended.
#[derive(Clone, Debug, PartialEq)]
struct Trace {
    responses: Vec<(usize, Response)>,
    bodies: Vec<Vec<u8>>,
    last: Result<(bool, End), ProtocolError>,
}

/// Runs bytes through a connection in pieces of these lengths, used in turn, and closes it.
fn trace(bytes: &[u8], lengths: &[usize], head_request: bool, pool: &mut Pool) -> Trace {
    let mut connection = Http1::new(head_request);
    let (mut responses, mut bodies, mut body) = (Vec::new(), Vec::new(), Vec::new());
    let mut lengths = lengths.iter().cycle();
    let mut from = 0;
    while from < bytes.len() {
        let length = *lengths.next().expect("a piece has a length");
        let mut piece = &bytes[from..bytes.len().min(from + length)];
        while !piece.is_empty() {
            let mut take = |piece: &[u8]| body.extend_from_slice(piece);
            let fed = match pool {
                Pool::Forgetful => connection.feed_to(piece, &mut HeadPool::new(), &mut take),
                Pool::Shared(pool) => connection.feed_to(piece, pool, &mut take),
            };
            let (used, progress) = match fed {
                Ok(fed) => fed,
                Err(error) => return Trace { responses, bodies, last: Err(error) },
            };
            from += used;
            piece = &piece[used..];
            match progress {
                Progress::Partial => assert!(piece.is_empty(), "a partial response uses all bytes"),
                Progress::Done(response) => {
                    assert_eq!(response.body_bytes, body.len() as u64, "bytes of the body");
                    responses.push((from, response));
                    bodies.push(std::mem::take(&mut body));
                }
            }
        }
    }
    let idle = connection.is_idle();
    let end = match pool {
        Pool::Forgetful => connection.end(&mut HeadPool::new()),
        Pool::Shared(pool) => connection.end(pool),
    };
    assert!(connection.is_idle(), "after its end a connection is as new");
    Trace { responses, bodies, last: Ok((idle, end)) }
}

/// The trace of bytes that come in one piece, each head parsed.
fn whole(bytes: &[u8], head_request: bool) -> Trace {
    trace(bytes, &[bytes.len()], head_request, &mut Pool::Forgetful)
}

impl Trace {
    /// One word for each response, `status/body` with `!` if the connection may not be reused, and
    /// one for the end: `idle`, `early`, `until-close:…` or the error.
    fn text(&self) -> String {
        let word = |response: &Response| {
            let mark = if response.reuse { "" } else { "!" };
            format!("{}/{}{mark}", response.status, response.body_bytes)
        };
        let mut words: Vec<String> =
            self.responses.iter().map(|(_, response)| word(response)).collect();
        words.push(match &self.last {
            Ok((true, End::Idle)) => "idle".to_owned(),
            Ok((false, End::Early)) => "early".to_owned(),
            Ok((false, End::Done(response))) => format!("until-close:{}", word(response)),
            Ok(contradiction) => format!("{contradiction:?}"),
            Err(error) => format!("{error:?}"),
        });
        words.join(" ")
    }
}
