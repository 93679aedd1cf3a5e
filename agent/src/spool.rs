//! The spool: frames of one part until control has stored them.
//!
//! Every frame goes to the part's file at once, so that an agent that is killed loses none; the
//! newest are in memory too. Where the disk has no room left frames are in memory alone, and beyond
//! that the oldest of them are lost: counted, and said loudly.

use crate::settings::SpoolSettings;
use acp_wire::Frame;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Forgotten bytes at the start of a file that are worth writing the rest again.
const WASTE_BYTES: u64 = 1 << 20;

/// Bytes that the files of all spools may have.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    most: u64,
    used: Arc<AtomicU64>,
}

impl Budget {
    pub(crate) fn new(most: u64) -> Self {
        Self { most, used: Arc::default() }
    }

    fn take(&self, bytes: u64) -> bool {
        let fits = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.most);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    /// Bytes that are there whether they fit or not: left over from a larger limit.
    fn take_anyway(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Where a frame is in the file.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    length: usize,
}

#[derive(Debug)]
struct Kept {
    seq: u64,
    length: usize,
    place: Option<Place>,
    frame: Option<Arc<Frame>>,
}

/// Frames of one part until control has stored them.
#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    file: File,
    file_bytes: u64,
    kept: VecDeque<Kept>,
    in_memory: usize,
    memory_frames: usize,
    budget: Budget,
    lost: u64,
}

