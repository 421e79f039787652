//! Multi-head self-attention of one sequence: integer scores, float softmax, float context.

use super::dispatch::Kernel;
use super::gemm::Activations;
use super::pack::{PANEL, PackedWeights};
use super::rows::{quantize_i8, quantize_u8, softmax};
use crate::error::Result;

/// The zero point of symmetric u8 queries.
pub const QUERY_ZERO_POINT: u8 = 128;

/// How queries and keys are quantized, both symmetrically: queries to u8 around [`QUERY_ZERO_POINT`], keys to s8.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionParams {
    /// Heads; divide the row length.
    pub heads: usize,
    /// The scale of queries.
    pub query_scale: f32,
    /// The scale of keys.
    pub key_scale: f32,
    /// What a sum of products is multiplied with: query scale · key scale / √d.
    pub score_scale: f32,
}

/// Self-attention without padding: `softmax(q · kᵀ · score scale) · v` per head. `query`, `key`, `value` and `out` are
/// row-major `[S, hidden]`.
///
/// # Errors
/// If a row is too long for the integer product.
#[allow(clippy::too_many_arguments, reason = "three inputs, one output, and the fixed parts")]
pub fn attention(
    kernel: Kernel,
    params: &AttentionParams,
    hidden: usize,
    query: &[f32],
    key: &[f32],
    value: &[f32],
    scratch: &mut Activations,
    out: &mut [f32],
) -> Result<()> {
    let (rows, d) = (query.len() / hidden, hidden / params.heads);
    let mut q8 = vec![0; rows * d];
    let mut scores = vec![0.0; rows * rows];
    out.fill(0.0);
    for head in (0..hidden).step_by(d) {
        for (row, q8) in query.chunks_exact(hidden).zip(q8.chunks_exact_mut(d)) {
            for (q8, &q) in q8.iter_mut().zip(&row[head..head + d]) {
                *q8 = quantize_u8(q, params.query_scale, QUERY_ZERO_POINT);
            }
        }
        let keys =
            PackedWeights::from_fn(d, rows, |k, row| quantize_i8(key[row * hidden + head + k], params.key_scale));
        let sums_of_keys = keys.column_sums();
        kernel.matmul(&q8, &keys, scratch, |row, column, sums| {
            let width = PANEL.min(rows - column);
            for (c, score) in scores[row * rows + column..][..width].iter_mut().enumerate() {
                let sum = sums[c] - i32::from(QUERY_ZERO_POINT) * sums_of_keys[column + c];
                *score = sum as f32 * params.score_scale;
            }
        })?;
        for (row, scores) in scores.chunks_exact_mut(rows).enumerate() {
            softmax(scores);
            let context = &mut out[row * hidden + head..][..d];
            for (&weight, value) in scores.iter().zip(value.chunks_exact(hidden)) {
                for (sum, v) in context.iter_mut().zip(&value[head..head + d]) {
                    *sum += weight * v;
                }
            }
        }
    }
    Ok(())
}
