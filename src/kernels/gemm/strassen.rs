//! One step of the Strassen-Winograd algorithm over i16, which replaces a product of many rows by seven half-size products
//! instead of eight (S. Winograd, On multiplication of 2 × 2 matrices, Linear Algebra and its Applications 4, 1971).
//!
//! Rows and k of `a` are split into halves, and so are k and columns of `w`, where two panels are the two halves of the columns:
//!
//! ```text
//! s1 = a21 + a22   t1 = w12 − w11   p1 = a11·w11   p5 = s1·t1   y11 = p1 + p2
//! s2 = s1 − a11    t2 = w22 − t1    p2 = a12·w21   p6 = s2·t2   y12 = p1 + p6 + p5 + p3
//! s3 = a11 − a21   t3 = w22 − w12   p3 = s4·w22    p7 = s3·t3   y21 = p1 + p6 + p7 − p4
//! s4 = a12 − s2    t4 = t2 − w21    p4 = a22·t4                 y22 = p1 + p6 + p7 + p5
//! ```
//!
//! The result is exact. The operands s and t are within ±512, so they fit i16, and the sum of two products is within ±2¹⁹. Further
//! additions wrap modulo 2³², and the final sums fit i32.

use super::tiles::Tiles;
use crate::kernels::buffer::at_least;
use crate::kernels::isa::{Block, Dot, GROUP, LANES, Lanes, MAX_ROWS, PANEL, Sink, touch};
use std::ops::Range;

/// Number of half-size products.
const PRODUCTS: usize = 7;

/// The least number of rows for which this algorithm saves time.
const MIN_ROWS: usize = 28;

/// Rows of the tallest tile, whose sums with a panel fit the registers in WebAssembly engines.
const TILE_ROWS: usize = 5;

/// Four consecutive i16 of a row, as two pairs.
type Quad = [i32; 2];

/// The left operands of the seven half-size products, derived from the rows of one product. Empty if there are too few rows or
/// half of K is not a whole number of vectors.
#[derive(Debug, Clone, Default)]
pub(in crate::kernels) struct LeftOperands {
    /// Rows of the whole product, or 0 if there are no operands.
    rows: usize,
    /// Pairs of k in half of K.
    pairs: usize,
    /// Operand after operand, each tile after tile of half the rows. A tile has the first four k of every row, then the next
    /// four.
    values: Vec<Quad>,
}

impl LeftOperands {
    /// Derives the operands from rows of i16 activations, `stride` bytes each.
    #[inline(never)]
    pub fn split<L: Lanes>(&mut self, l: L, a: &[u8], stride: usize) {
        self.rows = a.len() / stride;
        self.pairs = stride / size_of::<Quad>();
        if self.rows < MIN_ROWS || !self.pairs.is_multiple_of(LANES) {
            self.rows = 0;
            return;
        }
        let (pairs, upper, tiles) = (self.pairs, self.upper(), self.tiles());
        let values = at_least(&mut self.values, PRODUCTS * upper * pairs / 2, [0; 2]);
        let a = a.as_chunks().0.as_chunks::<LANES>().0;
        let halves = |row: usize, at: usize| {
            [at, at + pairs / LANES].map(|at| match a.get(row * (2 * pairs / LANES) + at) {
                Some(bytes) => l.load_i32(&bytes.map(i32::from_le_bytes)),
                None => l.splat_i32(0),
            })
        };
        for Range { start: first, end } in tiles.ranges() {
            let height = end - first;
            for row in 0..height {
                for at in 0..pairs / LANES {
                    let [a11, a12] = halves(first + row, at);
                    let [a21, a22] = halves(upper + first + row, at);
                    let s1 = l.add_pairs(a21, a22);
                    let s2 = l.sub_pairs(s1, a11);
                    let s3 = l.sub_pairs(a11, a21);
                    let s4 = l.sub_pairs(a12, s2);
                    for (product, x) in [a11, a12, s4, a22, s1, s2, s3].into_iter().enumerate() {
                        let mut lanes = [0; LANES];
                        l.store_i32(x, &mut lanes);
                        let tile = &mut values[(product * upper + first) * pairs / 2..][..height * pairs / 2];
                        for (value, x) in
                            tile[at * LANES / 2 * height + row..].iter_mut().step_by(height).zip(lanes.as_chunks().0)
                        {
                            *value = *x;
                        }
                    }
                }
            }
        }
    }

    /// Returns the rows of the upper half, which has one more than the lower if their number is odd.
    fn upper(&self) -> usize {
        self.rows.div_ceil(2)
    }

    /// Returns the tiles of half the rows.
    fn tiles(&self) -> Tiles {
        Tiles::new(self.upper(), TILE_ROWS)
    }
}

