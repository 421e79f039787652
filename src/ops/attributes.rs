//! Reading what [`fuse`](super::fuse) wrote into the nodes.

use super::in_file::{tensor_bytes, weights};
use crate::activation::Activation;
use crate::kernels::{GROUP, Kernel, LANES, LayerNorm, Linear, PANEL, PackedWeights, Quantizer, Table};
use crate::onnx::{pb, raw_tensor_shape};
use pb::tensor_proto::DataType;
use std::borrow::Cow;
use std::sync::Arc;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// A fused node that is being parsed.
pub(super) struct Attributes<'a>(&'a NodeProto);

/// The weights, scales and biases of a linear layer, as the file has them.
pub(super) struct LinearAttributes {
    pub weights: Arc<PackedWeights>,
    pub k: usize,
    pub n: usize,
    pub scale: Vec<f32>,
    pub bias: Vec<f32>,
    pub zero_point: u8,
}

impl<'a> Attributes<'a> {
    pub fn new(node: &'a NodeProto) -> Self {
        Attributes(node)
    }

    pub fn kernel(&self) -> TractResult<Kernel> {
        self.0.get_attr::<&str>("kernel")?.parse().map_err(|problem: String| format_err!(problem))
    }

    pub fn count(&self, name: &str) -> TractResult<usize> {
        Ok(usize::try_from(self.0.get_attr::<i64>(name)?)?)
    }

    pub fn float(&self, name: &str) -> TractResult<f32> {
        self.0.get_attr(name)
    }

    /// The activation, where there is one.
    pub fn activation(&self) -> TractResult<Option<Activation>> {
        Ok(match self.0.get_attr_opt::<&str>("activation")? {
            Some("gelu") => Some(Activation::Gelu),
            Some("gelu_tanh") => Some(Activation::GeluTanh),
            Some("relu") => Some(Activation::Relu),
            Some(other) => bail!("unknown activation {other}"),
            None => None,
        })
    }

    /// How the result, rows of `heads` heads of `size` features, is quantized, where it is: by `output_scale` and
    /// `output_zero_point`, after a multiplication with `output_factors` and the addition of `output_offsets`, if there are
    /// any. Every head is filled up to a multiple of 8.
    pub fn output(&self, heads: usize, size: usize) -> TractResult<Option<Quantizer>> {
        let Some(scale) = self.0.get_attr_opt::<f32>("output_scale")? else { return Ok(None) };
        let zero_point = u8::try_from(self.0.get_attr::<i64>("output_zero_point")?)?;
        let padded = size.next_multiple_of(GROUP);
        let filled = |name: &str, neutral: f32| -> TractResult<Vec<f32>> {
            let Some(values) = self.0.get_attr_opt_vec::<f32>(name)? else {
                return Ok(vec![neutral; heads * padded]);
            };
            ensure!(values.len() == heads * size, "{} {name} for {heads} times {size} features", values.len());
            Ok(values.chunks(size).flat_map(|head| head.iter().copied().chain([neutral; GROUP]).take(padded)).collect())
        };
        let (factors, offsets) = (filled("output_factors", 1.0)?, filled("output_offsets", 0.0)?);
        Ok(Some(Quantizer::mapped(scale, zero_point, &factors, &offsets)))
    }

    /// The LayerNorm, and how its result is quantized.
    pub fn norm(&self) -> TractResult<LayerNorm> {
        let (gamma, beta): (Vec<f32>, Vec<f32>) = (self.0.get_attr_vec("gamma")?, self.0.get_attr_vec("beta")?);
        ensure!(gamma.len() == beta.len() && gamma.len().is_multiple_of(LANES), "gamma and beta do not fit");
        Ok(LayerNorm::new(&gamma, &beta, self.0.get_attr("epsilon")?, self.output(1, gamma.len())?))
    }

    /// The tensor `name` of element type `kind`, and its shape.
    fn tensor(&self, name: &str, kind: DataType) -> TractResult<(&'a pb::TensorProto, Vec<usize>)> {
        let tensor: &'a pb::TensorProto = self.0.get_attr(name)?;
        let shape = raw_tensor_shape(tensor).filter(|_| tensor.data_type == kind as i32);
        Ok((tensor, shape.with_context(|| format!("{name} is no whole tensor"))?))
    }

    /// The shape and the bytes of such a tensor.
    fn bytes(&self, name: &str, kind: DataType) -> TractResult<(Vec<usize>, Cow<'a, [u8]>)> {
        let (tensor, shape) = self.tensor(name, kind)?;
        Ok((shape, tensor_bytes(tensor)?))
    }

