//! Tests of the spool: nothing is lost that fits, and what does not fit is counted.

use super::*;
use tempfile::TempDir;

struct Disk {
    folder: TempDir,
    budget: Budget,
    memory_frames: usize,
}

impl Disk {
    fn new(memory_frames: usize, disk_bytes: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, budget: Budget::new(disk_bytes), memory_frames }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("frames.jsonl")
    }

    fn open(&self) -> Spool {
        let settings = SpoolSettings { memory_frames: self.memory_frames, disk_bytes: 0 };
        Spool::open(&self.path(), settings, &self.budget).unwrap()
    }

    fn used(&self) -> u64 {
        self.budget.used.load(Ordering::Relaxed)
    }
}

fn frame(seq: u64) -> Frame {
    Frame { seq, sent: seq * 10, run: "r".to_owned(), ..Frame::default() }
}

fn line_bytes() -> u64 {
    bytes_of(serde_json::to_vec(&frame(1)).unwrap().len()) + 1
}

fn seqs(spool: &Spool, from: u64) -> Vec<u64> {
    let frames = spool.batch(from, &mut usize::MAX.clone());
    for frame in &frames {
        assert_eq!(frame.sent, frame.seq * 10, "a frame is what it was");
    }
    frames.iter().map(|frame| frame.seq).collect()
}

#[test]
fn frames_are_there_until_they_are_stored() {
    let disk = Disk::new(2, 1 << 20);
    let mut spool = disk.open();
    (0..6).for_each(|seq| spool.push(frame(seq)));
    assert_eq!(seqs(&spool, 0), [0, 1, 2, 3, 4, 5], "four of them from disk");
    assert_eq!(seqs(&spool, 4), [4, 5], "control has the first in its memory");
    spool.forget(3);
    assert_eq!(seqs(&spool, 0), [3, 4, 5]);
    spool.forget(2);
    assert_eq!(seqs(&spool, 0), [3, 4, 5], "an old answer takes nothing back");
    assert!(spool.has_from(5) && !spool.has_from(6));
    spool.forget(u64::MAX);
    assert_eq!((spool.len(), spool.lost(), disk.used()), (0, 0, 0));
    assert_eq!(std::fs::metadata(disk.path()).unwrap().len(), 0);
}

#[test]
fn a_killed_agent_loses_none() {
    let disk = Disk::new(2, 1 << 20);
    let mut spool = disk.open();
    (0..5).for_each(|seq| spool.push(frame(seq)));
    spool.forget(2);
    drop(spool);
    assert_eq!(disk.used(), 0);
    let mut spool = disk.open();
    assert_eq!(seqs(&spool, 2), [2, 3, 4]);
    spool.push(frame(5));
    assert_eq!(seqs(&spool, 2), [2, 3, 4, 5]);
    spool.forget(6);
    assert_eq!(disk.used(), 0);
}

#[test]
fn a_torn_line_is_cut_off_and_a_bad_one_is_counted() {
    let whole = |seq| serde_json::to_string(&frame(seq)).unwrap();
    for (row, text, expect, lost) in [
        ("empty", String::new(), &[][..], 0),
        ("whole", format!("{}\n{}\n", whole(0), whole(1)), &[0, 1], 0),
        ("torn", format!("{}\n{}", whole(0), &whole(1)[..20]), &[0], 0),
        ("no end of line", format!("{}\n{}", whole(0), whole(1)), &[0], 0),
        ("bad in the middle", format!("{}\n{{}}\n{}\n", whole(0), whole(2)), &[0, 2], 1),
        ("zeros after a crash", format!("{}\n\0\0\0", whole(0)), &[0], 0),
    ] {
        let disk = Disk::new(8, 1 << 20);
        std::fs::write(disk.path(), text).unwrap();
        let mut spool = disk.open();
        assert_eq!((seqs(&spool, 0), spool.lost()), (expect.to_vec(), lost), "{row}");
        spool.push(frame(7));
        drop(spool);
        assert_eq!(seqs(&disk.open(), 7), [7], "{row}: it goes on behind what is whole");
    }
}

