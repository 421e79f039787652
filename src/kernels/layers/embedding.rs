//! Embedding look-up with LayerNorm.

use super::norm::LayerNorm;
use crate::kernels::isa::{Dot, Kernel, LANES, Lanes, Task};

/// An embedding table of rows of a multiple of 8 features.
#[derive(Debug, Clone, PartialEq)]
pub enum Table {
    /// FP32 rows.
    Float(Vec<[f32; LANES]>),
    /// s8 rows, each with its scale.
    Int8 {
        /// The rows' integers.
        values: Vec<i8>,
        /// What a row's integers are multiplied with.
        scales: Vec<f32>,
    },
}

impl Table {
    fn len(&self) -> usize {
        match self {
            Table::Float(values) => values.len() * LANES,
            Table::Int8 { values, .. } => values.len(),
        }
    }

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

/// `LayerNorm(word + token type + position)`, and that quantized for the first product where the norm does so. Positions
/// count from 0 in every sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    words: Table,
    types: Table,
    positions: Table,
    norm: LayerNorm,
    kernel: Kernel,
}

impl Embedding {
    /// Puts the tables together.
    ///
    /// # Panics
    /// If a table is no matrix of the norm's features.
    pub fn new(kernel: Kernel, [words, types, positions]: [Table; 3], norm: LayerNorm) -> Self {
        let features = norm.features();
        for table in [&words, &types, &positions] {
            assert!(table.len().is_multiple_of(features), "the table has no rows of {features} features");
            if let Table::Int8 { values, scales } = table {
                assert_eq!(values.len(), scales.len() * features, "one scale for every row");
            }
        }
        Embedding { words, types, positions, norm, kernel }
    }

    /// The kernel whose encoded form comes out.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The norm, which may quantize the rows.
    pub fn norm(&self) -> &LayerNorm {
        &self.norm
    }

    /// Rows of the tables of words, token types and positions.
    pub fn rows(&self) -> [usize; 3] {
        [&self.words, &self.types, &self.positions].map(|table| table.len() / self.norm.features())
    }

    /// Embeds the sequences that end before the tokens `ends`, laid end to end; writes FP32 rows to `out` and, where they
    /// are quantized, their encoded form to `quantized`. Ids must lie inside the tables.
    ///
    /// # Panics
    /// If an id is outside its table, `ends` do not grow to the tokens, or a slice has the wrong length.
    pub fn run(&self, ids: &[i64], types: &[i64], ends: &[usize], out: &mut [f32], quantized: &mut [u8]) {
        struct Run<'a> {
            embedding: &'a Embedding,
            ids: &'a [i64],
            types: &'a [i64],
            ends: &'a [usize],
            out: &'a mut [f32],
            quantized: &'a mut [u8],
        }
        impl Task for Run<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let Run { embedding, ids, types, ends, out, quantized } = self;
                let l = dot.lanes();
                let mut start = 0;
                for &end in ends {
                    for token in start..end {
                        let row =
                            out[token * embedding.norm.features()..][..embedding.norm.features()].as_chunks_mut().0;
                        row.fill([0.0; LANES]);
                        embedding.words.add_row(l, ids[token] as usize, row);
                        embedding.types.add_row(l, types[token] as usize, row);
                        embedding.positions.add_row(l, token - start, row);
                    }
                    start = end;
                }
                embedding.norm.rows(dot, out, None, quantized);
            }
        }
        let values = ids.len() * self.norm.features();
        assert!(types.len() == ids.len() && out.len() == values, "one row for every token");
        assert!(ends.is_sorted() && ends.last() == Some(&ids.len()), "sequences cover the tokens");
        let [words, kinds, _] = self.rows();
        let inside = |ids: &[i64], rows: usize| ids.iter().all(|&id| usize::try_from(id).is_ok_and(|id| id < rows));
        assert!(inside(ids, words) && inside(types, kinds), "ids and types have rows");
        assert!(
            quantized.len() == self.norm.encoded_len(values, self.kernel.encoded_width()),
            "one stored row for every token"
        );
        self.kernel.run(Run { embedding: self, ids, types, ends, out, quantized });
    }
}
