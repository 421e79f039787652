//! In a browser: tract uses our micro-kernel for FP32 matrix products, and every operation that it fuses is right.

#![cfg(target_arch = "wasm32")]

use bert8::ops::{TRACT_PRODUCT, register_tract_product};
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::math;
use tract_onnx::tract_core::ops::matmul::optimized::OptMatMul;
use tract_onnx::tract_hir::internal::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const K: usize = 19;

fn values(seed: usize, len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7 + seed * 13) as f32 * 0.37).sin()).collect()
}

fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::from_shape(shape, values).unwrap()
}

/// The operation after a product, as a tract operator and as a function, and the shape of its other operand.
type After = (fn() -> TypedBinOp, fn(f32, f32) -> f32, [usize; 2]);

/// Has tract multiply `rows` rows with a constant matrix of `n` columns and apply `after`, with the product as its left
/// or right operand. `told` says whether tract knows the number of rows beforehand. Returns the result and whether
/// tract fused the operation. Fails unless the product runs on our micro-kernel.
fn on_tract(rows: usize, told: bool, n: usize, after: &After, left: bool) -> TractResult<(Vec<f32>, bool)> {
    let mut model = TypedModel::default();
    let m = if told { rows.to_dim() } else { model.symbols.sym("m").to_dim() };
    let a = model.add_source("a", f32::fact([m, K.to_dim()]))?;
    let w = model.add_const("w", tensor(&[K, n], &values(2, K * n)))?;
    let product = model.wire_node("product", EinSum::new("mk,kn->mn".parse()?, f32::datum_type()), &[a, w])?[0];
    let other = match after.2 {
        [1, _] => model.add_const("other", tensor(&after.2, &values(3, after.2[1])))?,
        shape => model.add_source("other", f32::fact(shape))?,
    };
    let inputs = if left { [product, other] } else { [other, product] };
    let out = model.wire_node("after", after.0(), &inputs)?;
    model.select_output_outlets(&out)?;
    let sources = model.input_outlets()?.len();
    let model = model.into_optimized()?;
    let op = model.nodes.iter().find_map(|node| node.op_as::<OptMatMul>()).context("no product")?;
    ensure!(op.mmm.iter().all(|kernel| kernel.name() == TRACT_PRODUCT), "runs on {:?}", op.mmm);
    let fused = op.micro_ops.len() == 3;
    let a = tensor(&[rows, K], &values(1, rows * K)).into_tvalue();
    let other = tensor(&after.2, &values(3, after.2[0] * after.2[1])).into_tvalue();
    let out = model.into_runnable()?.run([a, other].into_iter().take(sources).collect())?;
    Ok((out[0].try_as_plain_ram()?.as_slice::<f32>()?.to_vec(), fused))
}

fn plain(rows: usize, n: usize, after: &After, left: bool) -> Vec<f32> {
    let (a, w) = (values(1, rows * K), values(2, K * n));
    let [other_rows, other_columns] = after.2;
    let other = values(3, other_rows * other_columns);
    let mut out = Vec::new();
    for row in 0..rows {
        for column in 0..n {
            let sum = (0..K).map(|k| f64::from(a[row * K + k]) * f64::from(w[k * n + column])).sum::<f64>() as f32;
            let y = other[row % other_rows * other_columns + column % other_columns];
            out.push(if left { after.1(sum, y) } else { after.1(y, sum) });
        }
    }
    out
}

#[wasm_bindgen_test]
fn every_fused_step_comes_out_right_on_our_kernel() {
    register_tract_product();
    let operations: [(fn() -> TypedBinOp, fn(f32, f32) -> f32); 5] = [
        (math::add, |x, y| x + y),
        (math::sub, |x, y| x - y),
        (math::mul, |x, y| x * y),
        (math::min, f32::min),
        (math::max, f32::max),
    ];
    let mut fused_sums = 0;
    for (rows, n) in [(8, 4), (3, 8), (9, 17), (16, 24), (5, 2)] {
        for (op, exact) in operations {
            let sums = exact(1.0, 1.0) == 2.0;
            for shape in [[1, 1], [1, n], [rows, 1], [rows, n]] {
                for left in [true, false] {
                    let after = (op, exact, shape);
                    let (got, fused) = on_tract(rows, true, n, &after, left).unwrap();
                    check(&got, &plain(rows, n, &after, left), &format!("{rows} x {n}, {shape:?}, {left}"));
                    // tract only fuses whole matrices in sums, and not always.
                    assert!(fused || shape == [rows, n], "{shape:?} is not fused");
                    fused_sums += u32::from(fused && sums && shape == [rows, n]);
                }
            }
        }
    }
    assert!(fused_sums > 0);
}

#[wasm_bindgen_test]
fn any_number_of_rows_runs_on_our_kernel() {
    register_tract_product();
    for rows in [1, 2, 5, 8, 11] {
        let after: After = (math::add, |x, y| x + y, [1, 24]);
        let (got, _) = on_tract(rows, false, 24, &after, true).unwrap();
        check(&got, &plain(rows, 24, &after, true), &format!("{rows} rows"));
    }
}

fn check(got: &[f32], exact: &[f32], case: &str) {
    assert_eq!(got.len(), exact.len(), "{case}");
    for (got, exact) in got.iter().zip(exact) {
        assert!((got - exact).abs() < 1e-5, "{case}: {got}, expected {exact}");
    }
}
