//! The exponential function as a branch-free polynomial on vectors, and how constants of polynomials are kept.

use crate::kernels::isa::{LANES, Lanes};

/// 1.5·2^23: adding and then subtracting it rounds to the nearest integer, ties to even, for |x| ≤ 2^22.
pub(crate) const ROUND: f32 = 12_582_912.0;

/// A constant in every lane.
pub(in crate::kernels) type Constant = [f32; LANES];

/// The constants of [`exp`].
pub(in crate::kernels) struct Exp {
    least: Constant,
    most: Constant,
    log2_e: Constant,
    round: Constant,
    minus_ln2_high: Constant,
    minus_ln2_low: Constant,
    /// Coefficients of even powers, highest powers first.
    even: [Constant; 3],
    /// Coefficients of odd powers, highest powers first.
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
    /// Returns the constants. Call this outside of loops.
    #[inline(always)]
    pub fn new() -> &'static Exp {
        from_memory(&EXP)
    }
}

/// Hides the values of `constants` from the compiler. It would otherwise put them into the code, and engines build such vectors
/// anew at every use, which is slower than to load them.
#[inline(always)]
pub(in crate::kernels) fn from_memory<T>(constants: &'static T) -> &'static T {
    std::hint::black_box(constants)
}

/// Returns `e^x` with x clamped to [−87, 88]. The relative error is at most 2e-7.
///
/// Uses Cody and Waite's reduction x = n·ln 2 + r and the polynomial of Cephes for e^r, |r| ≤ ln 2 / 2.
#[inline(always)]
pub(in crate::kernels) fn exp<L: Lanes>(l: L, x: L::F32, c: &Exp) -> L::F32 {
    let x = l.min(l.max(x, l.constant(&c.least)), l.constant(&c.most));
    let (round, one) = (l.constant(&c.round), l.constant(&c.one));
    let shifted = l.mul_add(x, l.constant(&c.log2_e), round);
    let n = l.sub(shifted, round);
    let r = l.mul_add(n, l.constant(&c.minus_ln2_high), x);
    let r = l.mul_add(n, l.constant(&c.minus_ln2_low), r);
    // Even and odd powers separately: two short chains of dependent additions instead of a long one.
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

/// Returns tanh x within 3e-7, by `1 − 2 / (e^(2x) + 1)`.
#[inline(always)]
pub(in crate::kernels) fn tanh<L: Lanes>(l: L, x: L::F32, c: &Exp) -> L::F32 {
    let one = l.constant(&c.one);
    let quotient = l.div(l.splat(2.0), l.add(exp(l, l.add(x, x), c), one));
    l.sub(one, quotient)
}

#[cfg(test)]
pub(in crate::kernels) mod tests {
    use super::*;
    use crate::kernels::isa::{Dot, Kernel, Task};

    /// Compares `function` with `exact` at 20,000 points in `from..to` with every kernel's lanes. `bound` is the error allowed for
    /// an argument and its exact result.
    pub(in crate::kernels) fn check(
        function: impl Fn(Kernel, [f32; LANES]) -> [f32; LANES],
        from: f32,
        to: f32,
        exact: impl Fn(f64) -> f64,
        bound: impl Fn(f64, f64) -> f64,
    ) {
        for kernel in Kernel::all() {
            for first in (0..20_000).step_by(LANES) {
                let x: [f32; LANES] = std::array::from_fn(|i| from + (to - from) * (first + i) as f32 / 20_000.0);
                for (x, y) in x.into_iter().zip(function(kernel, x)) {
                    let expected = exact(f64::from(x));
                    let error = (f64::from(y) - expected).abs();
                    let bound = bound(f64::from(x), expected);
                    assert!(error <= bound, "{}: f({x}) = {y}, not {expected}", kernel.name());
                }
            }
        }
    }

    struct Exponentials([f32; LANES]);

    impl Task for Exponentials {
        type Output = [f32; LANES];
        #[inline(always)]
        fn run<D: Dot>(self, dot: D) -> [f32; LANES] {
            let l = dot.lanes();
            l.to_array(exp(l, l.load(&self.0), Exp::new()))
        }
    }

    struct Tangents([f32; LANES]);

    impl Task for Tangents {
        type Output = [f32; LANES];
        #[inline(always)]
        fn run<D: Dot>(self, dot: D) -> [f32; LANES] {
            let l = dot.lanes();
            l.to_array(tanh(l, l.load(&self.0), Exp::new()))
        }
    }

    #[test]
    fn tanh_is_within_its_bound() {
        check(|kernel, x| kernel.run(Tangents(x)), -12.0, 12.0, f64::tanh, |_, _| 3e-7);
        let at = |x| Kernel::detect().run(Tangents([x; LANES]))[0];
        assert_eq!([at(-1000.0), at(0.0), at(1000.0)], [-1.0, 0.0, 1.0]);
    }

    #[test]
    fn exp_is_within_its_bound() {
        check(|kernel, x| kernel.run(Exponentials(x)), -87.0, 88.0, f64::exp, |_, exact| 2e-7 * exact);
        let at = |x| Kernel::detect().run(Exponentials([x; LANES]))[0];
        assert!(at(f32::NEG_INFINITY) < 1e-37 && at(f32::INFINITY) > 1e38);
    }
}
