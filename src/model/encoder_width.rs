//! The number of features in an encoder, from its matrix products.

use crate::onnx::{GraphIndex, attribute_int, pb};
use std::collections::BTreeMap;

/// The most operators between a constant and the product that reads it.
const DEPTH: usize = 8;

/// Returns the number of features that most matrix products with constant weights read: that of the encoder's rows, which
/// all products of a layer but one read. The embedding tables may have another. `None` if there are no such products.
pub fn encoder_width(model: &pb::ModelProto) -> Option<usize> {
    let index = GraphIndex::new(model.graph.as_ref()?);
    let mut products: BTreeMap<i64, usize> = BTreeMap::new();
    for node in &index.graph().node {
        let at = match node.op_type.as_str() {
            "Gemm" | "MatMul" | "MatMulInteger" => 1,
            "QLinearMatMul" => 3,
            _ => continue,
        };
        let Some([rows, columns]) = node.input.get(at).and_then(|weight| matrix(&index, weight)) else { continue };
        let out_first = node.op_type == "Gemm" && attribute_int(node, "transB", 0) == 1;
        *products.entry(if out_first { columns } else { rows }).or_default() += 1;
    }
    let (width, _) = products.into_iter().max_by_key(|(_, count)| *count)?;
    usize::try_from(width).ok()
}

/// The shape of the constant matrix `value`, which may be quantized or transposed in the graph.
fn matrix<'a>(index: &GraphIndex<'a>, mut value: &'a str) -> Option<[i64; 2]> {
    let mut turned = false;
    for _ in 0..DEPTH {
        if let Some(tensor) = index.constant(value) {
            let [rows, columns] = tensor.dims[..] else { return None };
            return Some(if turned { [columns, rows] } else { [rows, columns] });
        }
        let node = index.producer(value)?;
        match node.op_type.as_str() {
            "Transpose" => turned = !turned,
            "Cast" | "DequantizeLinear" | "Identity" | "QuantizeLinear" => {}
            _ => return None,
        }
        value = node.input.first()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bert::{BertConfig, emit_fp32, random_bert};

    #[test]
    fn embeddings_may_be_narrower_or_wider_than_the_encoder() {
        for (embedding_size, intermediate) in [(None, 64), (Some(16), 64), (Some(48), 32), (Some(16), 16)] {
            let config = BertConfig { embedding_size, intermediate, layers: 1, ..BertConfig::tiny() };
            let model = emit_fp32(&random_bert(config, 1).unwrap());
            assert_eq!(encoder_width(&model), Some(32), "{embedding_size:?}");
        }
        assert_eq!(encoder_width(&pb::ModelProto::default()), None);
    }
}
