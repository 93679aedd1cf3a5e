//! What an engine says: its frames on standard output, its troubles on standard error.

use acp_wire::{FRAME_SCHEMA, Frame};
use serde::Deserialize;
use std::process::ExitStatus;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::mpsc;

/// Longest line taken. A frame with all its histograms is about a tenth of it at most.
const LINE_BYTES: u64 = 4 << 20;
/// How much of standard error is kept: its end.
const TAIL_BYTES: usize = 8 << 10;
/// Schema of the line that says that connections are open.
const READY_SCHEMA: &str = "acp.ready/1";

/// What there is to know about an engine.
#[derive(Debug)]
pub(crate) enum News {
    /// Its connections are open.
    Ready {
        /// How many.
        open_connections: u64,
    },
    /// A second of load.
    Frame(Box<Frame>),
    /// A line that is neither. A frame may be lost.
    BadLine(String),
    /// It is gone. The last news of an engine.
    Ended {
        /// How; none where the system did not say.
        exit: Option<ExitStatus>,
        /// The end of its standard error.
        log_tail: String,
    },
}

#[derive(Deserialize)]
struct Head {
    schema: String,
    #[serde(default)]
    open_connections: u64,
}

/// What a line says.
fn understand(line: &[u8]) -> News {
    let bad = |why: String| {
        let start = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
        News::BadLine(format!("{why}: `{}`", start.trim_end()))
    };
    match serde_json::from_slice::<Head>(line) {
        Ok(head) if head.schema == READY_SCHEMA => {
            News::Ready { open_connections: head.open_connections }
        }
        Ok(head) if head.schema == FRAME_SCHEMA => match serde_json::from_slice(line) {
            Ok(frame) => News::Frame(Box::new(frame)),
            Err(error) => bad(error.to_string()),
        },
        Ok(head) => bad(format!("unknown schema `{}`", head.schema)),
        Err(error) => bad(error.to_string()),
    }
}

/// Reads lines to the end and passes on what they say.
pub(super) async fn read_lines<R: AsyncRead + Unpin>(
    output: R,
    part: String,
    news: mpsc::Sender<(String, News)>,
) {
    let mut reader = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader).take(LINE_BYTES).read_until(b'\n', &mut line).await;
        match read {
            Ok(0) => return,
            Ok(_) if line.trim_ascii().is_empty() => {}
            Ok(_) => {
                if news.send((part.clone(), understand(&line))).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!("failed to read the output of {part}: {error}");
                return;
            }
        }
    }
}

/// Reads to the end and keeps the last of it, from the start of a line on.
pub(super) async fn read_tail<R: AsyncRead + Unpin>(mut output: R) -> String {
    let mut tail = Vec::new();
    let mut chunk = [0; 4096];
    let mut is_cut = false;
    while let Ok(count @ 1..) = output.read(&mut chunk).await {
        tail.extend_from_slice(&chunk[..count]);
        if tail.len() > TAIL_BYTES {
            tail.drain(..tail.len() - TAIL_BYTES);
            is_cut = true;
        }
    }
    let start =
        if is_cut { tail.iter().position(|&byte| byte == b'\n').map(|at| at + 1) } else { None };
    String::from_utf8_lossy(&tail[start.unwrap_or(0)..]).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: &str) {
        let found = match understand(line.as_bytes()) {
            News::Ready { open_connections } => format!("ready {open_connections}"),
            News::Frame(frame) => format!("frame {}", frame.seq),
            News::BadLine(why) => format!("bad: {why}"),
            News::Ended { .. } => "ended".to_owned(),
        };
        assert!(found.starts_with(expect), "{line}: {found}");
    }

    #[test]
    fn lines_are_understood_or_called_bad() {
        let frame = Frame { schema: FRAME_SCHEMA.to_owned(), seq: 7, ..Frame::default() };
        check(&serde_json::to_string(&frame).unwrap(), "frame 7");
        check("{\"schema\":\"acp.ready/1\",\"run\":\"r\",\"open_connections\":64}\n", "ready 64");
        check("{\"schema\":\"acp.ready/1\"}", "ready 0");
        check("{\"schema\":\"acp.frame/1\",\"seq\":1}", "bad: missing field");
        check("{\"schema\":\"acp.frame/2\"}", "bad: unknown schema `acp.frame/2`");
        check("{\"seq\":1}", "bad: missing field `schema`");
        check("panicked at src/main.rs", "bad: expected value");
        check("{\"schema\":\"acp.fra", "bad: EOF");
        check("\u{fffd}", "bad: ");
    }

    #[tokio::test]
    async fn the_tail_is_the_end_in_whole_lines() {
        assert_eq!(read_tail(&b""[..]).await, "");
        assert_eq!(read_tail(&b"a\nb\n"[..]).await, "a\nb");
        assert_eq!(read_tail(&b"caf\xff"[..]).await, "caf\u{fffd}");
        let long: String = (0..10_000).map(|number| format!("line {number}\n")).collect();
        let tail = read_tail(long.as_bytes()).await;
        assert!(tail.len() <= TAIL_BYTES && tail.starts_with("line "), "{}", &tail[..40]);
        assert!(tail.ends_with("line 9999"));
        let endless = vec![b'x'; 100_000];
        assert_eq!(read_tail(&endless[..]).await.len(), TAIL_BYTES, "no line to begin with");
    }

    #[tokio::test]
    async fn a_line_without_end_does_not_fill_the_memory() {
        let (sender, mut receiver) = mpsc::channel(100);
        let endless = vec![b'x'; usize::try_from(LINE_BYTES).unwrap() + 10];
        read_lines(&endless[..], "p".to_owned(), sender).await;
        let mut count = 0;
        while let Some((part, news)) = receiver.recv().await {
            assert!(part == "p" && matches!(news, News::BadLine(_)));
            count += 1;
        }
        assert_eq!(count, 2);
    }
}
