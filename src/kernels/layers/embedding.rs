//! Embedding look-up with LayerNorm.

use super::norm::{LayerNorm, MIN_VALUES};
use crate::kernels::isa::{Dot, Kernel, LANES, Lanes, Task};
use crate::kernels::threads::{SharedSlice, for_each_range};
use std::ops::Range;

/// An embedding table. A row has a multiple of 8 features.
#[derive(Debug, Clone, PartialEq)]
pub enum Table {
    /// FP32 rows, row-major.
    Float(Vec<[f32; LANES]>),
    /// s8 rows with one scale per row.
    Int8 {
        /// The integers, row-major.
        values: Vec<i8>,
        /// The scale of every row: `value = integer · scale`.
        scales: Vec<f32>,
    },
}

impl Table {
    /// Returns the number of values.
    fn len(&self) -> usize {
        match self {
            Table::Float(values) => values.len() * LANES,
            Table::Int8 { values, .. } => values.len(),
        }
    }

    /// Adds row number `row` to `out`.
    #[inline(always)]
    fn add_row<L: Lanes>(&self, l: L, row: usize, out: &mut [[f32; LANES]]) {
        let at = row * out.len()..(row + 1) * out.len();
        match self {
            Table::Float(values) => {
                for (sum, x) in out.iter_mut().zip(&values[at]) {
                    l.store(l.add(l.load(sum), l.load(x)), sum);
                }
            }
            Table::Int8 { values, scales } => {
                let scale = l.splat(scales[row]);
                for (sum, x) in out.iter_mut().zip(&values.as_chunks().0[at]) {
                    l.store(l.mul_add(l.to_f32(l.widen_i8(x)), scale, l.load(sum)), sum);
                }
            }
        }
    }
}

/// `LayerNorm(word + token type + position)`, and its quantized form if the norm has a quantizer. A model may lack token types.
/// Positions count from 0 in every sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    words: Table,
    types: Option<Table>,
    positions: Table,
    norm: LayerNorm,
    kernel: Kernel,
}

impl Embedding {
    /// Returns the layer with the tables of words, token types (if any) and positions.
    ///
    /// # Panics
    /// If a table is not a whole number of rows of the norm's features, or has not one scale for every row.
    pub fn new(kernel: Kernel, words: Table, types: Option<Table>, positions: Table, norm: LayerNorm) -> Self {
        let features = norm.features();
        for table in [&words, &positions].into_iter().chain(&types) {
            assert!(table.len().is_multiple_of(features), "the table has no rows of {features} features");
            if let Table::Int8 { values, scales } = table {
                assert_eq!(values.len(), scales.len() * features, "one scale for every row");
            }
        }
        Embedding { words, types, positions, norm, kernel }
    }

    /// Returns the kernel that reads the quantized rows.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Returns the norm.
    pub fn norm(&self) -> &LayerNorm {
        &self.norm
    }

    /// Returns the number of rows of the table of words.
    pub fn vocab_size(&self) -> usize {
        self.rows(&self.words)
    }

    /// Returns the number of rows of the table of token types, or `None` if there is no such table.
    pub fn type_vocab(&self) -> Option<usize> {
        self.types.as_ref().map(|table| self.rows(table))
    }

    /// Returns the number of rows of the table of positions.
    pub fn max_positions(&self) -> usize {
        self.rows(&self.positions)
    }

    fn rows(&self, table: &Table) -> usize {
        table.len() / self.norm.features()
    }

    /// Embeds sequences laid end to end, where `ends[i]` is the end of sequence i among the tokens. `ids` and `types` have one id
    /// for every token; types are ignored if there is no table of them. Writes FP32 rows to `out` and, if the norm quantizes, their encoded form to `quantized`, which is else
    /// empty.
    ///
    /// # Panics
    /// If an id is outside its table, a sequence is longer than the table of positions, `ends` is not ascending up to the number of
    /// tokens, or a slice has the wrong length.
    pub fn run(&self, ids: &[i64], types: &[i64], ends: &[usize], out: &mut [f32], quantized: &mut [u8]) {
        struct Rows<'a> {
            embedding: &'a Embedding,
            ids: &'a [i64],
            types: &'a [i64],
            ends: &'a [usize],
            tokens: Range<usize>,
            out: &'a mut [f32],
        }
        impl Task for Rows<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let Rows { embedding, ids, types, ends, tokens, out } = self;
                let l = dot.lanes();
                let mut sequence = ends.partition_point(|&end| end <= tokens.start);
                for (token, row) in tokens.zip(out.chunks_exact_mut(embedding.norm.features())) {
                    sequence += usize::from(token == ends[sequence]);
                    let start = sequence.checked_sub(1).map_or(0, |before| ends[before]);
                    let row = row.as_chunks_mut().0;
                    row.fill([0.0; LANES]);
                    embedding.words.add_row(l, ids[token] as usize, row);
                    if let Some(table) = &embedding.types {
                        table.add_row(l, types[token] as usize, row);
                    }
                    embedding.positions.add_row(l, token - start, row);
                }
            }
        }
        let values = ids.len() * self.norm.features();
        assert!(types.len() == ids.len() && out.len() == values, "one row for every token");
        assert!(ends.is_sorted() && ends.last() == Some(&ids.len()), "sequences cover the tokens");
        let inside = |ids: &[i64], rows: usize| ids.iter().all(|&id| usize::try_from(id).is_ok_and(|id| id < rows));
        assert!(inside(ids, self.vocab_size()), "ids have rows");
        assert!(self.type_vocab().is_none_or(|rows| inside(types, rows)), "types have rows");
        assert!(
            quantized.len() == self.norm.encoded_len(values, self.kernel.encoded_width()),
            "one encoded row for every token"
        );
        let features = self.norm.features();
        let rows = SharedSlice::new(out);
        for_each_range(ids.len(), MIN_VALUES.div_ceil(features), |tokens| {
            // SAFETY: no two threads have the same tokens.
            let out = unsafe { rows.range(tokens.start * features..tokens.end * features) };
            self.kernel.run(Rows { embedding: self, ids, types, ends, tokens, out });
        });
        self.norm.run(self.kernel, out, None, quantized);
    }
}
