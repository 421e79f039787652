//! The kernels, which of them this processor or engine offers, and how they run a task.

use super::dot::Dot;
use super::scalar::Scalar;
#[cfg(all(test, not(target_arch = "wasm32")))]
use super::signed_stand_in::SignedStandIn;
#[cfg(target_arch = "wasm32")]
use super::wasm;
#[cfg(target_arch = "x86_64")]
use super::x86;

/// The kinds of kernel, slowest first. All compute the same integers if [`Kernel::is_exact_for`] accepts the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KernelKind {
    /// Plain Rust.
    Scalar,
    /// WebAssembly SIMD128: i16 products.
    Simd128I16,
    /// WebAssembly relaxed SIMD on an engine whose byte dot saturates sums of two products (x86 without VNNI).
    RelaxedPairs,
    /// WebAssembly relaxed SIMD on an engine whose byte dot reads activations as signed (ARM).
    RelaxedDotSigned,
    /// WebAssembly relaxed SIMD on an engine whose byte dot reads activations as unsigned (x86 with VNNI).
    RelaxedDotUnsigned,
    /// x86 AVX2: i16 products.
    Avx2,
    /// x86 AVX-VNNI: byte dots.
    AvxVnni,
    /// x86 AVX-512 VNNI: byte dots, twice as wide as those of AVX-VNNI.
    Avx512Vnni,
}

impl KernelKind {
    /// Every kind, slowest first.
    pub const ALL: [KernelKind; 8] = [
        KernelKind::Scalar,
        KernelKind::Simd128I16,
        KernelKind::RelaxedPairs,
        KernelKind::RelaxedDotSigned,
        KernelKind::RelaxedDotUnsigned,
        KernelKind::Avx2,
        KernelKind::AvxVnni,
        KernelKind::Avx512Vnni,
    ];

    /// Returns the name used on the command line, in JavaScript and in reports.
    pub fn name(self) -> &'static str {
        match self {
            KernelKind::Scalar => "scalar",
            KernelKind::Simd128I16 => "simd128-i16",
            KernelKind::RelaxedPairs => "relaxed-pairs",
            KernelKind::RelaxedDotSigned => "relaxed-dot-s8",
            KernelKind::RelaxedDotUnsigned => "relaxed-dot-u8",
            KernelKind::Avx2 => "avx2",
            KernelKind::AvxVnni => "avx-vnni",
            KernelKind::Avx512Vnni => "avx512-vnni",
        }
    }
}

/// A kernel that this processor or engine can run exactly.
///
/// A value proves that the instruction set is available: only detection makes one. Code that holds a `Kernel` never detects
/// again and never falls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kernel(Proof);

/// One proof for each kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Proof {
    Scalar(Scalar),
    #[cfg(all(test, not(target_arch = "wasm32")))]
    SignedStandIn(SignedStandIn),
    #[cfg(target_arch = "wasm32")]
    Simd128I16(wasm::Simd128I16),
    #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
    RelaxedPairs(wasm::RelaxedPairs),
    #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
    RelaxedDotSigned(wasm::RelaxedDot<true>),
    #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
    RelaxedDotUnsigned(wasm::RelaxedDot<false>),
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
    #[cfg(target_arch = "x86_64")]
    AvxVnni(x86::AvxVnni),
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(x86::Avx512Vnni),
}

impl Kernel {
    /// The plain Rust kernel, which runs everywhere.
    pub const SCALAR: Kernel = Kernel(Proof::Scalar(Scalar));

    /// Returns the kernel of this kind, or `None` if the processor or the engine cannot run it exactly.
    pub fn new(kind: KernelKind) -> Option<Self> {
        let proof = match kind {
            KernelKind::Scalar => Some(Proof::Scalar(Scalar)),
            #[cfg(all(test, not(target_arch = "wasm32")))]
            KernelKind::RelaxedDotSigned => Some(Proof::SignedStandIn(SignedStandIn)),
            #[cfg(target_arch = "wasm32")]
            KernelKind::Simd128I16 => Some(Proof::Simd128I16(wasm::Simd128I16)),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            KernelKind::RelaxedPairs => wasm::RelaxedPairs::new().map(Proof::RelaxedPairs),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            KernelKind::RelaxedDotSigned => wasm::RelaxedDot::<true>::new().map(Proof::RelaxedDotSigned),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            KernelKind::RelaxedDotUnsigned => wasm::RelaxedDot::<false>::new().map(Proof::RelaxedDotUnsigned),
            #[cfg(target_arch = "x86_64")]
            KernelKind::Avx2 => x86::Avx2::new().map(Proof::Avx2),
            #[cfg(target_arch = "x86_64")]
            KernelKind::AvxVnni => x86::AvxVnni::new().map(Proof::AvxVnni),
            #[cfg(target_arch = "x86_64")]
            KernelKind::Avx512Vnni => x86::Avx512Vnni::new().map(Proof::Avx512Vnni),
            _ => None,
        };
        proof.map(Kernel)
    }

