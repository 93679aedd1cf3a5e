//! Arrivals: the moments at which requests came in, from a thread's memory to a file and back.
//!
//! File format: the 8 bytes `ACPARRV1`, then one little-endian `u64` for each request: its arrival
//! in ns of `CLOCK_MONOTONIC`, in rising order.
//!
//! ```text
//! serving thread ─ Recorder: chunk of memory ──(full)──► writer thread ─► FILE.0.part ─┐
//! serving thread ─ Recorder                   ─────────►               ─► FILE.1.part ─┴ merge ─► FILE
//! ```
//!
//! A chunk goes back to its thread when it is written, so memory does not grow with the run.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use thiserror::Error;

/// The first bytes of a file of arrivals.
pub const MAGIC: [u8; 8] = *b"ACPARRV1";

/// Arrivals in one chunk: half a MiB.
const CHUNK_LENGTH: usize = 64 * 1024;

/// Why arrivals could not be written or read.
#[derive(Debug, Error)]
pub enum ArrivalsError {
    /// The file or one of its parts could not be written.
    #[error("failed to write arrivals to `{path}`")]
    Write {
        /// The file that was asked for.
        path: PathBuf,
        /// The failure.
        source: io::Error,
    },
    /// The file could not be read.
    #[error("failed to read arrivals from `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The failure.
        source: io::Error,
    },
    /// The file is something else.
    #[error("`{path}` is not a file of arrivals, hint: make one with `acp target --record`")]
    NotArrivals {
        /// The file.
        path: PathBuf,
    },
    /// The file ends in the middle of an arrival.
    #[error("`{path}` is cut short, hint: stop the target with Ctrl-C and let it end")]
    CutShort {
        /// The file.
        path: PathBuf,
    },
}

/// Collects the arrivals of one thread.
#[derive(Debug)]
pub(crate) struct Recorder {
    thread: usize,
    chunk: Vec<u64>,
    full: Sender<Chunk>,
    empty: Receiver<Vec<u64>>,
}

#[derive(Debug)]
struct Chunk {
    thread: usize,
    arrivals: Vec<u64>,
}

impl Recorder {
    #[inline]
    pub(crate) fn add(&mut self, arrival_ns: u64) {
        self.chunk.push(arrival_ns);
        if self.chunk.len() == CHUNK_LENGTH {
            self.hand_over();
        }
    }

    #[cold]
    fn hand_over(&mut self) {
        // More memory only if the writer is behind.
        let next = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(CHUNK_LENGTH));
        let arrivals = std::mem::replace(&mut self.chunk, next);
        // A writer that is gone has failed, and says so when it is finished.
        self.full.send(Chunk { thread: self.thread, arrivals }).ok();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.hand_over();
    }
}

/// Writes the arrivals of all threads.
#[derive(Debug)]
pub(crate) struct ArrivalWriter {
    thread: JoinHandle<io::Result<u64>>,
    path: PathBuf,
}

impl ArrivalWriter {
    /// Opens the files and starts the writer; a recorder for each serving thread.
    pub(crate) fn start(
        path: &Path,
        threads: usize,
    ) -> Result<(ArrivalWriter, Vec<Recorder>), ArrivalsError> {
        let failed = |source| ArrivalsError::Write { path: path.to_owned(), source };
        // Also finds out now, and not after the run, whether the file can be written at all.
        let merged = File::create(path).map_err(failed)?;
        let mut parts = Vec::with_capacity(threads);
        for thread in 0..threads {
            parts.push(Part::create(part_path(path, thread)).map_err(failed)?);
        }
        let (full, chunks) = channel();
        let mut recorders = Vec::with_capacity(threads);
        for (thread, part) in parts.iter_mut().enumerate() {
            let (give_back, empty) = channel();
            part.give_back = Some(give_back);
            let chunk = Vec::with_capacity(CHUNK_LENGTH);
            recorders.push(Recorder { thread, chunk, full: full.clone(), empty });
        }
        let thread = std::thread::Builder::new()
            .name("arrivals".to_owned())
            .spawn(move || write_all(&chunks, parts, merged))
            .map_err(failed)?;
        Ok((ArrivalWriter { thread, path: path.to_owned() }, recorders))
    }

    /// Waits until everything is in the file, after all recorders are dropped. Returns how many
    /// arrivals.
    pub(crate) fn finish(self) -> Result<u64, ArrivalsError> {
        let panicked = || Err(io::Error::other("the writer panicked"));
        let result = self.thread.join().unwrap_or_else(|_| panicked());
        result.map_err(|source| ArrivalsError::Write { path: self.path, source })
    }
}

/// The file of one thread's arrivals, which are in order.
struct Part {
    path: PathBuf,
    file: BufWriter<File>,
    give_back: Option<Sender<Vec<u64>>>,
}

