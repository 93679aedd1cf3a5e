//! Bands of nanoseconds: four an octave, narrow enough for a heat map and few enough to keep of
//! every second. Counts of bands add up, so frames can be put together without their histograms.
//!
//! A bucket of our histograms lies in one band, whatever its width: both cut octaves evenly, and
//! the histograms in more pieces.

use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// Below it every value has a band of its own.
const FIRST_CUT: u64 = 4;

/// The band of a value.
#[must_use]
pub fn band_of(value_ns: u64) -> u16 {
    let octave = u64::BITS - 1 - value_ns.max(1).leading_zeros();
    let band = match value_ns < FIRST_CUT {
        true => value_ns,
        false => u64::from(octave) * 4 + ((value_ns >> (octave - 2)) & 3),
    };
    // At most 255: the fourth band of octave 63.
    u16::try_from(band).unwrap_or(u16::MAX)
}

/// The lowest value of a band; none: no value is of this band.
#[must_use]
pub fn band_edge_ns(band: u16) -> Option<u64> {
    let (octave, piece) = (u32::from(band / 4), u64::from(band % 4));
    match band {
        0..4 => Some(piece),
        8..=255 => Some((4 + piece) << (octave - 2)),
        _ => None,
    }
}

/// How many values of a histogram each band has; bands without any are left out.
#[must_use]
pub fn bands_of(histogram: &Histogram<u64>) -> BTreeMap<u16, u64> {
    let mut bands = BTreeMap::new();
    for step in histogram.iter_recorded() {
        let lowest_ns = histogram.lowest_equivalent(step.value_iterated_to());
        *bands.entry(band_of(lowest_ns)).or_default() += step.count_at_value();
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::new_histogram;
    use proptest::prelude::*;

    #[test]
    fn bands_are_those_of_the_table() {
        for (value_ns, band) in [
            (0, 0),
            (1, 1),
            (3, 3),
            (4, 8),
            (7, 11),
            (8, 12),
            (9, 12),
            (10, 13),
            (15, 15),
            (16, 16),
            (1_000, 39),
            (1_000_000, 79),
            (1_048_575, 79),
            (1_048_576, 80),
            (3_600_000_000_000, 166),
            (u64::MAX, 255),
        ] {
            assert_eq!(band_of(value_ns), band, "{value_ns}");
        }
    }

    #[test]
    fn edges_are_where_bands_begin() {
        let mut last = None;
        for band in 0..=300_u16 {
            let edge = band_edge_ns(band);
            assert_eq!(edge.is_none(), (4..8).contains(&band) || band > 255, "{band}");
            let Some(edge) = edge else { continue };
            assert_eq!(band_of(edge), band, "the edge of {band}");
            if let Some(below) = edge.checked_sub(1) {
                assert_eq!(Some(band_of(below)), last, "below the edge of {band}");
            }
            last = Some(band);
        }
    }

    #[test]
    fn a_histogram_without_values_has_no_bands() {
        assert!(bands_of(&new_histogram()).is_empty());
    }

    proptest! {
        #[test]
        fn every_value_is_between_the_edges_of_its_band(value_ns in any::<u64>(), shift in 0..64) {
            let value_ns = value_ns >> shift;
            let band = band_of(value_ns);
            prop_assert!(band_edge_ns(band).unwrap() <= value_ns);
            let next = (band + 1..256).find_map(band_edge_ns);
            prop_assert!(next.is_none_or(|next| value_ns < next));
            prop_assert!(band_of(value_ns.saturating_add(1)) >= band);
        }

        #[test]
        fn bands_of_a_histogram_are_those_of_its_values(
            values in prop::collection::vec((0..3_600_000_000_000_u64, 0..40), 0..50),
        ) {
            let (mut histogram, mut expected) = (new_histogram(), BTreeMap::new());
            for (value_ns, shift) in values {
                let value_ns = value_ns >> shift;
                histogram.record(value_ns).unwrap();
                *expected.entry(band_of(value_ns)).or_default() += 1;
            }
            prop_assert_eq!(bands_of(&histogram), expected);
        }
    }
}
