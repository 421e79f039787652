//! Packs a weight matrix as its rows arrive.

use super::packed::PackedWeights;
use crate::kernels::isa::{Block, GROUP, PANEL};
use crate::kernels::threads::{SharedSlice, for_each_range};

/// The number of rows that [`Packer::push`] packs together. A panel reads eight bytes of each row; the rows' cache lines must
/// stay in the first-level cache until the next panels have read their bytes too.
pub const BAND: usize = 8 * GROUP;

/// The least number of bytes for a thread to pack: some ten microseconds of work.
const MIN_BYTES: usize = 65_536;

/// Packs a weight matrix from rows that arrive in parts.
#[derive(Debug)]
pub struct Packer {
    k: usize,
    n: usize,
    done: usize,
    groups: usize,
    blocks: Vec<Block>,
    column_sums: Vec<i32>,
}

impl Packer {
    /// Returns a packer for a matrix of `k` rows and `n` columns.
    pub fn new(k: usize, n: usize) -> Self {
        let (groups, panels) = (k.div_ceil(GROUP), n.div_ceil(PANEL));
        let (blocks, column_sums) = (vec![Block::ZERO; groups * panels], vec![0; panels * PANEL]);
        Packer { k, n, done: 0, groups, blocks, column_sums }
    }

    /// Packs the next rows: s8 values as raw bytes, row-major.
    ///
    /// # Panics
    /// If `rows` is not a whole number of rows, holds more rows than remain, or follows a number of rows that is not a multiple of
    /// [`GROUP`].
    pub fn push(&mut self, rows: &[u8]) {
        let (n, groups, done) = (self.n, self.groups, self.done);
        if rows.is_empty() {
            return;
        }
        let fits = rows.len().is_multiple_of(n) && done.is_multiple_of(GROUP) && done + rows.len() / n <= self.k;
        assert!(fits, "{} weights after {done} rows of {} x {n}", rows.len(), self.k);
        let (blocks, column_sums) =
            (SharedSlice::new(&mut self.blocks), SharedSlice::new(self.column_sums.as_chunks_mut().0));
        let least = MIN_BYTES.div_ceil(rows.len() / n * PANEL);
        for_each_range(n.div_ceil(PANEL), least, |panels| {
            for (at, band) in rows.chunks(n.saturating_mul(BAND)).enumerate() {
                for panel in panels.clone() {
                    // SAFETY: no two threads have the same panels.
                    let (blocks, column_sums) =
                        unsafe { (blocks.range(panel * groups..(panel + 1) * groups), column_sums.element(panel)) };
                    pack_band(band, n, panel, &mut blocks[done / GROUP + at * (BAND / GROUP)..], column_sums);
                }
            }
        });
        self.done += rows.len() / n;
    }

    /// Returns the packed matrix.
    ///
    /// # Panics
    /// If rows are missing.
    pub fn finish(self) -> PackedWeights {
        assert_eq!(self.done, self.k, "all rows are packed");
        PackedWeights::of_blocks(self.groups, self.blocks, self.column_sums)
    }
}

/// Packs the columns of `panel` of a band, rows of `n` bytes, into `blocks`, and adds them to the panel's column sums.
#[inline(always)]
fn pack_band(band: &[u8], n: usize, panel: usize, blocks: &mut [Block], column_sums: &mut [i32; PANEL]) {
    let mut sums = ColumnSums::default();
    for (block, rows) in blocks.iter_mut().zip(band.chunks(GROUP * n)) {
        let words = words(rows, n, panel * PANEL);
        sums.add(&words);
        for (column, word) in block.0.as_chunks_mut().0.iter_mut().zip(transpose(words)) {
            *column = word.to_le_bytes().map(|weight| weight as i8);
        }
    }
    sums.add_to(column_sums);
}

impl PackedWeights {
    /// Packs the row-major matrix `weights` of `k` rows and `n` columns.
    ///
    /// # Panics
    /// If `weights` does not hold `k * n` values.
    pub fn new(weights: &[i8], k: usize, n: usize) -> Self {
        let mut packer = Packer::new(k, n);
        packer.push(&weights.iter().map(|&weight| weight as u8).collect::<Vec<u8>>());
        packer.finish()
    }

    /// Packs a matrix of `k` rows and `n` columns. `part(row, column)` returns the weights of [`PANEL`] columns of a row, the first
    /// of which is `column`. `n` must be a multiple of [`PANEL`].
    ///
    /// # Panics
    /// If `n` is not a multiple of [`PANEL`].
    pub fn from_parts(k: usize, n: usize, part: impl Fn(usize, usize) -> [i8; PANEL]) -> Self {
        let mut packer = Packer::new(k, n);
        let mut band = Vec::new();
        for first in (0..k).step_by(BAND) {
            band.clear();
            for row in first..k.min(first + BAND) {
                band.extend((0..n).step_by(PANEL).flat_map(|column| part(row, column).map(|weight| weight as u8)));
            }
            packer.push(&band);
        }
        packer.finish()
    }
}

