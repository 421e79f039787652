//! INT8 files of other tools: refused, or dequantized if the caller wants that.

use super::{insert_before, int_attribute, new_node, node, tensor};
use crate::common::{golden, tiny_bert, tiny_config};
use bert8::activation::Activation;
use bert8::bert::{Bert, ImportOptions, emit_fp32, import_onnx};
use bert8::error::{Error, Result};
use bert8::onnx::{decode_model, encode_model, pb};
use pb::tensor_proto::DataType;

/// What onnxruntime's quantizers make of the golden FP32 model: see quantized/make.py. With each, the number of steps
/// between 0 and the largest weight of a tensor, and whether a step is for one output channel.
const FILES: [(&str, &[u8], f32); 5] = [
    ("dynamic-u8", include_bytes!("quantized/dynamic-u8.onnx"), 127.0),
    ("dynamic-s8-channels", include_bytes!("quantized/dynamic-s8-channels.onnx"), 63.0),
    ("qdq-s8", include_bytes!("quantized/qdq-s8.onnx"), 127.0),
    ("qdq-u8s8-channels", include_bytes!("quantized/qdq-u8s8-channels.onnx"), 127.0),
    ("qoperator-u8", include_bytes!("quantized/qoperator-u8.onnx"), 127.0),
];

/// The dynamic form with one scale per channel.
const DYNAMIC: &[u8] = FILES[1].1;
/// The QOperator form.
const QOPERATOR: &[u8] = FILES[4].1;

fn requantize(bytes: &[u8]) -> Result<Bert> {
    import_onnx(bytes, "int8.onnx", &ImportOptions { requantize: true, ..Default::default() })
}

/// Imports the model in `bytes` after `edit`.
fn edited(bytes: &[u8], edit: impl FnOnce(&mut pb::GraphProto)) -> Result<Bert> {
    let mut model = decode_model(bytes, "int8.onnx").unwrap();
    edit(model.graph.as_mut().unwrap());
    requantize(&encode_model(&model))
}

