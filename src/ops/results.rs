//! Reuses the memory of fused operators' outputs from run to run.

use std::cell::RefCell;
use std::sync::Arc;
use tract_onnx::tract_hir::internal::*;

/// The number of results to keep: enough for runs of two different lengths.
const KEPT: usize = 24;

thread_local! {
    /// Results of this and earlier runs, oldest first. A result that nothing else holds is free.
    static RESULTS: RefCell<Vec<Arc<Tensor>>> = const { RefCell::new(Vec::new()) };
}

/// A tensor for a result. It may hold values of an earlier result; the caller must write all of it.
pub(super) fn blank(datum_type: DatumType, shape: &[usize]) -> TractResult<Tensor> {
    let free = |t: &Arc<Tensor>| Arc::strong_count(t) == 1 && t.datum_type() == datum_type && t.shape() == shape;
    let former = RESULTS.with_borrow_mut(|results| results.iter().position(free).map(|at| results.remove(at)));
    match former.map(Arc::try_unwrap) {
        Some(Ok(former)) => Ok(former),
        _ => Tensor::zero_dt(datum_type, shape),
    }
}

/// Passes a result to tract. Once tract drops it, its memory is free for another result.
pub(super) fn hand_out(result: Tensor) -> TValue {
    let result = Arc::new(result);
    RESULTS.with_borrow_mut(|results| {
        if results.len() == KEPT {
            results.remove(0);
        }
        results.push(result.clone());
    });
    result.into_tvalue()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(tensor: &Tensor) -> *const u8 {
        tensor.try_as_plain_ram().unwrap().as_slice::<u8>().unwrap().as_ptr()
    }

    fn blank_u8(shape: &[usize]) -> Tensor {
        blank(DatumType::U8, shape).unwrap()
    }

    #[test]
    fn free_memory_is_reused_for_the_same_shape_and_type() {
        let first = blank_u8(&[3, 8]);
        let place = address(&first);
        let held = hand_out(first);
        let second = blank_u8(&[3, 8]);
        assert_ne!(address(&second), place, "the first result is still held");
        drop(held);
        let other = blank_u8(&[4, 8]);
        assert_eq!(other.shape(), [4, 8]);
        assert_eq!(blank(DatumType::F32, &[3, 8]).unwrap().datum_type(), DatumType::F32);
        assert_eq!(address(&blank_u8(&[3, 8])), place);
    }

    #[test]
    fn the_number_of_kept_results_is_limited() {
        for rows in 1..100 {
            drop(hand_out(blank_u8(&[rows, 8])));
        }
        assert_eq!(RESULTS.with_borrow(Vec::len), KEPT);
    }
}
