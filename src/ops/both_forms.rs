//! Values in two forms: FP32 rows, and the same rows quantized, in the form in which a kernel's integer product reads
//! them. Some operators write both.

use super::attributes::NodeWriter;
use super::fused_op::Output;
use crate::kernels::{Kernel, LayerNorm};
use tract_onnx::tract_hir::internal::*;

/// The name of the encoded form of the rows `x`.
pub(super) fn encoded(x: &str) -> String {
    format!("{x}.encoded")
}

/// Starts the node of an operator that writes the rows `y`, and their encoded form if they are quantized.
pub(super) fn node(op: &str, kernel: Kernel, inputs: &[&str], y: &str, quantized: bool) -> NodeWriter {
    let encoded = encoded(y);
    let outputs = [y, &encoded];
    NodeWriter::new(op, kernel, inputs, if quantized { &outputs } else { &outputs[..1] })
}

/// The outputs of an operator that ends in `norm`: one row for each row of the first input, and the same in the encoded
/// form of `kernel` if the norm quantizes.
pub(super) fn outputs(norm: &LayerNorm, kernel: Kernel) -> Vec<Output> {
    let output = |datum_type, features| Output { datum_type, rows_of: 0, features };
    let rows = output(DatumType::F32, norm.features());
    let encoded = norm.quantizes().then(|| output(DatumType::U8, norm.features() * kernel.encoded_width()));
    std::iter::once(rows).chain(encoded).collect()
}

/// Calls `write` with the memory of both outputs: FP32 rows and encoded rows. The latter is empty if there is no such
/// output.
pub(super) fn fill(outputs: &mut [Tensor], write: impl FnOnce(&mut [f32], &mut [u8])) -> TractResult<()> {
    let (rows, encoded) = outputs.split_at_mut(1);
    let mut rows = rows[0].try_as_plain_ram_mut()?;
    match encoded {
        [encoded] => write(rows.as_slice_mut()?, encoded.try_as_plain_ram_mut()?.as_slice_mut()?),
        _ => write(rows.as_slice_mut()?, &mut []),
    }
    Ok(())
}
