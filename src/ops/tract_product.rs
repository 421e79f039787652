//! A micro-kernel for FP32 matrix products in WebAssembly that tract uses instead of its own. tract passes pointers to
//! its micro-kernels, so this file has `unsafe` code.
//!
//! tract's own tile, 8 × 8, needs more registers than engines have on x86. This one, 8 × 4, keeps its eight
//! vectors of sums in registers. It loads one operand as vectors and splats the values of the other.

use crate::kernels::{LANES, Lanes, Simd128};
use tract_linalg::isa::Arch;
use tract_linalg::mmm::{DynKernel, FusedKerSpec, MatMatMul, OutputStoreKer};
use tract_linalg::mmm_routines::MmmRoutine;
use tract_linalg::mmm_tiers::MmmTier;
use tract_linalg::pack::PackedFormat;
use tract_onnx::tract_core::tract_data::knobs::inventory;
use tract_onnx::tract_core::tract_linalg;
use tract_onnx::tract_hir::internal::*;

/// The micro-kernel's name in tract.
pub const TRACT_PRODUCT: &str = "bert8_f32_8x4";

/// Columns of a tile, which has [`LANES`] rows.
const COLUMNS: usize = 4;

inventory::submit! { MmmRoutine { make } }

inventory::submit! {
    MmmTier {
        arch: Some(Arch::Wasm32Simd128),
        // tract's own tier has 1.
        precedence: 2,
        name: "bert8",
        applies: |_| true,
        preferred: |_, sums, query, _| (sums == DatumType::F32 && query.n != Some(1)).then_some(TRACT_PRODUCT),
    }
}

/// Registers the micro-kernel with tract. Without this call the linker would drop this file, which nothing else refers
/// to.
pub fn register_tract_product() {
    std::hint::black_box(make as fn() -> _);
}

fn make() -> Box<dyn MatMatMul> {
    let format = |width| PackedFormat::new(DatumType::F32, width, 16);
    // If the number of columns is unknown, tract asks no tier but takes the micro-kernel with the highest boost.
    // LeakyRelu is the only operation about which it asks `can_fuse`.
    let mut kernel = DynKernel::<LANES, COLUMNS, f32>::new(TRACT_PRODUCT, kernel, format(LANES), format(COLUMNS))
        .with_boost(|| 1000)
        .with_can_fuse(|_| false);
    kernel.arch = Some(Arch::Wasm32Simd128);
    kernel.mmm()
}

/// Computes a tile of sums in `steps`. Returns 0, or 1 if a step is unknown; only integer products have such steps.
///
/// # Safety
/// Pointers must be as tract guarantees for its micro-kernels: packed operands hold k vectors of the panel's width,
/// operands per row have [`LANES`] values and operands per column [`COLUMNS`], and every element of the output tile may
/// be read and written.
unsafe fn kernel(steps: &[FusedKerSpec<f32>]) -> isize {
    use FusedKerSpec::*;
    let l = Simd128;
    let mut tile = [l.splat(0.0); COLUMNS];
    let t = &mut tile;
    for step in steps {
        // SAFETY: the caller guarantees that the pointers are valid, as said above.
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

/// `tile[column] += Σ_k rows[k] · columns[k][column]`. One k at a time: with several in the loop, compilers order the
/// sums column by column, and registers spill.
// Not inlined: inside of the large function registers spill in Firefox.
#[inline(never)]
#[cfg_attr(feature = "relaxed-simd", target_feature(enable = "relaxed-simd"))]
fn add_product<L: Lanes>(l: L, rows: &[[f32; LANES]], columns: &[[f32; COLUMNS]], tile: &mut [L::F32; COLUMNS]) {
    let mut sums = *tile;
    for (row, column) in rows.iter().zip(columns) {
        let row = l.load(row);
        for (sum, &value) in sums.iter_mut().zip(column) {
            *sum = l.mul_add(l.splat(value), row, *sum);
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

/// The address of a value in the output tile.
///
/// # Safety
/// The tile must be as large as tract promises.
#[inline(always)]
unsafe fn at(tile: &OutputStoreKer, row: usize, column: usize) -> *mut f32 {
    let offset = row as isize * tile.row_byte_stride + column as isize * tile.col_byte_stride;
    // SAFETY: the caller guarantees that the tile is large enough.
    unsafe { tile.ptr.offset(offset).cast() }
}
