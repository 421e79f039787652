//! The residual and the LayerNorm behind a linear layer in FP32, and the result quantized for the next product.

use super::attributes::Attributes;
use super::both_forms;
use super::fused_op::{FusedOp, Output, parsed, values};
use crate::kernels::SumNorm;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name in the fused graph. Inputs: FP32 rows, FP32 residual rows. Outputs: FP32 rows, and their encoded form
/// where `output_scale` is given. Attributes: `gamma`, `beta`, `epsilon`, `output_scale`, `output_zero_point`,
/// `output_factors`, `output_offsets`.
pub(super) const OP: &str = "Bert8SumNorm";

pub(super) fn parse(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let attributes = Attributes::new(node);
    parsed(Sum(SumNorm::new(attributes.kernel()?, attributes.norm()?)))
}

#[derive(Debug)]
struct Sum(SumNorm);

impl FusedOp for Sum {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::F32, Some(self.0.norm().features())); 2]
    }

    fn outputs(&self) -> Vec<Output> {
        both_forms::outputs(self.0.norm(), self.0.kernel())
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        ensure!(inputs[0].shape()[0] == inputs[1].shape()[0], "the residual has another number of rows");
        let (a, residual) = (values(&inputs[0])?, values(&inputs[1])?);
        both_forms::fill(outputs, |out, quantized| self.0.run(a, residual, out, quantized))
    }
}
