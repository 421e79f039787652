//! Buffers that stay from run to run.

/// The first `len` elements of a buffer that only grows.
pub(super) fn at_least<T: Clone>(buffer: &mut Vec<T>, len: usize, fill: T) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, fill);
    }
    &mut buffer[..len]
}
