//! Which kernel runs: what the processor or the engine offers, asked once.

use super::gemm::{self, Activations, Dot};
use super::pack::{PANEL, PackedWeights};
use super::scalar::Scalar;
use crate::error::{Error, Result};
use std::sync::OnceLock;

/// The ways to multiply, slowest first. All give the same integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// Plain Rust.
    Scalar,
    /// WebAssembly SIMD128: products in i16.
    Simd128I16,
    /// WebAssembly relaxed SIMD on an engine whose byte dot reads activations as signed.
    RelaxedDotSigned,
    /// WebAssembly relaxed SIMD on an engine whose byte dot reads activations as unsigned.
    RelaxedDotUnsigned,
    /// x86 AVX2: products in i16.
    Avx2,
    /// x86 AVX-VNNI: byte dots.
    AvxVnni,
}

impl Path {
    /// Every path, slowest first.
    pub const ALL: [Path; 6] =
        [Path::Scalar, Path::Simd128I16, Path::RelaxedDotSigned, Path::RelaxedDotUnsigned, Path::Avx2, Path::AvxVnni];

    /// The path's name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Path::Scalar => "scalar",
            Path::Simd128I16 => "simd128-i16",
            Path::RelaxedDotSigned => "relaxed-dot-s8",
            Path::RelaxedDotUnsigned => "relaxed-dot-u8",
            Path::Avx2 => "avx2",
            Path::AvxVnni => "avx-vnni",
        }
    }

    fn available(self) -> bool {
        match self {
            Path::Scalar => true,
            #[cfg(target_arch = "wasm32")]
            Path::Simd128I16 => true,
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Path::RelaxedDotSigned => super::wasm::probe() == super::wasm::Reading::Signed,
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Path::RelaxedDotUnsigned => super::wasm::probe() == super::wasm::Reading::Unsigned,
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Path::AvxVnni => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni"),
            _ => false,
        }
    }
}

/// A path that is available here: holding one is the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kernel(Path);

impl Kernel {
    /// The kernel of `path`, or `None` where processor or engine cannot run it exactly.
    pub fn new(path: Path) -> Option<Self> {
        path.available().then_some(Kernel(path))
    }

    /// The fastest kernel there is here.
    pub fn detect() -> Self {
        static BEST: OnceLock<Kernel> = OnceLock::new();
        *BEST.get_or_init(|| Path::ALL.into_iter().rev().find_map(Kernel::new).unwrap_or(Kernel(Path::Scalar)))
    }

    /// The path taken.
    pub fn path(self) -> Path {
        self.0
    }

    /// Multiplies the row-major u8 matrix `a[M, K]` with `weights[K, N]` and hands every row's sums to
    /// `sink(m, first column, sums)`, [`PANEL`] columns at a time; columns beyond N come as zeros. `scratch` is
    /// overwritten; handing the same one in again saves its allocation.
    ///
    /// # Errors
    /// If `a` is not a matrix of K columns, or K is so large that sums could overflow.
    pub fn matmul(
        self,
        a: &[u8],
        weights: &PackedWeights,
        scratch: &mut Activations,
        sink: impl FnMut(usize, usize, &[i32; PANEL]),
    ) -> Result<()> {
        const MAX_K: usize = i32::MAX as usize / (255 * 128);
        let k = weights.k();
        if k == 0 || k > MAX_K || !a.len().is_multiple_of(k) {
            let len = a.len();
            return Err(Error::Argument(format!("cannot multiply {len} activations with weights of {k} rows")));
        }
        match self.0 {
            #[cfg(target_arch = "wasm32")]
            Path::Simd128I16 => run::<super::wasm::I16>(a, weights, scratch, sink),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Path::RelaxedDotSigned => run::<super::wasm::Relaxed<true>>(a, weights, scratch, sink),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Path::RelaxedDotUnsigned => run::<super::wasm::Relaxed<false>>(a, weights, scratch, sink),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => run::<super::x86::Avx2>(a, weights, scratch, sink),
            #[cfg(target_arch = "x86_64")]
            Path::AvxVnni => run::<super::x86::AvxVnni>(a, weights, scratch, sink),
            _ => run::<Scalar>(a, weights, scratch, sink),
        }
        Ok(())
    }
}

fn run<D: Dot>(
    a: &[u8],
    weights: &PackedWeights,
    scratch: &mut Activations,
    sink: impl FnMut(usize, usize, &[i32; PANEL]),
) {
    scratch.prepare::<D>(a, weights.k());
    // SAFETY: `D` belongs to the path of a `Kernel`, which exists only where it is available, and `scratch` was just
    // prepared by `D` with K columns.
    unsafe { gemm::matmul::<D>(scratch, weights, sink) }
}
