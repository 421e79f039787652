//! Float products of row-major matrices.

use ndarray::ArrayView2;

/// `values` as a matrix of so many columns.
///
/// # Panics
/// If the values do not fill whole rows.
pub fn matrix(values: &[f32], columns: usize) -> ArrayView2<'_, f32> {
    let rows = values.len() / columns;
    ArrayView2::from_shape((rows, columns), values).expect("values fill whole rows")
}

/// `x · wᵀ`, from x `[rows, in]` and w `[out, in]`: `[rows, out]`.
pub fn product(x: &[f32], w: &[f32], inputs: usize) -> Vec<f32> {
    let y = matrix(x, inputs).dot(&matrix(w, inputs).t());
    // The product is laid out by columns where that is quicker.
    y.iter().copied().collect()
}
