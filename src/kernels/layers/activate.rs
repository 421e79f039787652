//! Activation functions on vectors.

use super::math::{Constant, Exp, exp, from_memory};
use crate::activation::Activation;
use crate::kernels::isa::{LANES, Lanes};

/// The constants of GELU: `Φ(t) = 1/2 + t·p(t²)` for t in [−most, most], where p is a minimax polynomial in u = 2t²/most² − 1.
struct Gelu<const PAIRS: usize> {
    least: Constant,
    most: Constant,
    u_scale: Constant,
    minus_one: Constant,
    half: Constant,
    /// Coefficients of even and odd powers, highest powers first.
    pairs: [[Constant; 2]; PAIRS],
    /// The coefficient of u⁰.
    last: Constant,
}

impl<const PAIRS: usize> Gelu<PAIRS> {
    const fn new(most: f32, coefficients: [[f32; 2]; PAIRS], last: f32) -> Self {
        let mut pairs = [[[0.0; LANES]; 2]; PAIRS];
        let mut at = 0;
        while at < PAIRS {
            let [even, odd] = coefficients[at];
            pairs[at] = [[even; LANES], [odd; LANES]];
            at += 1;
        }
        Gelu {
            least: [-most; LANES],
            most: [most; LANES],
            u_scale: [2.0 / (most * most); LANES],
            minus_one: [-1.0; LANES],
            half: [0.5; LANES],
            pairs,
            last: [last; LANES],
        }
    }
}

/// GELU within 5e-7 · max(1, |x|). At ±5, Φ is within 3e-7 of 0 and 1.
static GELU_F32: Gelu<F32_PAIRS> = Gelu::new(
    5.0,
    [
        [0.000_582_616_8, -0.001_589_165_5],
        [0.001_783_495_4, -0.002_740_28],
        [0.006_359_371, -0.011_119_924],
        [0.016_421_136, -0.023_284_117],
        [0.031_439_204, -0.040_440_463],
        [0.051_520_675, -0.070_296_36],
    ],
    0.141_363_78,
);

/// GELU within 5e-5 · max(1, |x|).
static GELU_U8: Gelu<U8_PAIRS> = Gelu::new(
    3.75,
    [[0.004_501_929, -0.012_265_893], [0.019_309_372, -0.032_642_25], [0.055_077_26, -0.087_718_44]],
    0.187_060_6,
);

/// Returns `x · Φ(x)`, the exact GELU, within the error bound of `c`.
#[inline(always)]
fn gelu<L: Lanes, const PAIRS: usize>(l: L, x: L::F32, c: &Gelu<PAIRS>) -> L::F32 {
    let t = l.min(l.max(x, l.constant(&c.least)), l.constant(&c.most));
    let u = l.mul_add(l.mul(t, t), l.constant(&c.u_scale), l.constant(&c.minus_one));
    let square = l.mul(u, u);
    let [mut even, mut odd] = c.pairs[0].each_ref().map(|x| l.constant(x));
    for [next_even, next_odd] in &c.pairs[1..] {
        even = l.mul_add(even, square, l.constant(next_even));
        odd = l.mul_add(odd, square, l.constant(next_odd));
    }
    even = l.mul_add(even, square, l.constant(&c.last));
    let p = l.mul_add(odd, u, even);
    l.mul(x, l.mul_add(t, p, l.constant(&c.half)))
}

/// Returns the tanh approximation of GELU within 5e-7 · max(1, |x|), by `0.5·(1 + tanh z) = 1 / (1 + e^(−2z))`.
#[inline(always)]
fn gelu_tanh<L: Lanes>(l: L, x: L::F32, c: &Exp) -> L::F32 {
    let cubic = l.mul(l.mul(x, x), l.splat(0.044_715));
    let minus_2z = l.mul(l.mul_add(cubic, x, x), l.splat(-2.0 * 0.797_884_6));
    l.div(x, l.add(l.splat(1.0), exp(l, minus_2z, c)))
}

