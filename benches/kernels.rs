//! The integer product of every kernel of this processor, at the shapes of BERT-base and of the demo model. Checks each
//! product against the plain loop before it is timed.

use bert8::kernels::{Kernel, PackedWeights, Path};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

/// `[M, K, N]`: tokens, input and output features.
const SHAPES: [[usize; 3]; 6] =
    [[128, 768, 2304], [128, 768, 3072], [128, 3072, 768], [16, 768, 3072], [53, 384, 1536], [1, 384, 1536]];

fn bytes(len: usize, factor: usize) -> Vec<u8> {
    (0..len).map(|i| (i * factor % 251) as u8).collect()
}

fn products(criterion: &mut Criterion) {
    let plain = Kernel::new(Path::Scalar).expect("plain Rust runs everywhere");
    for shape @ [m, k, n] in SHAPES {
        let (a, w) = (bytes(m * k, 11), bytes(k * n, 7).into_iter().map(|byte| byte as i8).collect::<Vec<_>>());
        let weights = PackedWeights::new(&w, k, n);
        let mut expected = vec![0; m * n];
        plain.matmul(&plain.stored(&a), &weights, &mut expected);

        let mut group = criterion.benchmark_group(format!("{m}x{k}x{n}"));
        group.sample_size(20).throughput(Throughput::Elements((m * k * n) as u64));
        for kernel in Kernel::all().filter(|kernel| *kernel != plain) {
            let (a, mut out) = (kernel.stored(&a), vec![0; m * n]);
            kernel.matmul(&a, &weights, &mut out);
            assert_eq!(out, expected, "{} gives other integers at {shape:?}", kernel.path().name());
            group.bench_function(BenchmarkId::from_parameter(kernel.path().name()), |bencher| {
                bencher.iter(|| kernel.matmul(black_box(&a), &weights, &mut out));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, products);
criterion_main!(benches);