impl Part {
    fn create(path: PathBuf) -> io::Result<Part> {
        let file = BufWriter::new(File::create(&path)?);
        Ok(Part { path, file, give_back: None })
    }
}

fn part_path(path: &Path, thread: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{thread}.part"));
    name.into()
}

fn write_all(chunks: &Receiver<Chunk>, mut parts: Vec<Part>, merged: File) -> io::Result<u64> {
    for mut chunk in chunks {
        let part = &mut parts[chunk.thread];
        for arrival_ns in chunk.arrivals.drain(..) {
            part.file.write_all(&arrival_ns.to_le_bytes())?;
        }
        if let Some(give_back) = &part.give_back {
            // A thread that has ended needs no memory.
            give_back.send(chunk.arrivals).ok();
        }
    }
    let mut readers = Vec::with_capacity(parts.len());
    let mut paths = Vec::with_capacity(parts.len());
    for mut part in parts {
        part.file.flush()?;
        readers.push(BufReader::new(File::open(&part.path)?));
        paths.push(part.path);
    }
    let count = merge(readers, BufWriter::new(merged))?;
    paths.iter().try_for_each(std::fs::remove_file)?;
    Ok(count)
}

/// Merges sorted inputs; there are as many as threads, too few for a heap to be worth it.
fn merge(mut inputs: Vec<impl Read>, mut output: impl Write) -> io::Result<u64> {
    output.write_all(&MAGIC)?;
    let mut heads = Vec::with_capacity(inputs.len());
    for input in &mut inputs {
        heads.push(read_one(input)?);
    }
    let mut count = 0;
    while let Some((index, arrival_ns)) = heads
        .iter()
        .enumerate()
        .filter_map(|(index, head)| head.map(|arrival_ns| (index, arrival_ns)))
        .min_by_key(|&(_, arrival_ns)| arrival_ns)
    {
        output.write_all(&arrival_ns.to_le_bytes())?;
        count += 1;
        heads[index] = read_one(&mut inputs[index])?;
    }
    output.flush()?;
    Ok(count)
}

fn read_one(input: &mut impl Read) -> io::Result<Option<u64>> {
    let mut bytes = [0; 8];
    match input.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(u64::from_le_bytes(bytes))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a file of arrivals: ns of `CLOCK_MONOTONIC`, sorted.
///
/// # Errors
///
/// See [`ArrivalsError`].
pub fn read_arrivals(path: &Path) -> Result<Vec<u64>, ArrivalsError> {
    let bytes = std::fs::read(path)
        .map_err(|source| ArrivalsError::Read { path: path.to_owned(), source })?;
    let Some(bytes) = bytes.strip_prefix(&MAGIC) else {
        return Err(ArrivalsError::NotArrivals { path: path.to_owned() });
    };
    let (arrivals, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(ArrivalsError::CutShort { path: path.to_owned() });
    }
    let mut arrivals: Vec<u64> =
        arrivals.iter().map(|arrival| u64::from_le_bytes(*arrival)).collect();
    arrivals.sort_unstable();
    Ok(arrivals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_of_all_threads_come_back_in_order() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("arrivals");
        let (writer, recorders) = ArrivalWriter::start(&path, 3).expect("start");
        // More than a chunk each, interleaved.
        let count = CHUNK_LENGTH as u64 * 3;
        for (mut recorder, offset) in recorders.into_iter().zip(0..) {
            for arrival in 0..count {
                recorder.add(arrival * 3 + offset);
            }
        }
        assert_eq!(writer.finish().expect("finish"), count * 3);
        let arrivals = read_arrivals(&path).expect("read");
        assert!(arrivals.iter().copied().eq(0..count * 3));
        let files = std::fs::read_dir(folder.path()).expect("folder").count();
        assert_eq!(files, 1, "parts are removed");
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("file");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("write");
            read_arrivals(&path)
        };
        assert!(matches!(read(b""), Err(ArrivalsError::NotArrivals { .. })));
        assert!(matches!(read(b"ACPARRV2"), Err(ArrivalsError::NotArrivals { .. })));
        assert!(matches!(read(b"ACPARRV1123"), Err(ArrivalsError::CutShort { .. })));
        assert!(read(b"ACPARRV1").expect("empty").is_empty());
        let missing = read_arrivals(&folder.path().join("missing"));
        assert!(matches!(missing, Err(ArrivalsError::Read { .. })));
    }

    #[test]
    fn a_file_that_cannot_be_written_is_known_at_the_start() {
        let path = Path::new("/nonexistent/arrivals");
        assert!(matches!(ArrivalWriter::start(path, 1), Err(ArrivalsError::Write { .. })));
    }
}
