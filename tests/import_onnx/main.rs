//! The ONNX importer: files of real exporters, files that this crate writes, and files that it must refuse.

#![cfg(feature = "cli")]

#[path = "../common/mod.rs"]
mod common;
mod external;
mod families;
mod requantize;
mod variants;

use bert8::activation::Activation;
use bert8::bert::{Bert, BertConfig, ImportOptions, emit_fp32, import_folder, import_onnx};
use bert8::engine::{Engine, TokenInputs};
use bert8::error::Error;
use bert8::onnx::{encode_model, pb};
use common::{tiny_bert, tiny_config};
use serde_json::Value;

/// `bert` as another exporter would write it: without our metadata.
fn foreign(bert: &Bert) -> pb::ModelProto {
    let mut model = emit_fp32(bert);
    model.metadata_props.clear();
    model
}

/// Imports a model that `edit` has changed.
fn import_edited(bert: &Bert, options: &ImportOptions, edit: impl FnOnce(&mut pb::GraphProto)) -> Result<Bert, Error> {
    let mut model = foreign(bert);
    edit(model.graph.as_mut().unwrap());
    import_onnx(&encode_model(&model), "edited.onnx", options)
}

fn refusal(edit: impl FnOnce(&mut pb::GraphProto)) -> String {
    let bert = tiny_bert(tiny_config(Activation::Gelu, 2));
    import_edited(&bert, &ImportOptions::default(), edit).expect_err("the edited graph is no BERT").to_string()
}

/// Checks that an edit which keeps the meaning of the graph leads to the same model.
fn same(edit: impl FnOnce(&mut pb::GraphProto)) {
    let bert = tiny_bert(tiny_config(Activation::Gelu, 2));
    let options = ImportOptions { labels: Some(bert.config().labels.clone()), ..Default::default() };
    let imported = import_edited(&bert, &options, edit).unwrap();
    assert!(imported == bert, "the imported model differs: {:?}", imported.config());
}

fn node<'g>(graph: &'g mut pb::GraphProto, name: &str) -> &'g mut pb::NodeProto {
    graph.node.iter_mut().find(|n| n.name == name).unwrap_or_else(|| panic!("no node {name}"))
}

fn tensor<'g>(graph: &'g mut pb::GraphProto, name: &str) -> &'g mut pb::TensorProto {
    graph.initializer.iter_mut().find(|t| t.name == name).unwrap_or_else(|| panic!("no initializer {name}"))
}