#[test]
fn the_oldest_are_lost_beyond_disk_and_memory_and_counted() {
    let disk = Disk::new(3, 4 * line_bytes());
    let mut spool = disk.open();
    (0..10).for_each(|seq| spool.push(frame(seq)));
    assert_eq!(seqs(&spool, 0), [0, 1, 2, 3, 7, 8, 9], "four on disk, three in memory");
    assert_eq!((spool.lost(), spool.len()), (3, 7));
    assert!(disk.used() <= 4 * line_bytes());
    spool.forget(10);
    assert_eq!((spool.lost(), spool.len(), disk.used()), (3, 0, 0));
    spool.push(frame(11));
    assert_eq!(seqs(&spool, 0), [11], "there is room again");
}

#[test]
fn parts_share_one_limit() {
    let disk = Disk::new(1, 2 * line_bytes());
    let mut first = disk.open();
    let other = disk.folder.path().join("other.jsonl");
    let settings = SpoolSettings { memory_frames: 1, disk_bytes: 0 };
    let mut second = Spool::open(&other, settings, &disk.budget).unwrap();
    (0..2).for_each(|seq| first.push(frame(seq)));
    (0..2).for_each(|seq| second.push(frame(seq)));
    assert_eq!((first.lost(), second.lost()), (0, 1));
}

#[test]
fn a_file_does_not_grow_with_what_is_forgotten() {
    let disk = Disk::new(2, 1 << 30);
    let mut spool = disk.open();
    let text = "x".repeat(100_000);
    for seq in 0..100_u64 {
        spool.push(Frame { run: text.clone(), ..frame(seq) });
        spool.forget(seq.saturating_sub(4));
    }
    assert_eq!(seqs(&spool, 0), [95, 96, 97, 98, 99]);
    assert!(std::fs::metadata(disk.path()).unwrap().len() < 3 << 20);
    assert_eq!(disk.used(), std::fs::metadata(disk.path()).unwrap().len());
}

#[test]
fn a_batch_is_bounded_and_never_empty_while_there_is_a_frame() {
    let disk = Disk::new(8, 1 << 20);
    let mut spool = disk.open();
    (1..6).for_each(|seq| spool.push(frame(seq)));
    let two = usize::try_from(2 * line_bytes()).unwrap();
    for (room, from, frames, left) in
        [(two, 0, 2, 0), (two + 1, 0, 2, 1), (1, 0, 1, 0), (1, 6, 0, 1)]
    {
        let mut room_bytes = room;
        assert_eq!(spool.batch(from, &mut room_bytes).len(), frames, "room {room}");
        assert_eq!(room_bytes, left, "room {room}");
    }
}

#[test]
fn only_the_last_frame_of_an_engine_is_taken_back() {
    let last = |seq| {
        let flags = acp_wire::frame::Flags { last: true, ..Default::default() };
        Frame { flags, ..frame(seq) }
    };
    for (row, frames, stored, left) in [
        ("nothing", vec![], 0, vec![]),
        ("no last one", vec![frame(0), frame(1)], 0, vec![0, 1]),
        ("the last one", vec![frame(0), frame(1), last(2)], 0, vec![0, 1]),
        ("only that", vec![last(0)], 0, vec![]),
        ("behind stored ones", vec![frame(0), frame(1), last(2)], 2, vec![]),
        ("it is stored", vec![frame(0), last(1)], 2, vec![]),
    ] {
        let disk = Disk::new(2, 1 << 20);
        let mut spool = disk.open();
        frames.into_iter().for_each(|frame| spool.push(frame));
        spool.forget(stored);
        drop(spool);
        let mut spool = disk.open();
        // What is forgotten may still be in the file.
        spool.forget(stored);
        spool.take_back_last().unwrap();
        assert_eq!(seqs(&spool, 0), left, "{row}");
        spool.push(frame(7));
        drop(spool);
        let mut spool = disk.open();
        spool.forget(stored);
        let expect: Vec<u64> = left.into_iter().chain([7]).collect();
        assert_eq!(seqs(&spool, 0), expect, "{row}: at the next start");
        drop(spool);
        assert_eq!(disk.used(), 0, "{row}: all room is given back");
    }
}
