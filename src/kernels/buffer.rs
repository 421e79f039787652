//! Buffers that are reused from run to run.

/// Returns the first `len` elements of `buffer`, which grows with copies of `fill` if it is shorter and never shrinks.
pub(super) fn at_least<T: Clone>(buffer: &mut Vec<T>, len: usize, fill: T) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, fill);
    }
    &mut buffer[..len]
}
