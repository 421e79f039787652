//! Linear layers in integers: `{prefix}_weights`, `{prefix}_scale`, `{prefix}_bias`, `{prefix}_zero_point`.

use super::{NodeReader, NodeWriter};
use crate::kernels::{GROUP, Kernel, Linear, MAX_K, PANEL, PackedWeights};
use crate::onnx::raw_tensor_shape;
use crate::ops::in_file::weights;
use crate::ops::recognise::IntegerLinear;
use pb::tensor_proto::DataType;
use std::sync::Arc;
use tract_onnx::pb;
use tract_onnx::tract_hir::internal::*;

/// A linear layer as its node has it: packed weights, one scale and one bias per output, the input's zero point.
pub(in crate::ops) struct LinearAttributes {
    weights: Arc<PackedWeights>,
    /// Inputs.
    pub k: usize,
    /// Outputs.
    pub n: usize,
    scale: Vec<f32>,
    bias: Vec<f32>,
    /// The zero point of the input.
    pub zero_point: u8,
}

impl NodeWriter {
    /// Adds a linear layer.
    pub fn linear(self, prefix: &str, layer: &IntegerLinear) -> Self {
        self.tensor(&format!("{prefix}_weights"), layer.weights)
            .floats(&format!("{prefix}_scale"), &layer.scale)
            .floats(&format!("{prefix}_bias"), &layer.bias)
            .int(&format!("{prefix}_zero_point"), layer.input.zero_point)
    }
}

impl NodeReader<'_> {
    /// A linear layer.
    pub fn linear(&self, prefix: &str) -> TractResult<LinearAttributes> {
        let tensor = self.tensor(&format!("{prefix}_weights"))?;
        let shape = raw_tensor_shape(tensor).filter(|_| tensor.data_type == DataType::Int8 as i32);
        let shape = shape.with_context(|| format!("{prefix}_weights is not a complete INT8 tensor"))?;
        let [k, n] = shape[..] else { bail!("weights have rank {}, expected 2", shape.len()) };
        ensure!(
            k > 0 && n > 0 && n.is_multiple_of(PANEL),
            "{k} inputs, {n} outputs: expected a multiple of {PANEL} outputs"
        );
        let (scale, bias) = (self.floats(&format!("{prefix}_scale"))?, self.floats(&format!("{prefix}_bias"))?);
        ensure!(scale.len() == n && bias.len() == n, "scale and bias need {n} values each");
        let zero_point = u8::try_from(self.int(&format!("{prefix}_zero_point"))?)?;
        Ok(LinearAttributes { weights: weights(tensor, [k, n])?, k, n, scale, bias, zero_point })
    }
}

impl LinearAttributes {
    /// The layer for `kernel`.
    ///
    /// # Errors
    /// If the layer has more than [`MAX_K`] inputs, or the kernel is not exact for the weights.
    pub fn layer(self, kernel: Kernel) -> TractResult<Linear> {
        ensure!(self.weights.groups() * GROUP <= MAX_K, "a linear layer has at most {MAX_K} inputs");
        ensure!(
            kernel.is_exact_for(&self.weights),
            "two weights of -128 stand side by side, for which {} is not exact; choose the kernel simd128-i16",
            kernel.name()
        );
        Ok(Linear::new(kernel, self.weights, self.zero_point, &self.scale, &self.bias))
    }

    /// The layer for `kernel`, for inputs of `heads` heads that are each padded to a multiple of [`GROUP`] features.
    pub fn with_input_heads(mut self, kernel: Kernel, heads: usize) -> TractResult<Linear> {
        let (size, padded) = head_sizes(self.k, heads)?;
        if size != padded {
            // Padding has weights of zero.
            let weights = PackedWeights::from_parts(heads * padded, self.n, |input, column| {
                let (head, at) = (input / padded, input % padded);
                std::array::from_fn(|c| if at < size { self.weights.at(head * size + at, column + c) } else { 0 })
            });
            self.weights = weights.into();
        }
        self.layer(kernel)
    }