    /// Returns the available kernels, slowest first.
    pub fn all() -> impl DoubleEndedIterator<Item = Kernel> {
        KernelKind::ALL.into_iter().filter_map(Kernel::new)
    }

    /// Returns the kind of this kernel.
    pub fn kind(self) -> KernelKind {
        match self.0 {
            Proof::Scalar(_) => KernelKind::Scalar,
            #[cfg(all(test, not(target_arch = "wasm32")))]
            Proof::SignedStandIn(_) => KernelKind::RelaxedDotSigned,
            #[cfg(target_arch = "wasm32")]
            Proof::Simd128I16(_) => KernelKind::Simd128I16,
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Proof::RelaxedPairs(_) => KernelKind::RelaxedPairs,
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Proof::RelaxedDotSigned(_) => KernelKind::RelaxedDotSigned,
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Proof::RelaxedDotUnsigned(_) => KernelKind::RelaxedDotUnsigned,
            #[cfg(target_arch = "x86_64")]
            Proof::Avx2(_) => KernelKind::Avx2,
            #[cfg(target_arch = "x86_64")]
            Proof::AvxVnni(_) => KernelKind::AvxVnni,
            #[cfg(target_arch = "x86_64")]
            Proof::Avx512Vnni(_) => KernelKind::Avx512Vnni,
        }
    }

    /// Returns the [name](KernelKind::name) of the kernel's kind.
    pub fn name(self) -> &'static str {
        self.kind().name()
    }

    /// Returns the bytes of one activation in encoded form, the form that this kernel reads.
    pub fn encoded_width(self) -> usize {
        self.run(Describe).width
    }

    /// Returns what encoding subtracts from every activation.
    pub(in crate::kernels) fn encoded_shift(self) -> i32 {
        self.run(Describe).shift
    }

    /// Whether two weights of −128 in one pair of k make products wrong.
    pub(in crate::kernels) fn wraps(self) -> bool {
        self.run(Describe).wraps
    }

    /// Runs `task`, compiled for this kernel's instruction set.
    pub(in crate::kernels) fn run<T: Task>(self, task: T) -> T::Output {
        match self.0 {
            Proof::Scalar(dot) => run_outlined(task, dot),
            #[cfg(all(test, not(target_arch = "wasm32")))]
            Proof::SignedStandIn(dot) => run_outlined(task, dot),
            #[cfg(target_arch = "wasm32")]
            Proof::Simd128I16(dot) => run_outlined(task, dot),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Proof::RelaxedPairs(dot) => run_outlined(task, dot),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Proof::RelaxedDotSigned(dot) => run_outlined(task, dot),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Proof::RelaxedDotUnsigned(dot) => run_outlined(task, dot),
            // SAFETY: `dot` proves that the features are available, here and below.
            #[cfg(target_arch = "x86_64")]
            Proof::Avx2(dot) => unsafe { with_avx2(task, dot) },
            #[cfg(target_arch = "x86_64")]
            Proof::AvxVnni(dot) => unsafe { with_avx_vnni(task, dot) },
            #[cfg(target_arch = "x86_64")]
            Proof::Avx512Vnni(dot) => unsafe { with_avx512_vnni(task, dot) },
        }
    }
}

/// Work that is written once and compiled for every instruction set. On x86, `run` and the functions that it calls must be
/// `#[inline(always)]`, so that they are compiled inside the function that enables the instruction set. WebAssembly enables
/// SIMD128 everywhere, so functions of its kernels may also be `#[inline(never)]`.
pub(in crate::kernels) trait Task {
    /// The result.
    type Output;

    /// Does the work with the instruction set of `dot`.
    fn run<D: Dot>(self, dot: D) -> Self::Output;
}

/// The constants of a [`Dot`].
struct Description {
    width: usize,
    shift: i32,
    wraps: bool,
}

struct Describe;

impl Task for Describe {
    type Output = Description;
    fn run<D: Dot>(self, _dot: D) -> Description {
        Description { width: D::WIDTH, shift: D::SHIFT, wraps: D::WRAPS }
    }
}

/// Runs the task in a function of its own for every kernel. Engines compile function by function when first called, so kernels
/// that never run are never compiled.
#[inline(never)]
fn run_outlined<T: Task, D: Dot>(task: T, dot: D) -> T::Output {
    task.run(dot)
}

/// # Safety
/// AVX2 and FMA must be available.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn with_avx2<T: Task>(task: T, dot: x86::Avx2) -> T::Output {
    task.run(dot)
}

/// # Safety
/// AVX2, FMA and AVX-VNNI must be available.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avxvnni")]
unsafe fn with_avx_vnni<T: Task>(task: T, dot: x86::AvxVnni) -> T::Output {
    task.run(dot)
}

/// # Safety
/// AVX2, FMA, AVX-512 F and AVX-512 VNNI must be available.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512vnni")]
unsafe fn with_avx512_vnni<T: Task>(task: T, dot: x86::Avx512Vnni) -> T::Output {
    task.run(dot)
}