impl Spool {
    /// Opens the file of a part with what an agent before this one left in it.
    pub(crate) fn open(path: &Path, settings: SpoolSettings, budget: &Budget) -> io::Result<Self> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut spool = Self {
            path: path.to_owned(),
            file,
            file_bytes: 0,
            kept: VecDeque::new(),
            in_memory: 0,
            memory_frames: settings.memory_frames,
            budget: budget.clone(),
            lost: 0,
        };
        spool.read_file()?;
        Ok(spool)
    }

    /// An agent that was killed may have left a torn line at the end: nobody has counted that frame.
    fn read_file(&mut self) -> io::Result<()> {
        let mut reader = BufReader::new(self.file.try_clone()?);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            let place = Place { offset: self.file_bytes, length: line.len() };
            match serde_json::from_slice::<Frame>(&line) {
                Ok(Frame { seq, .. }) => {
                    let place = Some(place);
                    self.kept.push_back(Kept { seq, length: line.len(), place, frame: None });
                }
                Err(error) => {
                    tracing::error!("frame in `{}` is lost: {error}", self.path.display());
                    self.lost += 1;
                }
            }
            self.file_bytes += bytes_of(line.len());
            line.clear();
        }
        self.budget.take_anyway(self.file_bytes);
        self.file.set_len(self.file_bytes)
    }

    /// Takes a frame.
    pub(crate) fn push(&mut self, frame: Frame) {
        let mut line = match serde_json::to_vec(&frame) {
            Ok(line) => line,
            Err(error) => {
                tracing::error!("frame {} is lost: {error}", frame.seq);
                self.lost += 1;
                return;
            }
        };
        line.push(b'\n');
        let place = self.write(&line);
        let (seq, length) = (frame.seq, line.len());
        self.kept.push_back(Kept { seq, length, place, frame: Some(Arc::new(frame)) });
        self.in_memory += 1;
        if self.in_memory > self.memory_frames {
            self.make_room();
        }
    }

    /// None where the disk has no room for it.
    fn write(&mut self, line: &[u8]) -> Option<Place> {
        let bytes = bytes_of(line.len());
        if !self.budget.take(bytes) {
            return None;
        }
        let place = Place { offset: self.file_bytes, length: line.len() };
        if let Err(error) = self.file.write_all_at(line, self.file_bytes) {
            tracing::error!("failed to keep a frame in `{}`: {error}", self.path.display());
            self.budget.give_back(bytes);
            return None;
        }
        self.file_bytes += bytes;
        Some(place)
    }

    /// Lets the oldest frame in memory go: it is on disk, or it is lost.
    fn make_room(&mut self) {
        let Some(oldest) = self.kept.iter().position(|kept| kept.frame.is_some()) else { return };
        self.in_memory -= 1;
        if self.kept[oldest].place.is_some() {
            self.kept[oldest].frame = None;
            return;
        }
        let seq = self.kept.remove(oldest).map(|kept| kept.seq).unwrap_or_default();
        self.lost += 1;
        tracing::error!(
            "frame {seq} of `{}` is lost: control has stored none for long, and memory and disk are full",
            self.path.display()
        );
    }

    /// The frames from a sequence number on, as many as there is room for, at least one. Takes the
    /// room that they need.
    pub(crate) fn batch(&self, from: u64, room_bytes: &mut usize) -> Vec<Frame> {
        let first = self.kept.partition_point(|kept| kept.seq < from);
        let mut frames = Vec::new();
        for kept in self.kept.range(first..) {
            if kept.length > *room_bytes && !frames.is_empty() {
                break;
            }
            *room_bytes = room_bytes.saturating_sub(kept.length);
            match self.read(kept) {
                Ok(frame) => frames.push(frame),
                Err(error) => tracing::error!(
                    "failed to read frame {} from `{}`: {error}",
                    kept.seq,
                    self.path.display()
                ),
            }
        }
        frames
    }

    fn read(&self, kept: &Kept) -> io::Result<Frame> {
        if let Some(frame) = &kept.frame {
            return Ok(Frame::clone(frame));
        }
        let Some(place) = kept.place else { return Err(io::ErrorKind::NotFound.into()) };
        let mut line = vec![0; place.length];
        self.file.read_exact_at(&mut line, place.offset)?;
        serde_json::from_slice(&line).map_err(io::Error::other)
    }

    /// Takes back the last frame of an engine, where it is here: the part has not finished.
    pub(crate) fn take_back_last(&mut self) -> io::Result<()> {
        let Some(newest) = self.kept.back() else { return Ok(()) };
        if !self.read(newest)?.flags.last {
            return Ok(());
        }
        let Some(newest) = self.kept.pop_back() else { return Ok(()) };
        self.in_memory -= usize::from(newest.frame.is_some());
        if let Some(place) = newest.place {
            self.file.set_len(place.offset)?;
            self.budget.give_back(self.file_bytes - place.offset);
            self.file_bytes = place.offset;
        }
        Ok(())
    }

    /// Control has stored the frames below a sequence number.
    pub(crate) fn forget(&mut self, stored: u64) {
        let mut has_changed = false;
        while self.kept.front().is_some_and(|kept| kept.seq < stored) {
            let kept = self.kept.pop_front();
            self.in_memory -= usize::from(kept.is_some_and(|kept| kept.frame.is_some()));
            has_changed = true;
        }
        if has_changed && let Err(error) = self.shrink() {
            tracing::error!("failed to shrink `{}`: {error}", self.path.display());
        }
    }

    /// Gives the room of forgotten frames back.
    fn shrink(&mut self) -> io::Result<()> {
        let places = self.kept.iter().filter_map(|kept| kept.place);
        let wanted: u64 = places.map(|place| bytes_of(place.length)).sum();
        if wanted == 0 {
            self.file.set_len(0)?;
            self.budget.give_back(std::mem::take(&mut self.file_bytes));
            return Ok(());
        }
        if self.file_bytes - wanted < WASTE_BYTES.max(wanted) {
            return Ok(());
        }
        let path = self.path.with_extension("new");
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        let mut places = Vec::with_capacity(self.kept.len());
        let mut end = 0;
        for kept in &self.kept {
            let Some(place) = kept.place else {
                places.push(None);
                continue;
            };
            let mut line = vec![0; place.length];
            self.file.read_exact_at(&mut line, place.offset)?;
            file.write_all_at(&line, end)?;
            places.push(Some(Place { offset: end, length: place.length }));
            end += bytes_of(place.length);
        }
        std::fs::rename(&path, &self.path)?;
        for (kept, place) in self.kept.iter_mut().zip(places) {
            kept.place = place;
        }
        self.file = file;
        self.budget.give_back(self.file_bytes - end);
        self.file_bytes = end;
        Ok(())
    }

    /// Frames that control has not stored.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there is a frame with this sequence number or a later one.
    pub(crate) fn has_from(&self, seq: u64) -> bool {
        self.kept.back().is_some_and(|kept| kept.seq >= seq)
    }

    /// Frames that nobody will ever see.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.budget.give_back(self.file_bytes);
    }
}

fn bytes_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