    /// The layer for `kernel`, with outputs of `heads` heads that are each padded to a multiple of [`GROUP`] features.
    pub fn with_output_heads(mut self, kernel: Kernel, heads: usize) -> TractResult<Linear> {
        let (size, padded) = head_sizes(self.n, heads)?;
        if size != padded {
            let pad = |values: &[f32]| -> Vec<f32> {
                values.chunks(size).flat_map(|head| head.iter().copied().chain([0.0; GROUP]).take(padded)).collect()
            };
            let weights = PackedWeights::from_parts(self.k, heads * padded, |k, column| {
                let (head, at) = (column / padded, column % padded);
                std::array::from_fn(|c| if at + c < size { self.weights.at(k, head * size + at + c) } else { 0 })
            });
            (self.scale, self.bias, self.weights) = (pad(&self.scale), pad(&self.bias), weights.into());
        }
        self.layer(kernel)
    }
}

/// The features of each of `heads` heads, and the same padded to a multiple of [`GROUP`].
fn head_sizes(features: usize, heads: usize) -> TractResult<(usize, usize)> {
    ensure!(heads > 0 && features.is_multiple_of(heads), "{features} features cannot be split into {heads} heads");
    let size = features / heads;
    Ok((size, size.next_multiple_of(GROUP)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::samples;

    fn written(layer: &IntegerLinear) -> pb::NodeProto {
        let node = NodeWriter::new("Op", Kernel::SCALAR, &[], &["y"]).linear("query", layer).finish();
        samples::with_tensors(node, [layer.weights.clone()])
    }

    #[test]
    fn a_layer_is_read_as_written() {
        let weights = samples::weights("w", 24, 16);
        let layer = samples::linear(&weights);
        let node = written(&layer);
        let read = NodeReader::new(&node).linear("query").unwrap();
        assert_eq!((read.k, read.n), (24, 16));
        for kernel in Kernel::all() {
            let read = NodeReader::new(&node).linear("query").unwrap();
            assert_eq!(read.layer(kernel).unwrap(), samples::layer(kernel, &layer));
        }
        assert!(NodeReader::new(&node).linear("key").is_err());
    }

    #[test]
    fn heads_are_padded_with_zeros() {
        // 4 heads of 6 inputs, 2 heads of 4 outputs: each padded to 8.
        let tensor = samples::weights("w", 24, 8);
        let layer = samples::linear(&tensor);
        let value = |k: usize, n: usize| tensor.raw_data[k * 8 + n] as i8;
        let node = written(&layer);
        let read = || NodeReader::new(&node).linear("query").unwrap();

        let inputs: Vec<i8> = (0..32 * 8)
            .map(|at| (at / 8, at % 8))
            .map(|(k, n)| if k % 8 < 6 { value(k / 8 * 6 + k % 8, n) } else { 0 })
            .collect();
        let expected = PackedWeights::new(&inputs, 32, 8);
        let expected = Linear::new(Kernel::SCALAR, expected, read().zero_point, &layer.scale, &layer.bias);
        assert_eq!(read().with_input_heads(Kernel::SCALAR, 4).unwrap(), expected);

        let outputs: Vec<i8> = (0..24 * 16)
            .map(|at| (at / 16, at % 16))
            .map(|(k, n)| if n % 8 < 4 { value(k, n / 8 * 4 + n % 8) } else { 0 })
            .collect();
        let pad = |values: &[f32]| [&values[..4], &[0.0; 4], &values[4..], &[0.0; 4]].concat();
        let expected = PackedWeights::new(&outputs, 24, 16);
        let (scale, bias) = (pad(&layer.scale), pad(&layer.bias));
        let expected = Linear::new(Kernel::SCALAR, expected, read().zero_point, &scale, &bias);
        assert_eq!(read().with_output_heads(Kernel::SCALAR, 2).unwrap(), expected);
        assert!(read().with_output_heads(Kernel::SCALAR, 3).is_err());
    }
}
