//! What is known about a value before a graph runs.

use crate::onnx::{pb, tensor_i64};
use pb::tensor_shape_proto::dimension::Value as Dim;

/// The most integers to follow. Sizes and axes are a few.
const INTEGERS: usize = 1 << 12;

/// A shape, and the numbers of a small tensor of integers.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    pub shape: Vec<usize>,
    pub integers: Option<Vec<i64>>,
}

impl Value {
    pub fn of_shape(shape: Vec<usize>) -> Self {
        Value { shape, integers: None }
    }

    /// A tensor of `shape` with known `integers`, as many as fit the shape.
    pub fn of_integers(shape: Vec<usize>, integers: Vec<i64>) -> Self {
        let known = integers.len() <= INTEGERS && shape.iter().product::<usize>() == integers.len();
        Value { shape, integers: known.then_some(integers) }
    }

    /// A tensor of a file.
    pub fn of_tensor(tensor: &pb::TensorProto) -> Option<Self> {
        let shape: Option<Vec<usize>> = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
        let value = Value::of_shape(shape?);
        // A tensor whose values are elsewhere has none that can be read here.
        let integers = (value.checked_len()? <= INTEGERS).then(|| tensor_i64(tensor, "").ok()).flatten();
        Some(Value { integers: integers.map(|(_, integers)| integers), ..value })
    }

    /// An input of the graph, with `sizes` where it declares none.
    pub fn of_input(input: &pb::ValueInfoProto, sizes: [usize; 2]) -> Option<Self> {
        let pb::type_proto::Value::TensorType(tensor) = input.r#type.as_ref()?.value.as_ref()?;
        let dims = &tensor.shape.as_ref()?.dim;
        if dims.len() != sizes.len() {
            return None;
        }
        let size = |(dim, size): (&pb::tensor_shape_proto::Dimension, usize)| match dim.value {
            Some(Dim::DimValue(fixed)) => usize::try_from(fixed).ok(),
            _ => Some(size),
        };
        let value = Value::of_shape(dims.iter().zip(sizes).map(size).collect::<Option<_>>()?);
        value.checked_len().map(|_| value)
    }

    /// The number of elements, or `None` if it overflows.
    pub fn checked_len(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |len, size| len.checked_mul(*size))
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.checked_len().unwrap_or(usize::MAX)
    }
}
