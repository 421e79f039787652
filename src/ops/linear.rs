//! A quantized linear layer with its activation: u8 rows in, FP32 rows out.

use super::row_op::{RowOp, parsed, values};
use super::stored::tensor_bytes;
use crate::activation::Activation;
use crate::kernels::{Activations, Kernel, PackedWeights, QuantizedLinear};
use crate::onnx::{pb, raw_tensor_shape};
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name in the fused graph. Input: u8 `[…, K]`. Attributes: `weights` (INT8 tensor `[K, N]`), `zero_point`,
/// `scale` and `bias` (N floats each), `activation` (`none`, `gelu`, `gelu_tanh`, `relu`).
pub(super) const OP: &str = "Bert8Linear";

/// The activation's name in the graph.
pub(super) fn activation_name(activation: Option<Activation>) -> &'static str {
    match activation {
        None => "none",
        Some(Activation::Gelu) => "gelu",
        Some(Activation::GeluTanh) => "gelu_tanh",
        Some(Activation::Relu) => "relu",
    }
}

pub(super) fn parse(ctx: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let weights: &pb::TensorProto = node.get_attr("weights")?;
    let int8 = weights.data_type == pb::tensor_proto::DataType::Int8 as i32;
    let shape = raw_tensor_shape(weights).filter(|_| int8).context("weights are not a whole INT8 tensor")?;
    let [k, n] = shape[..] else { bail!("weights have rank {}, expected 2", shape.len()) };
    let scales: Vec<f32> = node.get_attr_vec("scale")?;
    let bias: Vec<f32> = node.get_attr_vec("bias")?;
    ensure!(scales.len() == n && bias.len() == n, "scale and bias need {n} values each");
    let zero_point = u8::try_from(node.get_attr::<i64>("zero_point")?)?;
    let activation = match node.get_attr::<&str>("activation")? {
        "none" => None,
        "gelu" => Some(Activation::Gelu),
        "gelu_tanh" => Some(Activation::GeluTanh),
        "relu" => Some(Activation::Relu),
        other => bail!("unknown activation {other}"),
    };
    let bytes = tensor_bytes(ctx, weights)?;
    let packed = PackedWeights::from_fn(k, n, |row, column| bytes[row * n + column] as i8);
    let layer = QuantizedLinear::new(packed, zero_point, scales, bias, activation);
    parsed(Linear { layer, kernel: Kernel::detect() })
}

#[derive(Debug)]
struct Linear {
    layer: QuantizedLinear,
    kernel: Kernel,
}

impl RowOp for Linear {
    fn name(&self) -> &'static str {
        OP
    }

    fn input_types(&self) -> Vec<DatumType> {
        vec![DatumType::U8]
    }

    fn output(&self) -> (DatumType, Option<usize>) {
        (DatumType::F32, Some(self.layer.outputs()))
    }

    fn run(&self, inputs: &[TValue], output: &mut Tensor) -> TractResult<()> {
        let mut out = output.try_as_plain_ram_mut()?;
        let rows = values::<u8>(&inputs[0])?;
        Ok(self.layer.run(self.kernel, rows, &mut Activations::default(), out.as_slice_mut::<f32>()?)?)
    }
}
