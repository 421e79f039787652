//! Packer a weight matrix, row after row.

use super::packed::PackedWeights;
use crate::kernels::isa::{Block, GROUP, PANEL};

/// Rows packed together. A panel takes eight bytes of each: the cache lines that these lie in must still be in the first
/// cache when the next panels take theirs.
pub const BAND: usize = 8 * GROUP;

/// A matrix of which some rows are packed.
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
    /// A matrix of `k` rows and `n` columns, none of them packed yet.
    pub fn new(k: usize, n: usize) -> Self {
        let (groups, panels) = (k.div_ceil(GROUP), n.div_ceil(PANEL));
        let (blocks, column_sums) = (vec![Block::ZERO; groups * panels], vec![0; panels * PANEL]);
        Packer { k, n, done: 0, groups, blocks, column_sums }
    }

    /// Packs the rows that follow, as many as `rows` holds, whose s8 are given as the bytes that they are.
    ///
    /// # Panics
    /// If these are no whole rows, or more than are left, or rows after some that were no multiple of [`GROUP`].
    pub fn push(&mut self, rows: &[u8]) {
        for band in rows.chunks(self.n.max(1).saturating_mul(BAND)) {
            self.push_band(band);
        }
    }

    fn push_band(&mut self, band: &[u8]) {
        let (n, rows) = (self.n, band.len() / self.n);
        let fits = band.len().is_multiple_of(n) && self.done.is_multiple_of(GROUP) && self.done + rows <= self.k;
        assert!(fits, "{} weights after {} rows of {} x {n}", band.len(), self.done, self.k);
        let panels = self.blocks.chunks_exact_mut(self.groups).zip(self.column_sums.as_chunks_mut().0);
        for (panel, (blocks, column_sums)) in panels.enumerate() {
            let mut sums = Sums::default();
            for (block, rows) in blocks[self.done / GROUP..].iter_mut().zip(band.chunks(GROUP * n)) {
                let words = words(rows, n, panel * PANEL);
                sums.add(&words);
                for (column, word) in block.0.as_chunks_mut().0.iter_mut().zip(transpose(words)) {
                    *column = word.to_le_bytes().map(|weight| weight as i8);
                }
            }
            sums.add_to(column_sums);
        }
        self.done += rows;
    }

    /// The packed matrix.
    ///
    /// # Panics
    /// If rows are missing.
    pub fn finish(self) -> PackedWeights {
        assert_eq!(self.done, self.k, "all rows are packed");
        PackedWeights::of_blocks(self.groups, self.blocks, self.column_sums)
    }
}

impl PackedWeights {
    /// Packs the row-major matrix `weights` of `k` rows and `n` columns.
    ///
    /// # Panics
    /// If `weights` does not hold `k * n` values.
    pub fn new(weights: &[i8], k: usize, n: usize) -> Self {
        let mut packing = Packer::new(k, n);
        packing.push(&weights.iter().map(|&weight| weight as u8).collect::<Vec<u8>>());
        packing.finish()
    }

    /// Packs a matrix of `k` rows and `n` columns, which are a multiple of [`PANEL`], from `part(row, first column)`, which
    /// gives [`PANEL`] columns of a row.
    pub fn from_parts(k: usize, n: usize, part: impl Fn(usize, usize) -> [i8; PANEL]) -> Self {
        let mut packing = Packer::new(k, n);
        let mut band = Vec::new();
        for first in (0..k).step_by(BAND) {
            band.clear();
            for row in first..k.min(first + BAND) {
                band.extend((0..n).step_by(PANEL).flat_map(|column| part(row, column).map(|weight| weight as u8)));
            }
            packing.push(&band);
        }
        packing.finish()
    }
}

/// Eight columns, from `column` on, of up to eight rows of `n`: a row's weights in a word each, the first in its lowest byte.
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

/// Rows of eight bytes as columns: in three steps, each swaps the upper right with the lower left quarter of every square.
#[inline(always)]
fn transpose(mut words: [u64; 8]) -> [u64; 8] {
    for (apart, kept) in [(4, 0x0000_0000_ffff_ffff_u64), (2, 0x0000_ffff_0000_ffff), (1, 0x00ff_00ff_00ff_00ff)] {
        for upper in (0..8).filter(|row| row & apart == 0) {
            let swapped = ((words[upper] >> (8 * apart)) ^ words[upper + apart]) & kept;
            words[upper] ^= swapped << (8 * apart);
            words[upper + apart] ^= swapped;
        }
    }
    words
}

/// The sums of a panel's columns over a band: those of even and of odd columns in sixteen bits each.
#[derive(Default)]
struct Sums {
    even: u64,
    odd: u64,
    rows: usize,
}

// As u8, which are 128 more, the rows of a band leave the sixteen bits room.
const _: () = assert!(BAND * 255 <= u16::MAX as usize);

impl Sums {
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
    fn columns_stand_where_they_belong_with_their_sums() {
        for (k, n) in [(1, 1), (7, 9), (8, 8), (20, 24), (64, 13), (150, 16)] {
            // Every byte there is, the extremes among them.
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
    fn parts_make_a_whole() {
        let (k, n) = (150, 24);
        let weights = counted(k, n, 5);
        let part = |row, column| std::array::from_fn(|c| weights[row * n + column + c]);
        let whole = PackedWeights::new(&weights, k, n);
        assert_eq!(PackedWeights::from_parts(k, n, part), whole);
    }

    #[test]
    fn rows_may_come_in_any_multiples_of_a_group() {
        let (k, n) = (150, 11);
        let rows: Vec<u8> = (0..k * n).map(|i| (i * 37 + 128) as u8).collect();
        let pushed = |step: usize| {
            let mut packing = Packer::new(k, n);
            rows.chunks(step * n).for_each(|part| packing.push(part));
            packing.finish()
        };
        for step in [GROUP, 3 * GROUP, BAND, BAND + GROUP] {
            assert_eq!(pushed(step), pushed(k), "{step} rows at a time");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let pushes = |counts: &'static [usize]| {
            std::panic::catch_unwind(|| {
                let mut packing = Packer::new(16, 8);
                counts.iter().for_each(|&count| packing.push(&vec![1; count]));
                packing.finish()
            })
        };
        assert!(pushes(&[64, 64]).is_ok());
        for wrong in [&[64, 63][..], &[64, 128], &[32, 96], &[64]] {
            assert!(pushes(wrong).is_err(), "{wrong:?}");
        }
    }
}
