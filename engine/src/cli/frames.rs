//! Frames to a file or a pipe, a line each, through a thread of its own: a disk or a reader that is
//! slow holds up neither the load nor the frames that follow.
//!
//! Whoever reads them relies on every frame: its books do not balance without. So none is ever left
//! out, and they may wait in any number, for as long as [`MAX_WAITING_BYTES`] last. A
//! reader that has taken nothing until then is as good as dead: the run ends with an error then. To
//! wait for it would hold up the load, to leave frames out would make a wrong result, and to go on
//! would use up the memory of the machine.

use super::sink::Sink;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// Bytes that may wait for their reader. A frame is about 10 kB, with many tags several times that.
pub(super) const MAX_WAITING_BYTES: usize = 64 << 20;

/// Writes lines in their order.
pub(super) struct FrameWriter {
    name: String,
    lines: Sender<String>,
    waiting_bytes: Arc<AtomicUsize>,
    max_waiting_bytes: usize,
    thread: JoinHandle<Result<(), String>>,
    /// Lines were refused: the rest is of no use to anybody.
    is_given_up: bool,
}

impl FrameWriter {
    /// Starts the thread.
    pub(super) fn start(sink: Sink, max_waiting_bytes: usize) -> Result<Self, String> {
        let (lines, receiver) = channel();
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        let (counter, name) = (Arc::clone(&waiting_bytes), sink.name.clone());
        let body = move || write_all(&receiver, &counter, sink);
        let thread = std::thread::Builder::new().name("frames".into()).spawn(body);
        let thread = thread.map_err(|error| format!("failed to start a thread: {error}"))?;
        Ok(Self { name, lines, waiting_bytes, max_waiting_bytes, thread, is_given_up: false })
    }

    /// Takes a line, and never waits.
    ///
    /// An error says once that too much waits; lines after it are not taken.
    pub(super) fn write(&mut self, line: String) -> Result<(), String> {
        if self.is_given_up {
            return Ok(());
        }
        let waiting = self.waiting_bytes.fetch_add(line.len(), Ordering::Relaxed);
        if waiting.saturating_add(line.len()) > self.max_waiting_bytes {
            self.is_given_up = true;
            let waiting_mib = waiting as f64 / f64::from(1 << 20);
            return Err(format!(
                "nobody takes the frames of `{}`: {waiting_mib:.1} MiB of them wait",
                self.name
            ));
        }
        // After a failure there is nobody to take it; the failure comes out at the end.
        drop(self.lines.send(line));
        Ok(())
    }

    /// Waits until everything is written, however long its reader takes: the load is over.
    pub(super) fn finish(self) -> Result<(), String> {
        if self.is_given_up {
            return Ok(());
        }
        drop(self.lines);
        self.thread.join().unwrap_or_else(|_| Err(format!("failed to write `{}`", self.name)))
    }
}

/// Writes until all lines are written or one cannot be.
fn write_all(
    lines: &Receiver<String>,
    waiting: &AtomicUsize,
    mut sink: Sink,
) -> Result<(), String> {
    for line in lines {
        let result = sink.write(&line);
        waiting.fetch_sub(line.len(), Ordering::Relaxed);
        result?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::os::fd::AsRawFd as _;
    use std::path::PathBuf;

    /// A writer into a pipe that nobody reads yet.
    fn writer(max_waiting_bytes: usize) -> (std::io::PipeReader, FrameWriter) {
        let (reader, end) = std::io::pipe().expect("pipe");
        let sink = Sink::open(&PathBuf::from(format!("/proc/self/fd/{}", end.as_raw_fd())));
        (reader, FrameWriter::start(sink.expect("sink"), max_waiting_bytes).expect("thread"))
    }

    #[test]
    fn lines_wait_for_their_reader() {
        let (mut reader, mut writer) = writer(1 << 20);
        let line = |number: usize| format!("{number} {}\n", "x".repeat(1000));
        // More than a pipe holds.
        (0..500).for_each(|number| writer.write(line(number)).expect("there is room"));
        let thread = std::thread::spawn(move || writer.finish());
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("text");
        assert_eq!(text, (0..500).map(line).collect::<String>());
        assert_eq!(thread.join().expect("thread"), Ok(()));
    }

    #[test]
    fn too_much_is_refused_once_and_not_waited_for() {
        let (_reader, mut writer) = writer(200_000);
        let line = "x".repeat(1000);
        // A pipe may hold some of it.
        let results: Vec<_> = (0..1000).map(|_| writer.write(line.clone())).collect();
        let refused: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(
            refused[0].starts_with("nobody takes the frames of `/proc/self/fd/"),
            "{refused:?}"
        );
        assert!(results[..200].iter().all(Result::is_ok), "what fits is taken");
        assert_eq!(writer.finish(), Ok(()), "nobody waits for this reader");
    }

    #[test]
    fn a_place_that_is_full_says_so_and_a_reader_that_has_gone_does_not() {
        let full = Sink::open(&PathBuf::from("/dev/full")).expect("sink");
        let mut writer = FrameWriter::start(full, 1 << 20).expect("thread");
        (0..10).for_each(|_| writer.write("x\n".into()).expect("there is room"));
        let failure = writer.finish().expect_err("it is full");
        assert!(failure.starts_with("failed to write `/dev/full`"), "{failure}");
        let (reader, mut writer) = self::writer(1 << 20);
        drop(reader);
        (0..10).for_each(|_| writer.write("x\n".into()).expect("there is room"));
        assert_eq!(writer.finish(), Ok(()));
    }
}
