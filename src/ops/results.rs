//! The memory that results of fused operators lie in, used again run after run.

use std::cell::RefCell;
use std::sync::Arc;
use tract_onnx::tract_hir::internal::*;

/// Results that are kept at most: those of a run of one pair, and of another length.
const KEPT: usize = 24;

thread_local! {
    /// Results of this and of former runs, oldest first. One that nothing else holds is free.
    static RESULTS: RefCell<Vec<Arc<Tensor>>> = const { RefCell::new(Vec::new()) };
}

/// A tensor of unknown values for a result, which must write all of it.
pub(super) fn blank(datum_type: DatumType, shape: &[usize]) -> TractResult<Tensor> {
    let free = |t: &Arc<Tensor>| Arc::strong_count(t) == 1 && t.datum_type() == datum_type && t.shape() == shape;
    let former = RESULTS.with_borrow_mut(|results| results.iter().position(free).map(|at| results.remove(at)));
    match former.map(Arc::try_unwrap) {
        Some(Ok(former)) => Ok(former),
        _ => Tensor::zero_dt(datum_type, shape),
    }
}

/// Hands a result to tract; when tract has let go of it, its memory is free for another.
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
    fn memory_is_used_again_once_it_is_free_and_only_for_the_same_shape() {
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
    fn no_more_is_kept_than_its_limit() {
        for rows in 1..100 {
            drop(hand_out(blank_u8(&[rows, 8])));
        }
        assert_eq!(RESULTS.with_borrow(Vec::len), KEPT);
    }
}
