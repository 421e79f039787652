//! Parts of small graphs for tests, and what the operators must make of them.

use super::fuse::take_weights;
use super::recognise::{IntegerLinear, NormPart, Quantized};
use crate::kernels::{Kernel, LayerNorm, Linear, PackedWeights, Quantizer, Table};
use crate::onnx::pb;
use pb::tensor_proto::DataType;

/// An INT8 matrix `[k, n]`.
pub fn weights(name: &str, k: usize, n: usize) -> pb::TensorProto {
    let values = (0..k * n).map(|i| ((i * 37 + i / 5) % 255) as u8 ^ 0x80);
    // Never -128, as in quantized files.
    let values = values.map(|byte| if byte == 0x80 { 0x7f } else { byte }).collect();
    tensor(name, DataType::Int8, k, n, values)
}

/// An FP32 matrix `[rows, columns]`.
pub fn floats(name: &str, rows: usize, columns: usize) -> pb::TensorProto {
    let values = (0..rows * columns).flat_map(|i| (0.5 + i as f32).to_le_bytes()).collect();
    tensor(name, DataType::Float, rows, columns, values)
}

fn tensor(name: &str, kind: DataType, rows: usize, columns: usize, raw_data: Vec<u8>) -> pb::TensorProto {
    let dims = vec![rows as i64, columns as i64];
    pb::TensorProto { name: name.to_owned(), data_type: kind as i32, dims, raw_data, ..Default::default() }
}

/// The linear layer of the INT8 `weights`.
pub fn linear(weights: &pb::TensorProto) -> IntegerLinear<'_> {
    let [k, n] = [0, 1].map(|axis| weights.dims[axis] as usize);
    IntegerLinear {
        x: "x",
        input: Quantized { zero_point: 117, ..quantized(k) },
        weights,
        k,
        n,
        scale: (0..n).map(|i| 0.01 + i as f32 * 0.001).collect(),
        bias: (0..n).map(|i| i as f32 - 2.0).collect(),
    }
}

/// The quantization of `features` features, with factors and offsets.
pub fn quantized(features: usize) -> Quantized {
    let factors = (0..features).map(|i| 0.5 + i as f32 * 0.01).collect();
    let offsets = (0..features).map(|i| i as f32 * 0.1).collect();
    Quantized { factors, offsets, scale: 0.02, zero_point: 100 }
}

/// A LayerNorm over `features` features.
pub fn norm(features: usize) -> NormPart<'static> {
    let gamma = (0..features).map(|i| 1.0 + i as f32 * 0.1).collect();
    let beta = (0..features).map(|i| i as f32 * 0.2).collect();
    NormPart { a: "a", b: "b", gamma, beta, epsilon: 1e-5 }
}

/// The kernel's layer of `part`.
pub fn layer(kernel: Kernel, part: &IntegerLinear) -> Linear {
    let values: Vec<i8> = part.weights.raw_data.iter().map(|&byte| byte as i8).collect();
    let packed = PackedWeights::new(&values, part.k, part.n);
    Linear::new(kernel, packed, part.input.zero_point as u8, &part.scale, &part.bias)
}

/// The quantizer of rows of `features` features.
pub fn quantizer(part: &Quantized, features: usize) -> Quantizer {
    let or = |values: &[f32], neutral| if values.is_empty() { vec![neutral; features] } else { values.to_vec() };
    Quantizer::mapped(part.scale, part.zero_point as u8, &or(&part.factors, 1.0), &or(&part.offsets, 0.0))
}

/// The kernel's LayerNorm of `part`.
pub fn layer_norm(part: &NormPart, output: Option<&Quantized>) -> LayerNorm {
    let output = output.map(|output| quantizer(output, part.gamma.len()));
    LayerNorm::new(&part.gamma, &part.beta, part.epsilon, output)
}

/// The kernel's embedding table.
pub fn table(values: &pb::TensorProto, scales: Option<&pb::TensorProto>) -> Table {
    let floats = |t: &pb::TensorProto| -> Vec<f32> {
        t.raw_data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    };
    match scales {
        None => Table::Float(floats(values).as_chunks().0.to_vec()),
        Some(scales) => {
            Table::Int8 { values: values.raw_data.iter().map(|&byte| byte as i8).collect(), scales: floats(scales) }
        }
    }
}

/// `node` after [`fuse`](super::fuse()) has moved `tensors` into its attributes.
pub fn with_tensors(node: pb::NodeProto, tensors: impl IntoIterator<Item = pb::TensorProto>) -> pb::NodeProto {
    let mut graph = pb::GraphProto { initializer: tensors.into_iter().collect(), ..Default::default() };
    let mut nodes = [node];
    take_weights(&mut graph, &mut nodes);
    let [node] = nodes;
    node
}
