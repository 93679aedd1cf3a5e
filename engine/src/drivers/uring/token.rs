//! Token: what acp writes into the `user_data` of an operation, so that its completion finds its
//! way home.
//!
//! ```text
//! 63      56 55            32 31              0
//! │  kind   │   generation   │      index      │
//! ```
//!
//! `index` says which connection, `generation` which of its lives: a completion that arrives after
//! the place was given to another connection carries an old generation and is recognised.

/// The parts of a `user_data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What the operation was; the meaning is the driver's.
    pub kind: u8,
    /// Life number of the place, below 2²⁴; see [`Token::next_generation`].
    pub generation: u32,
    /// Number of the place.
    pub index: u32,
}

impl Token {
    const GENERATION_BITS: u32 = 24;
    const GENERATION_MASK: u32 = (1 << Self::GENERATION_BITS) - 1;

    /// Packs the parts; of `generation` only the low 24 bits are kept.
    #[inline]
    #[must_use]
    pub const fn pack(self) -> u64 {
        (self.kind as u64) << 56
            | ((self.generation & Self::GENERATION_MASK) as u64) << 32
            | self.index as u64
    }

    /// Takes a `user_data` apart.
    #[inline]
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the truncation takes the parts apart")]
    pub const fn unpack(user_data: u64) -> Token {
        Token {
            kind: (user_data >> 56) as u8,
            generation: (user_data >> 32) as u32 & Self::GENERATION_MASK,
            index: user_data as u32,
        }
    }

    /// The generation after `generation`; wraps after 16.7 million lives, far more than can be in
    /// flight.
    #[inline]
    #[must_use]
    pub const fn next_generation(generation: u32) -> u32 {
        generation.wrapping_add(1) & Self::GENERATION_MASK
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_layout_is_what_the_drawing_says() {
        let token = Token { kind: 0xAB, generation: 0x0012_3456, index: 0x89AB_CDEF };
        assert_eq!(token.pack(), 0xAB12_3456_89AB_CDEF);
    }

    #[test]
    fn a_generation_that_is_too_large_does_not_spill_into_the_kind() {
        let token = Token { kind: 0, generation: u32::MAX, index: 0 };
        assert_eq!(Token::unpack(token.pack()).kind, 0);
        assert_eq!(Token::unpack(token.pack()).generation, 0x00FF_FFFF);
    }

    #[test]
    fn generations_wrap() {
        assert_eq!(Token::next_generation(0), 1);
        assert_eq!(Token::next_generation(0x00FF_FFFF), 0);
    }

    proptest! {
        #[test]
        fn pack_and_unpack_are_inverse(kind: u8, generation in 0_u32..1 << 24, index: u32) {
            let token = Token { kind, generation, index };
            prop_assert_eq!(Token::unpack(token.pack()), token);
        }

        #[test]
        fn unpack_and_pack_are_inverse(user_data: u64) {
            prop_assert_eq!(Token::unpack(user_data).pack(), user_data);
        }
    }
}
