//! What a person is told while a run goes on, mostly on standard error, through a thread of its own.
//!
//! A terminal that is held with Ctrl-S or a pipe that nobody reads must hold up neither the load nor
//! its frames: lines that find no place are left out, and how many they were is said later.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::time::{Duration, Instant};

/// Lines that may wait.
const MAX_LINES: usize = 1024;
/// How long the end of the program waits for a reader that takes nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it tries while all places are taken.
const LOOK: Duration = Duration::from_millis(10);

/// A line on standard error at once, if somebody still reads it: for what has no load to hold up.
pub(super) fn say(line: &str) {
    drop(io::stderr().write_all(format!("{line}\n").as_bytes()));
}

enum Item {
    Line(String),
    /// Answered when everything before it is written.
    Mark(Sender<()>),
}

/// Where lines go in. Clones write to the same place.
#[derive(Clone)]
pub(super) struct Messages {
    items: SyncSender<Item>,
    left_out: Arc<AtomicU64>,
}

impl Messages {
    /// Starts the thread; it ends with the process.
    pub(super) fn start() -> io::Result<Self> {
        Self::start_on(io::stderr())
    }

    /// Starts the thread, with another place for the lines.
    pub(super) fn start_on(mut out: impl Write + Send + 'static) -> io::Result<Self> {
        let (items, receiver) = sync_channel(MAX_LINES);
        let left_out = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&left_out);
        let body = move || write_all(&receiver, &counter, &mut out);
        std::thread::Builder::new().name("messages".into()).spawn(body)?;
        Ok(Self { items, left_out })
    }

    /// Takes a line, and never waits.
    pub(super) fn say(&self, line: &str) {
        if self.items.try_send(Item::Line(format!("{line}\n"))).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all lines are written, but not for long: whoever does not read them by now is not
    /// going to.
    pub(super) fn flush(&self) {
        let start = Instant::now();
        let (mark, is_written) = channel();
        let mut item = Item::Mark(mark);
        while let Err(TrySendError::Full(back)) = self.items.try_send(item) {
            if start.elapsed() > PATIENCE {
                return;
            }
            item = back;
            std::thread::sleep(LOOK);
        }
        // Too late is as good as never.
        is_written.recv_timeout(PATIENCE.saturating_sub(start.elapsed())).ok();
    }
}

/// Writes lines until nobody can send one any more. That somebody still reads them is not asked for.
fn write_all(items: &Receiver<Item>, left_out: &AtomicU64, out: &mut impl Write) {
    loop {
        let next = match items.try_recv() {
            Ok(item) => Some(item),
            Err(_) => {
                // Everything that came before those left out is written.
                let count = left_out.swap(0, Ordering::Relaxed);
                if count > 0 {
                    let line = format!("note: {count} lines are left out, nobody took them\n");
                    drop(out.write_all(line.as_bytes()));
                }
                items.recv().ok()
            }
        };
        match next {
            Some(Item::Line(line)) => drop(out.write_all(line.as_bytes())),
            // Whoever asked may have lost patience.
            Some(Item::Mark(mark)) => drop(mark.send(())),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn lines_come_out_in_their_order() {
        let (mut reader, writer) = io::pipe().expect("pipe");
        let messages = Messages::start_on(writer).expect("thread");
        (0..100).for_each(|number| messages.clone().say(&number.to_string()));
        messages.flush();
        drop(messages);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("text");
        let expected: String = (0..100).map(|number| format!("{number}\n")).collect();
        assert_eq!(text, expected);
    }

    #[test]
    fn a_reader_that_takes_nothing_costs_lines_which_are_counted() {
        let (mut reader, writer) = io::pipe().expect("pipe");
        let messages = Messages::start_on(writer).expect("thread");
        let line = "x".repeat(1000);
        let said = 3 * MAX_LINES;
        // A pipe holds 64 KiB, the queue the rest of what is kept.
        (0..said).for_each(|_| messages.say(&line));
        // It comes back although nothing can be written.
        messages.flush();
        drop(messages);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("text");
        let written = text.lines().filter(|found| *found == line).count();
        assert!(written >= MAX_LINES && written < said, "{written}");
        let note = format!("note: {} lines are left out, nobody took them", said - written);
        assert!(text.lines().any(|found| found == note), "`{note}`");
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        let (reader, writer) = io::pipe().expect("pipe");
        drop(reader);
        let messages = Messages::start_on(writer).expect("thread");
        (0..3 * MAX_LINES).for_each(|_| messages.say("x"));
        messages.flush();
    }
}
