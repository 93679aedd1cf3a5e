//! What is wrong with a line of a log.

use thiserror::Error;

/// Why a line of a log is no request that could be sent again.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum BadLine {
    #[error("it is not as the format says: `{0}` is missing")]
    Shape(String),
    #[error("bad JSON: {0}")]
    Json(String),
    #[error("it has no {0}")]
    Missing(&'static str),
    #[error("bad request `{0}`")]
    Request(String),
    #[error("bad method `{0}`")]
    Method(String),
    #[error("bad path `{0}`: it does not start with `/`")]
    Path(String),
    #[error("bad status `{0}`")]
    Status(String),
    #[error("bad time `{0}`")]
    Time(String),
    #[error("bad latency `{0}`")]
    Latency(String),
    #[error("a line has at most {} bytes", super::input::MAX_LINE_BYTES)]
    TooLong,
    #[error("its method is one more than the {} that a log can have", super::census::MAX_METHODS)]
    Methods,
}

/// What a message quotes of a line.
pub(super) fn quoted(text: &[u8]) -> String {
    const SHOWN: usize = 60;
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}
