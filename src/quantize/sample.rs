//! A seeded choice of calibration pairs.

use crate::rng::Rng;

/// `count` different indices below `len` (all of them where there are fewer), in random order that depends on `seed`
/// alone: a Fisher-Yates shuffle.
pub fn choose(len: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut rng = Rng::new(seed);
    let mut indices: Vec<usize> = (0..len).collect();
    let count = count.min(len);
    for at in 0..count {
        let other = at + (rng.bits() % (len - at) as u64) as usize;
        indices.swap(at, other);
    }
    indices.truncate(count);
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_and_nothing_repeats() {
        let first = choose(100, 30, 7);
        assert_eq!(first, choose(100, 30, 7));
        assert_ne!(first, choose(100, 30, 8));
        let mut sorted = first.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 30);
        assert_eq!(choose(3, 10, 0).len(), 3);
    }
}
