//! Tensor protobufs to Rust values.

use super::pb;
use crate::error::{Error, Result};
use half::{bf16, f16};
use pb::tensor_proto::{DataLocation, DataType};

/// The name of an ONNX element type, for messages.
pub fn element_type_name(data_type: i32) -> String {
    DataType::try_from(data_type).map_or_else(|_| format!("type {data_type}"), |t| t.as_str_name().to_lowercase())
}

/// Bytes of one value of an ONNX element type whose raw data is its values as they lie in memory.
pub(super) fn element_size(data_type: i32) -> Option<usize> {
    Some(match DataType::try_from(data_type).ok()? {
        DataType::Int8 | DataType::Uint8 => 1,
        DataType::Float16 => 2,
        DataType::Float | DataType::Int32 => 4,
        DataType::Double | DataType::Int64 => 8,
        _ => return None,
    })
}

/// Whether a tensor's data lies outside its message.
pub(super) fn is_external(tensor: &pb::TensorProto) -> bool {
    tensor.data_location == Some(DataLocation::External as i32)
}

/// That a model keeps `tensor` in a file of its own.
pub(super) fn external_data_error(tensor: &pb::TensorProto, file: &str) -> Error {
    Error::needs_import(file, format!("tensor `{}` keeps its data in another file", tensor.name))
}

/// The shape of a tensor and the number of its values, after checking that its dimensions are possible.
pub(super) fn checked_len(tensor: &pb::TensorProto, file: &str) -> Result<(Vec<usize>, usize)> {
    let mut shape = Vec::with_capacity(tensor.dims.len());
    let mut len = 1usize;
    for &dim in &tensor.dims {
        let size = usize::try_from(dim).ok();
        let total = size.and_then(|s| len.checked_mul(s));
        let (Some(size), Some(total)) = (size, total) else {
            return Err(Error::tensor(file, &tensor.name, format!("has the impossible shape {:?}", tensor.dims)));
        };
        shape.push(size);
        len = total;
    }
    Ok((shape, len))
}

/// As [`checked_len`], for a tensor whose data must be in its message.
fn checked_shape(tensor: &pb::TensorProto, file: &str) -> Result<(Vec<usize>, usize)> {
    if is_external(tensor) { Err(external_data_error(tensor, file)) } else { checked_len(tensor, file) }
}

pub(super) fn length_error(tensor: &pb::TensorProto, file: &str, len: usize) -> Error {
    Error::tensor(
        file,
        &tensor.name,
        format!("holds less or more data than the {len} values of its shape {:?}; the file is damaged", tensor.dims),
    )
}

fn raw_values<const N: usize, T>(raw: &[u8], decode: impl Fn([u8; N]) -> T) -> Vec<T> {
    raw.chunks_exact(N).map(|b| decode(b.try_into().expect("chunks_exact gives N bytes"))).collect()
}

/// Decodes a float tensor (f32, f16, bf16 or f64) to FP32: `(shape, values)`.
pub fn tensor_f32(tensor: &pb::TensorProto, file: &str) -> Result<(Vec<usize>, Vec<f32>)> {
    let (shape, len) = checked_shape(tensor, file)?;
    let raw = &tensor.raw_data;
    let values: Vec<f32> = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Float) if raw.is_empty() => tensor.float_data.clone(),
        Ok(DataType::Float) => raw_values(raw, f32::from_le_bytes),
        Ok(DataType::Float16) if raw.is_empty() => {
            tensor.int32_data.iter().map(|&bits| f16::from_bits(bits as u16).to_f32()).collect()
        }
        Ok(DataType::Float16) => raw_values(raw, |b| f16::from_le_bytes(b).to_f32()),
        Ok(DataType::Bfloat16) if raw.is_empty() => {
            tensor.int32_data.iter().map(|&bits| bf16::from_bits(bits as u16).to_f32()).collect()
        }
        Ok(DataType::Bfloat16) => raw_values(raw, |b| bf16::from_le_bytes(b).to_f32()),
        Ok(DataType::Double) if raw.is_empty() => tensor.double_data.iter().map(|&v| v as f32).collect(),
        Ok(DataType::Double) => raw_values(raw, |b| f64::from_le_bytes(b) as f32),
        _ => {
            let found = element_type_name(tensor.data_type);
            return Err(Error::tensor(file, &tensor.name, format!("has element type {found}, expected a float type")));
        }
    };
    if values.len() != len {
        return Err(length_error(tensor, file, len));
    }
    Ok((shape, values))
}

/// Decodes an integer tensor (int64, int32 or bool): `(shape, values)`.
pub fn tensor_i64(tensor: &pb::TensorProto, file: &str) -> Result<(Vec<usize>, Vec<i64>)> {
    let (shape, len) = checked_shape(tensor, file)?;
    let raw = &tensor.raw_data;
    let values: Vec<i64> = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Int64) if raw.is_empty() => tensor.int64_data.clone(),
        Ok(DataType::Int64) => raw_values(raw, i64::from_le_bytes),
        Ok(DataType::Int32 | DataType::Bool) if raw.is_empty() => {
            tensor.int32_data.iter().map(|&v| i64::from(v)).collect()
        }
        Ok(DataType::Int32) => raw_values(raw, |b| i64::from(i32::from_le_bytes(b))),
        Ok(DataType::Bool) => raw.iter().map(|&b| i64::from(b)).collect(),
        _ => {
            let found = element_type_name(tensor.data_type);
            return Err(Error::tensor(
                file,
                &tensor.name,
                format!("has element type {found}, expected an integer type"),
            ));
        }
    };
    if values.len() != len {
        return Err(length_error(tensor, file, len));
    }
    Ok((shape, values))
}

/// The bytes and shape of a raw INT8 or UINT8 tensor; `None` for any other type or a damaged one.
pub fn tensor_bytes_i8(tensor: &pb::TensorProto) -> Option<(Vec<usize>, &[u8])> {
    let (shape, len) = checked_shape(tensor, "").ok()?;
    let eight_bit = [DataType::Int8 as i32, DataType::Uint8 as i32].contains(&tensor.data_type);
    (eight_bit && tensor.raw_data.len() == len).then_some((shape, tensor.raw_data.as_slice()))
}
