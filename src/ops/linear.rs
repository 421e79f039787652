//! A quantized linear layer whose result stays in FP32.

use super::attributes::Attributes;
use super::fused_op::{FusedOp, Output, parsed, values};
use crate::activation::Activation;
use crate::kernels::Linear;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name in the fused graph. Input: rows in the kernel's encoded form. Output: FP32 rows. Attributes: the
/// linear layer (`linear_…`), `activation` where there is one.
pub(super) const OP: &str = "Bert8Linear";

pub(super) fn parse(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let attributes = Attributes::new(node);
    let linear = attributes.linear("linear")?.layer(attributes.kernel()?)?;
    parsed(LinearOp { linear, activation: attributes.activation()? })
}

#[derive(Debug)]
struct LinearOp {
    linear: Linear,
    activation: Option<Activation>,
}

impl FusedOp for LinearOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::U8, Some(self.linear.input_bytes()))]
    }

    fn outputs(&self) -> Vec<Output> {
        vec![Output { datum_type: DatumType::F32, rows_of: 0, features: self.linear.outputs() }]
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let mut out = outputs[0].try_as_plain_ram_mut()?;
        self.linear.rows(values(&inputs[0])?, self.activation, out.as_slice_mut()?);
        Ok(())
    }
}
