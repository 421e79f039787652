//! The output of `bert8 inspect`.

use crate::common::fixed_scales::with_fixed_scales;
use crate::sandbox::Sandbox;
use crate::tiny;
use bert8::onnx::encode_model;
use serde_json::json;

#[test]
fn inspect_describes_folders_and_files() {
    let sandbox = Sandbox::new();
    let folder = sandbox.json("inspect model --json");
    let parameters: usize =
        tiny::bert().config().tensor_shapes().iter().map(|(_, s)| s.iter().product::<usize>()).sum();
    assert_eq!((&folder["parameters"], &folder["config"]["vocab_size"]), (&json!(parameters), &json!(70)));
    assert_eq!(folder["config"]["labels"], json!(["class 0", "class 1"]));
    let fp32 = sandbox.json("inspect fp32.onnx --json");
    assert_eq!((&fp32["precision"], &fp32["kernel"]), (&json!("fp32"), &json!("tract")));
    assert_eq!(fp32["bytes"], json!(tiny::fp32().len()));
    let int8 = sandbox.json("inspect int8.onnx --json");
    let fused = json!({
        "layers": 2, "integer_layers": 2, "operators": 11, "float_products": 0, "left": 0, "reason": null
    });
    assert_eq!((&int8["precision"], &int8["fused"]), (&json!("int8"), &fused));
    sandbox.ok("quantize model --calibration pairs.tsv --format qdq -o qdq.onnx");
    let qdq = sandbox.json("inspect qdq.onnx --json");
    assert_eq!((&qdq["precision"], &qdq["kernel"]), (&json!("int8"), &json!("unfused")));
    for file in [&fp32, &int8, &qdq] {
        let sizes = ["layers", "hidden", "vocab_size", "max_positions"].map(|name| &file[name]);
        assert_eq!(sizes, [2, 16, 70, 64]);
        assert_eq!(file["operators"]["Softmax"], 2);
    }
    for (name, words) in [
        ("model", "M parameters"),
        ("fp32.onnx", "runs on tract"),
        ("int8.onnx", "2 layers in 11 operators"),
        ("qdq.onnx", "not fused: its products are FP32 between QuantizeLinear and DequantizeLinear"),
    ] {
        let run = sandbox.ok(&format!("inspect {name}"));
        assert!(run.stdout.contains(words) && run.stdout.contains("labels class 0, class 1"), "{run}");
    }
}

#[test]
fn inspect_counts_the_fp32_products_of_an_int8_file() {
    let sandbox = Sandbox::new();
    let mixed = with_fixed_scales(&tiny::bert(), false, |name| name == "encoder.layer.1.output.dense");
    sandbox.write("mixed.onnx", encode_model(&mixed));
    let text = sandbox.ok("inspect mixed.onnx").stdout;
    assert!(text.contains("fused: 2 layers in 12 operators; 1 all INT8, 1 matrix product in FP32\n"), "{text}");
    let fused = &sandbox.json("inspect mixed.onnx --json")["fused"];
    assert_eq!((&fused["integer_layers"], &fused["float_products"]), (&json!(1), &json!(1)));
}
