//! Dequantizes tensors.

use crate::error::{Error, Result};
use crate::onnx::{pb, tensor_i32};
use pb::tensor_proto::DataType;

/// The scales and zero points of a quantized tensor: one of each, or one for each channel.
pub struct Parameters {
    /// The scales.
    pub scales: Vec<f32>,
    /// The zero points. Empty if they are 0.
    pub zero_points: Vec<i32>,
    /// The axis of the channels. Negative values count from the last.
    pub axis: i64,
}

impl Parameters {
    /// The real numbers of `tensor`, as a tensor called `name`.
    ///
    /// # Errors
    /// If the tensor's data is damaged, its element type is none of INT8, UINT8, INT16, UINT16 and INT32, or the
    /// number of scales or zero points is neither 1 nor that of the channels.
    pub fn dequantize(&self, tensor: &pb::TensorProto, name: &str, file_name: &str) -> Result<pb::TensorProto> {
        let (shape, integers) = tensor_i32(tensor, file_name)?;
        let bad = |problem: String| Error::tensor(file_name, &tensor.name, problem);
        let counts = [self.scales.len(), self.zero_points.len().max(1)];
        let (mut channels, mut inner) = (1, integers.len());
        if counts != [1, 1] {
            let rank = shape.len();
            let axis = if self.axis < 0 { self.axis.checked_add_unsigned(rank as u64) } else { Some(self.axis) };
            let Some(axis) = axis.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank) else {
                return Err(bad(format!("of shape {shape:?} has scales along axis {}, which it lacks", self.axis)));
            };
            (channels, inner) = (shape[axis], shape[axis + 1..].iter().product());
        }
        if counts.iter().any(|&count| count != 1 && count != channels) {
            let problem = format!(
                "of shape {shape:?} has {} scales and {} zero points; expected one, or one for each of {channels} channels",
                counts[0], counts[1]
            );
            return Err(bad(problem));
        }
        if let Some(scale) = self.scales.iter().find(|scale| !scale.is_finite() || scale.is_sign_negative()) {
            return Err(bad(format!("has the scale {scale}; expected a positive number")));
        }
        let at = |count: usize, channel: usize| if count == 1 { 0 } else { channel };
        let mut raw_data = Vec::with_capacity(integers.len().saturating_mul(4));
        for (index, &integer) in integers.iter().enumerate() {
            let channel = index / inner % channels;
            let zero = self.zero_points.get(at(counts[1], channel)).copied().unwrap_or(0);
            let scale = f64::from(self.scales[at(counts[0], channel)]);
            let real = (f64::from(integer) - f64::from(zero)) * scale;
            // A mask's lowest number may round to infinity.
            let real = (real as f32).clamp(f32::MIN, f32::MAX);
            raw_data.extend(real.to_le_bytes());
        }
        let data_type = DataType::Float as i32;
        Ok(pb::TensorProto {
            name: name.to_owned(),
            dims: tensor.dims.clone(),
            data_type,
            raw_data,
            ..Default::default()
        })
    }
}

/// The least number of an integer type of activations.
pub fn least(data_type: i32) -> Option<i32> {
    match DataType::try_from(data_type).ok()? {
        DataType::Uint8 | DataType::Uint16 => Some(0),
        DataType::Int8 => Some(i8::MIN.into()),
        DataType::Int16 => Some(i16::MIN.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(data_type: DataType, dims: &[i64], raw_data: &[u8]) -> pb::TensorProto {
        let (data_type, dims, raw_data) = (data_type as i32, dims.to_vec(), raw_data.to_vec());
        pb::TensorProto { name: "w".to_owned(), data_type, dims, raw_data, ..Default::default() }
    }

    fn real(tensor: &pb::TensorProto, scales: &[f32], zero_points: &[i32], axis: i64) -> Result<Vec<f32>, String> {
        let parameters = Parameters { scales: scales.to_vec(), zero_points: zero_points.to_vec(), axis };
        let made = parameters.dequantize(tensor, "real", "m.onnx").map_err(|error| error.to_string())?;
        assert_eq!(made.dims, tensor.dims);
        Ok(made.raw_data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }

    #[test]
    fn integers_become_real_numbers() {
        let signed = tensor(DataType::Int8, &[2, 2], &[1, 0xff, 0x80, 127]);
        assert_eq!(real(&signed, &[0.5], &[], 1).unwrap(), [0.5, -0.5, -64.0, 63.5]);
        assert_eq!(real(&signed, &[0.5, 2.0], &[0, 1], 1).unwrap(), [0.5, -4.0, -64.0, 252.0]);
        assert_eq!(real(&signed, &[0.5, 2.0], &[0, 1], 0).unwrap(), [0.5, -0.5, -258.0, 252.0]);
        assert_eq!(real(&signed, &[0.5, 2.0], &[1], -2).unwrap(), [0.0, -1.0, -258.0, 252.0]);
        let unsigned = tensor(DataType::Uint8, &[3], &[0, 128, 255]);
        assert_eq!(real(&unsigned, &[2.0], &[128], 1).unwrap(), [-256.0, 0.0, 254.0]);
        assert_eq!(real(&tensor(DataType::Int32, &[1], &[0, 0, 0, 0x80]), &[1.0], &[], 0).unwrap(), [-2147483648.0]);
        let lowest = f32::MAX / 255.0 * 1.0000002;
        assert_eq!(real(&unsigned, &[lowest], &[255], 1).unwrap()[0], f32::MIN);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let matrix = tensor(DataType::Int8, &[2, 3], &[0; 6]);
        let wrong = |scales: &[f32], zeros: &[i32], axis| real(&matrix, scales, zeros, axis).unwrap_err();
        assert!(wrong(&[1.0; 3], &[], 0).contains("tensor `w` of shape [2, 3] has 3 scales and 1 zero points"));
        assert!(wrong(&[1.0; 3], &[0; 2], 1).contains("2 zero points; expected one, or one for each of 3 channels"));
        assert!(wrong(&[], &[], 0).contains("0 scales"));
        for axis in [2, -3, i64::MIN, i64::MAX] {
            assert!(wrong(&[1.0; 3], &[], axis).contains("which it lacks"));
        }
        for scale in [f32::NAN, f32::INFINITY, -1.0] {
            assert!(wrong(&[scale], &[], 0).contains("expected a positive number"));
        }
        assert!(
            real(&tensor(DataType::Int8, &[7], &[0; 6]), &[1.0], &[], 0).unwrap_err().contains("less or more data")
        );
        assert!(real(&tensor(DataType::Int4, &[7], &[0; 4]), &[1.0], &[], 0).unwrap_err().contains("int4"));
        assert_eq!(real(&tensor(DataType::Int8, &[0, 3], &[]), &[1.0; 3], &[], 1).unwrap(), [0f32; 0]);
    }
}
