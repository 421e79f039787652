//! Times the integer product of every available kernel, alone and in a linear layer with GELU, at shapes of BERT-base and of the
//! demo model. Compares each with the scalar kernel first.

use bert8::activation::Activation;
use bert8::kernels::{Kernel, Linear, PackedWeights};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

/// `[M, K, N]`: tokens, input and output features.
const SHAPES: [[usize; 3]; 6] =
    [[128, 768, 2304], [128, 768, 3072], [128, 3072, 768], [16, 768, 3072], [53, 384, 1536], [1, 384, 1536]];

fn bytes(len: usize, factor: usize) -> Vec<u8> {
    (0..len).map(|i| (i * factor % 251) as u8).collect()
}

fn products(criterion: &mut Criterion) {
    let scalar = Kernel::SCALAR;
    for shape @ [m, k, n] in SHAPES {
        let (a, w) = (bytes(m * k, 11), bytes(k * n, 7).into_iter().map(|byte| byte as i8).collect::<Vec<_>>());
        let weights = PackedWeights::new(&w, k, n);
        let mut expected = vec![0; m * n];
        scalar.matmul(&scalar.encode(&a), &weights, &mut expected);

        let mut group = criterion.benchmark_group(format!("{m}x{k}x{n}"));
        group.sample_size(20).throughput(Throughput::Elements((m * k * n) as u64));
        for kernel in Kernel::all().filter(|kernel| *kernel != scalar) {
            let (a, mut out) = (kernel.encode(&a), vec![0; m * n]);
            kernel.matmul(&a, &weights, &mut out);
            assert_eq!(out, expected, "{} computes other integers at {shape:?}", kernel.name());
            group.bench_function(BenchmarkId::from_parameter(kernel.name()), |bencher| {
                bencher.iter(|| kernel.matmul(black_box(&a), &weights, &mut out));
            });
        }
        group.finish();
    }
}

fn linear_layers(criterion: &mut Criterion) {
    let scalar = Kernel::SCALAR;
    for [m, k, n] in [[128, 768, 3072], [53, 384, 1536]] {
        let (a, w) = (bytes(m * k, 11), bytes(k * n, 7).into_iter().map(|byte| byte as i8).collect::<Vec<_>>());
        let (scales, bias) = (vec![1e-5; n], vec![0.1; n]);
        let layer = |kernel| Linear::new(kernel, PackedWeights::new(&w, k, n), 128, &scales, &bias);
        let mut expected = vec![0.0; m * n];
        layer(scalar).run(&scalar.encode(&a), Some(Activation::Gelu), &mut expected);

        let mut group = criterion.benchmark_group(format!("{m}x{k}x{n} with GELU"));
        group.sample_size(20).throughput(Throughput::Elements((m * k * n) as u64));
        for kernel in Kernel::all().filter(|kernel| *kernel != scalar) {
            let (layer, a, mut out) = (layer(kernel), kernel.encode(&a), vec![0.0; m * n]);
            layer.run(&a, Some(Activation::Gelu), &mut out);
            assert_eq!(out, expected, "{} computes other values", kernel.name());
            group.bench_function(BenchmarkId::from_parameter(kernel.name()), |bencher| {
                bencher.iter(|| layer.run(black_box(&a), Some(Activation::Gelu), &mut out));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, products, linear_layers);
criterion_main!(benches);
