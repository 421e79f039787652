//! tract's FP32 matrix products in WebAssembly: a kernel that tract uses instead of its own. tract's interface to kernels
//! is made of pointers.
//!
//! tract's own tile, 8 × 8, needs more registers than x86 and the engines' compilers leave it. This one, 8 × 4, has its
//! eight sums in registers, reads one operand as vectors and the other as values to splat.

use crate::kernels::{LANES, Lanes, Simd128};
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
        // tract's own is 1.
        precedence: 2,
        name: "bert8",
        applies: |_| true,
        preferred: |_, sums, query, _| (sums == DatumType::F32 && query.n != Some(1)).then_some(TRACT_PRODUCT),
    }
}

/// Sees to it that the linker keeps this file, to which nothing else leads.
pub fn register_tract_product() {
    std::hint::black_box(make as fn() -> _);
}

fn make() -> Box<dyn MatMatMul> {
    let format = |width| PackedFormat::new(DatumType::F32, width, 16);
    // Where tract does not know the number of columns it asks no tier, but takes what is most wanted. Of fusing it asks for
    // LeakyRelu alone.
    let mut kernel = DynKernel::<LANES, COLUMNS, f32>::new(TRACT_PRODUCT, kernel, format(LANES), format(COLUMNS))
        .with_boost(|| 1000)
        .with_can_fuse(|_| false);
    kernel.arch = Some(Arch::Wasm32Simd128);
    kernel.mmm()
}

/// Does to a tile of sums what `steps` say; gives 0, or 1 where it does not know one, which only integer products have.
///
/// # Safety
/// Pointers are as tract promises its kernels: packed operands hold k vectors of a panel's width, a row's operand has
/// [`LANES`] values, a column's [`COLUMNS`], and every element of the output tile may be read and written.
unsafe fn kernel(steps: &[FusedKerSpec<f32>]) -> isize {
    use FusedKerSpec::*;
    let l = Simd128;
    let mut tile = [l.splat(0.0); COLUMNS];
    let t = &mut tile;
    for step in steps {
        // SAFETY: the caller's.
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

/// `tile[column] += Σ_k rows[k] · columns[k][column]`. One k at a time: where several stand in the loop, compilers line up
/// the sums of one column after the other, and registers spill.
// A function of its own: within the large one registers spill in Firefox, which takes twice the time.
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

/// Where a value of the output tile is.
///
/// # Safety
/// The tile must be as large as tract promises.
#[inline(always)]
unsafe fn at(tile: &OutputStoreKer, row: usize, column: usize) -> *mut f32 {
    let offset = row as isize * tile.row_byte_stride + column as isize * tile.col_byte_stride;
    // SAFETY: the caller's.
    unsafe { tile.ptr.offset(offset).cast() }
}
