//! Random numbers that depend on a seed alone.

/// SplitMix64.
#[derive(Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        Rng { state: seed }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of mean 0 and variance 1, near to normal and within ±2√3: the sum of four uniform ones. Needs no logarithm,
    /// whose last bit depends on the machine.
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
}
