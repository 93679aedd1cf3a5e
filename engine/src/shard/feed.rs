//! Where the requests of a shard come from when they are not all the same, and where their bytes
//! stay until they are answered.

/// A request that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its number among the shard's own slots of this part of the run, from 0. It never goes down
    /// within the part, and goes up by more than 1 where slots were given up.
    pub index: u64,
    /// Its number among all slots of this part of the run.
    pub slot: u64,
    /// It belongs to the warm-up, whose slots are numbered by themselves.
    pub is_warmup: bool,
}

/// A request as a feed gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Its method is HEAD: the response has no body.
    pub is_head: bool,
    /// Number of its tag; 0: it has none.
    pub tag: u16,
}

/// What a feed answers when it is asked for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Here it is: its bytes were appended.
    Given(Given),
    /// It is not there yet; nothing was appended. In an open loop the slot is given up (`not_sent`,
    /// `source`). In a closed loop the same request is asked for again after 200 µs.
    NotYet,
    /// No request comes any more; nothing was appended. In an open loop the slot is given up, and the
    /// feed is asked for the next one all the same. In a closed loop the shard is done: it sends
    /// nothing more, waits for what is under way, and books what it had left as `not_sent`, `source`.
    /// In a warm-up that is the end of the warm-up's requests only.
    Over,
}

impl From<Given> for Answer {
    fn from(given: Given) -> Self {
        Self::Given(given)
    }
}

/// Gives one shard its requests. It is called on the thread of the shard, which sends nothing and
/// hears nothing as long as that takes: it neither waits nor, in the long run, allocates.
pub trait Feed: Send {
    /// Appends the bytes of a whole HTTP/1.1 request to `bytes`, which is empty: its line, its
    /// headers, `Host` and the length of a body among them, a blank line, and the body. They are sent
    /// as they are.
    fn give(&mut self, wanted: Wanted, bytes: &mut Vec<u8>) -> Answer;
}

impl<F: Feed + ?Sized> Feed for Box<F> {
    fn give(&mut self, wanted: Wanted, bytes: &mut Vec<u8>) -> Answer {
        (**self).give(wanted, bytes)
    }
}

/// Marks a request that has no bytes of its own: the plan's request is meant.
pub(super) const PLANNED: u32 = u32::MAX;
/// Memory for the bytes of one request that is always kept when they are not needed any more.
const KEPT_BYTES: usize = 64 * 1024;
/// Memory of places that are larger than that, all together: while it lasts they stay as large as
/// they have become, so that large requests need no new memory either.
const KEPT_LARGE_BYTES: usize = 64 << 20;

/// The bytes of requests that are not answered yet: they may have to be sent again.
#[derive(Default)]
pub(super) struct Bytes {
    places: Vec<Place>,
    free: Vec<u32>,
    /// Memory of large places, as far as it was kept.
    large_bytes: usize,
}

/// Where the bytes of one request stay.
#[derive(Default)]
struct Place {
    bytes: Vec<u8>,
    /// Its part of `large_bytes`.
    large_bytes: usize,
}

impl Bytes {
    pub(super) fn new(requests: usize) -> Self {
        let (places, free) = (Vec::with_capacity(requests), Vec::with_capacity(requests));
        Self { places, free, large_bytes: 0 }
    }

    /// An empty place.
    #[inline]
    pub(super) fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { bytes: Vec::with_capacity(256), large_bytes: 0 });
            u32::try_from(self.places.len() - 1).unwrap_or(PLANNED - 1)
        })
    }

    #[inline]
    pub(super) fn get(&self, place: u32) -> &[u8] {
        &self.places[place as usize].bytes
    }

    #[inline]
    pub(super) fn get_mut(&mut self, place: u32) -> &mut Vec<u8> {
        &mut self.places[place as usize].bytes
    }

    /// The bytes of `place` are not needed any more.
    #[inline]
    pub(super) fn give_back(&mut self, place: u32) {
        if place == PLANNED {
            return;
        }
        let Place { bytes, large_bytes } = &mut self.places[place as usize];
        bytes.clear();
        if bytes.capacity() > KEPT_BYTES {
            self.large_bytes -= *large_bytes;
            *large_bytes = bytes.capacity();
            if self.large_bytes + *large_bytes > KEPT_LARGE_BYTES {
                bytes.shrink_to(KEPT_BYTES);
                *large_bytes = 0;
            }
            self.large_bytes += *large_bytes;
        }
        self.free.push(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_serve_again_in_memory_that_is_bounded() {
        let mut bytes = Bytes::new(3);
        let places = [bytes.take(), bytes.take(), bytes.take()];
        let [first, second, third] = places;
        bytes.get_mut(first).extend_from_slice(b"one");
        bytes.get_mut(second).resize(4 * KEPT_BYTES, 0);
        assert_eq!(bytes.get(first), b"one");
        bytes.give_back(PLANNED);
        bytes.give_back(second);
        assert_eq!(bytes.take(), second, "the one that is free");
        assert!(bytes.get(second).is_empty());
        let capacity = bytes.get_mut(second).capacity();
        assert!(capacity >= 4 * KEPT_BYTES, "a large one stays large");
        assert_eq!(bytes.large_bytes, capacity);
        assert_eq!(bytes.get(first), b"one");
        assert_eq!(bytes.take(), 3, "a new one");
        bytes.get_mut(third).reserve_exact(KEPT_LARGE_BYTES - KEPT_BYTES);
        bytes.give_back(third);
        assert!(bytes.get_mut(third).capacity() <= KEPT_BYTES, "together they are too large");
        bytes.give_back(second);
        assert_eq!(bytes.large_bytes, capacity, "counted once, however often it serves");
        assert_eq!(bytes.take(), second);
        bytes.get_mut(second).reserve_exact(KEPT_LARGE_BYTES + 1);
        bytes.give_back(second);
        assert!(bytes.get_mut(second).capacity() <= KEPT_BYTES, "it alone is too large");
        assert_eq!(bytes.large_bytes, 0);
    }
}
