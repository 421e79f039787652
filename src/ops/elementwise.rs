//! An activation of FP32 rows, and their quantization for the next product.

use super::attributes::Attributes;
use super::fused_op::{FusedOp, Output, parsed, values};
use crate::activation::Activation;
use crate::kernels::{Kernel, LANES, Quantizer};
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator that quantizes. Input: FP32 rows. Output: their encoded form. Attributes: `features`, `activation` where there
/// is one, `output_scale`, `output_zero_point`, `output_factors`, `output_offsets`.
pub(super) const QUANTIZE: &str = "Bert8Quantize";

/// The operator that does not. Input and output: FP32 rows. Attributes: `features`, `activation`.
pub(super) const ACTIVATION: &str = "Bert8Activation";

pub(super) fn parse(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let attributes = Attributes::new(node);
    let (kernel, features, activation) =
        (attributes.kernel()?, attributes.count("features")?, attributes.activation()?);
    ensure!(features.is_multiple_of(LANES), "{features} features are no multiple of {LANES}");
    if node.op_type == ACTIVATION {
        return parsed(Activate { kernel, features, activation: activation.context("no activation")? });
    }
    let output = attributes.output(1, features)?.context("no output scale")?;
    parsed(Quantize { kernel, activation, output })
}

#[derive(Debug)]
struct Activate {
    kernel: Kernel,
    features: usize,
    activation: Activation,
}

impl FusedOp for Activate {
    fn name(&self) -> &'static str {
        ACTIVATION
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::F32, Some(self.features))]
    }

    fn outputs(&self) -> Vec<Output> {
        vec![Output { datum_type: DatumType::F32, rows_of: 0, features: self.features }]
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let mut out = outputs[0].try_as_plain_ram_mut()?;
        self.kernel.activate(self.activation, values(&inputs[0])?, out.as_slice_mut()?);
        Ok(())
    }
}

#[derive(Debug)]
struct Quantize {
    kernel: Kernel,
    activation: Option<Activation>,
    output: Quantizer,
}

impl FusedOp for Quantize {
    fn name(&self) -> &'static str {
        QUANTIZE
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::F32, Some(self.output.features()))]
    }

    fn outputs(&self) -> Vec<Output> {
        let features = self.output.features() * self.kernel.encoded_width();
        vec![Output { datum_type: DatumType::U8, rows_of: 0, features }]
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let mut out = outputs[0].try_as_plain_ram_mut()?;
        self.kernel.quantize(self.activation, &self.output, values(&inputs[0])?, out.as_slice_mut()?);
        Ok(())
    }
}
