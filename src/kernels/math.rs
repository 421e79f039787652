//! Elementary functions as branch-free polynomials on eight lanes.

use super::lanes::{LANES, Lanes};
use crate::activation::Activation;

/// Adding and taking off 1.5·2^23 rounds to the nearest integer, ties to even, for |x| ≤ 2^22.
pub(super) const ROUND: f32 = 12_582_912.0;

/// A number in every lane.
type Constant = [f32; LANES];

/// What [`exp`] takes.
pub(super) struct Exp {
    least: Constant,
    most: Constant,
    log2_e: Constant,
    round: Constant,
    minus_ln2_high: Constant,
    minus_ln2_low: Constant,
    /// Coefficients of even powers, from the highest down.
    even: [Constant; 3],
    /// Coefficients of odd powers, from the highest down.
    odd: [Constant; 3],
    one: Constant,
}

static EXP: Exp = Exp {
    least: [-87.0; LANES],
    most: [88.0; LANES],
    log2_e: [std::f32::consts::LOG2_E; LANES],
    round: [ROUND; LANES],
    minus_ln2_high: [-0.693_359_4; LANES],
    minus_ln2_low: [2.121_944_4e-4; LANES],
    even: [[1.398_199_9e-3; LANES], [4.166_579_6e-2; LANES], [0.5; LANES]],
    odd: [[1.987_569_1e-4; LANES], [8.333_452e-3; LANES], [1.666_666_5e-1; LANES]],
    one: [1.0; LANES],
};

impl Exp {
    /// To be called outside of loops.
    #[inline(always)]
    pub fn new() -> &'static Exp {
        from_memory(&EXP)
    }
}

