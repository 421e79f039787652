//! Scales and zero points: which numbers the integers of a value stand for.

use super::constants::{Parameters, least};
use super::rewriter::Rewriter;
use super::values::first_output;
use crate::error::{Error, Result};
use crate::onnx::{attribute_int, pb, tensor_f32, tensor_i32};
use pb::tensor_proto::DataType;

impl<'a> Rewriter<'a> {
    /// The constant scales and zero points called `scale` and `zero_point`.
    pub(super) fn parameters(
        &mut self,
        node: &pb::NodeProto,
        scale: &str,
        zero_point: &str,
        axis: i64,
    ) -> Result<Parameters> {
        let not_constant = |name: &str| {
            self.error_at(node, format!("has `{name}` as scale or zero point of a constant; expected a constant"))
        };
        let scales = self.index.constant(scale).ok_or_else(|| not_constant(scale))?;
        let (shape, scales) = tensor_f32(scales, self.file_name)?;
        let mut zero_points = (vec![], vec![]);
        if !zero_point.is_empty() {
            let tensor = self.index.constant(zero_point).ok_or_else(|| not_constant(zero_point))?;
            zero_points = tensor_i32(tensor, self.file_name)?;
            if zero_points.1.is_empty() {
                return Err(Error::tensor(self.file_name, zero_point, "holds no zero point"));
            }
        }
        for (name, shape) in [(scale, shape), (zero_point, zero_points.0)] {
            if shape.len() > 1 && shape.iter().any(|&d| d != 1) {
                let problem = format!("has shape {shape:?}, expected one number, or one per channel");
                return Err(Error::tensor(self.file_name, name, problem));
            }
        }
        self.spend(scales.len().saturating_add(zero_points.1.len()), scale)?;
        Ok(Parameters { scales, zero_points: zero_points.1, axis })
    }

    /// Whether no integer of the output of `node` stands for a negative number. onnxruntime's static quantizers leave
    /// out a ReLU before such a value: the integers' range cuts off what is negative. Logits are no
    /// such value: they may have been positive in every calibration sample by chance.
    pub(super) fn cannot_be_negative(&self, node: &pb::NodeProto, zero_point: &str) -> bool {
        if self.ends.contains(first_output(node).as_str()) {
            return false;
        }
        if zero_point.is_empty() {
            let types = [0, DataType::Uint8 as i64, DataType::Uint16 as i64];
            return types.contains(&attribute_int(node, "output_dtype", 0));
        }
        self.single(zero_point).is_some_and(|tensor| {
            let least = least(tensor.data_type);
            tensor_i32(tensor, self.file_name).is_ok_and(|(_, zeros)| zeros.first().copied() == least)
        })
    }

    /// Whether two scales are equal: the same value, or equal single numbers.
    pub(super) fn same_scale(&self, a: &str, b: &str) -> bool {
        let number = |name: &str| tensor_f32(self.single(name)?, self.file_name).ok()?.1.first().copied();
        a == b || number(a).is_some_and(|scale| number(b) == Some(scale))
    }

    /// Whether two zero points are equal: the same value, or equal single numbers.
    pub(super) fn same_zero_point(&self, a: &str, b: &str) -> bool {
        let number = |name: &str| match name {
            "" => Some(0),
            name => tensor_i32(self.single(name)?, self.file_name).ok()?.1.first().copied(),
        };
        a == b || number(a).is_some_and(|zero_point| number(b) == Some(zero_point))
    }

    /// Whether `scale` is the scale with which `value` was quantized.
    pub(super) fn has_scale(&self, value: &str, scale: &str) -> bool {
        self.encoded.get(value).is_some_and(|encoding| self.same_scale(&encoding.scale, scale))
    }

    /// The constant `value`, if it is a single number.
    fn single(&self, value: &str) -> Option<&'a pb::TensorProto> {
        self.index.constant(value).filter(|tensor| tensor.dims.iter().all(|&d| d == 1))
    }

    /// Refuses scales for blocks of a channel.
    pub(super) fn not_blocked(&self, node: &pb::NodeProto) -> Result<()> {
        match attribute_int(node, "block_size", 0) {
            0 => Ok(()),
            size => Err(self.error_at(node, format!("has a scale for each {size} values; use the FP32 model"))),
        }
    }
}
