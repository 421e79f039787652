//! Layers return the same bits on any number of threads, on every kernel, and so do models.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use bert8::activation::Activation;
use bert8::kernels::{
    AttentionParams, ContextRows, Embedding, FloatAttention, Kernel, LayerNorm, Linear, PackedWeights, Packer,
    Quantizer, ResidualNorm, SelfAttention, SumNorm, Table, ThreadPool,
};
use bert8::rng::Rng;
use bert8::{Classifier, Model};
use std::sync::Arc;

/// Enough rows and features for every layer to be split, and Strassen's algorithm among the products.
const ROWS: usize = 77;
const FEATURES: usize = 192;
const INTERMEDIATE: usize = 1_032;
const HEADS: usize = 6;
const ENDS: [usize; 3] = [30, 31, ROWS];

fn floats(seed: u64, len: usize) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    (0..len).map(|_| rng.normal()).collect()
}

fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    (0..len).map(|_| rng.below(256) as u8).collect()
}

fn linear(kernel: Kernel, k: usize, n: usize) -> Linear {
    // From −127 on, for which every kernel is exact.
    let weights: Vec<i8> = bytes(1, k * n).into_iter().map(|byte| (byte as i8).max(-127)).collect();
    Linear::new(kernel, PackedWeights::new(&weights, k, n), 117, &vec![1e-4; n], &floats(2, n))
}

fn norm(quantized: bool) -> LayerNorm {
    let output = quantized.then(|| Quantizer::uniform(0.03, 120, FEATURES));
    LayerNorm::new(&floats(3, FEATURES), &floats(4, FEATURES), 1e-12, output)
}

/// Runs every layer on `kernel`. Returns the bits of all results, in order.
fn layers(kernel: Kernel) -> Vec<Vec<u32>> {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let widened = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).collect::<Vec<_>>();
    let rows = kernel.encode(&bytes(5, ROWS * FEATURES));
    let residual = floats(6, ROWS * FEATURES);
    let mut results = Vec::new();

    let mut wide = vec![0.0; ROWS * INTERMEDIATE];
    linear(kernel, FEATURES, INTERMEDIATE).run(&rows, Some(Activation::Gelu), &mut wide);
    results.push(bits(&wide));
    let mut encoded = vec![0; ROWS * INTERMEDIATE * kernel.encoded_width()];
    let quantizer = Quantizer::uniform(0.02, 10, INTERMEDIATE);
    linear(kernel, FEATURES, INTERMEDIATE).run_quantized(&rows, Activation::Gelu, &quantizer, &mut encoded);
    results.push(widened(&encoded));

    let (mut out, mut quantized) = (vec![0.0; ROWS * FEATURES], vec![0; rows.len()]);
    ResidualNorm::new(linear(kernel, INTERMEDIATE, FEATURES), norm(true)).run(
        &encoded,
        &residual,
        &mut out,
        &mut quantized,
    );
    results.extend([bits(&out), widened(&quantized)]);
    SumNorm::new(kernel, norm(false)).run(&out.clone(), &residual, &mut out, &mut []);
    results.push(bits(&out));

    for first_query_only in [false, true] {
        let head_size = FEATURES / HEADS;
        let params = AttentionParams {
            heads: HEADS,
            head_size,
            query: Quantizer::uniform(0.05, Quantizer::SYMMETRIC, head_size),
            key: Quantizer::narrow_range(0.05, head_size),
            score_scale: 0.01,
            first_query_only,
        };
        let attention = SelfAttention::new([(); 3].map(|()| linear(kernel, FEATURES, FEATURES)), params);
        let queries = if first_query_only { ENDS.len() } else { ROWS };
        let (mut float, output) = (vec![0.0; queries * FEATURES], Quantizer::uniform(0.05, 128, FEATURES));
        attention.run(&rows, &ENDS, ContextRows::Float(&mut float));
        let mut encoded = vec![0; queries * FEATURES * kernel.encoded_width()];
        attention.run(&rows, &ENDS, ContextRows::Encoded(&output, &mut encoded));
        results.extend([bits(&float), widened(&encoded)]);
    }
    let attention = FloatAttention { kernel, heads: HEADS, head_size: FEATURES / HEADS, score_scale: 0.2, fused: true };
    attention.run([&residual, &out.clone(), &residual], &ENDS, &mut out);
    results.push(bits(&out));

    let table = |seed, rows: usize| Table::Float(floats(seed, rows * FEATURES).as_chunks().0.to_vec());
    let embedding = Embedding::new(kernel, table(7, 256), Some(table(8, 2)), table(9, ROWS), norm(true));
    let ids: Vec<i64> = bytes(10, ROWS).into_iter().map(i64::from).collect();
    let types: Vec<i64> = ids.iter().map(|id| id % 2).collect();
    embedding.run(&ids, &types, &ENDS, &mut out, &mut quantized);
    results.extend([bits(&out), widened(&quantized)]);

    kernel.activate(Activation::GeluTanh, &residual, &mut out);
    kernel.quantize(Some(Activation::Relu), &Quantizer::uniform(0.05, 0, FEATURES), &residual, &mut quantized);
    results.extend([bits(&out), widened(&quantized)]);
    results
}

fn pool(threads: usize) -> Arc<ThreadPool> {
    Arc::new(ThreadPool::new(threads).unwrap())
}

#[test]
fn layers_have_the_same_bits_on_any_number_of_threads() {
    for kernel in Kernel::all() {
        let expected = layers(kernel);
        for threads in [2, 3, 7] {
            let got = ThreadPool::install(Some(&pool(threads)), || layers(kernel));
            let wrong = got.iter().zip(&expected).position(|(got, expected)| got != expected);
            assert_eq!(wrong, None, "result on {} with {threads} threads", kernel.name());
        }
    }
}

#[test]
fn packing_does_not_depend_on_threads() {
    for (k, n) in [(900, 1_000), (1_001, 333), (64, 8)] {
        let weights = bytes(11, k * n);
        let pack = || {
            let mut packer = Packer::new(k, n);
            let first = n * 64.min(k);
            packer.push(&weights[..first]);
            packer.push(&weights[first..]);
            packer.finish()
        };
        assert_eq!(ThreadPool::install(Some(&pool(3)), pack), pack(), "{k} x {n}");
    }
}

#[test]
fn models_have_the_same_logits_on_any_number_of_threads() {
    let tokenizer = include_bytes!("golden/tokenizer.json");
    for model in [&include_bytes!("golden/model.int8.onnx")[..], include_bytes!("golden/model.fp32.onnx")] {
        let texts: Vec<String> = (1..20).map(|words| "the market rose again today ".repeat(words)).collect();
        let logits = |threads: usize| {
            let model = Model::builder().thread_pool(pool(threads)).load(model.to_vec()).unwrap();
            assert_eq!(model.threads(), threads);
            let tokenizer = bert8::text::TextTokenizer::from_bytes(tokenizer, "tokenizer.json").unwrap();
            let classifier = Classifier::new(model, tokenizer, None).unwrap();
            let answers = classifier.classify_batch(texts.iter().map(|text| (text.as_str(), "it rose"))).unwrap();
            answers.into_iter().flat_map(|answer| answer.logits).map(f32::to_bits).collect::<Vec<_>>()
        };
        let expected = logits(1);
        for threads in [2, 5] {
            assert_eq!(logits(threads), expected, "{threads} threads");
        }
    }
}
