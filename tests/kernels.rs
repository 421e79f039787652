//! Every kernel computes the integers of a plain triple loop over the unpacked operands, in i64, at shapes around the widths of
//! vectors, panels, groups and tiles.

use bert8::kernels::{GROUP, Kernel, KernelKind, PANEL, PackedWeights};
use bert8::rng::Rng;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// Rows: around the tile heights of all kernels, below and above the least number for Strassen's algorithm.
const M: [usize; 15] = [1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 16, 19, 25, 31, 70];
/// Inner sizes: around one and several groups, and with whole halves for Strassen's algorithm (64).
const K: [usize; 8] = [1, 7, 8, 9, 16, 31, 64, 100];
/// Columns: around one panel, and an odd number of panels.
const N: [usize; 5] = [1, 7, 8, 9, 24];

/// Returns `len` pseudo-random bytes. The same seed returns the same bytes.
fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    (0..len).map(|_| rng.bits() as u8).collect()
}

/// Row-major operands: `a` is `[m, k]`, `w` is `[k, n]`.
struct Operands {
    m: usize,
    k: usize,
    n: usize,
    a: Vec<u8>,
    w: Vec<i8>,
}

impl Operands {
    fn random(m: usize, k: usize, n: usize) -> Self {
        let seed = ((m * 10_000 + k) * 100 + n) as u64;
        let w = bytes(seed, k * n).into_iter().map(|byte| byte as i8).collect();
        Operands { m, k, n, a: bytes(!seed, m * k), w }
    }

    /// The oracle: nothing packed, encoded or padded.
    fn product(&self) -> Vec<i64> {
        let mut out = vec![0; self.m * self.n];
        for row in 0..self.m {
            for column in 0..self.n {
                for k in 0..self.k {
                    let (a, w) = (self.a[row * self.k + k], self.w[k * self.n + column]);
                    out[row * self.n + column] += i64::from(a) * i64::from(w);
                }
            }
        }
        out
    }

    /// The kernel's product, or `None` if it is not exact for the weights.
    fn product_by(&self, kernel: Kernel) -> Option<Vec<i64>> {
        let weights = PackedWeights::new(&self.w, self.k, self.n);
        kernel.is_exact_for(&weights).then_some(())?;
        // Rows are filled up to whole groups. The weights there are 0, so any activations do.
        let mut rows = Vec::new();
        for row in self.a.chunks(self.k) {
            rows.extend(row);
            rows.resize(rows.len().next_multiple_of(GROUP), 77);
        }
        let columns = self.n.next_multiple_of(PANEL);
        let mut out = vec![i32::MIN; self.m * columns];
        kernel.matmul(&kernel.encode(&rows), &weights, &mut out);
        Some(out.chunks(columns).flat_map(|row| &row[..self.n]).map(|&sum| i64::from(sum)).collect())
    }
}

fn check(m: usize, k: usize, n: usize) {
    let operands = Operands::random(m, k, n);
    let expected = operands.product();
    for kernel in Kernel::all() {
        let product = operands.product_by(kernel);
        if product.is_none() {
            assert_eq!(kernel.kind(), KernelKind::RelaxedDotSigned, "inexact at {m} x {k} x {n}");
            continue;
        }
        assert_eq!(product.as_ref(), Some(&expected), "{} at {m} x {k} x {n}", kernel.name());
    }
}

#[test]
fn every_kernel_equals_the_plain_loop_at_every_shape() {
    for (m, k) in M.into_iter().flat_map(|m| K.map(|k| (m, k))) {
        for n in N {
            check(m, k, n);
        }
    }
}

#[test]
fn every_kernel_equals_the_plain_loop_at_large_k() {
    // Around the largest K that the relaxed byte dot multiplies in one chunk, and in two.
    for (k, m) in [1750, 1753, 3072, 3511].into_iter().flat_map(|k| [1, 5, 7, 13].map(|m| (k, m))) {
        check(m, k, 17);
    }
}

#[test]
fn every_kernel_is_exact_at_the_extremes() {
    // Few rows, and enough for Strassen's algorithm.
    for m in [7, 33] {
        let (k, n) = (3072, 17);
        for (activation, weight) in
            [0, 1, 127, 128, 255].into_iter().flat_map(|a| [-128, -127, -1, 1, 127].map(|w| (a, w)))
        {
            let operands = Operands { m, k, n, a: vec![activation; m * k], w: vec![weight; k * n] };
            let expected = operands.product();
            for kernel in Kernel::all() {
                let product = operands.product_by(kernel);
                if product.is_none() {
                    assert!(weight == -128 && kernel.kind() == KernelKind::RelaxedDotSigned);
                    continue;
                }
                assert_eq!(product.as_ref(), Some(&expected), "{} with {activation} and {weight}", kernel.name());
            }
        }
    }
}

/// The kernels, one of which must be the fastest, by what the processor or the build says of itself.
fn expected_fastest() -> &'static [KernelKind] {
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        if avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
            &[KernelKind::Avx512Vnni]
        } else if avx2 && is_x86_feature_detected!("avxvnni") {
            &[KernelKind::AvxVnni]
        } else if avx2 {
            &[KernelKind::Avx2]
        } else {
            &[KernelKind::Scalar]
        }
    }
    #[cfg(target_arch = "wasm32")]
    {
        if cfg!(target_feature = "relaxed-simd") {
            &[KernelKind::RelaxedPairs, KernelKind::RelaxedDotSigned, KernelKind::RelaxedDotUnsigned]
        } else {
            &[KernelKind::Simd128I16]
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "wasm32")))]
    {
        &[KernelKind::Scalar]
    }
}

#[test]
fn the_fastest_kernel_of_the_machine_is_chosen() {
    let available: Vec<_> = Kernel::all().map(Kernel::name).collect();
    assert!(expected_fastest().contains(&Kernel::detect().kind()), "{} of {available:?}", Kernel::detect().name());
}

#[test]
fn a_kernel_is_chosen_by_its_name() {
    assert_eq!("auto".parse(), Ok(Kernel::detect()));
    for kernel in Kernel::all() {
        assert_eq!(kernel.name().parse(), Ok(kernel));
    }
    let missing = KernelKind::ALL.into_iter().find(|kind| Kernel::new(*kind).is_none()).unwrap();
    let problem = missing.name().parse::<Kernel>().unwrap_err();
    assert!(problem.contains(missing.name()) && problem.contains("scalar"), "{problem}");
}