/// Pairs of GELU's coefficients for results that stay FP32.
pub(in crate::kernels) const F32_PAIRS: usize = 6;
/// Pairs of GELU's coefficients for results that are quantized to u8 at once.
pub(in crate::kernels) const U8_PAIRS: usize = 3;

/// An activation function with its constants at hand.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct Activate<const PAIRS: usize> {
    activation: Activation,
    gelu: &'static Gelu<PAIRS>,
    exp: &'static Exp,
}

impl Activate<F32_PAIRS> {
    /// Prepares `activation` for FP32 results. Call this outside of loops.
    #[inline(always)]
    pub fn new(activation: Activation) -> Self {
        Activate { activation, gelu: from_memory(&GELU_F32), exp: Exp::new() }
    }
}

impl Activate<U8_PAIRS> {
    /// Prepares `activation` for results that are quantized to u8 at once: GELU is within 5e-5 · max(1, |x|). Call this outside of
    /// loops.
    #[inline(always)]
    pub fn for_u8(activation: Activation) -> Self {
        Activate { activation, gelu: from_memory(&GELU_U8), exp: Exp::new() }
    }
}

impl<const PAIRS: usize> Activate<PAIRS> {
    /// Returns the activation of eight values.
    #[inline(always)]
    pub fn apply<L: Lanes>(self, l: L, x: L::F32) -> L::F32 {
        match self.activation {
            Activation::Gelu => gelu(l, x, self.gelu),
            Activation::GeluTanh => gelu_tanh(l, x, self.exp),
            Activation::Relu => l.max(x, l.splat(0.0)),
        }
    }
}

#[cfg(test)]
pub(in crate::kernels) mod tests {
    use super::super::math::tests::check;
    use super::*;
    use crate::kernels::isa::{Dot, Kernel, Task};

    struct Map {
        activation: Activation,
        for_u8: bool,
        x: [f32; LANES],
    }

    impl Task for Map {
        type Output = [f32; LANES];
        #[inline(always)]
        fn run<D: Dot>(self, dot: D) -> [f32; LANES] {
            let l = dot.lanes();
            let x = l.load(&self.x);
            l.to_array(match self.for_u8 {
                true => Activate::for_u8(self.activation).apply(l, x),
                false => Activate::new(self.activation).apply(l, x),
            })
        }
    }

    /// Compares with `exact` on [−6, 6], and returns the values at ±50.
    fn check_activation(
        activation: Activation,
        for_u8: bool,
        exact: impl Fn(f64) -> f64,
        bound: impl Fn(f64) -> f64,
    ) -> [f32; 2] {
        let map = |kernel: Kernel, x| kernel.run(Map { activation, for_u8, x });
        check(map, -6.0, 6.0, exact, |x, _| bound(x));
        [-50.0, 50.0].map(|x| map(Kernel::detect(), [x; LANES])[0])
    }

    /// Returns erf by its Taylor series, within 3e-9 for |x| ≤ 4.5.
    pub(in crate::kernels) fn erf(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn gelu_is_within_its_bounds() {
        let exact = |x: f64| 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2));
        for (for_u8, bound) in [(false, 5e-7), (true, 5e-5)] {
            let [low, high] =
                check_activation(Activation::Gelu, for_u8, exact, |x| f64::from(bound) * x.abs().max(1.0));
            assert!(low.abs() < 50.0 * bound && (high - 50.0).abs() < 50.0 * bound);
        }
    }

    #[test]
    fn gelu_tanh_is_within_its_bound() {
        let exact =
            |x: f64| 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh());
        let [low, high] = check_activation(Activation::GeluTanh, false, exact, |x| 5e-7 * x.abs().max(1.0));
        assert!(low.abs() < 1e-30 && high == 50.0);
    }

    #[test]
    fn relu_keeps_only_positive_values() {
        let ends = check_activation(Activation::Relu, false, |x| x.max(0.0), |_| 0.0);
        assert_eq!(ends, [0.0, 50.0]);
    }
}
