//! Seeded random sampling of calibration pairs.

use crate::rng::Rng;

/// Samples `count` different indices below `len` in random order: a Fisher-Yates shuffle. Returns all `len` indices if `count`
/// is larger. The same arguments always return the same indices.
pub fn sample_indices(len: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut rng = Rng::new(seed);
    let mut indices: Vec<usize> = (0..len).collect();
    let count = count.min(len);
    for at in 0..count {
        let other = at + rng.below(len - at);
        indices.swap(at, other);
    }
    indices.truncate(count);
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_and_no_index_repeats() {
        let first = sample_indices(100, 30, 7);
        assert_eq!(first, sample_indices(100, 30, 7));
        assert_ne!(first, sample_indices(100, 30, 8));
        let mut sorted = first.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 30);
        assert_eq!(sample_indices(3, 10, 0).len(), 3);
    }
}
