//! In which order: slices in a balanced order, so that a drift of the machine falls on all alike.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// `each` slices of `lanes` lanes: random permutations, each followed by its mirror image (ABBA for two),
/// so that what grows steadily within a pair cancels. An odd last one stands alone.
pub fn slices(lanes: u16, each: u32, seed: u64) -> Vec<u16> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut order: Vec<u16> = Vec::new();
    let mut permutation: Vec<u16> = (0..lanes).collect();
    for n in 0..each {
        if n % 2 == 0 {
            permutation.shuffle(&mut rng);
        } else {
            permutation.reverse();
        }
        order.extend_from_slice(&permutation);
    }
    order
}

/// Puts `items` into an order that follows from `seed` alone.
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    items.shuffle(&mut StdRng::seed_from_u64(seed));
}

/// A seed of its own for each thing that is drawn by chance in a run.
pub fn derived_seed(seed: u64, what: &[u64]) -> u64 {
    let mut rng = StdRng::seed_from_u64(seed);
    for &word in what {
        rng = StdRng::seed_from_u64(rng.next_u64() ^ word);
    }
    rng.next_u64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_lane_gets_its_slices_and_a_steady_drift_falls_on_all_alike(
            lanes in 1u16..12, pairs in 1u32..12, seed: u64
        ) {
            let order = slices(lanes, pairs * 2, seed);
            let mean = |lane| {
                let places: Vec<usize> = (0..order.len()).filter(|&at| order[at] == lane).collect();
                prop_assert_eq!(places.len() as u32, pairs * 2);
                Ok(places.iter().sum::<usize>() as f64 / places.len() as f64)
            };
            for lane in 1..lanes {
                prop_assert!((mean(lane)? - mean(0)?).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_order_and_another_gives_another() {
        assert_eq!(slices(7, 20, 1), slices(7, 20, 1));
        assert_ne!(slices(7, 20, 1), slices(7, 20, 2));
        assert_ne!(derived_seed(1, &[2, 3]), derived_seed(1, &[3, 2]));
    }
}