/// Compilers that see constants put them into the code, and engines build such vectors anew at every use: that takes longer than
/// to load them.
#[inline(always)]
fn from_memory<T>(constants: &'static T) -> &'static T {
    std::hint::black_box(constants)
}

/// `e^x` for x in [−87, 88], clamped outside. Relative error at most 2e-7.
///
/// Cody and Waite's reduction x = n·ln 2 + r with the Cephes polynomial for e^r, |r| ≤ ln 2 / 2.
#[inline(always)]
pub(super) fn exp<L: Lanes>(l: L, x: L::F32, c: &Exp) -> L::F32 {
    let x = l.min(l.max(x, l.constant(&c.least)), l.constant(&c.most));
    let (round, one) = (l.constant(&c.round), l.constant(&c.one));
    let shifted = l.mul_add(x, l.constant(&c.log2_e), round);
    let n = l.sub(shifted, round);
    let r = l.mul_add(n, l.constant(&c.minus_ln2_high), x);
    let r = l.mul_add(n, l.constant(&c.minus_ln2_low), r);
    // Even and odd powers apart: two short chains of additions in place of a long one.
    let square = l.mul(r, r);
    let (mut even, mut odd) = (l.constant(&c.even[0]), l.constant(&c.odd[0]));
    for (next_even, next_odd) in c.even[1..].iter().zip(&c.odd[1..]) {
        even = l.mul_add(even, square, l.constant(next_even));
        odd = l.mul_add(odd, square, l.constant(next_odd));
    }
    let e_to_r = l.mul_add(l.mul_add(odd, r, even), square, l.add(r, one));
    let exponent = l.add_i32(l.shift_to_exponent(l.to_bits(shifted)), l.to_bits(one));
    l.mul(e_to_r, l.bits_to_f32(exponent))
}

/// `Φ(t) = 1/2 + t·p(t²)` for t in [−most, most]; p is a minimax polynomial in u = 2t²/most² − 1.
struct Gelu<const PAIRS: usize> {
    least: Constant,
    most: Constant,
    u_scale: Constant,
    minus_one: Constant,
    half: Constant,
    /// Coefficients of even and odd powers, from the highest down.
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

/// Within 5e-7: at ±5 Φ is within 3e-7 of its limits.
static FULL_GELU: Gelu<FULL> = Gelu::new(
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

/// Within 5e-5.
static SHORT_GELU: Gelu<SHORT> = Gelu::new(
    3.75,
    [[0.004_501_929, -0.012_265_893], [0.019_309_372, -0.032_642_25], [0.055_077_26, -0.087_718_44]],
    0.187_060_6,
);

/// `x · Φ(x)`, the exact GELU, within the bound of `c` · max(1, |x|).
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

/// The tanh approximation of GELU, within 5e-7 · max(1, |x|): `0.5·(1 + tanh z) = 1 / (1 + e^(−2z))`.
#[inline(always)]
fn gelu_tanh<L: Lanes>(l: L, x: L::F32, c: &Exp) -> L::F32 {
    let cubic = l.mul(l.mul(x, x), l.splat(0.044_715));
    let minus_2z = l.mul(l.mul_add(cubic, x, x), l.splat(-2.0 * 0.797_884_6));
    l.div(x, l.add(l.splat(1.0), exp(l, minus_2z, c)))
}

/// Pairs of coefficients for results that stay FP32.
pub(super) const FULL: usize = 6;
/// Pairs of coefficients for results that are quantized to 8 bits at once.
pub(super) const SHORT: usize = 3;

/// An activation as loops hold it.
#[derive(Clone, Copy)]
pub(super) struct Activate<const PAIRS: usize> {
    activation: Activation,
    gelu: &'static Gelu<PAIRS>,
    exp: &'static Exp,
}

impl Activate<FULL> {
    /// To be called outside of loops.
    #[inline(always)]
    pub fn new(activation: Activation) -> Self {
        Activate { activation, gelu: from_memory(&FULL_GELU), exp: Exp::new() }
    }
}

impl Activate<SHORT> {
    /// For results that are quantized to 8 bits at once: GELU is within 5e-5 · max(1, |x|). To be called outside of loops.
    #[inline(always)]
    pub fn for_8_bits(activation: Activation) -> Self {
        Activate { activation, gelu: from_memory(&SHORT_GELU), exp: Exp::new() }
    }
}

impl<const PAIRS: usize> Activate<PAIRS> {
    /// The activation of eight values.
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
mod tests {
    use super::super::dispatch::{Kernel, Task};
    use super::super::dot::Dot;
    use super::*;

    enum Function {
        Exp,
        Activation(Activation),
        For8Bits(Activation),
    }

    struct Map<'a>(&'a Function, [f32; LANES]);

    impl Task for Map<'_> {
        type Output = [f32; LANES];
        #[inline(always)]
        fn run<D: Dot>(self, dot: D) -> [f32; LANES] {
            let l = dot.lanes();
            let x = l.load(&self.1);
            l.to_array(match self.0 {
                Function::Exp => exp(l, x, Exp::new()),
                Function::Activation(activation) => Activate::new(*activation).apply(l, x),
                Function::For8Bits(activation) => Activate::for_8_bits(*activation).apply(l, x),
            })
        }
    }

    /// Compares a function with `exact` on 20,000 points, on every kernel's lanes.
    fn check(function: &Function, from: f32, to: f32, exact: impl Fn(f64) -> f64, bound: impl Fn(f64, f64) -> f64) {
        for kernel in Kernel::all() {
            for first in (0..20_000).step_by(LANES) {
                let x: [f32; LANES] = std::array::from_fn(|i| from + (to - from) * (first + i) as f32 / 20_000.0);
                for (x, y) in x.into_iter().zip(kernel.run(Map(function, x))) {
                    let expected = exact(f64::from(x));
                    let error = (f64::from(y) - expected).abs();
                    let bound = bound(f64::from(x), expected);
                    assert!(error <= bound, "{}: f({x}) = {y}, not {expected}", kernel.path().name());
                }
            }
        }
    }

    fn at(function: &Function, x: f32) -> f32 {
        Kernel::detect().run(Map(function, [x; LANES]))[0]
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
        check(&Function::Exp, -87.0, 88.0, f64::exp, |_, exact| 2e-7 * exact);
        assert!(at(&Function::Exp, f32::NEG_INFINITY) < 1e-37 && at(&Function::Exp, f32::INFINITY) > 1e38);
    }

    #[test]
    fn gelu_is_within_its_bounds() {
        let exact = |x: f64| 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2));
        for (gelu, bound) in
            [(Function::Activation(Activation::Gelu), 5e-7), (Function::For8Bits(Activation::Gelu), 5e-5)]
        {
            check(&gelu, -6.0, 6.0, exact, |x, _| bound * x.abs().max(1.0));
            assert!(
                (at(&gelu, 50.0) - 50.0).abs() < 50.0 * bound as f32 && at(&gelu, -50.0).abs() < 50.0 * bound as f32
            );
        }
    }

    #[test]
    fn gelu_tanh_is_within_its_bound() {
        let exact =
            |x: f64| 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh());
        let gelu = Function::Activation(Activation::GeluTanh);
        check(&gelu, -6.0, 6.0, exact, |x, _| 5e-7 * x.abs().max(1.0));
        assert!(at(&gelu, 50.0) == 50.0 && at(&gelu, -50.0).abs() < 1e-30);
    }

    #[test]
    fn relu_keeps_only_what_is_positive() {
        check(&Function::Activation(Activation::Relu), -2.0, 2.0, |x| x.max(0.0), |_, _| 0.0);
    }
}
