//! Elementary functions as branch-free polynomials on eight lanes.

use super::lanes::{LANES, Lanes};
use crate::activation::Activation;

/// Adding and taking off 1.5·2^23 rounds to the nearest integer, ties to even, for |x| ≤ 2^22.
pub(super) const ROUND: f32 = 12_582_912.0;

/// `e^x` for x in [−87, 88], clamped outside. Relative error at most 2e-7.
///
/// Cody and Waite's reduction x = n·ln 2 + r with the Cephes polynomial for e^r, |r| ≤ ln 2 / 2.
#[inline(always)]
pub(super) fn exp<L: Lanes>(l: L, x: L::F32) -> L::F32 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    const EVEN: [f32; 3] = [1.398_199_9e-3, 4.166_579_6e-2, 0.5];
    const ODD: [f32; 3] = [1.987_569_1e-4, 8.333_452e-3, 1.666_666_5e-1];
    let x = l.min(l.max(x, l.splat(-87.0)), l.splat(88.0));
    let shifted = l.mul_add(x, l.splat(std::f32::consts::LOG2_E), l.splat(ROUND));
    let n = l.sub(shifted, l.splat(ROUND));
    let r = l.mul_add(n, l.splat(-LN2_HIGH), x);
    let r = l.mul_add(n, l.splat(-LN2_LOW), r);
    // Even and odd powers apart: two short chains of additions in place of a long one.
    let square = l.mul(r, r);
    let (mut even, mut odd) = (l.splat(EVEN[0]), l.splat(ODD[0]));
    for (&next_even, &next_odd) in EVEN[1..].iter().zip(&ODD[1..]) {
        even = l.mul_add(even, square, l.splat(next_even));
        odd = l.mul_add(odd, square, l.splat(next_odd));
    }
    let e_to_r = l.mul_add(l.mul_add(odd, r, even), square, l.add(r, l.splat(1.0)));
    let exponent = l.add_i32(l.shift_to_exponent(l.to_bits(shifted)), l.splat_i32(0x3f80_0000));
    l.mul(e_to_r, l.bits_to_f32(exponent))
}

/// What [`gelu`] takes, in every lane.
struct Gelu {
    least: [f32; LANES],
    most: [f32; LANES],
    u_scale: [f32; LANES],
    minus_one: [f32; LANES],
    half: [f32; LANES],
    /// Coefficients of even powers, from the highest down.
    even: [[f32; LANES]; 7],
    /// Coefficients of odd powers, from the highest down.
    odd: [[f32; LANES]; 6],
}

static GELU: Gelu = Gelu {
    least: [-5.0; LANES],
    most: [5.0; LANES],
    u_scale: [2.0 / 25.0; LANES],
    minus_one: [-1.0; LANES],
    half: [0.5; LANES],
    even: [
        [0.000_582_616_8; LANES],
        [0.001_783_495_4; LANES],
        [0.006_359_371; LANES],
        [0.016_421_136; LANES],
        [0.031_439_204; LANES],
        [0.051_520_675; LANES],
        [0.141_363_78; LANES],
    ],
    odd: [
        [-0.001_589_165_5; LANES],
        [-0.002_740_28; LANES],
        [-0.011_119_924; LANES],
        [-0.023_284_117; LANES],
        [-0.040_440_463; LANES],
        [-0.070_296_36; LANES],
    ],
};

/// `x · Φ(x)`, the exact GELU, within 5e-7 · max(1, |x|).
///
/// `Φ(t) = 1/2 + t·p(t²)` with t = x clamped to [−5, 5], where Φ is within 3e-7 of its limits; p is a minimax polynomial in
/// u = 2t²/25 − 1.
#[inline(always)]
fn gelu<L: Lanes>(l: L, x: L::F32, c: &Gelu) -> L::F32 {
    let t = l.min(l.max(x, l.load(&c.least)), l.load(&c.most));
    let u = l.mul_add(l.mul(t, t), l.load(&c.u_scale), l.load(&c.minus_one));
    let square = l.mul(u, u);
    let (mut even, mut odd) = (l.load(&c.even[0]), l.load(&c.odd[0]));
    for (next_even, next_odd) in c.even[1..].iter().zip(&c.odd[1..]) {
        even = l.mul_add(even, square, l.load(next_even));
        odd = l.mul_add(odd, square, l.load(next_odd));
    }
    even = l.mul_add(even, square, l.load(&c.even[c.even.len() - 1]));
    let p = l.mul_add(odd, u, even);
    l.mul(x, l.mul_add(t, p, l.load(&c.half)))
}

/// The tanh approximation of GELU, within 5e-7 · max(1, |x|): `0.5·(1 + tanh z) = 1 / (1 + e^(−2z))`.
#[inline(always)]
fn gelu_tanh<L: Lanes>(l: L, x: L::F32) -> L::F32 {
    let cubic = l.mul(l.mul(x, x), l.splat(0.044_715));
    let minus_2z = l.mul(l.mul_add(cubic, x, x), l.splat(-2.0 * 0.797_884_6));
    l.div(x, l.add(l.splat(1.0), exp(l, minus_2z)))
}

/// An activation as loops hold it.
#[derive(Clone, Copy)]
pub(super) struct Activate {
    activation: Activation,
    gelu: &'static Gelu,
}

impl Activate {
    /// To be called outside of loops.
    #[inline(always)]
    pub fn new(activation: Activation) -> Self {
        // Compilers that see the values put them into the code, and engines build such vectors anew at every use: that takes
        // longer than to load them.
        Activate { activation, gelu: std::hint::black_box(&GELU) }
    }

    /// The activation of eight values.
    #[inline(always)]
    pub fn apply<L: Lanes>(self, l: L, x: L::F32) -> L::F32 {
        match self.activation {
            Activation::Gelu => gelu(l, x, self.gelu),
            Activation::GeluTanh => gelu_tanh(l, x),
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
    }

    struct Map<'a>(&'a Function, [f32; LANES]);

    impl Task for Map<'_> {
        type Output = [f32; LANES];
        #[inline(always)]
        fn run<D: Dot>(self, dot: D) -> [f32; LANES] {
            let l = dot.lanes();
            let x = l.load(&self.1);
            l.to_array(match self.0 {
                Function::Exp => exp(l, x),
                Function::Activation(activation) => Activate::new(*activation).apply(l, x),
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
    fn gelu_is_within_its_bound() {
        let gelu = Function::Activation(Activation::Gelu);
        let exact = |x: f64| 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2));
        check(&gelu, -6.0, 6.0, exact, |x, _| 5e-7 * x.abs().max(1.0));
        assert!((at(&gelu, 50.0) - 50.0).abs() < 25e-6 && at(&gelu, -50.0).abs() < 25e-6);
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
