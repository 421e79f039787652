//! Seeded pseudo-random numbers, the same on every machine.

/// A SplitMix64 generator. Not for cryptography.
#[derive(Debug, Clone)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// A generator that starts at `seed`. Equal seeds return equal numbers.
    pub fn new(seed: u64) -> Self {
        Rng { state: seed }
    }

    /// Returns 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns an integer from 0 to `limit − 1`. Numbers are nearly uniform if `limit` is far below 2⁶⁴.
    ///
    /// # Panics
    /// If `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.bits() % limit as u64) as usize
    }

    /// Returns an approximately normal number with mean 0 and variance 1, within ±2√3: the scaled sum of four uniform numbers.
    /// Uses no logarithm, whose last bit depends on the machine.
    pub fn normal(&mut self) -> f32 {
        const MEAN: i32 = 2 * 0xffff;
        const DEVIATION: f32 = 37_837.227; // 2^16 / √3
        let bits = self.bits();
        let sum: i32 = (0..4).map(|part| (bits >> (16 * part) & 0xffff) as i32).sum();
        (sum - MEAN) as f32 / DEVIATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_splitmix64() {
        let mut rng = Rng::new(1_234_567);
        assert_eq!([rng.bits(), rng.bits()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let mut rng = Rng::new(0);
        let numbers: Vec<f64> = (0..100_000).map(|_| rng.normal().into()).collect();
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / numbers.len() as f64;
        assert!(mean(&mut numbers.iter().copied()).abs() < 0.01);
        assert!((mean(&mut numbers.iter().map(|n| n * n)) - 1.0).abs() < 0.01);
        assert!(numbers.iter().all(|n| n.abs() < 3.47) && numbers.iter().any(|n| n.abs() > 3.0));
    }

    #[test]
    fn integers_stay_below_their_limit() {
        let mut rng = Rng::new(0);
        let mut counts = [0; 7];
        (0..7_000).for_each(|_| counts[rng.below(7)] += 1);
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }
}
