//! Decodes tensor protobufs.

use super::pb;
use crate::error::{Error, Result};
use half::{bf16, f16};
use pb::tensor_proto::{DataLocation, DataType};

/// The name of an ONNX element type, for errors.
pub fn element_type_name(data_type: i32) -> String {
    DataType::try_from(data_type).map_or_else(|_| format!("type {data_type}"), |t| t.as_str_name().to_lowercase())
}

/// Bytes per value of an ONNX element type, or `None` if its raw data is not its values as memory holds them.
pub(super) fn element_size(data_type: i32) -> Option<usize> {
    Some(match DataType::try_from(data_type).ok()? {
        DataType::Int8 | DataType::Uint8 => 1,
        DataType::Float16 => 2,
        DataType::Float | DataType::Int32 => 4,
        DataType::Double | DataType::Int64 => 8,
        _ => return None,
    })
}

/// Bytes per value of an ONNX element type in raw data, or `None` for a type that no tensor of a BERT has.
pub(super) fn stored_size(data_type: i32) -> Option<usize> {
    match DataType::try_from(data_type).ok()? {
        DataType::Bool => Some(1),
        DataType::Int16 | DataType::Uint16 | DataType::Bfloat16 => Some(2),
        DataType::Uint32 => Some(4),
        DataType::Uint64 => Some(8),
        _ => element_size(data_type),
    }
}

/// Whether a tensor's data is outside of its message.
pub(super) fn is_external(tensor: &pb::TensorProto) -> bool {
    tensor.data_location == Some(DataLocation::External as i32)
}

/// The error for a model that keeps `tensor` in another file, in a reader of one file.
pub(super) fn external_data_error(tensor: &pb::TensorProto, file_name: &str) -> Error {
    Error::needs_import(file_name, format!("tensor `{}` keeps its data in another file", tensor.name))
}

/// The shape of a tensor and the number of its values.
///
/// # Errors
/// If a dimension is negative, or the number overflows.
pub(super) fn checked_len(tensor: &pb::TensorProto, file_name: &str) -> Result<(Vec<usize>, usize)> {
    let mut shape = Vec::with_capacity(tensor.dims.len());
    let mut len = 1usize;
    for &dim in &tensor.dims {
        let size = usize::try_from(dim).ok();
        let total = size.and_then(|s| len.checked_mul(s));
        let (Some(size), Some(total)) = (size, total) else {
            return Err(Error::tensor(file_name, &tensor.name, format!("has the impossible shape {:?}", tensor.dims)));
        };
        shape.push(size);
        len = total;
    }
    Ok((shape, len))
}

/// Like [`checked_len`], for a tensor whose data must be in its message.
fn checked_shape(tensor: &pb::TensorProto, file_name: &str) -> Result<(Vec<usize>, usize)> {
    if is_external(tensor) { Err(external_data_error(tensor, file_name)) } else { checked_len(tensor, file_name) }
}

/// The error for a tensor whose data does not have the `len` values of its shape.
pub(super) fn length_error(tensor: &pb::TensorProto, file_name: &str, len: usize) -> Error {
    Error::tensor(
        file_name,
        &tensor.name,
        format!("holds less or more data than the {len} values of its shape {:?}; the file is damaged", tensor.dims),
    )
}

/// Decodes raw data of `N` bytes per value.
fn raw_values<const N: usize, T>(raw: &[u8], decode: impl Fn([u8; N]) -> T) -> Vec<T> {
    raw.chunks_exact(N).map(|b| decode(b.try_into().expect("chunks_exact gives N bytes"))).collect()
}

/// Decodes a float tensor (FP32, FP16, BF16 or FP64) to FP32. Returns shape and values; `file_name` is for errors.
///
/// # Errors
/// If it is of another type, its data does not fit its shape, or its data is in another file.
pub fn tensor_f32(tensor: &pb::TensorProto, file_name: &str) -> Result<(Vec<usize>, Vec<f32>)> {
    let (shape, len) = checked_shape(tensor, file_name)?;
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
            return Err(Error::tensor(
                file_name,
                &tensor.name,
                format!("has element type {found}, expected a float type"),
            ));
        }
    };
    if values.len() != len {
        return Err(length_error(tensor, file_name, len));
    }
    Ok((shape, values))
}

/// Decodes an integer tensor (INT64, INT32 or BOOL). Returns shape and values; `file_name` is for errors.
///
/// # Errors
/// If it is of another type, its data does not fit its shape, or its data is in another file.
pub fn tensor_i64(tensor: &pb::TensorProto, file_name: &str) -> Result<(Vec<usize>, Vec<i64>)> {
    let (shape, len) = checked_shape(tensor, file_name)?;
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
                file_name,
                &tensor.name,
                format!("has element type {found}, expected an integer type"),
            ));
        }
    };
    if values.len() != len {
        return Err(length_error(tensor, file_name, len));
    }
    Ok((shape, values))
}

/// Decodes a tensor of quantized numbers (INT8, UINT8, INT16, UINT16 or INT32). Returns shape and values; `file_name` is
/// for errors.
///
/// # Errors
/// If it is of another type, its data does not fit its shape or its type, or its data is in another file.
pub fn tensor_i32(tensor: &pb::TensorProto, file_name: &str) -> Result<(Vec<usize>, Vec<i32>)> {
    let (shape, len) = checked_shape(tensor, file_name)?;
    let raw = &tensor.raw_data;
    let (values, range): (Vec<i32>, _) = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Int8) => (raw_values(raw, |b| i8::from_le_bytes(b).into()), i8::MIN.into()..=i8::MAX.into()),
        Ok(DataType::Uint8) => (raw_values(raw, |b| u8::from_le_bytes(b).into()), 0..=u8::MAX.into()),
        Ok(DataType::Int16) => (raw_values(raw, |b| i16::from_le_bytes(b).into()), i16::MIN.into()..=i16::MAX.into()),
        Ok(DataType::Uint16) => (raw_values(raw, |b| u16::from_le_bytes(b).into()), 0..=u16::MAX.into()),
        Ok(DataType::Int32) => (raw_values(raw, i32::from_le_bytes), i32::MIN..=i32::MAX),
        _ => {
            let found = element_type_name(tensor.data_type);
            let problem = format!("has element type {found}, expected an integer type of 8, 16 or 32 bits");
            return Err(Error::tensor(file_name, &tensor.name, problem));
        }
    };
    let values = if raw.is_empty() { tensor.int32_data.clone() } else { values };
    if values.len() != len {
        return Err(length_error(tensor, file_name, len));
    }
    match values.iter().find(|value| !range.contains(value)) {
        Some(value) => {
            let found = element_type_name(tensor.data_type);
            Err(Error::tensor(
                file_name,
                &tensor.name,
                format!("holds {value}, which is no {found}; the file is damaged"),
            ))
        }
        None => Ok((shape, values)),
    }
}

/// The shape and the raw data of an INT8 or UINT8 tensor. Returns `None` for other types, for data that does not fit
/// the shape, and for data that is not in the message.
pub fn tensor_bytes_i8(tensor: &pb::TensorProto) -> Option<(Vec<usize>, &[u8])> {
    let (shape, len) = checked_shape(tensor, "").ok()?;
    let eight_bit = [DataType::Int8 as i32, DataType::Uint8 as i32].contains(&tensor.data_type);
    (eight_bit && tensor.raw_data.len() == len).then_some((shape, tensor.raw_data.as_slice()))
}
