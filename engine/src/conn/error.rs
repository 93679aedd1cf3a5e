//! Why bytes are not an HTTP/1.1 response: a closed set, so that it can be counted.

/// Why bytes of a connection are not HTTP/1.1. The connection cannot be used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ProtocolError {
    /// The first bytes are not `HTTP/1.0 ` or `HTTP/1.1 `.
    #[error("response does not begin with `HTTP/1.0` or `HTTP/1.1`")]
    Version,
    /// The status code is not three digits from 100 to 999, or the reason holds control characters.
    #[error("malformed status code or reason")]
    Status,
    /// A line of the head is not a header.
    #[error("malformed header")]
    Head,
    /// The head is longer than 64 KiB.
    #[error("head longer than 64 KiB")]
    HeadTooLong,
    /// The head has more than 256 headers.
    #[error("more than 256 headers")]
    TooManyHeaders,
    /// More than 8 blank lines before a status line.
    #[error("more than 8 blank lines before the status line")]
    TooManyBlankLines,
    /// More than 16 interim (1xx) responses before the final one.
    #[error("more than 16 interim responses")]
    TooManyInterim,
    /// `Content-Length` is not a number of 64 bits, or its values differ.
    #[error("malformed or contradicting `Content-Length`")]
    ContentLength,
    /// `Transfer-Encoding` is empty, quoted, has `chunked` twice, or came in an HTTP/1.0 response.
    #[error("malformed or misplaced `Transfer-Encoding`")]
    TransferEncoding,
    /// A chunk's size is not a hexadecimal number of 64 bits, or a line end is missing.
    #[error("malformed chunk")]
    Chunk,
    /// The line with a chunk's size and extensions is longer than 4 KiB.
    #[error("chunk line longer than 4 KiB")]
    ChunkTooLong,
    /// A line of the trailers is not a header.
    #[error("malformed trailer")]
    Trailer,
    /// The trailers are longer than 64 KiB.
    #[error("trailers longer than 64 KiB")]
    TrailersTooLong,
}
