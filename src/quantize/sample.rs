//! A seeded choice of calibration pairs.

/// `count` different indices below `len` (all of them where there are fewer), in random order that depends on `seed`
/// alone: a Fisher-Yates shuffle driven by SplitMix64.
pub fn choose(len: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut indices: Vec<usize> = (0..len).collect();
    let count = count.min(len);
    for at in 0..count {
        let other = at + (next() % (len - at) as u64) as usize;
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
