//! How rows are split into tiles.

use std::ops::Range;

/// Rows split into as few tiles as possible, whose heights differ by one at most.
pub(in crate::kernels) struct Tiles {
    /// Tiles, of one row at least.
    pub tiles: usize,
    least: usize,
    /// Tiles that are higher by one.
    higher: usize,
}

impl Tiles {
    /// Splits `rows` into tiles of `most` at most.
    #[inline(always)]
    pub fn new(rows: usize, most: usize) -> Self {
        let tiles = rows.div_ceil(most);
        Tiles { tiles, least: rows / tiles.max(1), higher: rows % tiles.max(1) }
    }

    /// The rows of every tile.
    #[inline(always)]
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        (0..self.tiles).scan(0, |start, tile| {
            let end = *start + self.of(tile);
            Some(std::mem::replace(start, end)..end)
        })
    }

    /// The height of a tile.
    #[inline(always)]
    fn of(&self, tile: usize) -> usize {
        self.least + usize::from(tile < self.higher)
    }

    /// The tile of a row.
    #[inline(always)]
    pub fn tile_of(&self, row: usize) -> usize {
        let in_higher = self.higher * (self.least + 1);
        if row < in_higher { row / (self.least + 1) } else { self.higher + (row - in_higher) / self.least }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_few_even_and_hold_all_rows() {
        for (rows, most) in (0..60).flat_map(|rows| (1..=8).map(move |most| (rows, most))) {
            let heights = Tiles::new(rows, most);
            let ranges: Vec<_> = heights.ranges().collect();
            assert_eq!(ranges.len(), rows.div_ceil(most));
            let mut next = 0;
            for (tile, range) in ranges.iter().enumerate() {
                assert_eq!(range.start, next);
                assert!((1..=most).contains(&range.len()) && range.len() + 1 >= ranges[0].len(), "{ranges:?}");
                assert!(range.clone().all(|row| heights.tile_of(row) == tile));
                next = range.end;
            }
            assert_eq!(next, rows);
        }
    }
}
