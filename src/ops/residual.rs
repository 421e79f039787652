//! A quantized linear layer with residual and LayerNorm, and its result quantized for the next product.

use super::attributes::Attributes;
use super::both_forms;
use super::fused_op::{FusedOp, Output, parsed, values};
use crate::kernels::ResidualNorm;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name in the fused graph. Inputs: rows in the kernel's encoded form, FP32 residual rows. Outputs: FP32 rows,
/// and their encoded form where `output_scale` is given. Attributes: the linear layer (`linear_…`), `heads` that its inputs
/// are (1: none), `gamma`, `beta`, `epsilon`, `output_scale`, `output_zero_point`, `output_factors`, `output_offsets`.
pub(super) const OP: &str = "Bert8ResidualNorm";

pub(super) fn parse(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let attributes = Attributes::new(node);
    let linear = attributes.linear("linear")?.with_input_heads(attributes.kernel()?, attributes.count("heads")?)?;
    let norm = attributes.norm()?;
    ensure!(norm.features() == linear.outputs(), "the norm is over {} features", norm.features());
    parsed(Residual(ResidualNorm::new(linear, norm)))
}

#[derive(Debug)]
struct Residual(ResidualNorm);

impl FusedOp for Residual {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        let linear = self.0.linear();
        vec![(DatumType::U8, Some(linear.input_bytes())), (DatumType::F32, Some(linear.outputs()))]
    }

    fn outputs(&self) -> Vec<Output> {
        both_forms::outputs(self.0.norm(), self.0.linear().kernel())
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let (a, residual) = (values(&inputs[0])?, values(&inputs[1])?);
        ensure!(inputs[0].shape()[0] == inputs[1].shape()[0], "the residual has another number of rows");
        both_forms::fill(outputs, |out, quantized| self.0.run(a, residual, out, quantized))
    }
}
