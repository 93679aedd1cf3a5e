//! Where lines begin: of every so many one, so that memory stays bounded whatever the files are.

/// Places kept, at the most: 32 MiB of them.
const MAX_PLACES: usize = 4 << 20;

/// The lines of one file that are requests. There is at least one.
#[derive(Debug)]
struct OfFile {
    file: usize,
    first_line: u64,
    lines: u64,
    /// Of every `every`th line of the file, from its first.
    places: Vec<u64>,
    end: u64,
}

/// Where to read for a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) file: usize,
    /// A line begins here, so many requests before the one that is meant.
    pub(super) offset: u64,
    pub(super) before: u64,
    /// From there to behind the line, about.
    pub(super) bytes: usize,
}

/// The index of all files.
#[derive(Debug)]
pub(super) struct Index {
    files: Vec<OfFile>,
    every: u64,
    places: usize,
    max_places: usize,
    lines: u64,
}

impl Index {
    pub(super) fn new() -> Self {
        Self::with_places(MAX_PLACES)
    }

    fn with_places(max_places: usize) -> Self {
        Self { files: Vec::new(), every: 1, places: 0, max_places, lines: 0 }
    }

    /// Lines in all.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// Adds the next line: files and offsets never go down.
    pub(super) fn push(&mut self, file: usize, offset: u64, bytes: usize) {
        if self.files.last().is_none_or(|last| last.file != file) {
            let (first_line, places) = (self.lines, Vec::new());
            self.files.push(OfFile { file, first_line, lines: 0, places, end: 0 });
        }
        let Some(of_file) = self.files.last_mut() else { return };
        if of_file.lines.is_multiple_of(self.every) {
            of_file.places.push(offset);
            self.places += 1;
        }
        of_file.lines += 1;
        of_file.end = offset + bytes as u64;
        self.lines += 1;
        if self.places > self.max_places {
            self.thin();
        }
    }

    /// Forgets every other place.
    fn thin(&mut self) {
        self.every *= 2;
        self.places = 0;
        for file in &mut self.files {
            let mut is_kept = false;
            file.places.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.places += file.places.len();
        }
    }

    /// Where a line is that is below [`Self::lines`].
    pub(super) fn find(&self, line: u64) -> Found {
        let behind = self.files.partition_point(|file| file.first_line <= line);
        let of_file = &self.files[behind - 1];
        let within = line - of_file.first_line;
        let place = usize::try_from(within / self.every).unwrap_or(usize::MAX);
        let offset = of_file.places[place];
        let end = of_file.places.get(place + 1).copied().unwrap_or(of_file.end);
        let bytes = usize::try_from(end - offset).unwrap_or(usize::MAX).saturating_add(1);
        Found { file: of_file.file, offset, before: within % self.every, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_line_is_found(
            lengths in prop::collection::vec(prop::collection::vec(1_usize..50, 0..40), 1..6),
            max_places in 1_usize..300,
        ) {
            let mut index = Index::with_places(max_places.max(lengths.len()));
            let mut all = Vec::new();
            for (file, lengths) in lengths.iter().enumerate() {
                let mut offset = 0;
                for &bytes in lengths {
                    index.push(file, offset, bytes);
                    all.push((file, offset));
                    offset += bytes as u64 + 1;
                }
            }
            prop_assert_eq!(index.lines(), all.len() as u64);
            prop_assert!(index.places <= max_places.max(lengths.len()));
            for (line, &(file, _)) in all.iter().enumerate() {
                let found = index.find(line as u64);
                prop_assert_eq!(found.file, file);
                let first = line - usize::try_from(found.before).unwrap();
                prop_assert_eq!((file, found.offset), all[first]);
            }
        }
    }
}