    pub fn linear(&self, prefix: &str) -> TractResult<LinearAttributes> {
        let name = format!("{prefix}_weights");
        let (tensor, shape) = self.tensor(&name, DataType::Int8)?;
        let [k, n] = shape[..] else { bail!("weights have rank {}, expected 2", shape.len()) };
        ensure!(k > 0 && n > 0 && n.is_multiple_of(PANEL), "{n} outputs of {k} inputs are no multiple of {PANEL}");
        let scale: Vec<f32> = self.0.get_attr_vec(&format!("{prefix}_scale"))?;
        let bias: Vec<f32> = self.0.get_attr_vec(&format!("{prefix}_bias"))?;
        ensure!(scale.len() == n && bias.len() == n, "scale and bias need {n} values each");
        let zero_point = u8::try_from(self.0.get_attr::<i64>(&format!("{prefix}_zero_point"))?)?;
        Ok(LinearAttributes { weights: weights(tensor, [k, n])?, k, n, scale, bias, zero_point })
    }

    /// An embedding table of rows of `features`.
    pub fn table(&self, name: &str, features: usize) -> TractResult<Table> {
        let scales = format!("{name}_scales");
        let float = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect::<Vec<f32>>();
        if self.0.get_attr_opt::<&pb::TensorProto>(&scales)?.is_none() {
            let values = float(&self.bytes(name, DataType::Float)?.1);
            ensure_features(values.len(), features)?;
            return Ok(Table::Float(values.as_chunks().0.to_vec()));
        }
        let (shape, values) = self.bytes(name, DataType::Int8)?;
        let scales = float(&self.bytes(&scales, DataType::Float)?.1);
        ensure_features(values.len(), features)?;
        ensure!(shape.first() == Some(&scales.len()), "{name} needs one scale for every row");
        // In place: the table of words is a fifth of the file.
        let values = values.into_owned().into_iter().map(|byte| byte as i8).collect();
        Ok(Table::Int8 { values, scales })
    }
}

fn ensure_features(len: usize, features: usize) -> TractResult<()> {
    ensure!(len.is_multiple_of(features) && features.is_multiple_of(LANES), "the table has no rows of {features}");
    Ok(())
}

impl LinearAttributes {
    /// The layer for `kernel`, whose inputs are `heads` heads that are each filled up to a multiple of 8.
    pub fn with_input_heads(mut self, kernel: Kernel, heads: usize) -> TractResult<Linear> {
        let (size, filled) = head_sizes(self.k, heads)?;
        if size != filled {
            // The inputs that fill up a head have weights of zero.
            let weights = PackedWeights::from_parts(heads * filled, self.n, |input, column| {
                let (head, at) = (input / filled, input % filled);
                std::array::from_fn(|c| if at < size { self.weights.at(head * size + at, column + c) } else { 0 })
            });
            self.weights = weights.into();
        }
        self.layer(kernel)
    }

    /// The layer for `kernel`, whose outputs are `heads` heads that are each filled up to a multiple of 8.
    pub fn with_output_heads(mut self, kernel: Kernel, heads: usize) -> TractResult<Linear> {
        let (size, filled) = head_sizes(self.n, heads)?;
        if size != filled {
            let fill = |values: &[f32]| -> Vec<f32> {
                values.chunks(size).flat_map(|head| head.iter().copied().chain([0.0; GROUP]).take(filled)).collect()
            };
            let weights = PackedWeights::from_parts(self.k, heads * filled, |k, column| {
                let (head, at) = (column / filled, column % filled);
                std::array::from_fn(|c| if at + c < size { self.weights.at(k, head * size + at + c) } else { 0 })
            });
            (self.scale, self.bias, self.weights) = (fill(&self.scale), fill(&self.bias), weights.into());
        }
        self.layer(kernel)
    }

    /// The layer for `kernel`.
    pub fn layer(self, kernel: Kernel) -> TractResult<Linear> {
        ensure!(
            kernel.is_exact_for(&self.weights),
            "weights of -128 stand side by side, with which {} is not exact; choose the kernel simd128-i16",
            kernel.name()
        );
        Ok(Linear::new(kernel, self.weights, self.zero_point, &self.scale, &self.bias))
    }
}

/// The size of one of `heads` heads of `features` together, and that filled up to a multiple of 8.
fn head_sizes(features: usize, heads: usize) -> TractResult<(usize, usize)> {
    ensure!(heads > 0 && features.is_multiple_of(heads), "{heads} heads do not divide {features} features");
    let size = features / heads;
    Ok((size, size.next_multiple_of(GROUP)))
}
