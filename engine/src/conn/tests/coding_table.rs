//! Rows of the table of responses whose bodies are coded: chunks and what stands around them.

use super::table::Table;

pub(super) const CODING: Table = Table {
    head_request: false,
    prefix: b"HTTP/1.1 200 OK\r\nTransfer-Encoding:",
    lines: &[
        ("chunked", b" chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "200/5 idle"),
        ("unknown, then chunked", b" zip;q=1, chunked\r\n\r\n0\r\n\r\n", "200/0 idle"),
        (
            "chunked on a second line",
            b" gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "200/0 idle",
        ),
        ("chunked on a folded line", b" gzip,\r\n chunked\r\n\r\n0\r\n\r\n", "200/0 idle"),
        ("holes in the list", b" , ,chunked,\r\n\r\n0\r\n\r\n", "200/0 idle"),
        ("chunked not last", b" chunked, gzip\r\n\r\n0\r\n\r\n", "until-close:200/5!"),
        ("gzip only", b" gzip\r\n\r\nhello", "until-close:200/5!"),
        ("identity", b" identity\r\nContent-Length: 2\r\n\r\nhello", "until-close:200/5!"),
        ("not quite chunked", b" xchunked\r\n\r\n0\r\n\r\n", "until-close:200/5!"),
        ("and over a bad length", b" chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n", "200/0! idle"),
        ("chunked twice", b" chunked, chunked\r\n\r\n0\r\n\r\n", "TransferEncoding"),
        ("chunked around another", b" chunked, gzip, chunked\r\n\r\n0\r\n\r\n", "TransferEncoding"),
        ("chunked with a parameter", b" chunked ;q=1\r\n\r\n0\r\n\r\n", "TransferEncoding"),
        (
            "twice, once with a parameter",
            b" chunked, chunked;q=1\r\n\r\n0\r\n\r\n",
            "TransferEncoding",
        ),
        ("a quoted comma", b" x;a=\", chunked\r\n\r\n0\r\n\r\n", "TransferEncoding"),
        ("no coding", b" ,\r\nContent-Length: 0\r\n\r\n", "TransferEncoding"),
    ],
};

pub(super) const MORE_CODING: Table = Table {
    head_request: false,
    prefix: b"HTTP/1.",
    lines: &[
        ("any case", b"1 200 OK\r\nTRANSFER-ENCODING: \tCHUNKED \r\n\r\n0\r\n\r\n", "200/0 idle"),
        (
            "chunked wins over a length",
            b"1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
              5\r\nhello\r\n0\r\n\r\n",
            "200/5! idle",
        ),
        (
            "chunked in 1.0",
            b"0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "TransferEncoding",
        ),
        ("gzip in 1.0", b"0 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello", "TransferEncoding"),
    ],
};

pub(super) const CHUNKS: Table = Table {
    head_request: false,
    prefix: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    lines: &[
        ("two chunks", b"3\r\nabc\r\n0000a\r\n0123456789\r\n000\r\n\r\n", "200/13 idle"),
        (
            "hexadecimal in both cases",
            b"A\r\n0123456789\r\nb\r\n01234567890\r\n0\r\n\r\n",
            "200/21 idle",
        ),
        ("extensions", b"3 ;a=b;c=\"d\"\r\nabc\r\n0;e\r\n\r\n", "200/3 idle"),
        ("padding", b"3  \t\r\nabc\r\n0   \r\n\r\n", "200/3 idle"),
        ("line ends as payload", b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", "200/5 idle"),
        ("no digit", b"\r\n", "Chunk"),
        ("only an extension", b";a\r\n", "Chunk"),
        ("space before the size", b" 3\r\nabc\r\n", "Chunk"),
        ("digits apart in a size", b"1 0\r\nabc\r\n", "Chunk"),
        ("not a digit", b"g\r\n", "Chunk"),
        ("prefix 0x", b"0x3\r\nabc\r\n", "Chunk"),
        ("negative", b"-1\r\n", "Chunk"),
        ("largest chunk", b"ffffffffffffffff\r\nabc", "early"),
        ("largest chunk with zeros", b"000ffffffffffffffff\r\nabc", "early"),
        ("one digit too many", b"10000000000000000\r\nabc", "Chunk"),
        ("bare LF after the size", b"3\nabc\r\n0\r\n\r\n", "Chunk"),
        ("bare LF in an extension", b"3;a\nabc\r\n0\r\n\r\n", "Chunk"),
        ("bare CR after the size", b"3\rabc\r\n0\r\n\r\n", "Chunk"),
        ("bare LF after the payload", b"3\r\nabc\n0\r\n\r\n", "Chunk"),
        ("payload too long", b"3\r\nabcd\r\n0\r\n\r\n", "Chunk"),
        ("payload too short", b"4\r\nabc\r\n0\r\n\r\n", "Chunk"),
        ("cut off in a chunk", b"3\r\nab", "early"),
        ("cut off between chunks", b"3\r\nabc\r\n", "early"),
        ("cut off before the last line", b"0\r\n", "early"),
        ("cut off in the last line", b"0\r\n\r", "early"),
    ],
};

pub(super) const TRAILERS: Table = Table {
    head_request: false,
    prefix: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    lines: &[
        ("trailers", b"0\r\nA: b\r\nC-d:\r\n\r\n", "200/0 idle"),
        (
            "trailers do not frame",
            b"0\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
            "200/0 idle",
        ),
        ("bare LF", b"0\r\nA: b\n\n", "200/0 idle"),
        ("folded trailer", b"0\r\nA: b\r\n c\r\n\r\n", "200/0 idle"),
        ("no trailer to fold", b"0\r\n c\r\n\r\n", "Trailer"),
        ("no colon", b"0\r\nAb\r\n\r\n", "Trailer"),
        ("no name", b"0\r\n: b\r\n\r\n", "Trailer"),
        ("space before the colon", b"0\r\nA : b\r\n\r\n", "Trailer"),
        ("control character", b"0\r\nA: \0\r\n\r\n", "Trailer"),
        ("bare CR in a trailer", b"0\r\nA: b\rc\r\n\r\n", "Trailer"),
        ("bare CR at the end", b"0\r\n\rX", "Trailer"),
        ("next response without a blank line", b"0\r\nHTTP/1.1 200 OK\r\n", "Trailer"),
        ("cut off in a trailer", b"0\r\nA: b", "early"),
    ],
};
