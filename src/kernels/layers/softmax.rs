//! Softmax.

use super::math::{Exp, exp};
use crate::kernels::isa::{LANES, Lanes};

/// Replaces every value x by `e^(x − max)` and returns `1 / Σ e^(x − max)`.
#[inline(always)]
pub(in crate::kernels) fn softmax_numerators<L: Lanes>(l: L, row: &mut [[f32; LANES]]) -> f32 {
    let mut max = l.splat(f32::NEG_INFINITY);
    for x in row.iter() {
        max = l.max(l.load(x), max);
    }
    let max = l.splat(l.max_lane(max));
    let (mut sum, constants) = (l.splat(0.0), Exp::new());
    for x in row.iter_mut() {
        let e = exp(l, l.sub(l.load(x), max), constants);
        l.store(e, x);
        sum = l.add(sum, e);
    }
    1.0 / l.sum_lanes(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::{Dot, Kernel, Task};

    struct Softmax<'a>(&'a mut [[f32; LANES]]);

    impl Task for Softmax<'_> {
        type Output = f32;
        #[inline(always)]
        fn run<D: Dot>(self, dot: D) -> f32 {
            softmax_numerators(dot.lanes(), self.0)
        }
    }

    #[test]
    fn softmax_sums_to_one_at_every_length() {
        for (kernel, len) in Kernel::all().flat_map(|kernel| (1..40usize).map(move |len| (kernel, len))) {
            let x: Vec<f32> = (0..len).map(|i| (i as f32 * 1.7).sin() * 30.0).collect();
            let mut row = x.clone();
            row.resize(len.next_multiple_of(LANES), f32::NEG_INFINITY);
            let inverse_sum = kernel.run(Softmax(row.as_chunks_mut().0));
            let exact: Vec<f64> = x.iter().map(|&x| f64::from(x).exp()).collect();
            let total: f64 = exact.iter().sum();
            for (got, exact) in row.iter().zip(exact) {
                // One exp (2e-7 relative), one sum and one product in f32.
                assert!((f64::from(got * inverse_sum) - exact / total).abs() < 1e-6);
            }
        }
    }
}
