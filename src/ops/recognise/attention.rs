//! Recognises self-attention, with scores in integers or in FP32.

use super::linear::{LinearPart, Quantized, linear};
use crate::kernels::Quantizer;
use crate::onnx::pattern::*;
use crate::onnx::{GraphIndex, attribute_int, pb};
use pb::tensor_proto::DataType;

/// Self-attention, from the linear layers of queries, keys and values to the merged heads.
#[derive(Debug, PartialEq)]
pub(in crate::ops) struct AttentionPart<'a> {
    /// The linear layer of queries.
    pub query: LinearPart<'a>,
    /// The linear layer of keys.
    pub key: LinearPart<'a>,
    /// The linear layer of values.
    pub value: LinearPart<'a>,
    /// The number of heads.
    pub heads: usize,
    /// How scores are computed.
    pub scores: Scores,
    /// The factor of `q · kᵀ`.
    pub score_scale: f32,
}

/// How `q · kᵀ` is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::ops) enum Scores {
    /// In integers, from u8 queries and s8 keys. The linear layers of queries, keys and values are in integers too.
    Integer {
        /// The scale of queries.
        query_scale: f32,
        /// The scale of keys.
        key_scale: f32,
    },
    /// In FP32.
    Float,
}

impl<'a> AttentionPart<'a> {
    /// The linear layers of queries, keys and values.
    pub fn parts(&self) -> [&LinearPart<'a>; 3] {
        [&self.query, &self.key, &self.value]
    }

    /// How the input of the linear layers in integers is quantized, if there are any.
    pub fn input(&self) -> Option<&Quantized> {
        self.parts().into_iter().find_map(LinearPart::input)
    }

    /// Whether all linear layers read `x`, and those in integers quantize it in the same way.
    pub fn is_over(&self, x: &str) -> bool {
        let one = |part: &LinearPart| part.x() == x && (part.input().is_none() || part.input() == self.input());
        self.parts().into_iter().all(one)
    }
}

/// The self-attention that makes `value`, the merged heads.
pub(super) fn attention<'a>(index: &GraphIndex<'a>, value: &str) -> Option<AttentionPart<'a>> {
    let (merged, shape) = reshaped(index, value)?;
    let [0, 0, hidden] = shape[..] else { return None };
    let context = made_by(index, transposed(index, merged, &[0, 2, 1, 3])?, "MatMul")?;
    let [weights, values] = inputs(context)?;
    let softmax = made_by(index, weights, "Softmax")?;
    (attribute_int(softmax, "axis", 0) == -1).then_some(())?;
    let [a, b] = inputs(made_by(index, softmax.input.first()?, "Add")?)?;
    let scaled = if is_mask(index, b) {
        a
    } else if is_mask(index, a) {
        b
    } else {
        return None;
    };
    let (product, score_scale) = with_constant(index, scaled, "Mul")?;
    let [score_scale] = score_scale[..] else { return None };
    let (queries, keys, scores) = integer_scores(index, product).or_else(|| float_scores(index, product))?;

    let mut heads = None;
    let mut split = |value: &str| {
        let (flat, shape) = reshaped(index, transposed(index, value, &[0, 2, 1, 3])?)?;
        let [0, 0, count, size] = shape[..] else { return None };
        let same = *heads.get_or_insert(count) == count && count > 0 && count.checked_mul(size) == Some(hidden);
        let part = same.then_some(flat).and_then(|flat| linear(index, flat));
        part.filter(|part| i64::try_from(part.sizes().1) == Ok(hidden))
    };
    let (query, key, value) = (split(queries)?, split(keys)?, split(values)?);
    let heads = usize::try_from(heads?).ok()?;
    let part = AttentionPart { query, key, value, heads, scores, score_scale };
    let integer = part.parts().into_iter().all(|part| part.input().is_some());
    (scores == Scores::Float || integer).then_some(part)
}

/// `Cast(MatMulInteger(QuantizeLinear(q), Transpose(QuantizeLinear(k))))` that makes `value`: `(q, k, scores)`.
fn integer_scores<'a>(index: &GraphIndex<'a>, value: &str) -> Option<(&'a str, &'a str, Scores)> {
    let [queries, keys, zero_point] = inputs(made_by(index, cast_to_float(index, value)?, "MatMulInteger")?)?;
    let (queries, query_scale, query_zero, DataType::Uint8) = quantized(index, queries)? else { return None };
    let keys = transposed(index, keys, &[0, 1, 3, 2])?;
    let (keys, key_scale, 0, DataType::Int8) = quantized(index, keys)? else { return None };
    let zero_point = zero_point_value(index, zero_point)?.0;
    let symmetric = i64::from(Quantizer::SYMMETRIC);
    let scores = Scores::Integer { query_scale, key_scale };
    (query_zero == symmetric && zero_point == symmetric).then_some((queries, keys, scores))
}

/// `MatMul(q, Transpose(k))` that makes `value`: `(q, k, scores)`.
fn float_scores<'a>(index: &GraphIndex<'a>, value: &str) -> Option<(&'a str, &'a str, Scores)> {
    let [queries, keys] = inputs(made_by(index, value, "MatMul")?)?;
    Some((queries, transposed(index, keys, &[0, 1, 3, 2])?, Scores::Float))
}

/// Whether `value` is `(1 − attention_mask) · constant`, which is zero for tokens that are not padding.
fn is_mask(index: &GraphIndex, value: &str) -> bool {
    let mask = || {
        let (inverse, lowest) = with_constant(index, value, "Mul")?;
        let [one, wide] = inputs(made_by(index, inverse, "Sub")?)?;
        let float = made_by(index, wide, "Unsqueeze")?.input.first()?;
        let zero = floats(index, one)? == [1.0] && lowest.iter().all(|value| value.is_finite());
        zero.then(|| cast_to_float(index, float))?
    };
    mask() == Some("attention_mask")
}
