//! A kernel for FP32 matrix products that tract uses instead of its own in WebAssembly.
//!
//! tract's own tile of 8 × 8 sums needs more registers than WebAssembly engines have on x86. This one has 8 × 4 sums, which fit.
//! It loads one operand as vectors and splats the values of the other.

mod threaded;

use crate::kernels::{LANES, Lanes, Simd128};
use threaded::Threaded;
use tract_linalg::isa::Arch;
use tract_linalg::mmm::{DynKernel, FusedKerSpec, MatMatMul, OutputStoreKer};
use tract_linalg::mmm_routines::MmmRoutine;
use tract_linalg::mmm_tiers::MmmTier;
use tract_linalg::pack::PackedFormat;
use tract_onnx::tract_core::tract_data::knobs::inventory;
use tract_onnx::tract_core::tract_linalg;
use tract_onnx::tract_hir::internal::*;

/// The kernel's name in tract.
pub const TRACT_PRODUCT: &str = "bert8_f32_8x4";

/// Columns of a tile; rows are [`LANES`].
const COLUMNS: usize = 4;

inventory::submit! { MmmRoutine { make } }

inventory::submit! {
    MmmTier {
        arch: Some(Arch::Wasm32Simd128),
        // tract's own kernels have 1.
        precedence: 2,
        name: "bert8",
        applies: |_| true,
        preferred: |_, sums, query, _| (sums == DatumType::F32 && query.n != Some(1)).then_some(TRACT_PRODUCT),
    }
}

/// Keeps the kernel in the program. tract finds it in a table that this file adds to, and without this call the linker would drop
/// the file.
pub fn register_tract_product() {
    std::hint::black_box(make as fn() -> _);
}

/// Describes the kernel to tract.
fn make() -> Box<dyn MatMatMul> {
    let format = |width| PackedFormat::new(DatumType::F32, width, 16);
    // If tract does not know the number of columns, it does not ask the tiers but takes the kernel with the largest boost. It asks
    // `can_fuse` only about LeakyRelu, which this kernel does not implement.
    let mut kernel = DynKernel::<LANES, COLUMNS, f32>::new(TRACT_PRODUCT, kernel, format(LANES), format(COLUMNS))
        .with_boost(|| 1000)
        .with_can_fuse(|_| false);
    kernel.arch = Some(Arch::Wasm32Simd128);
    Box::new(Threaded(kernel))
}

/// Applies `steps` to a tile of sums. Returns 0, or 1 if it does not know a step. Only integer products have such steps.
///
/// # Safety
/// The pointers in `steps` must keep tract's promises to kernels: packed operands hold k vectors of a panel's width, a row operand
/// has [`LANES`] values, a column operand has [`COLUMNS`], and every element of the output tile may be read and written.
unsafe fn kernel(steps: &[FusedKerSpec<f32>]) -> isize {
    use FusedKerSpec::*;
    let l = Simd128;
    let mut tile = [l.splat(0.0); COLUMNS];
    let t = &mut tile;
    for step in steps {
        // SAFETY: the caller guarantees the pointers.
        unsafe {
            match *step {
                Done => break,
                Clear => *t = [l.splat(0.0); COLUMNS],
                AddMatMul { k, pa, pb, .. } => {
                    let rows = std::slice::from_raw_parts(pa.cast::<[f32; LANES]>(), k);
                    let columns = std::slice::from_raw_parts(pb.cast::<[f32; COLUMNS]>(), k);
                    add_product(l, rows, columns, t);
                }
                ScalarMin(y) => each(l, t, |x, _, _| y.min(x)),
                ScalarMax(y) => each(l, t, |x, _, _| y.max(x)),
                ScalarAdd(y) => each(l, t, |x, _, _| y + x),
                ScalarMul(y) => each(l, t, |x, _, _| y * x),
                ScalarSub(y) => each(l, t, |x, _, _| y - x),
                ScalarSubF(y) => each(l, t, |x, _, _| x - y),
                PerRowMin(y) => each(l, t, |x, row, _| (*y.add(row)).min(x)),
                PerRowMax(y) => each(l, t, |x, row, _| (*y.add(row)).max(x)),
                PerRowAdd(y) => each(l, t, |x, row, _| *y.add(row) + x),
                PerRowMul(y) => each(l, t, |x, row, _| *y.add(row) * x),
                PerRowSub(y) => each(l, t, |x, row, _| *y.add(row) - x),
                PerRowSubF(y) => each(l, t, |x, row, _| x - *y.add(row)),
                PerColMin(y) => each(l, t, |x, _, column| (*y.add(column)).min(x)),
                PerColMax(y) => each(l, t, |x, _, column| (*y.add(column)).max(x)),
                PerColAdd(y) => each(l, t, |x, _, column| *y.add(column) + x),
                PerColMul(y) => each(l, t, |x, _, column| *y.add(column) * x),
                PerColSub(y) => each(l, t, |x, _, column| *y.add(column) - x),
                PerColSubF(y) => each(l, t, |x, _, column| x - *y.add(column)),
                AddUnicast(y) => each(l, t, |x, row, column| *at(&y, row, column) + x),
                Store(y) => each(l, t, |x, row, column| {
                    *at(&y, row, column) = x;
                    x
                }),
                _ => return 1,
            }
        }
    }
    0
}

/// Computes `tile[column] += Σ_k rows[k] · columns[k][column]`.
// The loop is not unrolled over k, because compilers then reorder the sums and spill registers. Nor is the function inlined into
// the large one, where Firefox spills registers and takes twice the time.
#[inline(never)]
fn add_product<L: Lanes>(l: L, rows: &[[f32; LANES]], columns: &[[f32; COLUMNS]], tile: &mut [L::F32; COLUMNS]) {
    let mut sums = *tile;
    for (row, column) in rows.iter().zip(columns) {
        let row = l.load(row);
        for (sum, &value) in sums.iter_mut().zip(column) {
            *sum = l.fused_mul_add(l.splat(value), row, *sum);
        }
    }
    *tile = sums;
}

/// Replaces every value x by `f(x, row, column)`.
#[inline(always)]
fn each<L: Lanes>(l: L, tile: &mut [L::F32; COLUMNS], f: impl Fn(f32, usize, usize) -> f32) {
    for (column, x) in tile.iter_mut().enumerate() {
        let mut values = l.to_array(*x);
        for (row, value) in values.iter_mut().enumerate() {
            *value = f(*value, row, column);
        }
        *x = l.load(&values);
    }
}

/// Returns the address of a value of the output tile.
///
/// # Safety
/// `row` and `column` must lie in the tile.
#[inline(always)]
unsafe fn at(tile: &OutputStoreKer, row: usize, column: usize) -> *mut f32 {
    let offset = row as isize * tile.row_byte_stride + column as isize * tile.col_byte_stride;
    // SAFETY: the caller guarantees that the value lies in the tile.
    unsafe { tile.ptr.offset(offset).cast() }
}