fn new_node(op: &str, inputs: &[&str], output: &str) -> pb::NodeProto {
    pb::NodeProto {
        op_type: op.to_owned(),
        input: inputs.iter().map(|&i| i.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..Default::default()
    }
}

fn int_attribute(name: &str, value: i64) -> pb::AttributeProto {
    let kind = pb::attribute_proto::AttributeType::Int as i32;
    pb::AttributeProto { name: name.to_owned(), i: value, r#type: kind, ..Default::default() }
}

fn i64s(name: &str, dims: &[i64], values: &[i64]) -> pb::TensorProto {
    let data_type = pb::tensor_proto::DataType::Int64 as i32;
    let (dims, int64_data) = (dims.to_vec(), values.to_vec());
    pb::TensorProto { name: name.to_owned(), data_type, dims, int64_data, ..Default::default() }
}

fn f32s(name: &str, dims: &[i64], values: &[f32]) -> pb::TensorProto {
    let data_type = pb::tensor_proto::DataType::Float as i32;
    let (dims, float_data) = (dims.to_vec(), values.to_vec());
    pb::TensorProto { name: name.to_owned(), data_type, dims, float_data, ..Default::default() }
}

/// Inserts `nodes` before the node `reader`, which then reads `replacement` instead of `value`.
fn insert_before(graph: &mut pb::GraphProto, reader: &str, value: &str, replacement: &str, nodes: Vec<pb::NodeProto>) {
    let at = graph.node.iter().position(|n| n.name == reader).unwrap();
    for input in graph.node[at].input.iter_mut().filter(|i| *i == value) {
        *input = replacement.to_owned();
    }
    graph.node.splice(at..at, nodes);
}

#[test]
fn what_is_written_can_be_read() {
    for (activation, labels) in [(Activation::Gelu, 2), (Activation::GeluTanh, 1), (Activation::Relu, 3)] {
        let bert = tiny_bert(tiny_config(activation, labels));
        let bytes = encode_model(&emit_fp32(&bert));
        let imported = import_onnx(&bytes, "tiny.onnx", &ImportOptions::default()).unwrap();
        assert!(imported == bert, "{activation:?} with {labels} labels");
    }
}

#[test]
fn a_file_without_metadata_tells_everything_but_the_labels() {
    let bert = tiny_bert(tiny_config(Activation::GeluTanh, 3));
    let imported = import_edited(&bert, &ImportOptions::default(), |_| {}).unwrap();
    assert_eq!(imported.config().labels, ["LABEL_0", "LABEL_1", "LABEL_2"]);
    assert_eq!(imported.config().heads, 4);
    let labels = Some(vec!["one".to_owned()]);
    let error = import_edited(&bert, &ImportOptions { labels, ..Default::default() }, |_| {}).unwrap_err();
    assert!(error.to_string().contains("1 class names were given, but the classifier in edited.onnx has 3"));
}

#[test]
fn names_do_not_matter() {
    same(|graph| {
        let rename = |name: &mut String| {
            if !name.is_empty() && !["input_ids", "token_type_ids", "attention_mask", "logits"].contains(&name.as_str())
            {
                *name = format!("v{}", name.bytes().fold(7u64, |hash, b| hash.wrapping_mul(31).wrapping_add(b.into())));
            }
        };
        graph.initializer.iter_mut().for_each(|t| rename(&mut t.name));
        for node in &mut graph.node {
            node.name.clear();
            node.input.iter_mut().chain(&mut node.output).for_each(rename);
        }
    });
    same(|graph| {
        let rename = |name: &mut String| {
            if ["input_ids", "token_type_ids", "attention_mask"].contains(&name.as_str()) {
                name.push_str(":0");
            }
        };
        graph.input.iter_mut().for_each(|i| rename(&mut i.name));
        graph.node.iter_mut().flat_map(|n| &mut n.input).for_each(rename);
    });
}

#[test]
fn weights_are_found_behind_other_operators() {
    // The query's matrix as [out, in] with a Transpose, and its bias through an Identity as the first operand.
    same(|graph| {
        let layer = "encoder.layer.0.attention.self.query";
        let weight = tensor(graph, &format!("{layer}.weight_t"));
        let values: Vec<f32> = weight.raw_data.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let turned: Vec<f32> = (0..16).flat_map(|c| (0..16).map(move |r| r * 16 + c)).map(|at| values[at]).collect();
        weight.raw_data = turned.iter().flat_map(|v| v.to_le_bytes()).collect();
        let nodes = vec![
            new_node("Identity", &[&format!("{layer}.weight_t")], "w1"),
            new_node("Transpose", &["w1"], "w2"),
            new_node("Identity", &[&format!("{layer}.bias")], "b1"),
        ];
        insert_before(graph, &format!("{layer}.matmul"), &format!("{layer}.weight_t"), "w2", nodes);
        node(graph, layer).input = vec!["b1".to_owned(), format!("{layer}.matmul")];
    });
    // The pooler as Gemm.
    same(|graph| {
        node(graph, "pooler.cls").input[1] = "cls.scalar".to_owned();
        graph.initializer.push(i64s("cls.scalar", &[], &[0]));
        let at = graph.node.iter().position(|n| n.name == "pooler.dense.matmul").unwrap();
        graph.node.remove(at);
        let inputs = ["pooler.cls", "pooler.dense.weight_t", "pooler.dense.bias"];
        *node(graph, "pooler.dense") = new_node("Gemm", &inputs, "pooler.dense");
    });
}

#[test]
fn the_first_token_may_be_sliced_off() {
    same(|graph| {
        graph.initializer.extend([i64s("from", &[1], &[0]), i64s("to", &[1], &[1]), i64s("axis1", &[1], &[1])]);
        *node(graph, "pooler.cls") =
            new_node("Slice", &["encoder.layer.1.output.LayerNorm", "from", "to", "axis1"], "sliced");
        insert_before(
            graph,
            "pooler.dense.matmul",
            "pooler.cls",
            "pooler.cls",
            vec![new_node("Squeeze", &["sliced", "axis1"], "pooler.cls")],
        );
    });
}

#[test]
fn gelu_may_be_one_operator() {
    for (approximate, activation) in [("none", Activation::Gelu), ("tanh", Activation::GeluTanh)] {
        let bert = tiny_bert(tiny_config(activation, 2));
        let mut model = emit_fp32(&bert);
        model.opset_import[0].version = 20;
        for layer in 0..2 {
            let at = format!("encoder.layer.{layer}.intermediate");
            let mut gelu = new_node("Gelu", &[&format!("{at}.dense")], &format!("{at}.activation"));
            let kind = pb::attribute_proto::AttributeType::String as i32;
            gelu.attribute.push(pb::AttributeProto {
                name: "approximate".to_owned(),
                s: approximate.as_bytes().to_vec(),
                r#type: kind,
                ..Default::default()
            });
            *node(model.graph.as_mut().unwrap(), &format!("{at}.activation")) = gelu;
        }
        let imported = import_onnx(&encode_model(&model), "gelu.onnx", &ImportOptions::default()).unwrap();
        assert!(imported == bert);
    }
}

#[test]
fn fixed_shapes_and_folded_positions_are_read() {
    let bert = tiny_bert(tiny_config(Activation::Gelu, 2));
    let imported = import_edited(&bert, &ImportOptions::default(), |graph| {
        for input in &mut graph.input {
            let Some(pb::type_proto::Value::TensorType(tensor)) = input.r#type.as_mut().unwrap().value.as_mut() else {
                panic!("inputs are tensors");
            };
            for (dim, size) in tensor.shape.as_mut().unwrap().dim.iter_mut().zip([1, 12]) {
                dim.value = Some(pb::tensor_shape_proto::dimension::Value::DimValue(size));
            }
        }
        let table = bert.weight("embeddings.position_embeddings.weight");
        graph.initializer.push(f32s("positions.folded", &[1, 12, 16], &table[..12 * 16]));
        node(graph, "embeddings.sum").input[1] = "positions.folded".to_owned();
    })
    .unwrap();
    assert_eq!(imported.config().max_positions, 12);
    assert_eq!(imported.weight("classifier.weight"), bert.weight("classifier.weight"));
}

#[test]
fn a_graph_without_token_types_is_read() {
    let bert = tiny_bert(tiny_config(Activation::Gelu, 2));
    let imported = import_edited(&bert, &ImportOptions::default(), |graph| {
        graph.input.retain(|i| i.name != "token_type_ids");
        graph.initializer.push(i64s("all.zero", &[1, 1], &[0]));
        node(graph, "embeddings.token_type_embeddings").input[1] = "all.zero".to_owned();
    })
    .unwrap();
    // All tokens have the first type, which is added to every position.
    let [positions, types] = ["position", "token_type"].map(|table| format!("embeddings.{table}_embeddings.weight"));
    let hidden = bert.config().hidden;
    let first = bert.weight(&types)[..hidden].iter().cycle();
    let sums: Vec<f32> = bert.weight(&positions).iter().zip(first).map(|(position, kind)| position + kind).collect();
    assert_eq!(imported.config().type_vocab, 0);
    assert_eq!(imported.weight(&positions), sums);
    let imported = import_edited(&bert, &ImportOptions::default(), |graph| {
        graph.input.retain(|i| i.name != "token_type_ids");
        node(graph, "embeddings.sum").input[0] = "embeddings.word_embeddings".to_owned();
    })
    .unwrap();
    assert_eq!(imported.config().type_vocab, 0);
    assert_eq!(imported.weight(&positions), bert.weight(&positions));
}

/// Hides the number of heads: computes shapes and scale from sizes that are not constants.
fn hide_heads(graph: &mut pb::GraphProto) {
    graph.initializer.extend([
        i64s("hidden.four", &[4], &[0, 0, -4, -4]),
        i64s("last", &[1], &[-1]),
        f32s("hidden.one", &[], &[1.0]),
    ]);
    let shape = vec![new_node("Neg", &["hidden.four"], "hidden.shape4")];
    graph.node.splice(0..0, shape);
    for node in &mut graph.node {
        node.input.iter_mut().filter(|i| *i == "heads.shape").for_each(|i| *i = "hidden.shape4".to_owned());
    }
    let mut cast = new_node("Cast", &["size.1"], "size.2");
    cast.attribute.push(int_attribute("to", 1));
    let first = "encoder.layer.0.attention.self.query.heads";
    let scale = vec![
        new_node("Shape", &[first], "size.0"),
        new_node("Gather", &["size.0", "last"], "size.1"),
        cast,
        new_node("Sqrt", &["size.2"], "size.3"),
        new_node("Div", &["hidden.one", "size.3"], "size.4"),
    ];
    insert_before(graph, "encoder.layer.0.attention.self.scores", "scores.scale", "size.4", scale);
    node(graph, "encoder.layer.1.attention.self.scores").input[1] = "size.4".to_owned();
}

#[test]
fn heads_that_the_graph_hides_must_be_given() {
    let bert = tiny_bert(tiny_config(Activation::Gelu, 2));
    let import = |heads, edit: &dyn Fn(&mut pb::GraphProto)| {
        import_edited(&bert, &ImportOptions { heads, ..Default::default() }, edit)
    };
    assert!(import(None, &hide_heads).unwrap_err().to_string().contains("set the number of heads"));
    assert_eq!(import(Some(4), &hide_heads).unwrap().config().heads, 4);
    assert!(import(Some(2), &hide_heads).unwrap_err().to_string().contains("logits differ by up to"));
    assert!(import(Some(3), &hide_heads).unwrap_err().to_string().contains("do not divide the hidden size 16"));
    assert!(import(Some(8), &|_| {}).unwrap_err().to_string().contains("into 4 heads"));
}

#[test]
fn what_is_no_onnx_is_refused() {
    let import = |bytes: &[u8]| import_onnx(bytes, "f.onnx", &ImportOptions::default()).unwrap_err().to_string();
    assert!(import(b"").starts_with("f.onnx: is empty"));
    assert!(import(b"not a model, just some text").starts_with("f.onnx: "));
    let bytes = encode_model(&emit_fp32(&tiny_bert(tiny_config(Activation::Relu, 2))));
    for cut in [1, 10, 100, bytes.len() / 2, bytes.len() - 1] {
        assert!(import(&bytes[..cut]).starts_with("f.onnx: "), "cut at {cut}");
    }
}

#[test]
fn damaged_weights_are_refused_by_name() {
    let dense = "encoder.layer.1.intermediate.dense";
    let weight = format!("{dense}.weight_t");
    let wrong = refusal(|graph| tensor(graph, &weight).dims = vec![24, 16]);
    assert!(
        wrong.contains("encoder.layer.1.intermediate.dense.weight` has shape [16, 24], expected [24, 16]"),
        "{wrong}"
    );
    let short = refusal(|graph| tensor(graph, &weight).raw_data.truncate(100));
    assert!(short.contains(&weight) && short.contains("less or more data"), "{short}");
    let nan = refusal(|graph| tensor(graph, &weight).raw_data[..4].copy_from_slice(&f32::NAN.to_le_bytes()));
    assert!(nan.contains("encoder.layer.1.intermediate.dense.weight` holds NaN"), "{nan}");
    let flat = refusal(|graph| tensor(graph, &weight).dims = vec![384]);
    assert!(flat.contains("expected a matrix"), "{flat}");
    let negative = refusal(|graph| tensor(graph, &weight).dims = vec![-16, -24]);
    assert!(negative.contains("impossible shape"), "{negative}");
    let integers = refusal(|graph| tensor(graph, &weight).data_type = pb::tensor_proto::DataType::Int32 as i32);
    assert!(integers.contains("expected a float type"), "{integers}");
}

#[test]
fn other_structures_are_refused_by_node() {
    let headless = refusal(|graph| node(graph, "logits").input[0] = "pooler.activation".to_owned());
    assert!(headless.contains("node `pooler.activation` (Tanh) stands where the classifier"), "{headless}");
    let residual = refusal(|graph| node(graph, "encoder.layer.0.output.residual").op_type = "Sub".to_owned());
    assert!(residual.contains("node `encoder.layer.0.output.residual` (Sub)"), "{residual}");
    let norm = refusal(|graph| node(graph, "encoder.layer.1.output.LayerNorm").op_type = "Identity".to_owned());
    assert!(norm.contains("layer normalization"), "{norm}");
    let softmax = refusal(|graph| node(graph, "encoder.layer.0.attention.self.softmax").op_type = "Relu".to_owned());
    assert!(softmax.contains("node `encoder.layer.0.attention.self.softmax` (Relu)"), "{softmax}");
    let activation =
        refusal(|graph| node(graph, "encoder.layer.0.intermediate.activation.erf").op_type = "Tanh".to_owned());
    assert!(activation.contains("stands where an activation"), "{activation}");
    let last = refusal(|graph| {
        graph.initializer.iter_mut().filter(|t| t.name == "cls_position").for_each(|t| t.raw_data[0] = 1)
    });
    assert!(last.contains("node `pooler.cls` (Gather) does not choose the first token"), "{last}");
    let foreign = refusal(|graph| node(graph, "pooler.activation").op_type = "Conv".to_owned());
    assert!(foreign.contains("(Conv) is nothing a BERT"), "{foreign}");
    let quantized = refusal(|graph| node(graph, "pooler.dense.matmul").op_type = "MatMulInteger".to_owned());
    assert!(quantized.contains("already quantized"), "{quantized}");
    let scale = refusal(|graph| *tensor(graph, "scores.scale") = f32s("scores.scale", &[], &[0.3]));
    assert!(scale.contains("scaled by 0.3"), "{scale}");
}

#[test]
fn what_only_running_shows_is_refused() {
    let upside_down = refusal(|graph| node(graph, "mask.inverse").input.reverse());
    assert!(upside_down.contains("logits differ by up to"), "{upside_down}");
    let shifted = refusal(|graph| tensor(graph, "position.start").raw_data[0] = 1);
    assert!(shifted.contains("edited.onnx"), "{shifted}");
    let skewed = refusal(|graph| {
        graph.initializer.push(f32s("skew", &[], &[1.5]));
        let skew = new_node("Mul", &["mask.float", "skew"], "skewed");
        insert_before(graph, "mask.wide", "mask.float", "skewed", vec![skew]);
    });
    assert!(skewed.contains("logits differ by up to"), "{skewed}");
}

#[test]
fn hostile_graphs_give_errors() {
    let cyclic = refusal(|graph| node(graph, "pooler.cls").input[0] = "logits".to_owned());
    assert!(cyclic.contains("node `pooler.cls` (Gather) reads `logits`, which no earlier node makes"), "{cyclic}");
    // Each node in turn loses inputs or outputs, or becomes another operator.
    let bert = tiny_bert(BertConfig { layers: 1, ..tiny_config(Activation::Relu, 2) });
    let nodes = emit_fp32(&bert).graph.unwrap().node;
    for (at, node) in nodes.iter().enumerate() {
        for part in 0..4 {
            if (part == 2 && node.input.len() < 2) || (part == 3 && node.op_type == "Add") {
                continue;
            }
            let result = import_edited(&bert, &ImportOptions::default(), |graph| match part {
                0 => graph.node[at].input.clear(),
                1 => graph.node[at].output.clear(),
                2 => graph.node[at].input.truncate(1),
                _ => graph.node[at].op_type = "Add".to_owned(),
            });
            if let Err(error) = result {
                assert!(error.to_string().contains("edited.onnx"), "{error}");
            }
        }
    }
    let skewed = refusal(|graph| node(graph, "encoder.layer.0.attention.self.context.split").attribute[0].ints[1] = 1);
    assert!(skewed.contains("no permutation"), "{skewed}");
    let enormous = refusal(|graph| {
        graph.initializer.push(i64s("enormous", &[2], &[1 << 40, 1 << 40]));
        let expand = new_node("Expand", &["mask.float", "enormous"], "mask.expanded");
        insert_before(graph, "mask.wide", "mask.float", "mask.expanded", vec![expand]);
    });
    assert!(enormous.contains("far more than any BERT"), "{enormous}");
}

fn rows(case: &Value, name: &str) -> Vec<i64> {
    let rows = case[name].as_array().unwrap().iter();
    rows.flat_map(|row| row.as_array().unwrap()).map(|v| v.as_i64().unwrap()).collect()
}

#[test]
fn real_exports_give_the_weights_and_logits_of_their_source() {
    let Some(folder) = common::shared("exports") else { return };
    let source = import_folder(&folder.join("hf")).unwrap();
    for name in ["torchscript-eager-opset17", "torchscript-sdpa-opset14", "dynamo-sdpa-opset18", "hf"] {
        let bert = match name {
            "hf" => source.clone(),
            _ => {
                let bytes = std::fs::read(folder.join(format!("{name}.onnx"))).unwrap();
                import_onnx(&bytes, name, &ImportOptions::default()).unwrap()
            }
        };
        assert_eq!(bert.config(), source.config(), "{name}");
        assert!(bert == source, "{name}: other weights");
        let engine = Engine::for_any_shape(&emit_fp32(&bert), name).unwrap();
        let expected = std::fs::read(folder.join(format!("{name}.expected.json"))).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        for case in expected["cases"].as_array().unwrap() {
            let [ids, mask, types] = ["input_ids", "attention_mask", "token_type_ids"].map(|part| rows(case, part));
            let logits: Vec<f64> = case["logits"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|row| row.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()))
                .collect();
            let batch = case["logits"].as_array().unwrap().len();
            let found = engine.run(&TokenInputs { batch, ids: &ids, mask: &mask, types: &types }).unwrap();
            assert_eq!(found[0].len(), logits.len());
            for (found, expected) in found[0].iter().zip(&logits) {
                assert!((f64::from(*found) - expected).abs() < 1e-4, "{name}: {found} for {expected}");
            }
        }
    }
}
