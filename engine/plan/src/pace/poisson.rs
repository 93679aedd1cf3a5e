//! Arrivals of a Poisson process of one slot a unit, as a pure function of seed and slot number.
//!
//! The line of units is cut into blocks of 65,536 units with exactly as many slots. Given their number,
//! arrivals of a Poisson process are independent and uniform; so half a block has Binomial(n, 1/2) of
//! its n slots, which is the number of heads of n coins, and so on down to leaves of a few slots, which
//! are uniform in what is left. Each node of this tree takes its coins from a hash of seed, block and
//! node: any slot is found without those before it, in a time that does not depend on its number.
//!
//! ```text
//!                    block: 65,536 slots
//!           32,701 ◄── coins of the node ──► 32,835      a node: a binary fraction of the block
//!       16,402 ◄──► 16,299            16,377 ◄──► 16,458
//! ```
//!
//! Gaps are exponential and counts vary like those of a Poisson process on all scales that are short
//! beside a block: the variance of the count in a fraction `f` of a block is `1 − f` times as large.
//! Over whole blocks counts do not vary at all, so the total of a long schedule is close to its mean.

/// A block has `2¹⁶` slots in `2¹⁶` units.
const BLOCK_BITS: u32 = 16;
const BLOCK_SLOTS: u32 = 1 << BLOCK_BITS;
/// Binary digits of a place behind the unit.
const FRACTION_BITS: u32 = u64::BITS - BLOCK_BITS;
/// Slots of a leaf, at the most: about where sorting costs as much as more nodes.
const LEAF_SLOTS: usize = 8;
/// Nodes from a block down to one of its `2⁶⁴` places.
const PATH_NODES: usize = 65;
/// Step of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A place on the line of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    block: u64,
    /// In `2⁻⁶⁴` of a block.
    offset: u64,
}

impl Place {
    /// The place in finer units, `units_per_slot` to a slot, cut to whole ones.
    pub(super) fn units(self, units_per_slot: u128) -> u128 {
        let slots =
            (u128::from(self.block) << BLOCK_BITS) | u128::from(self.offset >> FRACTION_BITS);
        let fraction = u128::from(self.offset & ((1 << FRACTION_BITS) - 1));
        slots * units_per_slot + ((fraction * units_per_slot) >> FRACTION_BITS)
    }

    /// The first place that is not before `units` of `units_per_slot` to a slot.
    fn after(units: u128, units_per_slot: u128) -> Self {
        let fraction = ((units % units_per_slot) << FRACTION_BITS).div_ceil(units_per_slot);
        let slots = units / units_per_slot + (fraction >> FRACTION_BITS);
        let fraction = low_bits(fraction & ((1 << FRACTION_BITS) - 1));
        let in_block = low_bits(slots) << FRACTION_BITS;
        Self { block: low_bits(slots >> BLOCK_BITS), offset: in_block | fraction }
    }
}

/// Looks for slots of the process and remembers the way to the last one, so that slots that are asked
/// for in order cost a few nanoseconds each. It makes no allocation after its first.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    seed: u64,
    block: u64,
    /// What the coins of the block are hashed from.
    block_key: u64,
    /// From the block down to the last place that was looked for.
    path: Vec<Node>,
    /// Where the slots of the last leaf are, in order.
    leaf: [u64; LEAF_SLOTS],
}

/// A binary fraction of a block.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// The first place in it.
    low: u64,
    /// Its length is `2⁻ᵈᵉᵖᵗʰ` of a block.
    depth: u32,
    /// Slots of the block before it, in it, and in its lower half.
    first: u32,
    count: u32,
    left: u32,
}

impl Cursor {
    /// Where slot `k` of the process of `seed` is.
    pub(super) fn place(&mut self, seed: u64, k: u64) -> Place {
        self.enter(seed, k >> BLOCK_BITS);
        let slot = low_half(k) & (BLOCK_SLOTS - 1);
        let mut node = self.last_with(|node| slot.wrapping_sub(node.first) < node.count);
        while !node.is_leaf() {
            let is_high = slot - node.first >= node.left;
            node = self.descend(&node, is_high);
        }
        // At the deepest leaves there is but one place.
        let in_leaf = (slot - node.first) as usize;
        let offset = self.leaf.get(in_leaf).copied().unwrap_or(node.low);
        Place { block: self.block, offset }
    }

