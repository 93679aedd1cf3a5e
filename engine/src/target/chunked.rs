//! Chunked: where in a chunked request body we are, byte by byte. The data itself is skipped by the
//! caller.
//!
//! ```text
//! Size ──;──► Extension ──┐
//!   └──────── CR ─────────┴─► SizeEnd ─LF─► Data ─► DataReturn ─CR─► DataEnd ─LF─► Size
//!                                └─LF, size 0─► Trailer ◄──► TrailerEnd ──(empty line)──► End
//! ```

/// Longest extension of a chunk, and all trailers together, in bytes.
const LIMIT_BYTES: usize = 32 * 1024;

/// Where in a chunked body. `value` is the size read so far, `left` counts bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunk {
    Size {
        value: u64,
        digits: u8,
    },
    Extension {
        value: u64,
        left: usize,
    },
    SizeEnd {
        value: u64,
    },
    Data {
        left: u64,
    },
    DataReturn,
    DataEnd,
    /// In a trailer line; an empty one ends the body.
    Trailer {
        empty: bool,
        left: usize,
    },
    TrailerEnd {
        empty: bool,
        left: usize,
    },
}

/// What a byte leads to.
pub(crate) enum Step {
    To(Chunk),
    End,
    Bad,
}

impl Chunk {
    /// Where a body begins.
    pub(crate) const START: Chunk = Chunk::Size { value: 0, digits: 0 };

    /// The state after a byte that is not data.
    pub(crate) fn step(self, byte: u8) -> Step {
        let next = match (self, byte) {
            (Chunk::Size { value, digits }, _) if byte.is_ascii_hexdigit() => {
                // Sixteen digits are all that fit.
                if digits == 16 {
                    return Step::Bad;
                }
                Chunk::Size { value: value << 4 | hex(byte), digits: digits + 1 }
            }
            (Chunk::Size { digits: 0, .. }, _) => return Step::Bad,
            (Chunk::Size { value, .. }, b'\r') => Chunk::SizeEnd { value },
            (Chunk::Size { value, .. }, b';' | b' ' | b'\t') => {
                Chunk::Extension { value, left: LIMIT_BYTES }
            }
            (Chunk::Extension { value, .. }, b'\r') => Chunk::SizeEnd { value },
            (Chunk::Extension { value, left }, _) if byte != b'\n' && left > 0 => {
                Chunk::Extension { value, left: left - 1 }
            }
            (Chunk::SizeEnd { value: 0 }, b'\n') => {
                Chunk::Trailer { empty: true, left: LIMIT_BYTES }
            }
            (Chunk::SizeEnd { value }, b'\n') => Chunk::Data { left: value },
            (Chunk::DataReturn, b'\r') => Chunk::DataEnd,
            (Chunk::DataEnd, b'\n') => Chunk::Size { value: 0, digits: 0 },
            (Chunk::Trailer { empty, left }, b'\r') => Chunk::TrailerEnd { empty, left },
            (Chunk::Trailer { left, .. }, _) if byte != b'\n' && left > 0 => {
                Chunk::Trailer { empty: false, left: left - 1 }
            }
            (Chunk::TrailerEnd { empty: true, .. }, b'\n') => return Step::End,
            (Chunk::TrailerEnd { empty: false, left }, b'\n') => {
                Chunk::Trailer { empty: true, left }
            }
            _ => return Step::Bad,
        };
        Step::To(next)
    }
}

fn hex(byte: u8) -> u64 {
    u64::from(match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte - b'A' + 10,
    })
}
