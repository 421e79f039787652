//! Every kernel path gives the integers of the plain loop, on a grid of shapes around the widths of panels, groups and
//! row tiles.

use bert8::kernels::{GROUP, Kernel, KernelKind, PANEL, PackedWeights};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// A small deterministic generator, so that every run sees the same bytes.
fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect()
}

fn plain(a: &[u8], w: &[i8], m: usize, k: usize, n: usize) -> Vec<i32> {
    let mut out = vec![0; m * n];
    for row in 0..m {
        for column in 0..n {
            out[row * n + column] = (0..k).map(|i| i32::from(a[row * k + i]) * i32::from(w[i * n + column])).sum();
        }
    }
    out
}

fn run(kernel: Kernel, a: &[u8], w: &[i8], m: usize, k: usize, n: usize) -> Vec<i32> {
    let weights = PackedWeights::new(w, k, n);
    let padded: Vec<u8> =
        a.chunks(k).flat_map(|row| row.iter().copied().chain([77; GROUP]).take(k.next_multiple_of(GROUP))).collect();
    let mut out = vec![0; m * weights.columns()];
    kernel.matmul(&kernel.encode(&padded), &weights, &mut out);
    out.chunks(n.next_multiple_of(PANEL)).flat_map(|row| row[..n].to_vec()).collect()
}

fn check(kernel: Kernel, m: usize, k: usize, n: usize) {
    let a = bytes((m * k) as u64, m * k);
    let w: Vec<i8> = bytes((k * n) as u64 + 7, k * n).into_iter().map(|b| b as i8).collect();
    assert_eq!(run(kernel, &a, &w, m, k, n), plain(&a, &w, m, k, n), "{} at {m} x {k} x {n}", kernel.name());
}

#[test]
fn every_path_equals_the_plain_loop() {
    for kernel in Kernel::all() {
        for m in [1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 16, 19, 25, 31, 70] {
            for k in [1, 7, 8, 9, 16, 31, 64, 100] {
                for n in [1, 7, 8, 9, 24] {
                    check(kernel, m, k, n);
                }
            }
        }
    }
}

#[test]
fn a_long_k_equals_the_plain_loop() {
    // Around the longest that the byte dot multiplies in one part, and in two and three.
    for kernel in Kernel::all() {
        for k in [1750, 1753, 3072, 3511] {
            for m in [1, 5, 7, 13] {
                check(kernel, m, k, 17);
            }
        }
    }
}

#[test]
fn every_path_is_exact_at_the_extremes() {
    // Few rows, and so many that two panels of columns are multiplied together.
    for (kernel, m) in Kernel::all().flat_map(|kernel| [(kernel, 7), (kernel, 33)]) {
        let (k, n) = (3072, 17);
        for activation in [0, 1, 127, 128, 255] {
            for weight in [-128, -127, -1, 1, 127] {
                let (a, w) = (vec![activation; m * k], vec![weight; k * n]);
                if !kernel.is_exact_for(&PackedWeights::new(&w, k, n)) {
                    assert!(weight == -128 && kernel.kind() == KernelKind::RelaxedDotSigned);
                    continue;
                }
                assert_eq!(
                    run(kernel, &a, &w, m, k, n),
                    vec![i32::from(activation) * i32::from(weight) * k as i32; m * n],
                    "{} with {activation} and {weight}",
                    kernel.name()
                );
            }
        }
    }
}

#[test]
fn the_fastest_path_of_the_machine_is_chosen() {
    let names: Vec<_> = Kernel::all().map(|kernel| kernel.name()).collect();
    assert_eq!(Kernel::detect().name(), *names.last().unwrap());
    println!("available: {names:?}");
}

#[test]
fn a_kernel_is_chosen_by_its_name() {
    assert_eq!("auto".parse(), Ok(Kernel::detect()));
    for kernel in Kernel::all() {
        assert_eq!(kernel.name().parse(), Ok(kernel));
    }
    let missing = KernelKind::ALL.into_iter().find(|path| Kernel::new(*path).is_none()).unwrap();
    let problem = missing.name().parse::<Kernel>().unwrap_err();
    assert!(problem.contains(missing.name()) && problem.contains("scalar"), "{problem}");
}