    /// How many slots of the process of `seed` come before `units` of `units_per_slot` to a slot.
    pub(super) fn slots_before(&mut self, seed: u64, units: u128, units_per_slot: u128) -> u64 {
        let Place { block, offset } = Place::after(units, units_per_slot);
        self.enter(seed, block);
        let mut node = self.last_with(|node| bits_above(node.low ^ offset, node.depth) == 0);
        while !node.is_leaf() {
            let is_high = offset & half_of(node.depth) != 0;
            node = self.descend(&node, is_high);
        }
        let in_leaf = self.leaf.iter().take(node.count as usize);
        let in_leaf = in_leaf.map(|&place| u64::from(place < offset)).sum::<u64>();
        (block << BLOCK_BITS) + u64::from(node.first) + in_leaf
    }

    /// Makes the path lead from the top of a block.
    fn enter(&mut self, seed: u64, block: u64) {
        if self.path.is_empty() || (self.seed, self.block) != (seed, block) {
            let block_key = mixed(mixed(seed).wrapping_add(block.wrapping_mul(GAMMA)));
            (self.seed, self.block, self.block_key) = (seed, block, block_key);
            self.path.clear();
            self.path.reserve(PATH_NODES);
            self.push(0, 0, 0, BLOCK_SLOTS);
        }
    }

    /// The deepest node of the path that holds what is looked for; the block always does.
    fn last_with(&mut self, holds: impl Fn(&Node) -> bool) -> Node {
        let deepest = self.path.iter().rposition(holds).unwrap_or(0);
        self.path.truncate(deepest + 1);
        self.path[deepest]
    }

    fn descend(&mut self, node: &Node, is_high: bool) -> Node {
        let depth = node.depth + 1;
        if is_high {
            let low = node.low | half_of(node.depth);
            self.push(low, depth, node.first + node.left, node.count - node.left)
        } else {
            self.push(node.low, depth, node.first, node.left)
        }
    }

    fn push(&mut self, low: u64, depth: u32, first: u32, count: u32) -> Node {
        let mut node = Node { low, depth, first, count, left: 0 };
        let key = self.key_of(&node);
        if node.is_leaf() {
            self.leaf = node.places(key);
        } else {
            node.left = heads(key, count);
        }
        self.path.push(node);
        node
    }

    fn key_of(&self, node: &Node) -> u64 {
        // Numbers of a binary heap: 1 for the block, then 2 and 3, …
        let number = bits_above(node.low, node.depth) | 1_u64.checked_shl(node.depth).unwrap_or(0);
        mixed(self.block_key ^ number.wrapping_mul(GAMMA))
    }
}

impl Node {
    fn is_leaf(&self) -> bool {
        self.count as usize <= LEAF_SLOTS || self.depth == u64::BITS
    }

    /// Where the slots of a leaf are, in order; behind them there is nothing to see.
    fn places(&self, key: u64) -> [u64; LEAF_SLOTS] {
        let mut places = [u64::MAX; LEAF_SLOTS];
        for (place, number) in places.iter_mut().zip(1..=u64::from(self.count)) {
            let bits = mixed(key.wrapping_add(number.wrapping_mul(GAMMA)));
            *place = self.low | bits_below(bits, self.depth);
        }
        // Each goes where its rank is: so few are sorted faster without branches.
        let mut sorted = [0; LEAF_SLOTS];
        for (index, &place) in places.iter().enumerate() {
            let ranks = places.iter().enumerate();
            let before = |(other, &at)| at < place || (at == place && other < index);
            sorted[ranks.filter(|&rank| before(rank)).count()] = place;
        }
        sorted
    }
}

/// How many of `coins` fair coins show heads.
fn heads(key: u64, coins: u32) -> u32 {
    let word = |number: u32| mixed(key.wrapping_add(u64::from(number + 1).wrapping_mul(GAMMA)));
    let (words, rest) = (coins / u64::BITS, coins % u64::BITS);
    let of_words: u32 = (0..words).map(|number| word(number).count_ones()).sum();
    of_words + (word(words) & ((1 << rest) - 1)).count_ones()
}

/// The finalizer of SplitMix64.
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The digits that say which node of a depth it is.
fn bits_above(offset: u64, depth: u32) -> u64 {
    offset.checked_shr(u64::BITS - depth).unwrap_or(0)
}

/// Digits for what lies within a node of a depth.
fn bits_below(bits: u64, depth: u32) -> u64 {
    bits.checked_shr(depth).unwrap_or(0)
}

/// Half the length of a node of a depth.
fn half_of(depth: u32) -> u64 {
    1 << (u64::BITS - 1 - depth)
}