fn refusal(bytes: &[u8], edit: impl FnOnce(&mut pb::GraphProto)) -> String {
    edited(bytes, edit).expect_err("the edited file must be refused").to_string()
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

#[test]
fn every_weight_is_within_half_a_step_of_the_original() {
    let original = import_onnx(golden::FP32, "golden", &ImportOptions::default()).unwrap();
    for (name, bytes, steps) in FILES {
        let found = requantize(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (weight, shape) in original.config().tensor_shapes() {
            let (expected, found) = (original.weight(&weight), found.weight(&weight));
            let linear = shape.len() == 2 && !weight.contains("embeddings");
            // One output is one row.
            let part = if linear && name.contains("channels") { shape[1] } else { expected.len() };
            for (expected, found) in expected.chunks(part).zip(found.chunks(part)) {
                // The division and the product of FP32 round as well.
                let half = largest(expected) / steps * 0.5 * 1.0001;
                let worst = expected.iter().zip(found).fold(0f32, |worst, (a, b)| worst.max((a - b).abs()));
                assert!(worst <= half, "{name}: {weight} is off by {worst}, half a step is {half}");
            }
        }
        let (config, expected) = (found.config(), original.config());
        assert_eq!(
            (config.heads, config.layers, config.activation),
            (expected.heads, expected.layers, expected.activation)
        );
    }
}

#[test]
fn biases_of_the_dynamic_form_are_exact() {
    let original = import_onnx(golden::FP32, "golden", &ImportOptions::default()).unwrap();
    let found = requantize(DYNAMIC).unwrap();
    for (weight, _) in original.config().tensor_shapes() {
        if weight.ends_with("bias") || weight.contains("LayerNorm") {
            assert_eq!(original.weight(&weight), found.weight(&weight), "{weight}");
        }
    }
}

#[test]
fn without_the_parameter_the_refusal_names_it() {
    for (name, bytes, _) in FILES {
        let error = import_onnx(bytes, "int8.onnx", &ImportOptions::default()).unwrap_err();
        assert!(matches!(&error, Error::Quantized { file, .. } if file == "int8.onnx"), "{name}: {error}");
        let error = error.to_string();
        assert!(error.contains("set requantize to dequantize its weights, which does not bring back"), "{error}");
    }
}

#[test]
fn an_fp32_file_is_imported_as_it_is() {
    let original = import_onnx(golden::FP32, "golden", &ImportOptions::default()).unwrap();
    assert!(requantize(golden::FP32).unwrap() == original);
}

#[test]
fn the_files_of_bert8_are_refused() {
    for requantize in [false, true] {
        let options = ImportOptions { requantize, ..Default::default() };
        let error = import_onnx(golden::INT8, "own.onnx", &options).unwrap_err().to_string();
        assert!(error.contains("shows that the file is already quantized, by bert8; use the FP32 model"), "{error}");
    }
}

/// The nodes around one MatMulInteger, and the value that they make.
const QUERY: &str = "encoder.layer.0.attention.self.query.matmul";

/// Replaces the MatMulInteger of the first query by an operator of onnxruntime.
fn fused_query(graph: &mut pb::GraphProto, op: &str, inputs: &[&str]) {
    let last = format!("{QUERY}_quant_output_scale_mul");
    let domain = "com.microsoft".to_owned();
    *node(graph, &last) = pb::NodeProto { domain, ..new_node(op, inputs, QUERY) };
}

#[test]
fn onnxruntimes_products_are_read() {
    let expected = requantize(DYNAMIC).unwrap();
    let weight = "encoder.layer.0.attention.self.query.weight_t";
    let [quantized, scale, zero] = ["quantized", "scale", "zero_point"].map(|part| format!("{weight}_{part}"));
    let x = "embeddings.LayerNorm";
    let [x_quantized, x_scale, x_zero] = ["quantized", "scale", "zero_point"].map(|part| format!("{x}_{part}"));
    let found = edited(DYNAMIC, |graph| {
        fused_query(graph, "MatMulIntegerToFloat", &[&x_quantized, &quantized, &x_scale, &scale, &x_zero, &zero]);
    });
    assert!(found.unwrap() == expected);
    for bias in ["", "encoder.layer.0.attention.self.query.bias"] {
        let found = edited(DYNAMIC, |graph| {
            fused_query(graph, "DynamicQuantizeMatMul", &[x, &quantized, &scale, &zero, bias]);
            if !bias.is_empty() {
                // The bias is added already.
                *node(graph, "encoder.layer.0.attention.self.query") =
                    new_node("Identity", &[QUERY], "encoder.layer.0.attention.self.query");
            }
        });
        assert!(found.unwrap() == expected, "with the bias `{bias}`");
    }
}

/// Replaces the pooler's QLinearMatMul and QLinearAdd by a QGemm whose bias is all 1, and whose output is quantized unless
/// `float`.
fn pooler_gemm(graph: &mut pb::GraphProto, float: bool) {
    let bias = pb::TensorProto {
        name: "bias".to_owned(),
        data_type: DataType::Int32 as i32,
        dims: vec![24],
        int32_data: vec![1; 24],
        ..Default::default()
    };
    graph.initializer.push(bias);
    let mut inputs: Vec<String> = node(graph, "pooler.dense.matmul_quant").input[..6].to_vec();
    inputs.push("bias".to_owned());
    let add = node(graph, "pooler.dense_quant");
    if !float {
        inputs.extend(add.input[6..].to_vec());
    }
    let output = add.output.clone();
    *add = pb::NodeProto {
        op_type: "QGemm".to_owned(),
        domain: "com.microsoft".to_owned(),
        name: "gemm".to_owned(),
        input: inputs,
        output,
        ..Default::default()
    };
    if float {
        *node(graph, "pooler.dense_DequantizeLinear") =
            new_node("Identity", &["pooler.dense_quantized"], "pooler.dense");
    }
}

#[test]
fn a_qgemm_is_read() {
    let expected = requantize(QOPERATOR).unwrap();
    for float in [false, true] {
        let found = edited(QOPERATOR, |graph| pooler_gemm(graph, float)).unwrap();
        assert_eq!(found.weight("pooler.dense.weight"), expected.weight("pooler.dense.weight"));
        let bias = found.weight("pooler.dense.bias");
        assert!(bias[0] > 0.0 && bias.iter().all(|&b| b == bias[0]), "{bias:?}");
    }
    let alpha = refusal(QOPERATOR, |graph| {
        pooler_gemm(graph, true);
        let kind = pb::attribute_proto::AttributeType::Float as i32;
        let attribute = pb::AttributeProto { name: "alpha".to_owned(), f: 2.0, r#type: kind, ..Default::default() };
        node(graph, "gemm").attribute.push(attribute);
    });
    assert!(alpha.contains("node `gemm` (QGemm) has alpha 2, expected 1"), "{alpha}");
}

/// `bert` with each value in `values` quantized to u8 and dequantized again, with the zero point 0.
fn with_pairs(bert: &Bert, values: &[String], edit: impl FnOnce(&mut pb::GraphProto)) -> Result<Bert> {
    let mut model = emit_fp32(bert);
    model.metadata_props.clear();
    model.producer_name.clear();
    let graph = model.graph.as_mut().unwrap();
    let data_type = DataType::Uint8 as i32;
    graph.initializer.extend([
        super::f32s("step", &[], &[0.01]),
        pb::TensorProto { name: "zero".to_owned(), data_type, raw_data: vec![0], ..Default::default() },
    ]);
    edit(graph);
    for value in values {
        let at = graph.node.iter().position(|node| node.output.contains(value)).unwrap();
        let [whole, quantized] = ["whole", "quantized"].map(|part| format!("{value}.{part}"));
        graph.node[at].output[0] = whole.clone();
        let pair = [
            new_node("QuantizeLinear", &[&whole, "step", "zero"], &quantized),
            new_node("DequantizeLinear", &[&quantized, "step", "zero"], value),
        ];
        graph.node.splice(at + 1..at + 1, pair);
    }
    requantize(&encode_model(&model))
}

#[test]
fn a_relu_that_the_quantizer_left_out_returns() {
    let bert = tiny_bert(tiny_config(Activation::Relu, 2));
    let dense = |layer| format!("encoder.layer.{layer}.intermediate.dense");
    let values = [dense(0), dense(1)];
    let found = with_pairs(&bert, &values, |graph| {
        for layer in 0..2 {
            let activation = format!("encoder.layer.{layer}.intermediate.activation");
            *node(graph, &activation) = new_node("Identity", &[&dense(layer)], &activation);
        }
    })
    .unwrap();
    assert_eq!(found.config().activation, Activation::Relu);
    assert_eq!(found.weight("classifier.weight"), bert.weight("classifier.weight"));
    // Other values that are never negative need no ReLU, nor do logits.
    let values = ["encoder.layer.0.attention.self.softmax", "encoder.layer.1.intermediate.activation", "logits"];
    let values = values.map(str::to_owned);
    let found = with_pairs(&bert, &values, |_| {}).unwrap();
    assert_eq!(found.weight("classifier.weight"), bert.weight("classifier.weight"));
}

#[test]
fn constants_may_be_moved_before_they_are_dequantized() {
    let expected = requantize(DYNAMIC).unwrap();
    let weight = "encoder.layer.0.attention.self.query.weight_t_quantized";
    // One scale for all channels: that of the first.
    let one_scale = |graph: &mut pb::GraphProto| {
        for (part, size) in [("scale", 4), ("zero_point", 1)] {
            let tensor = tensor(graph, &weight.replace("quantized", part));
            tensor.dims.clear();
            tensor.float_data.truncate(1);
            tensor.int32_data.truncate(1);
            tensor.raw_data.truncate(size);
        }
    };
    let straight = edited(DYNAMIC, one_scale).unwrap();
    let moved = edited(DYNAMIC, |graph| {
        one_scale(graph);
        let mut transpose = new_node("Transpose", &["turned"], "turned.back");
        transpose.attribute.push(pb::AttributeProto {
            name: "perm".to_owned(),
            ints: vec![1, 0],
            r#type: pb::attribute_proto::AttributeType::Ints as i32,
            ..Default::default()
        });
        insert_before(graph, &format!("{QUERY}_quant"), weight, "turned.back", vec![transpose]);
        let tensor = tensor(graph, weight);
        let side = tensor.dims[0] as usize;
        let values = tensor.raw_data.clone();
        assert_eq!(values.len(), side * side);
        tensor.raw_data = (0..side * side).map(|at| values[at % side * side + at / side]).collect();
        tensor.name = "turned".to_owned();
    })
    .unwrap();
    assert!(moved == straight);
    assert!(moved != expected, "the channels have other scales");
    let channels = refusal(DYNAMIC, |graph| {
        let transpose = new_node("Identity", &[weight], "again");
        insert_before(
            graph,
            &format!("{QUERY}_quant"),
            weight,
            "same",
            vec![transpose, new_node("Transpose", &["again"], "same")],
        );
    });
    assert!(channels.contains("was reshaped since its channels were quantized"), "{channels}");
}

#[test]
fn scales_and_zero_points_that_do_not_fit_are_refused() {
    let scale = |name: &str| format!("encoder.layer.0.attention.self.query.weight_t_{name}");
    let short = refusal(DYNAMIC, |graph| {
        let tensor = tensor(graph, &scale("scale"));
        tensor.dims = vec![3];
        tensor.float_data.truncate(3);
        tensor.raw_data.truncate(12);
    });
    assert!(short.contains("weight_t_quantized` of shape [24, 24] has 3 scales"), "{short}");
    let square = refusal(DYNAMIC, |graph| tensor(graph, &scale("scale")).dims = vec![4, 6]);
    assert!(square.contains("weight_t_scale` has shape [4, 6], expected one number"), "{square}");
    let nan = refusal(DYNAMIC, |graph| {
        let tensor = tensor(graph, &scale("scale"));
        *tensor = super::f32s(&tensor.name.clone(), &[24], &[f32::NAN; 24]);
    });
    assert!(nan.contains("has the scale NaN"), "{nan}");
    let cut = refusal(DYNAMIC, |graph| tensor(graph, &scale("quantized")).raw_data.truncate(7));
    assert!(cut.contains("weight_t_quantized` holds less or more data"), "{cut}");
    let four = refusal(DYNAMIC, |graph| tensor(graph, &scale("quantized")).data_type = DataType::Int4 as i32);
    assert!(four.contains("has the element type int4, which no tensor of a BERT has"), "{four}");
    let float = refusal(DYNAMIC, |graph| {
        let tensor = tensor(graph, &scale("zero_point"));
        let len = tensor.dims.iter().product::<i64>() as usize;
        *tensor = super::f32s(&tensor.name.clone(), &[len as i64], &vec![0.0; len]);
    });
    assert!(float.contains("weight_t_zero_point` has element type float"), "{float}");
    let other = refusal(DYNAMIC, |graph| {
        node(graph, &format!("{QUERY}_quant")).input[2] = scale("zero_point");
    });
    assert!(other.contains("with another scale or zero point than it was quantized with"), "{other}");
    let unequal =
        refusal(QOPERATOR, |graph| node(graph, "pooler.dense.matmul_quant").input[1] = "classifier_scale".into());
    assert!(unequal.contains("with another scale or zero point than it was quantized with"), "{unequal}");
}

#[test]
fn other_uses_of_quantized_numbers_are_refused() {
    let x = "embeddings.LayerNorm";
    let cast = refusal(DYNAMIC, |graph| {
        let mut cast = new_node("Cast", &[&format!("{x}_quantized")], "numbers");
        cast.attribute.push(int_attribute("to", 1));
        insert_before(graph, "encoder.layer.0.attention.output.residual", x, "numbers", vec![cast]);
    });
    assert!(cast.contains("(Cast) computes with the quantized numbers `embeddings.LayerNorm_quantized`"), "{cast}");
    let scale = refusal(DYNAMIC, |graph| {
        insert_before(graph, "encoder.layer.0.attention.output.residual", x, &format!("{x}_scale"), vec![]);
    });
    assert!(scale.contains("(DynamicQuantizeLinear) is used in a way"), "{scale}");
    let unscaled = refusal(DYNAMIC, |graph| {
        let last = node(graph, &format!("{QUERY}_quant_output_scale_mul"));
        last.input[1] = "scores.scale".to_owned();
    });
    assert!(unscaled.contains("(MatMulInteger) is used in a way"), "{unscaled}");
    let unknown =
        refusal(QOPERATOR, |graph| node(graph, "pooler.dense_quant").op_type = "QLinearReduceMean".to_owned());
    assert!(unknown.contains("`pooler.dense_quant` (QLinearReduceMean) is a quantized operator"), "{unknown}");
    let domain = refusal(QOPERATOR, |graph| node(graph, "pooler.dense_quant").domain = "elsewhere".to_owned());
    assert!(domain.contains("`pooler.dense_quant` (QLinearAdd) is a quantized operator"), "{domain}");
    let attention = refusal(DYNAMIC, |graph| {
        fused_query(graph, "QAttention", &["embeddings.LayerNorm"]);
    });
    assert!(attention.contains("(QAttention) is a quantized operator that bert8 cannot turn into FP32"), "{attention}");
    let blocks = refusal(DYNAMIC, |graph| {
        let dequantize = node(graph, "embeddings.word_embeddings_DequantizeLinear");
        dequantize.attribute.push(int_attribute("block_size", 8));
    });
    assert!(blocks.contains("has a scale for each 8 values"), "{blocks}");
}

#[test]
fn one_tensor_is_not_dequantized_without_end() {
    let many = refusal(DYNAMIC, |graph| {
        graph.initializer.push(pb::TensorProto {
            name: "large".to_owned(),
            data_type: DataType::Int8 as i32,
            dims: vec![1 << 16],
            raw_data: vec![1; 1 << 16],
            ..Default::default()
        });
        let mut at = "embeddings.LayerNorm".to_owned();
        for count in 0..40 {
            let [scale, real, sum] = ["scale", "real", "sum"].map(|part| format!("many.{count}.{part}"));
            graph.initializer.push(super::f32s(&scale, &[], &[1.0]));
            let nodes =
                vec![new_node("DequantizeLinear", &["large", &scale], &real), new_node("Add", &[&at, &real], &sum)];
            insert_before(graph, "encoder.layer.0.attention.output.residual", &at, &sum, nodes);
            at = sum;
        }
    });
    assert!(many.contains("is dequantized too many times"), "{many}");
}

#[test]
fn hostile_graphs_give_errors() {
    for bytes in [DYNAMIC, QOPERATOR, FILES[3].1] {
        let model = decode_model(bytes, "int8.onnx").unwrap();
        let nodes = &model.graph.as_ref().unwrap().node;
        let quantized = |op: &str| op.contains("Quantize") || op.contains("Integer") || op.contains("QLinear");
        // The first of each operator loses inputs or outputs, or reads something else.
        let mut seen = Vec::new();
        for (at, node) in nodes.iter().enumerate().filter(|(_, node)| quantized(&node.op_type)) {
            if seen.contains(&&node.op_type) {
                continue;
            }
            seen.push(&node.op_type);
            for part in 0..node.input.len() + 3 {
                let result = edited(bytes, |graph| match part {
                    0 => graph.node[at].input.clear(),
                    1 => graph.node[at].output.clear(),
                    2 => graph.node[at].input.truncate(1),
                    _ => graph.node[at].input[part - 3] = "attention_mask".to_owned(),
                });
                if let Err(error) = result {
                    assert!(error.to_string().contains("int8.onnx"), "{error}");
                }
            }
        }
    }
}
