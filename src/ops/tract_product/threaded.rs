//! A product on several threads.

use crate::kernels::threads::for_each_range;
use std::borrow::Cow;
use std::sync::Mutex;
use tract_linalg::isa::{Arch, IsaReq, IsaSet};
use tract_linalg::mmm::{FusedSpec, MMMInputFormat, MatMatMul, MatMatMulKer, OutputStoreSpec};
use tract_linalg::mmm::{ScratchSpace, ScratchSpaceImpl};
use tract_onnx::tract_core::tract_linalg;
use tract_onnx::tract_hir::internal::*;

/// The least number of multiplications for a thread: some ten microseconds of work.
const MIN_PRODUCTS: usize = 250_000;

/// Runs the tiles of a kernel's product on the threads of the installed pool.
#[derive(Debug, Clone)]
pub(super) struct Threaded<K>(pub K);

/// A value that several threads read.
struct Shared<T>(T);

// SAFETY: tract itself runs tiles on several threads, from references to the same operands and scratch space: tiles of different
// numbers write different parts of the output, and what a tile needs for itself is thread-local.
unsafe impl<T> Sync for Shared<T> {}

impl<K: MatMatMulKer<Acc = f32>> Threaded<K> {
    /// Runs the tiles in ranges of rows.
    ///
    /// # Safety
    /// As [`MatMatMul::run_with_scratch_space`].
    unsafe fn run_tiles(
        &self,
        [m, n]: [usize; 2],
        scratch: &mut ScratchSpaceImpl<f32>,
        steps: &[FusedSpec],
    ) -> TractResult<()> {
        // SAFETY: the caller's guarantees are those that this function asks for.
        unsafe { scratch.prepare(&self.0, m, n, steps)? };
        let k = steps.iter().find_map(|step| match step {
            FusedSpec::AddMatMul { a, .. } => Some(a.k()),
            _ => None,
        });
        let failure = Mutex::new(None);
        let shared = Shared((&*scratch, steps));
        let least = MIN_PRODUCTS.div_ceil((self.0.mr() * n * k.unwrap_or(1)).max(1));
        for_each_range(m.div_ceil(self.0.mr()), least, |down| {
            let Shared((scratch, steps)) = &shared;
            for (down, right) in down.flat_map(|down| (0..n.div_ceil(self.0.nr())).map(move |right| (down, right))) {
                // SAFETY: the caller guarantees the operands, and no two threads have the same tile.
                if let Err(error) = unsafe { scratch.run(&self.0, steps, down, right) } {
                    failure.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(error);
                    return;
                }
            }
        });
        failure.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).map_or(Ok(()), Err)
    }
}

impl<K: MatMatMulKer<Acc = f32>> MatMatMul for Threaded<K>
where
    Self: Clone,
{
    unsafe fn run_with_scratch_space(
        &self,
        m: usize,
        n: usize,
        scratch: &mut dyn ScratchSpace,
        steps: &[FusedSpec],
    ) -> TractResult<()> {
        let scratch = scratch.downcast_mut().context("the scratch space is another kernel's")?;
        // SAFETY: the caller's guarantees are those that this function asks for.
        unsafe { self.run_tiles([m, n], scratch, steps) }
    }

    // The rest is the kernel's.

    fn name(&self) -> &str {
        self.0.name()
    }
    fn mr(&self) -> usize {
        self.0.mr()
    }
    fn nr(&self) -> usize {
        self.0.nr()
    }
    fn arch(&self) -> Option<Arch> {
        MatMatMulKer::arch(&self.0)
    }
    fn emulated(&self) -> bool {
        MatMatMulKer::emulated(&self.0)
    }
    fn boost(&self) -> isize {
        MatMatMulKer::boost(&self.0)
    }
    fn preference(&self) -> isize {
        MatMatMulKer::preference(&self.0)
    }
    fn runnable_on(&self, isa: &IsaSet) -> bool {
        MatMatMulKer::runnable_on(&self.0, isa)
    }
    fn runnable(&self) -> bool {
        MatMatMulKer::runnable(&self.0)
    }
    fn built(&self) -> bool {
        MatMatMulKer::built(&self.0)
    }
    fn isa(&self) -> IsaReq {
        MatMatMulKer::isa(&self.0)
    }
    fn packings(&self) -> &[(Box<dyn MMMInputFormat>, Box<dyn MMMInputFormat>)] {
        MatMatMulKer::packings(&self.0)
    }
    fn internal_type(&self) -> DatumType {
        f32::datum_type()
    }
    unsafe fn c_view(&self, m_axis: Option<usize>, n_axis: Option<usize>) -> OutputStoreSpec {
        // SAFETY: the caller's guarantees are those that this function asks for.
        unsafe { self.0.c_view(m_axis, n_axis) }
    }
    unsafe fn c_from_data_and_strides(
        &self,
        item_size: usize,
        row_stride: isize,
        col_stride: isize,
    ) -> OutputStoreSpec {
        // SAFETY: the caller's guarantees are those that this function asks for.
        unsafe { self.0.c_from_data_and_strides(item_size, row_stride, col_stride) }
    }
    fn can_fuse(&self, step: &FusedSpec) -> bool {
        MatMatMulKer::can_fuse(&self.0, step)
    }
    fn stores(&self) -> Cow<'_, [DatumType]> {
        MatMatMulKer::stores(&self.0)
    }
    unsafe fn allocate_scratch_space(&self) -> Box<dyn ScratchSpace> {
        // SAFETY: the caller's guarantees are those that this function asks for.
        unsafe { self.0.allocate_scratch_space() }
    }
    unsafe fn can_use_scratch_space(&self, scratch: &dyn ScratchSpace) -> bool {
        // SAFETY: the caller's guarantees are those that this function asks for.
        unsafe { self.0.can_use_scratch_space(scratch) }
    }
}
