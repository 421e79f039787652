//! Elementary functions as branch-free polynomials, in forms that compilers turn into SIMD.

use crate::activation::Activation;

/// `e^x` for x in [−87, 88], clamped outside. Relative error at most 2e-7.
///
/// Cody and Waite's reduction x = n·ln 2 + r with the Cephes polynomial for e^r, |r| ≤ ln 2 / 2.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Adding and taking off 1.5·2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    (p * r * r + r + 1.0) * power
}

/// `x · Φ(x)`, the exact GELU, within 5e-7 · max(1, |x|).
///
/// Φ by Abramowitz and Stegun 7.1.26: `erfc(u) ≈ (a₁t + … + a₅t⁵)·e^(−u²)`, t = 1 / (1 + p·u), u = |x|/√2.
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    let u = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * u);
    let p = 1.061_405_4;
    let p = p * t - 1.453_152_1;
    let p = p * t + 1.421_413_8;
    let p = p * t - 0.284_496_72;
    let p = (p * t + 0.254_829_6) * t;
    let tail = 0.5 * p * exp(-u * u);
    x * if x < 0.0 { tail } else { 1.0 - tail }
}

/// The tanh approximation of GELU, within 5e-7 · max(1, |x|): `0.5·(1 + tanh z) = 1 / (1 + e^(−2z))`.
#[inline(always)]
pub fn gelu_tanh(x: f32) -> f32 {
    let z = 0.797_884_6 * (x + 0.044_715 * x * x * x);
    x / (1.0 + exp(-2.0 * z))
}

/// Applies `activation` to every value.
pub fn activate(activation: Activation, values: &mut [f32]) {
    match activation {
        Activation::Gelu => values.iter_mut().for_each(|v| *v = gelu(*v)),
        Activation::GeluTanh => values.iter_mut().for_each(|v| *v = gelu_tanh(*v)),
        Activation::Relu => values.iter_mut().for_each(|v| *v = v.max(0.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(from: f32, to: f32) -> impl Iterator<Item = f32> {
        (0..=20_000).map(move |i| from + (to - from) * i as f32 / 20_000.0)
    }

    /// erf by its Taylor series, exact to 1e-12 for |x| ≤ 4.5.
    fn erf(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn exp_is_within_its_bound() {
        for x in grid(-87.0, 88.0) {
            let exact = f64::from(x).exp();
            assert!(((f64::from(exp(x)) - exact) / exact).abs() <= 2e-7, "exp({x})");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37 && exp(f32::INFINITY) > 1e38);
    }

    #[test]
    fn gelu_is_within_its_bound() {
        for x in grid(-6.0, 6.0) {
            let exact = 0.5 * f64::from(x) * (1.0 + erf(f64::from(x) / std::f64::consts::SQRT_2));
            let bound = 5e-7 * f64::from(x.abs().max(1.0));
            assert!((f64::from(gelu(x)) - exact).abs() <= bound, "gelu({x}) is {}, not {exact}", gelu(x));
        }
        assert_eq!(gelu(50.0), 50.0);
        assert!(gelu(-50.0).abs() < 1e-30);
    }

    #[test]
    fn gelu_tanh_is_within_its_bound() {
        for x in grid(-6.0, 6.0) {
            let x64 = f64::from(x);
            let z = (2.0 / std::f64::consts::PI).sqrt() * (x64 + 0.044715 * x64.powi(3));
            let exact = 0.5 * x64 * (1.0 + z.tanh());
            let bound = 5e-7 * x64.abs().max(1.0);
            assert!((f64::from(gelu_tanh(x)) - exact).abs() <= bound, "gelu_tanh({x})");
        }
    }

    #[test]
    fn relu_keeps_only_what_is_positive() {
        let mut values = [-1.0, 0.0, 2.5];
        activate(Activation::Relu, &mut values);
        assert_eq!(values, [0.0, 0.0, 2.5]);
    }
}
