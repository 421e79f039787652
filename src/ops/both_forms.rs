//! Operators that write FP32 rows, and their encoded form where the next product reads it.

use super::fused_op::Output;
use crate::kernels::{Kernel, LayerNorm};
use tract_onnx::tract_hir::internal::*;

/// A norm's rows, one for every row of the first input; also in the encoded form of `kernel`, where the norm quantizes them.
pub(super) fn outputs(norm: &LayerNorm, kernel: Kernel) -> Vec<Output> {
    let output = |datum_type, features| Output { datum_type, rows_of: 0, features };
    let rows = output(DatumType::F32, norm.features());
    let stored = norm.quantizes().then(|| output(DatumType::U8, norm.features() * kernel.encoded_width()));
    std::iter::once(rows).chain(stored).collect()
}

/// Lets `write` fill such outputs; what is not quantized has no encoded form to fill.
pub(super) fn fill(outputs: &mut [Tensor], write: impl FnOnce(&mut [f32], &mut [u8])) -> TractResult<()> {
    let (rows, stored) = outputs.split_at_mut(1);
    let mut rows = rows[0].try_as_plain_ram_mut()?;
    match stored {
        [stored] => write(rows.as_slice_mut()?, stored.try_as_plain_ram_mut()?.as_slice_mut()?),
        _ => write(rows.as_slice_mut()?, &mut []),
    }
    Ok(())
}