/// Buffers that products share.
#[derive(Debug, Default)]
pub(in crate::kernels) struct Buffers {
    /// The right operands of the seven products, derived from two panels: for every pair of k, the weights of [`PANEL`] columns.
    columns: Vec<[[i32; PANEL]; GROUP / 2]>,
    /// The seven products: for each, the sums of half the rows.
    products: Vec<[i32; PANEL]>,
}

impl Buffers {
    /// Multiplies with `panels` of `groups` blocks each, two panels at a time, passes the sums to `sink`, and returns the number of
    /// panels done: all, or all but the last if their number is odd, or 0 if `left` is empty.
    #[inline(always)]
    pub fn multiply<D: Dot>(
        &mut self,
        dot: D,
        left: &LeftOperands,
        panels: &[Block],
        groups: usize,
        sink: &mut impl Sink<D::Lanes>,
    ) -> usize {
        if left.rows == 0 {
            return 0;
        }
        let (l, upper) = (dot.lanes(), left.upper());
        for (two, blocks) in panels.chunks_exact(2 * groups).enumerate() {
            let next = panels.get((two + 1) * 2 * groups..).unwrap_or_default();
            let products = self.multiply_halves(dot, left, blocks, &next[..next.len().min(2 * groups)]);
            for first in (0..upper).step_by(MAX_ROWS) {
                let rows = first..upper.min(first + MAX_ROWS);
                let mut quarters = [[l.splat_i32(0); MAX_ROWS]; 4];
                for (at, row) in rows.clone().enumerate() {
                    let [p1, p2, p3, p4, p5, p6, p7] =
                        std::array::from_fn(|product| l.load_i32(&products[product * upper + row]));
                    let u2 = l.add_i32(p1, p6);
                    let u3 = l.add_i32(u2, p7);
                    quarters[0][at] = l.add_i32(p1, p2);
                    quarters[1][at] = l.add_i32(l.add_i32(u2, p5), p3);
                    quarters[2][at] = l.sub_i32(u3, p4);
                    quarters[3][at] = l.add_i32(u3, p5);
                }
                for (quarter, sums) in quarters.iter().enumerate() {
                    let first = quarter / 2 * upper + first;
                    // If the number of rows is odd, the lower half has one row fewer.
                    let count = rows.len().min(left.rows - first);
                    if count > 0 {
                        sink.put(first, 2 * two + quarter % 2, &sums[..count]);
                    }
                }
            }
        }
        panels.len() / groups / 2 * 2
    }

    /// Computes the seven products of `left` with two panels, and touches the blocks of `next` meanwhile.
    // Not inlined, so that all products share one function.
    #[inline(never)]
    fn multiply_halves<D: Dot>(
        &mut self,
        dot: D,
        left: &LeftOperands,
        panels: &[Block],
        next: &[Block],
    ) -> &[[i32; PANEL]] {
        let (tiles, upper) = (left.tiles(), left.upper());
        let columns = at_least(&mut self.columns, PRODUCTS * panels.len() / 4, [[0; PANEL]; GROUP / 2]);
        split_columns(dot, panels, columns);
        let products = at_least(&mut self.products, PRODUCTS * upper, [0; PANEL]);
        let mut ahead = next.chunks(next.len().div_ceil(PRODUCTS * tiles.count).max(1));
        let each = left.values.chunks_exact(upper * left.pairs / 2);
        let columns = columns.as_flattened().chunks_exact(left.pairs);
        for ((mut rows, columns), mut products) in each.zip(columns).zip(products.chunks_exact_mut(upper)) {
            for height in tiles.ranges().map(|rows| rows.len()) {
                touch(ahead.next().unwrap_or_default());
                let (tile_rows, rest) = rows.split_at(height * left.pairs / 2);
                let (sums, products_rest) = products.split_at_mut(height);
                (rows, products) = (rest, products_rest);
                match height {
                    5 => multiply_tile::<_, 5>(dot.lanes(), tile_rows, columns, sums),
                    4 => multiply_tile::<_, 4>(dot.lanes(), tile_rows, columns, sums),
                    3 => multiply_tile::<_, 3>(dot.lanes(), tile_rows, columns, sums),
                    2 => multiply_tile::<_, 2>(dot.lanes(), tile_rows, columns, sums),
                    _ => multiply_tile::<_, 1>(dot.lanes(), tile_rows, columns, sums),
                }
            }
        }
        products
    }
}

/// Writes the right operands that are derived from two panels to `columns`.
#[inline(always)]
fn split_columns<D: Dot>(dot: D, panels: &[Block], columns: &mut [[[i32; PANEL]; GROUP / 2]]) {
    let l = dot.lanes();
    let half = panels.len() / 4;
    for at in 0..half {
        let [w11, w21, w12, w22] = std::array::from_fn(|quarter| dot.weight_pairs(&panels[quarter * half + at]));
        let sub = |a: [_; GROUP / 2], b: [_; GROUP / 2]| std::array::from_fn(|i| l.sub_pairs(a[i], b[i]));
        let t1 = sub(w12, w11);
        let t2 = sub(w22, t1);
        let t3 = sub(w22, w12);
        let t4 = sub(t2, w21);
        for (product, x) in [w11, w21, w22, t4, t1, t2, t3].into_iter().enumerate() {
            for (x, to) in x.into_iter().zip(&mut columns[product * half + at]) {
                l.store_i32(x, to);
            }
        }
    }
}

