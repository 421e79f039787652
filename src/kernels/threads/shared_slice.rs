//! A slice that several threads write to.

use std::marker::PhantomData;
use std::ops::Range;

/// A slice of which several threads write different elements.
#[derive(Debug)]
pub struct SharedSlice<'a, T> {
    first: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: a shared slice is the right to write elements, which its functions leave to the callers to divide. That needs `T: Send`
// as for a `&mut [T]` that is split between threads.
unsafe impl<T: Send> Send for SharedSlice<'_, T> {}
// SAFETY: as above; no function reads an element.
unsafe impl<T: Send> Sync for SharedSlice<'_, T> {}

impl<T> Clone for SharedSlice<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for SharedSlice<'_, T> {}

impl<'a, T> SharedSlice<'a, T> {
    /// Returns `slice` in a form that can be shared.
    pub fn new(slice: &'a mut [T]) -> Self {
        SharedSlice { first: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// Returns the elements of `range`.
    ///
    /// # Panics
    /// If the range is not inside the slice.
    ///
    /// # Safety
    /// As long as the result lives, nothing else may use an element of the range.
    #[inline(always)]
    pub unsafe fn range(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.len, "the range is inside the slice");
        // SAFETY: the range is inside the slice, which lives for 'a, and the caller guarantees that its elements are not aliased.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(range.start), range.len()) }
    }

    /// Returns element `at`.
    ///
    /// # Panics
    /// If there is no such element.
    ///
    /// # Safety
    /// As long as the result lives, nothing else may use the element.
    #[inline(always)]
    pub unsafe fn element(&self, at: usize) -> &'a mut T {
        assert!(at < self.len, "the element is inside the slice");
        // SAFETY: the element is inside the slice, which lives for 'a, and the caller guarantees that it is not aliased.
        unsafe { &mut *self.first.add(at) }
    }
}
