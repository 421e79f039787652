//! LayerNorms: `gamma`, `beta`, `epsilon`, and the quantization of their output.

use super::{NodeReader, NodeWriter};
use crate::kernels::{LANES, LayerNorm};
use crate::ops::recognise::{NormPart, Quantized};
use tract_onnx::tract_hir::internal::*;

impl NodeWriter {
    /// Adds a LayerNorm, and how its output is quantized, if it is.
    pub fn norm(self, norm: &NormPart, output: Option<&Quantized>) -> Self {
        self.floats("gamma", &norm.gamma).floats("beta", &norm.beta).float("epsilon", norm.epsilon).output(output)
    }
}

impl NodeReader<'_> {
    /// The LayerNorm, with the quantizer of its output, if any.
    pub fn norm(&self) -> TractResult<LayerNorm> {
        let (gamma, beta) = (self.floats("gamma")?, self.floats("beta")?);
        let fits = gamma.len() == beta.len() && gamma.len().is_multiple_of(LANES);
        ensure!(fits, "gamma has {} values and beta {}; expected a multiple of {LANES}", gamma.len(), beta.len());
        Ok(LayerNorm::new(&gamma, &beta, self.float("epsilon")?, self.output(1, gamma.len())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernel;
    use crate::ops::samples;

    #[test]
    fn a_norm_is_read_as_written() {
        let norm = samples::norm(16);
        for output in [None, Some(samples::quantized(16))] {
            let node = NodeWriter::new("Op", Kernel::SCALAR, &[], &["y"]).norm(&norm, output.as_ref()).finish();
            let expected = samples::layer_norm(&norm, output.as_ref());
            assert_eq!(NodeReader::new(&node).norm().unwrap(), expected);
        }
    }
}