/// Reads eight columns, the first of which is `column`, of up to eight rows of `n` bytes. Returns one word for each row, with the
/// first column in the lowest byte.
#[inline(always)]
fn words(rows: &[u8], n: usize, column: usize) -> [u64; GROUP] {
    let mut words = [0; GROUP];
    for (word, row) in words.iter_mut().zip(rows.chunks_exact(n)) {
        let row = &row[column..];
        let part = row.first_chunk().copied();
        let part = part.unwrap_or_else(|| std::array::from_fn::<u8, PANEL, _>(|c| row.get(c).copied().unwrap_or(0)));
        *word = u64::from_le_bytes(part);
    }
    words
}

/// Transposes eight rows of eight bytes. Each of three steps swaps the upper right with the lower left quarter of every square.
#[inline(always)]
fn transpose(mut words: [u64; 8]) -> [u64; 8] {
    for (distance, mask) in [(4, 0x0000_0000_ffff_ffff_u64), (2, 0x0000_ffff_0000_ffff), (1, 0x00ff_00ff_00ff_00ff)] {
        for upper in (0..8).filter(|row| row & distance == 0) {
            let swapped = ((words[upper] >> (8 * distance)) ^ words[upper + distance]) & mask;
            words[upper] ^= swapped << (8 * distance);
            words[upper + distance] ^= swapped;
        }
    }
    words
}

/// The column sums of a panel over one band, in sixteen bits each: even columns in one word, odd columns in another. Adds weights
/// as u8, with 128 added to each.
#[derive(Default)]
struct ColumnSums {
    even: u64,
    odd: u64,
    rows: usize,
}

// The sum of a band's bytes fits sixteen bits.
const _: () = assert!(BAND * 255 <= u16::MAX as usize);

impl ColumnSums {
    #[inline(always)]
    fn add(&mut self, rows: &[u64; GROUP]) {
        const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
        for row in rows.map(|row| row ^ 0x8080_8080_8080_8080) {
            self.even += row & EVEN;
            self.odd += row >> 8 & EVEN;
        }
        self.rows += GROUP;
    }

    #[inline(always)]
    fn add_to(self, columns: &mut [i32; PANEL]) {
        for (column, sum) in columns.iter_mut().enumerate() {
            let sums = if column % 2 == 0 { self.even } else { self.odd };
            *sum += i32::from((sums >> (16 * (column / 2))) as u16) - 128 * self.rows as i32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(k: usize, n: usize, from: usize) -> Vec<i8> {
        (0..k * n).map(|i| ((i + from) * 37 + 128) as u8 as i8).collect()
    }

    #[test]
    fn every_weight_is_in_its_place_and_columns_have_their_sums() {
        for (k, n) in [(1, 1), (7, 9), (8, 8), (20, 24), (64, 13), (150, 16)] {
            // All byte values, so that the extremes are among them.
            let weights = counted(k, n, 0);
            let packed = PackedWeights::new(&weights, k, n);
            for column in 0..n.next_multiple_of(PANEL) {
                let expected = |row: usize| if row < k && column < n { weights[row * n + column] } else { 0 };
                let rows = 0..k.next_multiple_of(GROUP);
                assert!(
                    rows.clone().all(|row| packed.at(row, column) == expected(row)),
                    "column {column} of {k} x {n}"
                );
                assert_eq!(packed.column_sums()[column], rows.map(|row| i32::from(expected(row))).sum::<i32>());
            }
        }
    }

    #[test]
    fn packing_from_parts_equals_packing_the_whole_matrix() {
        let (k, n) = (150, 24);
        let weights = counted(k, n, 5);
        let part = |row, column| std::array::from_fn(|c| weights[row * n + column + c]);
        let whole = PackedWeights::new(&weights, k, n);
        assert_eq!(PackedWeights::from_parts(k, n, part), whole);
    }

    #[test]
    fn rows_may_arrive_in_any_multiples_of_a_group() {
        let (k, n) = (150, 11);
        let rows: Vec<u8> = (0..k * n).map(|i| (i * 37 + 128) as u8).collect();
        let pushed = |step: usize| {
            let mut packer = Packer::new(k, n);
            rows.chunks(step * n).for_each(|part| packer.push(part));
            packer.finish()
        };
        for step in [GROUP, 3 * GROUP, BAND, BAND + GROUP] {
            assert_eq!(pushed(step), pushed(k), "{step} rows at a time");
        }
    }

    #[test]
    fn wrong_numbers_of_weights_are_refused() {
        let pushes = |counts: &'static [usize]| {
            std::panic::catch_unwind(|| {
                let mut packer = Packer::new(16, 8);
                counts.iter().for_each(|&count| packer.push(&vec![1; count]));
                packer.finish()
            })
        };
        assert!(pushes(&[64, 64]).is_ok());
        for wrong in [&[64, 63][..], &[64, 128], &[32, 96], &[64]] {
            assert!(pushes(wrong).is_err(), "{wrong:?}");
        }
    }
}
