//! QuantizeLinear to u8 with one scale.

use super::row_op::{RowOp, parsed, values};
use crate::kernels::rows::quantize_row_u8;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name in the fused graph. Input: FP32 rows. Attributes: `scale`, `zero_point`.
pub(super) const OP: &str = "Bert8Quantize";

pub(super) fn parse(_ctx: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let zero_point = u8::try_from(node.get_attr::<i64>("zero_point")?)?;
    parsed(Quantize { scale: node.get_attr("scale")?, zero_point })
}

#[derive(Debug)]
struct Quantize {
    scale: f32,
    zero_point: u8,
}

impl RowOp for Quantize {
    fn name(&self) -> &'static str {
        OP
    }

    fn input_types(&self) -> Vec<DatumType> {
        vec![DatumType::F32]
    }

    fn output(&self) -> (DatumType, Option<usize>) {
        (DatumType::U8, None)
    }

    fn run(&self, inputs: &[TValue], output: &mut Tensor) -> TractResult<()> {
        let mut out = output.try_as_plain_ram_mut()?;
        quantize_row_u8(values(&inputs[0])?, self.scale, self.zero_point, out.as_slice_mut::<u8>()?);
        Ok(())
    }
}
