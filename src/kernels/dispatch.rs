//! Which kernel runs: what the processor or the engine offers, asked once.

use super::dot::Dot;
use super::pack::PackedWeights;
use super::saturation::Risks;
use super::scalar::Scalar;
#[cfg(target_arch = "wasm32")]
use super::wasm;
#[cfg(target_arch = "x86_64")]
use super::x86;
use std::str::FromStr;
use std::sync::OnceLock;

/// The ways to multiply, slowest first. All give the same integers where [`Kernel::takes`] the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// Plain Rust.
    Scalar,
    /// WebAssembly SIMD128: products in i16.
    Simd128I16,
    /// WebAssembly relaxed SIMD on an engine whose byte dot saturates sums of pairs.
    RelaxedPairs,
    /// WebAssembly relaxed SIMD on an engine whose byte dot reads activations as signed.
    RelaxedDotSigned,
    /// WebAssembly relaxed SIMD on an engine whose byte dot reads activations as unsigned.
    RelaxedDotUnsigned,
    /// x86 AVX2: products in i16.
    Avx2,
    /// x86 AVX-VNNI: byte dots.
    AvxVnni,
    /// x86 AVX-512 VNNI: byte dots twice as wide.
    Avx512Vnni,
}

impl Path {
    /// Every path, slowest first.
    pub const ALL: [Path; 8] = [
        Path::Scalar,
        Path::Simd128I16,
        Path::RelaxedPairs,
        Path::RelaxedDotSigned,
        Path::RelaxedDotUnsigned,
        Path::Avx2,
        Path::AvxVnni,
        Path::Avx512Vnni,
    ];

    /// The path's name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Path::Scalar => "scalar",
            Path::Simd128I16 => "simd128-i16",
            Path::RelaxedPairs => "relaxed-pairs",
            Path::RelaxedDotSigned => "relaxed-dot-s8",
            Path::RelaxedDotUnsigned => "relaxed-dot-u8",
            Path::Avx2 => "avx2",
            Path::AvxVnni => "avx-vnni",
            Path::Avx512Vnni => "avx512-vnni",
        }
    }

    fn available(self) -> bool {
        match self {
            Path::Scalar => true,
            #[cfg(target_arch = "wasm32")]
            Path::Simd128I16 => true,
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Path::RelaxedPairs => wasm::Pairs::new().is_some(),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Path::RelaxedDotSigned => wasm::probe() == wasm::Reading::Signed,
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Path::RelaxedDotUnsigned => wasm::probe() == wasm::Reading::Unsigned,
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => x86::Avx2::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Path::AvxVnni => x86::AvxVnni::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Path::Avx512Vnni => x86::Avx512Vnni::new().is_some(),
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
        *BEST.get_or_init(|| Kernel::all().next_back().unwrap_or(Kernel(Path::Scalar)))
    }

    /// The kernels there are here, slowest first.
    pub fn all() -> impl DoubleEndedIterator<Item = Kernel> {
        Path::ALL.into_iter().filter_map(Kernel::new)
    }

    /// The path taken.
    pub fn path(self) -> Path {
        self.0
    }

    /// Bytes of one activation in the form that this kernel reads, its stored form.
    pub fn width(self) -> usize {
        self.run(Describe).width
    }

    /// What the stored form takes off every activation.
    pub(super) fn shift(self) -> i32 {
        self.run(Describe).shift
    }

    /// The pairs of `weights` that this kernel must be careful with.
    pub(super) fn risks(self, weights: &PackedWeights) -> Risks {
        self.run(FindRisks(weights))
    }

    /// Whether products with `weights` are exact. With those of [`quantize`](crate::quantize), which lie in −127..=127, they always
    /// are.
    pub fn takes(self, weights: &PackedWeights) -> bool {
        !(self.run(Describe).wraps && weights.has_lowest_pair())
    }

    /// Runs `task`, compiled for this kernel's instruction set.
    pub(super) fn run<T: Task>(self, task: T) -> T::Output {
        match self.0 {
            #[cfg(target_arch = "wasm32")]
            Path::Simd128I16 => apart(task, wasm::I16),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Path::RelaxedPairs => apart(task, wasm::Pairs),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Path::RelaxedDotSigned => apart(task, wasm::Relaxed::<true>),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Path::RelaxedDotUnsigned => apart(task, wasm::Relaxed::<false>),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => match x86::Avx2::new() {
                // SAFETY: the value proves that the features are available.
                Some(dot) => unsafe { with_avx2(task, dot) },
                None => task.run(Scalar),
            },
            #[cfg(target_arch = "x86_64")]
            Path::AvxVnni => match x86::AvxVnni::new() {
                // SAFETY: the value proves that the features are available.
                Some(dot) => unsafe { with_avx_vnni(task, dot) },
                None => task.run(Scalar),
            },
            #[cfg(target_arch = "x86_64")]
            Path::Avx512Vnni => match x86::Avx512Vnni::new() {
                // SAFETY: the value proves that the features are available.
                Some(dot) => unsafe { with_avx512_vnni(task, dot) },
                None => task.run(Scalar),
            },
            _ => apart(task, Scalar),
        }
    }
}

impl FromStr for Kernel {
    type Err = String;

    /// The kernel whose path has this name, or `auto` for the fastest.
    fn from_str(name: &str) -> Result<Self, String> {
        let found = if name == "auto" {
            Some(Kernel::detect())
        } else {
            Kernel::all().find(|kernel| kernel.path().name() == name)
        };
        found.ok_or_else(|| {
            let names: Vec<_> = Kernel::all().map(|kernel| kernel.path().name()).collect();
            format!("there is no kernel `{name}` here; there are {} and auto", names.join(", "))
        })
    }
}

/// Work that is written once and compiled for every instruction set. `run` and all that it calls must be inlined into the
/// function that switches the instruction set on.
pub(super) trait Task {
    /// What comes out.
    type Output;

    /// Does the work.
    fn run<D: Dot>(self, dot: D) -> Self::Output;
}

/// What is fixed for a [`Dot`].
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

struct FindRisks<'a>(&'a PackedWeights);

impl Task for FindRisks<'_> {
    type Output = Risks;
    #[inline(always)]
    fn run<D: Dot>(self, dot: D) -> Risks {
        let mut risks = Risks::default();
        if D::SATURATES {
            risks.note(dot.lanes(), self.0.blocks(), self.0.groups());
        }
        risks
    }
}

/// A function of its own for every kernel: engines compile whole functions, and only one kernel's are called.
#[inline(never)]
fn apart<T: Task, D: Dot>(task: T, dot: D) -> T::Output {
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
