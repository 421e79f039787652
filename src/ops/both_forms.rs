//! Operators that write FP32 rows, and their stored form where the next product reads it.

use super::fused_op::Output;
use crate::kernels::Kernel;
use tract_onnx::tract_hir::internal::*;

/// Rows of `features`, one for every row of the first input; also as `stored` reads them, where it is given.
pub(super) fn outputs(features: usize, stored: Option<Kernel>) -> Vec<Output> {
    let output = |datum_type, features| Output { datum_type, rows_of: 0, features };
    let stored = stored.map(|kernel| output(DatumType::U8, features * kernel.width()));
    [Some(output(DatumType::F32, features)), stored].into_iter().flatten().collect()
}

/// Lets `write` fill such outputs; what is not quantized has no stored form to fill.
pub(super) fn fill(outputs: &mut [Tensor], write: impl FnOnce(&mut [f32], &mut [u8])) -> TractResult<()> {
    let (rows, stored) = outputs.split_at_mut(1);
    let mut rows = rows[0].try_as_plain_ram_mut()?;
    match stored {
        [stored] => write(rows.as_slice_mut()?, stored.try_as_plain_ram_mut()?.as_slice_mut()?),
        _ => write(rows.as_slice_mut()?, &mut []),
    }
    Ok(())
}
