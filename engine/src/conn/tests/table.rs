//! The table of responses, good and bad: a word, the bytes, and what must come of them.

use super::coding_table::{CHUNKS, CODING, MORE_CODING, TRAILERS};

/// One row of the table.
pub(super) struct Row {
    pub(super) word: &'static str,
    pub(super) bytes: Vec<u8>,
    /// As [`super::Trace::text`] writes it.
    pub(super) expected: &'static str,
    pub(super) head_request: bool,
}

/// A word, bytes and what must come of them.
type Line = (&'static str, &'static [u8], &'static str);

/// Rows whose bytes begin alike.
pub(super) struct Table {
    pub(super) head_request: bool,
    pub(super) prefix: &'static [u8],
    pub(super) lines: &'static [Line],
}

/// Every row that is short enough to be cut in every way.
pub(super) fn rows() -> Vec<Row> {
    let tables = [
        LENGTH,
        NO_BODY,
        HEAD_REQUEST,
        REUSE,
        CODING,
        MORE_CODING,
        CHUNKS,
        TRAILERS,
        HEAD,
        STATUS_LINE,
        STREAM,
    ];
    tables.iter().flat_map(Table::rows).collect()
}

impl Table {
    fn rows(&self) -> impl Iterator<Item = Row> {
        self.lines.iter().map(|&(word, bytes, expected)| Row {
            word,
            bytes: [self.prefix, bytes].concat(),
            expected,
            head_request: self.head_request,
        })
    }
}

/// Rows at the limits, too long for every way to cut them.
pub(super) fn long_rows() -> Vec<Row> {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    // A head of exactly so many bytes.
    let head = |bytes: usize| {
        let rest = bytes - ok.len() - "A: \r\n\r\n".len();
        format!("{ok}A: {}\r\n\r\n", "a".repeat(rest))
    };
    let headers = |count: usize| format!("{ok}{}\r\n", "A: b\r\n".repeat(count - 1));
    let extension =
        |bytes: usize| format!("{chunked}1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(bytes - 2));
    let trailers = |bytes: usize| {
        format!("{chunked}0\r\nA: {}\r\n\r\n", "a".repeat(bytes - "A: \r\n\r\n".len()))
    };
    let zeros = |count: usize| format!("{chunked}{}1\r\nx\r\n0\r\n\r\n", "0".repeat(count - 1));
    let rows: Vec<(&str, String, &str)> = vec![
        ("a head of two receive buffers", head(4096), "200/0 idle"),
        ("the longest head", head(65536), "200/0 idle"),
        ("a head one byte too long", head(65537), "HeadTooLong"),
        ("a head that never ends", "HTTP/1.1 200 ".to_owned() + &"x".repeat(70000), "HeadTooLong"),
        (
            "too long beats malformed",
            head(65537).replace("aaa\r\n\r\n", "aaa\r\n:\r\n"),
            "HeadTooLong",
        ),
        ("too long beats contradicting", head(65537).replace("h: 0", "h: x"), "HeadTooLong"),
        ("as many headers as usual", headers(64), "200/0 idle"),
        ("one header more than usual", headers(65), "200/0 idle"),
        ("the most headers", headers(256), "200/0 idle"),
        ("one header too many", headers(257), "TooManyHeaders"),
        ("malformed beats too many", headers(300).replacen("A: b", "A b", 1), "Head"),
        ("too many headers, cut off", headers(300) + "A", "TooManyHeaders"),
        ("the longest chunk line", extension(4096), "200/1 idle"),
        ("a chunk line one byte too long", extension(4097), "ChunkTooLong"),
        ("a chunk size of many zeros", zeros(4096), "200/1 idle"),
        ("a chunk size of too many zeros", zeros(4097), "ChunkTooLong"),
        ("the longest trailers", trailers(65536), "200/0 idle"),
        ("trailers one byte too long", trailers(65537), "TrailersTooLong"),
        (
            "body longer than a buffer",
            format!("{chunked}1fff\r\n{}\r\n0\r\n\r\n", "x".repeat(8191)),
            "200/8191 idle",
        ),
        (
            "the most interim responses",
            "HTTP/1.1 100 \r\n\r\n".repeat(16) + ok + "\r\n",
            "200/0 idle",
        ),
        (
            "one interim response too many",
            "HTTP/1.1 100 \r\n\r\n".repeat(17) + ok + "\r\n",
            "TooManyInterim",
        ),
    ];
    rows.into_iter()
        .map(|(word, text, expected)| Row {
            word,
            bytes: text.into_bytes(),
            expected,
            head_request: false,
        })
        .collect()
}

const LENGTH: Table = Table {
    head_request: false,
    prefix: b"HTTP/1.1 200 OK\r\n",
    lines: &[
        ("a length", b"Content-Length: 5\r\n\r\nhello", "200/5 idle"),
        ("no bytes", b"Content-Length: 0\r\n\r\n", "200/0 idle"),
        ("any case, no space", b"cONTENT-lENGTH:5\r\n\r\nhello", "200/5 idle"),
        ("space around", b"Content-Length: \t 5 \t\r\n\r\nhello", "200/5 idle"),
        ("leading zero", b"Content-Length: 05\r\n\r\nhello", "200/5 idle"),
        ("twice equal", b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "200/5 idle"),
        ("list of equals", b"Content-Length: 5, 5,5\r\n\r\nhello", "200/5 idle"),
        ("list over a folded line", b"Content-Length: 5,\r\n 5\r\n\r\nhello", "200/5 idle"),
        (
            "twice different",
            b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "ContentLength",
        ),
        ("list of different", b"Content-Length: 5, 6\r\n\r\nhello", "ContentLength"),
        ("list with a hole", b"Content-Length: 5,\r\n\r\nhello", "ContentLength"),
        ("good, then bad", b"Content-Length: 5\r\nContent-Length: x\r\n\r\nhello", "ContentLength"),
        ("bad, then good", b"Content-Length: x\r\nContent-Length: 5\r\n\r\nhello", "ContentLength"),
        ("empty", b"Content-Length:\r\n\r\nhello", "ContentLength"),
        ("plus sign", b"Content-Length: +5\r\n\r\nhello", "ContentLength"),
        ("minus sign", b"Content-Length: -5\r\n\r\nhello", "ContentLength"),
        ("fraction", b"Content-Length: 5.0\r\n\r\nhello", "ContentLength"),
        ("hexadecimal", b"Content-Length: 0x5\r\n\r\nhello", "ContentLength"),
        ("digits apart", b"Content-Length: 1 0\r\n\r\n0123456789", "ContentLength"),
        ("digits on two lines", b"Content-Length: 1\r\n 0\r\n\r\n0123456789", "ContentLength"),
        ("largest", b"Content-Length: 18446744073709551615\r\n\r\nhello", "early"),
        (
            "one more than largest",
            b"Content-Length: 18446744073709551616\r\n\r\nhello",
            "ContentLength",
        ),
        ("far too large", b"Content-Length: 99999999999999999999999\r\n\r\nhello", "ContentLength"),
        ("body cut off", b"Content-Length: 5\r\n\r\nhell", "early"),
        ("body that never came", b"Content-Length: 5\r\n\r\n", "early"),
        ("body too long", b"Content-Length: 4\r\n\r\nhello", "200/4 Version"),
    ],
};

const NO_BODY: Table = Table {
    head_request: false,
    prefix: b"HTTP/1.1 ",
    lines: &[
        ("204", b"204 No Content\r\n\r\n", "204/0 idle"),
        ("204 with a length", b"204 No Content\r\nContent-Length: 5\r\n\r\n", "204/0 idle"),
        ("204 with chunked", b"204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "204/0 idle"),
        ("304 with a length", b"304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304/0 idle"),
        ("304 with a bad length", b"304 Not Modified\r\nContent-Length: x\r\n\r\n", "304/0 idle"),
        ("304 that closes", b"304 Not Modified\r\nConnection: close\r\n\r\n", "304/0! idle"),
        ("204 with a body", b"204 No Content\r\nContent-Length: 5\r\n\r\nhello", "204/0 Version"),
        ("205 is not special", b"205 Reset\r\nContent-Length: 2\r\n\r\nhi", "205/2 idle"),
    ],
};

const HEAD_REQUEST: Table = Table {
    head_request: true,
    prefix: b"",
    lines: &[
        ("HEAD with a length", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200/0 idle"),
        (
            "HEAD with chunked",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "200/0 idle",
        ),
        ("HEAD with neither", b"HTTP/1.1 200 OK\r\n\r\n", "200/0 idle"),
        ("HEAD with a bad length", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "200/0 idle"),
        ("HEAD and 1.0", b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "200/0! idle"),
        (
            "HEAD, 1.0 and chunked",
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
            "200/0! idle",
        ),
        (
            "HEAD after 100",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            "200/0 idle",
        ),
        ("HEAD with a body", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200/0 Version"),
    ],
};

const REUSE: Table = Table {
    head_request: false,
    prefix: b"HTTP/1.",
    lines: &[
        ("close", b"1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "200/0! idle"),
        (
            "close in any case",
            b"1 200 OK\r\nContent-Length: 0\r\nCONNECTION: CLOSE\r\n\r\n",
            "200/0! idle",
        ),
        (
            "close in a list",
            b"1 200 OK\r\nContent-Length: 0\r\nConnection: a,, keep-alive ,close\t\r\n\r\n",
            "200/0! idle",
        ),
        (
            "close on a second line",
            b"1 200 OK\r\nConnection: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "200/0! idle",
        ),
        (
            "close on a folded line",
            b"1 200 OK\r\nConnection: x,\r\n\tclose\r\nContent-Length: 0\r\n\r\n",
            "200/0! idle",
        ),
        (
            "close in another word",
            b"1 200 OK\r\nContent-Length: 0\r\nConnection: closed, xclose\r\n\r\n",
            "200/0 idle",
        ),
        (
            "keep-alive",
            b"1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
            "200/0 idle",
        ),
        ("1.0", b"0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200/2! idle"),
        (
            "1.0 and keep-alive",
            b"0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\nhi",
            "200/2 idle",
        ),
        (
            "1.0, keep-alive and close",
            b"0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive, close\r\n\r\nhi",
            "200/2! idle",
        ),
        (
            "1.0, keep-alive and no length",
            b"0 200 OK\r\nConnection: Keep-Alive\r\n\r\nhi",
            "until-close:200/2!",
        ),
        ("neither length nor chunks", b"1 200 OK\r\n\r\nhello", "until-close:200/5!"),
        ("nothing until close", b"1 200 OK\r\n\r\n", "until-close:200/0!"),
    ],
};

const HEAD: Table = Table {
    head_request: false,
    prefix: b"HTTP/1.1 200 OK",
    lines: &[
        ("bare LF everywhere", b"\nContent-Length: 2\n\nhi", "200/2 idle"),
        ("LF and CRLF", b"\r\nContent-Length: 2\n\r\nhi", "200/2 idle"),
        ("folded line", b"\r\nA: b\r\n c\r\n\td\r\nContent-Length: 2\r\n\r\nhi", "200/2 idle"),
        ("folded line of white space", b"\r\nContent-Length: 2\r\nA:\r\n \r\n\r\nhi", "200/2 idle"),
        (
            "header in a folded line",
            b"\r\nA: b\r\n Content-Length: 2\r\n\r\nhi",
            "until-close:200/2!",
        ),
        (
            "bytes above ASCII in a value",
            b"\r\nA: \xff\xfe\r\nContent-Length: 2\r\n\r\nhi",
            "200/2 idle",
        ),
        ("fold before the first header", b"\r\n A: b\r\n\r\n", "Head"),
        ("space before the colon", b"\r\nContent-Length : 2\r\n\r\nhi", "Head"),
        ("no colon", b"\r\nContent-Length 2\r\n\r\nhi", "Head"),
        ("no name", b"\r\n: 2\r\n\r\nhi", "Head"),
        ("name that is not a token", b"\r\nA(b): 2\r\n\r\nhi", "Head"),
        ("zero byte in a value", b"\r\nA: \0\r\n\r\nhi", "Head"),
        ("bare CR in a value", b"\r\nA: b\rc\r\n\r\nhi", "Head"),
        ("CR CR LF at the end", b"\r\nA: b\r\n\r\r\n\r\n", "Head"),
        ("CR CR LF is no blank line", b"\r\nA: b\r\n\r\r\n", "early"),
        ("fault in a head that goes on", b"\r\n: 2\r\nA: b\r\n", "early"),
        ("cut off in a name", b"\r\nContent", "early"),
        ("cut off before the blank line", b"\r\nA: b\r\n", "early"),
        ("cut off in the blank line", b"\r\nA: b\r\n\r", "early"),
    ],
};

const STATUS_LINE: Table = Table {
    head_request: false,
    prefix: b"",
    lines: &[
        ("no reason", b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200/0 idle"),
        ("no space after the code", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200/0 idle"),
        ("reason above ASCII", b"HTTP/1.1 200 \xc3\x96\r\nContent-Length: 0\r\n\r\n", "200/0 idle"),
        ("largest code", b"HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n", "999/0 idle"),
        ("code below 100", b"HTTP/1.1 099 \r\nContent-Length: 0\r\n\r\n", "Status"),
        ("code below 100, cut off", b"HTTP/1.1 0", "Status"),
        ("code of two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", "Status"),
        ("code of four digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", "Status"),
        ("code of letters", b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", "Status"),
        ("two spaces before the code", b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n", "Status"),
        (
            "control character in the reason",
            b"HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n",
            "Status",
        ),
        ("bare CR in the reason", b"HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n", "Status"),
        ("tab for a space", b"HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n", "Version"),
        ("version 2", b"HTTP/2 200\r\n\r\n", "Version"),
        ("version 1.2", b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n", "Version"),
        ("version 0.9", b"<html>", "Version"),
        ("small letters", b"http/1.1 200 OK\r\n\r\n", "Version"),
        ("a request", b"GET / HTTP/1.1\r\n\r\n", "Version"),
        ("another protocol", b"SSH-2.0-OpenSSH_9.6\r\n", "Version"),
        ("a TLS alert", b"\x15\x03\x01\x00\x02\x02\x46", "Version"),
        ("zero bytes", b"\0\0\0\0", "Version"),
        ("space before the status line", b" HTTP/1.1 200 OK\r\n\r\n", "Version"),
        ("wrong from the sixth byte", b"HTTP/x", "Version"),
        ("cut off in the version", b"HTTP/1", "early"),
        ("cut off in the code", b"HTTP/1.1 20", "early"),
    ],
};

const STREAM: Table = Table {
    head_request: false,
    prefix: b"",
    lines: &[
        ("nothing", b"", "idle"),
        (
            "three in one piece",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 404 No\r\n\
              Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nHTTP/1.1 204 \r\n\r\n",
            "200/2 404/1 204/0 idle",
        ),
        (
            "two equal heads, two bodies",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\
              Content-Length: 2\r\n\r\nhoHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n!",
            "200/2 200/2 early",
        ),
        (
            "alternating heads",
            b"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\naHTTP/1.1 500 \r\n\
              Content-Length: 2\r\n\r\nbbHTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nc",
            "200/1 500/2 200/1 idle",
        ),
        (
            "head that begins like the last",
            b"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 \r\n\
              Content-Length: 1\r\nA: b\r\n\r\na",
            "200/1 200/1 idle",
        ),
        (
            "last until close",
            b"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 \r\n\r\nHTTP/1.1",
            "200/1 until-close:200/8!",
        ),
        ("blank lines before", b"\r\n\n\r\nHTTP/1.1 204 \r\n\r\n", "204/0 idle"),
        (
            "blank lines between and behind",
            b"HTTP/1.1 204 \r\n\r\n\r\n\r\nHTTP/1.1 204 \r\n\r\n\r\n",
            "204/0 204/0 idle",
        ),
        (
            "eight blank lines each",
            b"\n\n\n\n\n\n\n\nHTTP/1.1 204 \r\n\r\n\n\n\n\n\n\n\n\nHTTP/1.1 204 \r\n\r\n",
            "204/0 204/0 idle",
        ),
        (
            "eight blank lines around 100",
            b"\n\n\n\n\n\n\n\nHTTP/1.1 100 \r\n\r\n\n\n\n\n\n\n\n\nHTTP/1.1 204 \r\n\r\n",
            "204/0 idle",
        ),
        ("nine blank lines", b"\n\n\n\n\n\n\n\n\nHTTP/1.1 204 \r\n\r\n", "TooManyBlankLines"),
        ("half a blank line", b"\r", "idle"),
        ("half a blank line and a response", b"\rHTTP/1.1 204 \r\n\r\n", "Head"),
        (
            "half a blank line and a known head",
            b"HTTP/1.1 204 \r\n\r\n\rHTTP/1.1 204 \r\n\r\n",
            "204/0 Head",
        ),
        ("two halves of a blank line", b"\r\r\n", "Head"),
        (
            "100 first",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "200/2 idle",
        ),
        (
            "100 and 103 with fields",
            b"HTTP/1.1 100 \r\nContent-Length: 9\r\n\r\n\r\nHTTP/1.1 103 \r\nLink: x\r\n\
              Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nHTTP/1.1 204 \r\n\r\n",
            "204/0 idle",
        ),
        (
            "100 between",
            b"HTTP/1.1 204 \r\n\r\nHTTP/1.1 100 \r\n\r\nHTTP/1.1 204 \r\n\r\n",
            "204/0 204/0 idle",
        ),
        ("100 with a bad head", b"HTTP/1.1 100 \r\n: x\r\n\r\nHTTP/1.1 204 \r\n\r\n", "Head"),
        ("100 and no more", b"HTTP/1.1 100 Continue\r\n\r\n", "early"),
        ("100 and a blank line", b"HTTP/1.1 100 Continue\r\n\r\n\r\n", "early"),
        (
            "101",
            b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            "101/0! idle",
        ),
        (
            "101 and another protocol",
            b"HTTP/1.1 101 Switching\r\nContent-Length: 3\r\n\r\n\x81\x01x",
            "101/0! Version",
        ),
        ("bytes nobody asked for", b"HTTP/1.1 204 \r\n\r\nxyz", "204/0 Version"),
    ],
};
