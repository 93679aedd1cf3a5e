//! Response framing: for any bytes, cut in any way, the result is that of the same bytes in one
//! piece, with and without remembered heads.
//!
//! Input: one byte (bit 0: requests are HEAD; bits 1 to 3: number of piece lengths), the piece
//! lengths less one, and the bytes of the connection. The lengths are used in turn; none means 1.
#![no_main]

use acp_engine::conn::{End, HeadPool, Http1, Progress, ProtocolError, Response};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&flags, rest)) = data.split_first() else { return };
    let Some((lengths, bytes)) = rest.split_at_checked(usize::from(flags >> 1 & 7)) else { return };
    let head_request = flags & 1 != 0;
    let lengths: Vec<usize> = match lengths {
        [] => vec![1],
        _ => lengths.iter().map(|&length| usize::from(length) + 1).collect(),
    };

    let mut warm = HeadPool::new();
    let whole = trace(bytes, &[bytes.len()], head_request, &mut Pool::Forgetful);
    let cut = trace(bytes, &lengths, head_request, &mut Pool::Forgetful);
    assert_eq!(cut, whole, "pieces {lengths:?}");
    for round in 0..2 {
        for lengths in [&[bytes.len()], lengths.as_slice()] {
            let remembered = trace(bytes, lengths, head_request, &mut Pool::Shared(&mut warm));
            assert_eq!(remembered, whole, "remembered heads, round {round}, pieces {lengths:?}");
        }
    }
});

/// Where remembered heads come from.
enum Pool<'pool> {
    /// A new pool for each call: every head is parsed.
    Forgetful,
    Shared(&'pool mut HeadPool),
}

/// All that a connection shows: each response with the place where it ended, and how it all ended.
#[derive(Debug, PartialEq)]
struct Trace {
    responses: Vec<(usize, Response)>,
    last: Result<(bool, End), ProtocolError>,
}

fn trace(bytes: &[u8], lengths: &[usize], head_request: bool, pool: &mut Pool) -> Trace {
    let mut connection = Http1::new(head_request);
    let mut responses = Vec::new();
    let (mut from, mut turn) = (0, 0);
    while from < bytes.len() {
        let to = bytes.len().min(from + lengths[turn % lengths.len()]);
        turn += 1;
        while from < to {
            let mut fresh = HeadPool::new();
            let pool = match pool {
                Pool::Forgetful => &mut fresh,
                Pool::Shared(pool) => pool,
            };
            match connection.feed(&bytes[from..to], pool) {
                Err(error) => {
                    connection.reset(pool);
                    return Trace { responses, last: Err(error) };
                }
                Ok((used, Progress::Partial)) => {
                    assert_eq!(used, to - from, "a partial response uses all bytes");
                    from = to;
                }
                Ok((used, Progress::Done(response))) => {
                    from += used;
                    responses.push((from, response));
                }
            }
        }
    }
    let idle = connection.is_idle();
    let end = match pool {
        Pool::Forgetful => connection.end(&mut HeadPool::new()),
        Pool::Shared(pool) => connection.end(pool),
    };
    Trace { responses, last: Ok((idle, end)) }
}
