//! Quantization of values (14 bits) and softmax probabilities (15 bits) to i16, for the integer product that computes the
//! context.

use crate::kernels::isa::{LANES, Lanes};
use crate::kernels::layers::math::ROUND;

/// The integer of the largest value of a sequence's head.
const VALUE_MAX: f32 = 8_191.0;

/// The largest sum of a row's quantized probabilities before rounding. For k tokens no sum of products exceeds
/// 8,191 · (200,000 + k / 2), which fits i32 up to 124,000 tokens.
const PROBABILITY_TOTAL: f32 = 200_000.0;

/// Quantizes panels of values symmetrically to i16, pairs every two tokens of a panel, and returns the scale.
#[inline(always)]
pub(super) fn quantize_values<L: Lanes>(l: L, values: &[[f32; LANES]], pairs: &mut [[i32; LANES]]) -> f32 {
    let mut largest = l.splat(0.0);
    for value in values {
        let value = l.load(value);
        largest = l.max(l.max(value, l.sub(l.splat(0.0), value)), largest);
    }
    // At least 1e-30, whose inverse is finite.
    let largest = l.max_lane(largest).max(1e-30);
    let factor = l.splat(VALUE_MAX / largest);
    let bits = |value| l.to_bits(l.mul_add(l.load(value), factor, l.splat(ROUND)));
    for ([first, second], pair) in values.as_chunks().0.iter().zip(pairs) {
        l.store_i32(l.pair(bits(first), bits(second)), pair);
    }
    largest / VALUE_MAX
}

/// Quantizes the probabilities of a row to i16, pairs every two tokens, and returns the scale. The row is given as softmax
/// numerators, the largest of which is 1, and the inverse of their sum.
#[inline(always)]
pub(super) fn quantize_probabilities<L: Lanes>(
    l: L,
    numerators: &[[f32; LANES]],
    inverse_sum: f32,
    pairs: &mut [[i32; LANES / 2]],
) -> f32 {
    let factor = (PROBABILITY_TOTAL * inverse_sum).min(f32::from(i16::MAX));
    for (numerators, pairs) in numerators.iter().zip(pairs) {
        let rounded = l.to_bits(l.mul_add(l.load(numerators), l.splat(factor), l.splat(ROUND)));
        *pairs = l.to_pairs(l.sub_i32(rounded, l.splat_i32(ROUND.to_bits() as i32)));
    }
    inverse_sum / factor
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::{Dot, Kernel, Task};
    use crate::kernels::layers::linear::Epilogue;
    use crate::kernels::layers::panel_product::{I16PairProduct, multiply_panels};

    /// The context of rows of softmax numerators with a panel of values.
    struct Context<'a> {
        numerators: &'a [[f32; LANES]],
        values: &'a [[f32; LANES]],
    }

    struct Rows<'a, L>(L, &'a [f32], Vec<[f32; LANES]>);

    impl<L: Lanes> Epilogue<L> for Rows<'_, L> {
        #[inline(always)]
        fn put(&mut self, row: usize, _group: usize, y: L::F32) {
            self.2.push(self.0.to_array(self.0.mul(y, self.0.splat(self.1[row]))));
        }
    }

    impl Task for Context<'_> {
        type Output = Vec<[f32; LANES]>;

        #[inline(always)]
        fn run<D: Dot>(self, dot: D) -> Self::Output {
            let (l, tokens) = (dot.lanes(), self.values.len());
            let mut values = vec![[0; LANES]; tokens / 2];
            let step = quantize_values(l, self.values, &mut values);
            let mut probabilities = vec![[0; LANES / 2]; self.numerators.len()];
            let mut factors = Vec::new();
            let rows = self.numerators.chunks_exact(tokens / LANES);
            for (row, probabilities) in rows.zip(probabilities.chunks_exact_mut(tokens / LANES)) {
                let sum: f32 = row.as_flattened().iter().sum();
                factors.push(step * quantize_probabilities(l, row, 1.0 / sum, probabilities));
            }
            let mut epilogue = Rows(l, &factors, Vec::new());
            multiply_panels::<_, I16PairProduct>(l, tokens / 2, probabilities.as_flattened(), &values, &mut epilogue);
            epilogue.2
        }
    }

    fn check(numerators: &[f32], values: &[f32]) {
        let tokens = values.len() / LANES;
        let largest = values.iter().fold(0.0f64, |largest, &value| largest.max(f64::from(value).abs()));
        for kernel in Kernel::all() {
            let context = Context { numerators: numerators.as_chunks().0, values: values.as_chunks().0 };
            for (row, got) in numerators.chunks_exact(tokens).zip(kernel.run(context)) {
                let sum: f64 = row.iter().map(|&e| f64::from(e)).sum();
                // Half a step of every probability and of the values, and rounding of f32.
                let step = f64::from((PROBABILITY_TOTAL / sum as f32).min(32_767.0)) * sum;
                let bound = largest * (0.5 * tokens as f64 / step + 0.5 / f64::from(VALUE_MAX) + 1e-6);
                for (column, got) in got.into_iter().enumerate() {
                    let products = row.iter().zip(values.iter().skip(column).step_by(LANES));
                    let exact: f64 = products.map(|(&e, &value)| f64::from(e) * f64::from(value)).sum::<f64>() / sum;
                    let error = (f64::from(got) - exact).abs();
                    assert!(error <= bound, "{}: {got}, not {exact}", kernel.name());
                }
            }
        }
    }

    #[test]
    fn the_context_is_within_its_bound_on_every_kernel() {
        for (tokens, rows) in [(8, 1), (16, 7), (64, 13), (512, 9)] {
            let values: Vec<f32> = (0..tokens * LANES).map(|i| (i as f32 * 0.37).sin() * 3.0).collect();
            // From a uniform softmax to one that is almost all on one token.
            let numerator = |i: usize| (((i * 7 % 31) as f32 / 31.0 - 1.0) * (i / tokens) as f32 * 3.0).exp();
            let mut numerators: Vec<f32> = (0..rows * tokens).map(numerator).collect();
            numerators.chunks_exact_mut(tokens).for_each(|row| row[tokens / 2] = 1.0);
            check(&numerators, &values);
        }
    }

    #[test]
    fn no_sum_overflows_and_zeros_stay_zeros() {
        for value in [1.0, -1.0, 1e30, 1e-20, 0.0] {
            check(&[1.0; 2048], &[value; 2048 * LANES]);
        }
    }
}
