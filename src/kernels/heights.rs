//! How rows are split into tiles.

/// Rows split into as few tiles as possible, whose heights differ by one at most.
pub(super) struct Heights {
    /// Tiles, of one row at least.
    pub tiles: usize,
    least: usize,
    /// Tiles that are higher by one.
    higher: usize,
}

impl Heights {
    /// Splits `rows` into tiles of `most` at most.
    #[inline(always)]
    pub fn new(rows: usize, most: usize) -> Self {
        let tiles = rows.div_ceil(most);
        Heights { tiles, least: rows / tiles.max(1), higher: rows % tiles.max(1) }
    }

    /// The height of a tile.
    #[inline(always)]
    pub fn of(&self, tile: usize) -> usize {
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
            let heights = Heights::new(rows, most);
            let all: Vec<usize> = (0..heights.tiles).map(|tile| heights.of(tile)).collect();
            assert_eq!(all.iter().sum::<usize>(), rows);
            assert_eq!(all.len(), rows.div_ceil(most));
            let tiles: Vec<usize> = all.iter().enumerate().flat_map(|(tile, &height)| vec![tile; height]).collect();
            assert_eq!((0..rows).map(|row| heights.tile_of(row)).collect::<Vec<_>>(), tiles);
            assert!(all.iter().all(|height| (1..=most).contains(height) && height + 1 >= all[0]), "{all:?}");
        }
    }
}
