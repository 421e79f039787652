//! The quantization of an output: `output_scale`, `output_zero_point`, and per feature `output_factors` and
//! `output_offsets` if there are any.

use super::{NodeReader, NodeWriter};
use crate::kernels::{GROUP, Quantizer};
use crate::ops::recognise::Quantized;
use tract_onnx::tract_hir::internal::*;

impl NodeWriter {
    /// Adds how the output is quantized, if it is.
    pub fn output(mut self, output: Option<&Quantized>) -> Self {
        let Some(output) = output else { return self };
        self = self.float("output_scale", output.scale).int("output_zero_point", output.zero_point);
        for (name, values) in [("output_factors", &output.factors), ("output_offsets", &output.offsets)] {
            if !values.is_empty() {
                self = self.floats(name, values);
            }
        }
        self
    }
}

impl NodeReader<'_> {
    /// The quantizer of an output whose rows are `heads` heads of `size` features, if the output is quantized. Each
    /// head is padded to a multiple of [`GROUP`] features.
    pub fn output(&self, heads: usize, size: usize) -> TractResult<Option<Quantizer>> {
        let Some(scale) = self.0.get_attr_opt::<f32>("output_scale")? else { return Ok(None) };
        let zero_point = u8::try_from(self.int("output_zero_point")?)?;
        let padded = size.next_multiple_of(GROUP);
        let pad = |name: &str, neutral: f32| -> TractResult<Vec<f32>> {
            let Some(values) = self.0.get_attr_opt_vec::<f32>(name)? else {
                return Ok(vec![neutral; heads * padded]);
            };
            let found = values.len();
            ensure!(found == heads * size, "{name} has {found} values, expected {heads} times {size}");
            Ok(values.chunks(size).flat_map(|head| head.iter().copied().chain([neutral; GROUP]).take(padded)).collect())
        };
        let (factors, offsets) = (pad("output_factors", 1.0)?, pad("output_offsets", 0.0)?);
        Ok(Some(Quantizer::mapped(scale, zero_point, &factors, &offsets)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernel;
    use crate::ops::samples;
    use tract_onnx::pb::NodeProto;

    fn written(output: Option<&Quantized>) -> NodeProto {
        NodeWriter::new("Op", Kernel::SCALAR, &[], &["y"]).output(output).finish()
    }

    #[test]
    fn a_quantized_output_is_read_as_written() {
        assert_eq!(NodeReader::new(&written(None)).output(1, 16).unwrap(), None);
        let mapped = samples::quantized(16);
        let read = NodeReader::new(&written(Some(&mapped))).output(1, 16).unwrap();
        assert_eq!(read, Some(samples::quantizer(&mapped, 16)));
        let uniform = Quantized { factors: vec![], offsets: vec![], ..mapped };
        let node = written(Some(&uniform));
        assert_eq!(NodeReader::new(&node).output(1, 16).unwrap(), Some(samples::quantizer(&uniform, 16)));
        assert!(NodeReader::new(&written(Some(&samples::quantized(8)))).output(1, 16).is_err());
    }

    #[test]
    fn heads_are_padded_with_neutral_values() {
        // 2 heads of 4 features, each padded to 8.
        let mapped = samples::quantized(8);
        let read = NodeReader::new(&written(Some(&mapped))).output(2, 4).unwrap();
        let pad = |values: &[f32], neutral| [&values[..4], &[neutral; 4], &values[4..], &[neutral; 4]].concat();
        let padded = Quantized { factors: pad(&mapped.factors, 1.0), offsets: pad(&mapped.offsets, 0.0), ..mapped };
        assert_eq!(read, Some(samples::quantizer(&padded, 16)));
    }
}