/// Writes the sums of `R` rows with the columns of one right operand.
#[inline(always)]
fn multiply_tile<L: Lanes, const R: usize>(l: L, rows: &[Quad], columns: &[[i32; PANEL]], sums: &mut [[i32; PANEL]]) {
    let mut all = [l.splat_i32(0); R];
    let mut add = |rows: &[Quad; R], at: usize, columns| {
        let columns = l.load_i32(columns);
        for (all, row) in all.iter_mut().zip(rows) {
            *all = l.dot_pairs(columns, l.splat_i32(row[at]), *all);
        }
    };
    let mut columns = columns.iter();
    // The branch between the two additions keeps the sums in registers.
    for rows in rows.as_chunks().0 {
        let Some(first) = columns.next() else { break };
        add(rows, 0, first);
        let Some(second) = columns.next() else { break };
        add(rows, 1, second);
    }
    for (sums, all) in sums.iter_mut().zip(all) {
        l.store_i32(all, sums);
    }
}

#[cfg(test)]
mod tests {
    use super::super::packed::PackedWeights;
    use super::*;
    use crate::kernels::isa::Scalar;

    struct Store<'a> {
        columns: usize,
        out: &'a mut [i32],
    }

    impl Sink<Scalar> for Store<'_> {
        fn put(&mut self, row: usize, panel: usize, sums: &[[i32; PANEL]]) {
            for (at, sums) in sums.iter().enumerate() {
                self.out[(row + at) * self.columns + panel * PANEL..][..PANEL].copy_from_slice(sums);
            }
        }
    }

    #[test]
    fn seven_products_give_the_sums_of_the_plain_loop() {
        let (mut left, mut buffers) = (LeftOperands::default(), Buffers::default());
        // Some products need less than the buffers hold, and one has an odd number of panels.
        for (rows, k, panels) in [(64, 96, 2), (MIN_ROWS, 32, 3), (MIN_ROWS + 1, 64, 4), (37, 32, 2), (39, 32, 2)] {
            // Mixed values, and the values with the largest sums of four: large ones only in the upper or only in the lower rows.
            for upper_are_large in [None, Some(true), Some(false)] {
                let a = |row: usize, at: usize| match upper_are_large {
                    None => ((row * k + at) * (row + at) * 31) as u8,
                    Some(upper) => u8::from((row < rows.div_ceil(2)) == upper) * 255,
                };
                let w = |at: usize, column: usize| match (at < k / 2) == (column / PANEL).is_multiple_of(2) {
                    _ if upper_are_large.is_none() => ((at * 8 + column) * (at + 3 * column) * 57) as u8 as i8,
                    true => 127,
                    false => -128,
                };
                let columns = panels * PANEL;
                let encoded: Vec<u8> = (0..rows * k).flat_map(|i| u16::from(a(i / k, i % k)).to_le_bytes()).collect();
                let weights: Vec<i8> = (0..k * columns).map(|i| w(i / columns, i % columns)).collect();
                let packed = PackedWeights::new(&weights, k, columns);
                let mut out = vec![0; rows * columns];
                left.split(Scalar, &encoded, 2 * k);
                let sink = &mut Store { columns, out: &mut out };
                let done = buffers.multiply(Scalar, &left, packed.blocks(), k / GROUP, sink);
                assert_eq!(done, panels / 2 * 2);
                for (i, sum) in out.iter().enumerate().filter(|(i, _)| i % columns < done * PANEL) {
                    let (row, column) = (i / columns, i % columns);
                    let plain: i32 = (0..k).map(|at| i32::from(a(row, at)) * i32::from(w(at, column))).sum();
                    assert_eq!(*sum, plain, "row {row}, column {column} of {rows} x {k} x {columns}");
                }
            }
        }
    }

    #[test]
    fn few_rows_and_a_k_without_halves_are_not_multiplied() {
        let (mut left, mut buffers) = (LeftOperands::default(), Buffers::default());
        for (rows, k) in [(MIN_ROWS - 1, 32), (MIN_ROWS, 40), (MIN_ROWS, 16)] {
            left.split(Scalar, &vec![1; rows * 2 * k], 2 * k);
            let panels = vec![Block::ZERO; 2 * k / GROUP];
            let sink = &mut Store { columns: 0, out: &mut [] };
            assert_eq!(buffers.multiply(Scalar, &left, &panels, k / GROUP, sink), 0, "{rows} rows of {k}");
        }
    }
}