#[expect(clippy::cast_possible_truncation, reason = "the other bits are not asked for")]
fn low_bits(bits: u128) -> u64 {
    bits as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the other bits are not asked for")]
fn low_half(bits: u64) -> u32 {
    bits as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As fine as the units of a schedule of whole rates.
    const UNITS: u128 = 2_000_000_000;

    fn at(seed: u64, k: u64) -> Place {
        Cursor::default().place(seed, k)
    }

    #[test]
    fn arrivals_are_what_they_always_were() {
        // Agents of another version must have the same ones.
        for (seed, k, units) in [
            (1, 0, 96_724_315),
            (1, 1, 9_655_423_348),
            (1, 65535, 131_069_864_559_790),
            (1, 65536, 131_073_974_910_281),
            (0, 100000, 200_087_927_201_371),
            (42, 7, 23_402_152_490),
            (u64::MAX, 1 << 40, 2_199_023_255_552_676_886_386),
        ] {
            assert_eq!(at(seed, k).units(UNITS), units, "slot {k} of seed {seed}");
        }
    }

    #[test]
    fn a_cursor_finds_what_a_new_one_finds() {
        let mut cursor = Cursor::default();
        for (what, slots) in [
            ("in order", (0..3000).collect::<Vec<_>>()),
            ("by turns of 7", (0..3000).step_by(7).collect()),
            ("by turns of 1,000, over blocks", (0..400_000).step_by(1000).collect()),
            ("backwards", (65_000..66_000).rev().collect()),
            ("back and forth", (0..1000).map(|k| k * 7919 % 200_000).collect()),
            ("far away", vec![u64::MAX, 0, 1 << 60, 5, u64::MAX]),
        ] {
            for k in slots {
                assert_eq!(cursor.place(3, k), at(3, k), "{what}: slot {k}");
                assert_eq!(cursor.place(4, k), at(4, k), "{what}: slot {k} of another seed");
            }
        }
    }

    #[test]
    fn a_block_has_its_slots_in_order() {
        for block in [0, 1, 1_000_000] {
            let mut cursor = Cursor::default();
            let mut last = Place { block, offset: 0 };
            for k in (0..u64::from(BLOCK_SLOTS)).map(|slot| (block << BLOCK_BITS) + slot) {
                let place = cursor.place(1, k);
                assert!(place.block == block && place >= last, "slot {k} at {place:?}");
                last = place;
            }
        }
    }

    #[test]
    fn slots_that_no_coin_has_parted_are_at_one_place() {
        for count in [3, 9, 100] {
            let mut cursor = Cursor::default();
            cursor.enter(1, 0);
            let last = BLOCK_SLOTS - count;
            let node = cursor.push(u64::MAX, u64::BITS, last, count);
            assert!(node.is_leaf() && cursor.path.capacity() >= PATH_NODES);
            for slot in u64::from(last)..u64::from(BLOCK_SLOTS) {
                let expected = Place { block: 0, offset: u64::MAX };
                assert_eq!(cursor.place(1, slot), expected, "slot {slot} of {count}");
            }
        }
    }

    proptest! {
        #[test]
        fn place_and_count_are_inverse(
            seed in any::<u64>(), k in 0_u64..1 << 50, others in prop::collection::vec(0_u64..200_000, 0..9),
            units_per_slot in 2_000_000_000_u128..2_000_000_000_000_000_000,
        ) {
            let mut cursor = Cursor::default();
            for other in others {
                cursor.slots_before(seed, u128::from(other) * units_per_slot / 3, units_per_slot);
            }
            // The last moment at which the slot is not yet before.
            let units = at(seed, k).units(units_per_slot);
            prop_assert!(cursor.slots_before(seed, units, units_per_slot) <= k);
            prop_assert!(cursor.slots_before(seed, units + 1, units_per_slot) > k);
        }

        #[test]
        fn counts_at_edges_of_blocks_are_exact(seed in any::<u64>(), block in 0_u64..1 << 30) {
            let slots = block << BLOCK_BITS;
            let units = u128::from(slots) * UNITS;
            prop_assert_eq!(Cursor::default().slots_before(seed, units, UNITS), slots);
        }

        #[test]
        fn the_place_does_not_depend_on_the_units(
            seed in any::<u64>(), k in 0_u64..1 << 40, factor in 1_u128..1000,
        ) {
            let place = at(seed, k);
            prop_assert_eq!(place.units(UNITS * factor) / factor, place.units(UNITS));
        }
    }
}
