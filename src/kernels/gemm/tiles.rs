//! How rows are split into tiles.

use std::ops::Range;

/// Rows split into as few tiles as possible, whose heights differ by at most one. The taller tiles come first.
pub(in crate::kernels) struct Tiles {
    /// Number of tiles. Each has at least one row.
    pub count: usize,
    /// Rows of the shorter tiles.
    least: usize,
    /// Number of tiles with one row more.
    taller: usize,
}

impl Tiles {
    /// Splits `rows` into tiles of at most `max_rows` rows.
    #[inline(always)]
    pub fn new(rows: usize, max_rows: usize) -> Self {
        let count = rows.div_ceil(max_rows);
        Tiles { count, least: rows / count.max(1), taller: rows % count.max(1) }
    }

    /// Returns the rows of every tile.
    #[inline(always)]
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        (0..self.count).scan(0, |start, tile| {
            let end = *start + self.height(tile);
            Some(std::mem::replace(start, end)..end)
        })
    }

    /// Returns the number of rows of a tile.
    #[inline(always)]
    fn height(&self, tile: usize) -> usize {
        self.least + usize::from(tile < self.taller)
    }

    /// Returns the tile that a row is in.
    #[inline(always)]
    pub fn tile_of(&self, row: usize) -> usize {
        let in_taller = self.taller * (self.least + 1);
        if row < in_taller { row / (self.least + 1) } else { self.taller + (row - in_taller) / self.least }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_few_even_and_hold_all_rows() {
        for (rows, max_rows) in (0..60).flat_map(|rows| (1..=8).map(move |max_rows| (rows, max_rows))) {
            let tiles = Tiles::new(rows, max_rows);
            let ranges: Vec<_> = tiles.ranges().collect();
            assert_eq!(ranges.len(), rows.div_ceil(max_rows));
            let mut next = 0;
            for (tile, range) in ranges.iter().enumerate() {
                assert_eq!(range.start, next);
                assert!((1..=max_rows).contains(&range.len()) && range.len() + 1 >= ranges[0].len(), "{ranges:?}");
                assert!(range.clone().all(|row| tiles.tile_of(row) == tile));
                next = range.end;
            }
            assert_eq!(next, rows);
        }
    }
}
