//! A quantized linear layer with its activation, quantized for the next product.

use super::attributes::Attributes;
use super::fused_op::{FusedOp, Output, parsed, values};
use crate::activation::Activation;
use crate::kernels::{Linear, Quantizer};
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name in the fused graph. Input: rows in the kernel's encoded form. Output: the same. Attributes: the
/// linear layer (`linear_…`), `activation`, `output_scale`, `output_zero_point`, `output_factors`, `output_offsets`.
pub(super) const OP: &str = "Bert8Activated";

pub(super) fn parse(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let attributes = Attributes::new(node);
    let linear = attributes.linear("linear")?.layer(attributes.kernel()?)?;
    let output = attributes.output(1, linear.outputs())?.context("no output scale")?;
    let activation = attributes.activation()?.context("no activation")?;
    parsed(Activated { linear, activation, output })
}

#[derive(Debug)]
struct Activated {
    linear: Linear,
    activation: Activation,
    output: Quantizer,
}

impl FusedOp for Activated {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::U8, Some(self.linear.input_bytes()))]
    }

    fn outputs(&self) -> Vec<Output> {
        let features = self.linear.outputs() * self.linear.kernel().encoded_width();
        vec![Output { datum_type: DatumType::U8, rows_of: 0, features }]
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let mut out = outputs[0].try_as_plain_ram_mut()?;
        self.linear.run_quantized(values(&inputs[0])?, self.activation, &self.output, out.as_slice_mut()?);
        Ok(())
    }
}
