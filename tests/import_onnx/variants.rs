//! The same model as other exporters and converters write it.

use crate::common::{tiny_bert, tiny_config};
use crate::{foreign, i64s, import_edited, insert_before, int_attribute, new_node, node, refusal, tensor};
use bert8::activation::Activation;
use bert8::bert::{Bert, ImportOptions, import_onnx};
use bert8::error::Error;
use bert8::onnx::{encode_model, pb, tensor_f32};
use half::{bf16, f16};
use pb::attribute_proto::AttributeType;
use pb::tensor_proto::DataType;

/// Imports `model` with the class names of `bert`.
fn import(model: &pb::ModelProto, bert: &Bert) -> Result<Bert, Error> {
    let options = ImportOptions { labels: Some(bert.config().labels.clone()), ..Default::default() };
    import_onnx(&encode_model(model), "variant.onnx", &options)
}

fn bert() -> Bert {
    tiny_bert(tiny_config(Activation::Gelu, 2))
}

/// `node` with its axes as an attribute (Unsqueeze before opset 13, ReduceMean before 18), or as an input.
pub fn with_axes(graph: &mut pb::GraphProto, mut node: pb::NodeProto, axes: &[i64], as_input: bool) -> pb::NodeProto {
    if as_input {
        let name = format!("{}.axes", node.output[0]);
        graph.initializer.push(i64s(&name, &[axes.len() as i64], axes));
        node.input.push(name);
    } else {
        let kind = AttributeType::Ints as i32;
        let ints = axes.to_vec();
        node.attribute.push(pb::AttributeProto { name: "axes".to_owned(), ints, r#type: kind, ..Default::default() });
    }
    node
}

/// Replaces every LayerNormalization by smaller operators.
pub fn decompose_norms(graph: &mut pb::GraphProto, opset: i64, power: bool, reciprocal: bool) {
    graph.initializer.push(crate::f32s("norm.two", &[], &[2.0]));
    graph.initializer.push(crate::f32s("norm.epsilon", &[], &[1e-5]));
    for norm in std::mem::take(&mut graph.node) {
        if norm.op_type != "LayerNormalization" {
            graph.node.push(norm);
            continue;
        }
        let [x, gamma, beta] = &norm.input[..] else { panic!("{norm:?} has three inputs") };
        let at = |part: &str| format!("{}.{part}", norm.output[0]);
        let mean = with_axes(graph, new_node("ReduceMean", &[x], &at("mean")), &[-1], opset >= 18);
        let square = match power {
            true => new_node("Pow", &[&at("centred"), "norm.two"], &at("square")),
            false => new_node("Mul", &[&at("centred"), &at("centred")], &at("square")),
        };
        let variance = with_axes(graph, new_node("ReduceMean", &[&at("square")], &at("variance")), &[-1], opset >= 18);
        let mut nodes = vec![
            mean,
            new_node("Sub", &[x, &at("mean")], &at("centred")),
            square,
            variance,
            new_node("Add", &[&at("variance"), "norm.epsilon"], &at("shifted")),
            new_node("Sqrt", &[&at("shifted")], &at("deviation")),
        ];
        if reciprocal {
            nodes.push(new_node("Reciprocal", &[&at("deviation")], &at("inverse")));
            nodes.push(new_node("Mul", &[&at("centred"), &at("inverse")], &at("normal")));
        } else {
            nodes.push(new_node("Div", &[&at("centred"), &at("deviation")], &at("normal")));
        }
        nodes.push(new_node("Mul", &[&at("normal"), gamma], &at("scaled")));
        nodes.push(new_node("Add", &[&at("scaled"), beta], &norm.output[0]));
        graph.node.extend(nodes);
    }
}

#[test]
fn operator_sets_from_11_to_21_are_read() {
    let bert = bert();
    for (opset, power, reciprocal) in [
        (11, true, false),
        (12, false, true),
        (13, true, true),
        (17, false, false),
        (18, true, false),
        (21, false, true),
    ] {
        let mut model = foreign(&bert);
        model.opset_import[0].version = opset;
        let graph = model.graph.as_mut().unwrap();
        decompose_norms(graph, opset, power, reciprocal);
        let wide = with_axes(graph, new_node("Unsqueeze", &["mask.float"], "mask.wide"), &[1, 2], opset >= 13);
        *node(graph, "mask.wide") = pb::NodeProto { name: "mask.wide".to_owned(), ..wide };
        let imported = import(&model, &bert).unwrap_or_else(|e| panic!("opset {opset}: {e}"));
        assert!(imported == bert, "opset {opset}");
    }
}

#[test]
fn gelu_may_multiply_instead_of_dividing() {
    let bert = bert();
    let imported = import_edited(&bert, &ImportOptions::default(), |graph| {
        *tensor(graph, "gelu.sqrt2") = crate::f32s("gelu.sqrt2", &[1], &[std::f32::consts::FRAC_1_SQRT_2]);
        graph
            .node
            .iter_mut()
            .filter(|n| n.name.ends_with("activation.scaled"))
            .for_each(|n| n.op_type = "Mul".to_owned());
    })
    .unwrap();
    assert_eq!(imported.config().activation, Activation::Gelu);
}

#[test]
fn inputs_may_be_int32() {
    let bert = bert();
    let mut model = foreign(&bert);
    for input in &mut model.graph.as_mut().unwrap().input {
        element_type(input, DataType::Int32);
    }
    assert!(import(&model, &bert).unwrap() == bert);
}

fn element_type(value: &mut pb::ValueInfoProto, element: DataType) {
    let Some(pb::type_proto::Value::TensorType(tensor)) = value.r#type.as_mut().unwrap().value.as_mut() else {
        panic!("a tensor");
    };
    tensor.elem_type = element as i32;
}

/// A value rounded to FP16 or BF16, and its bytes.
fn narrow(value: f32, element: DataType) -> (f32, [u8; 2]) {
    match element {
        DataType::Float16 => (f16::from_f32(value).to_f32(), f16::from_f32(value).to_le_bytes()),
        _ => (bf16::from_f32(value).to_f32(), bf16::from_f32(value).to_le_bytes()),
    }
}

fn narrow_tensor(tensor: &mut pb::TensorProto, element: DataType) {
    let (_, values) = tensor_f32(tensor, "").unwrap();
    tensor.data_type = element as i32;
    tensor.float_data.clear();
    tensor.raw_data = values.iter().flat_map(|&value| narrow(value, element).1).collect();
}

/// `bert` with weights rounded to FP16 or BF16.
fn rounded(bert: &Bert, element: DataType) -> Bert {
    let shapes = bert.config().tensor_shapes().into_iter();
    let weights = shapes.map(|(name, shape)| {
        let values = bert.weight(&name).iter().map(|&value| narrow(value, element).0).collect();
        (name, (shape, values))
    });
    Bert::new(bert.config().clone(), weights.collect(), "rounded").unwrap()
}

/// `bert` with everything in half precision, as `model.half()` and onnxconverter-common write it.
fn halved(bert: &Bert, element: DataType) -> pb::ModelProto {
    let mut model = foreign(bert);
    let graph = model.graph.as_mut().unwrap();
    *tensor(graph, "mask.lowest") = crate::f32s("mask.lowest", &[], &[-65504.0]);
    for tensor in graph.initializer.iter_mut().filter(|t| t.data_type == DataType::Float as i32) {
        narrow_tensor(tensor, element);
    }
    node(graph, "mask.float").attribute[0].i = element as i64;
    element_type(&mut graph.output[0], element);
    model
}

#[test]
fn half_precision_gives_its_own_weights() {
    for (activation, element) in [
        (Activation::Gelu, DataType::Float16),
        (Activation::GeluTanh, DataType::Float16),
        (Activation::Relu, DataType::Float16),
        (Activation::Gelu, DataType::Bfloat16),
        (Activation::Relu, DataType::Bfloat16),
    ] {
        let bert = tiny_bert(tiny_config(activation, 2));
        let imported = import(&halved(&bert, element), &bert);
        let imported = imported.unwrap_or_else(|e| panic!("{activation:?} {element:?}: {e}"));
        assert!(imported == rounded(&bert, element), "{activation:?} {element:?}");
    }
}

#[test]
fn half_weights_may_be_cast_where_they_are_used() {
    let bert = bert();
    let mut model = foreign(&bert);
    let graph = model.graph.as_mut().unwrap();
    let mut casts = Vec::new();
    for tensor in graph.initializer.iter_mut().filter(|t| t.data_type == DataType::Float as i32 && t.raw_data.len() > 4)
    {
        narrow_tensor(tensor, DataType::Float16);
        let wide = tensor.name.clone();
        tensor.name.push_str(".half");
        let mut cast = new_node("Cast", &[&tensor.name], &wide);
        cast.attribute.push(int_attribute("to", DataType::Float as i64));
        casts.push(cast);
    }
    graph.node.splice(0..0, casts);
    assert!(import(&model, &bert).unwrap() == rounded(&bert, DataType::Float16));
}

#[test]
fn damaged_half_precision_is_refused_by_name() {
    let bert = bert();
    let refusal = |edit: &dyn Fn(&mut pb::GraphProto)| {
        let mut model = halved(&bert, DataType::Float16);
        edit(model.graph.as_mut().unwrap());
        import(&model, &bert).unwrap_err().to_string()
    };
    let weight = "encoder.layer.1.output.dense.weight_t";
    let cut = refusal(&|graph| _ = tensor(graph, weight).raw_data.pop());
    let short = refusal(&|graph| tensor(graph, weight).raw_data.truncate(10));
    let wrong = refusal(&|graph| tensor(graph, weight).dims = vec![16, 16]);
    for error in [short, wrong] {
        assert!(error.contains(weight) && error.contains("less or more data"), "{error}");
    }
    assert!(cut.contains(weight), "{cut}");
    let infinite = refusal(&|graph| tensor(graph, weight).raw_data[..2].copy_from_slice(&[0, 0x7c]));
    assert!(infinite.contains("encoder.layer.1.output.dense.weight` holds inf"), "{infinite}");
    let upside_down = refusal(&|graph| node(graph, "mask.inverse").input.reverse());
    assert!(upside_down.contains("logits differ by up to"), "{upside_down}");
}

/// Replaces each activation by one operator of onnxruntime.
fn fuse_gelus(graph: &mut pb::GraphProto, op: &str, with_bias: bool) {
    for layer in 0..2 {
        let dense = format!("encoder.layer.{layer}.intermediate.dense");
        let activation = format!("encoder.layer.{layer}.intermediate.activation");
        let (product, bias) = (format!("{dense}.matmul"), format!("{dense}.bias"));
        let inputs = if with_bias { vec![product.as_str(), &bias] } else { vec![dense.as_str()] };
        let fused = pb::NodeProto { domain: "com.microsoft".to_owned(), ..new_node(op, &inputs, &activation) };
        *node(graph, &activation) = fused;
    }
}

#[test]
fn the_gelus_of_onnxruntime_are_read() {
    for (op, with_bias, activation) in [
        ("Gelu", false, Activation::Gelu),
        ("BiasGelu", true, Activation::Gelu),
        ("FastGelu", false, Activation::GeluTanh),
        ("FastGelu", true, Activation::GeluTanh),
    ] {
        let bert = tiny_bert(tiny_config(activation, 2));
        let mut model = foreign(&bert);
        fuse_gelus(model.graph.as_mut().unwrap(), op, with_bias);
        assert!(import(&model, &bert).unwrap() == bert, "{op}");
    }
    let nothing = refusal(|graph| {
        fuse_gelus(graph, "BiasGelu", true);
        graph.node.iter_mut().filter(|n| n.op_type == "BiasGelu").for_each(|n| n.input.clear());
    });
    assert!(nothing.contains("edited.onnx") && nothing.contains("activation"), "{nothing}");
    let fused = refusal(|graph| fuse_gelus(graph, "QuickGelu", false));
    assert!(fused.contains("domain `com.microsoft`: onnxruntime's; export the model again without graph"), "{fused}");
}

#[test]
fn functions_and_custom_operators_are_refused_by_domain() {
    let mut model = foreign(&bert());
    let tanh = node(model.graph.as_mut().unwrap(), "pooler.activation");
    tanh.domain = "pkg.example".to_owned();
    let custom = import(&model, &bert()).unwrap_err().to_string();
    assert!(
        custom.contains("`pooler.activation` (Tanh) belongs to the domain `pkg.example`: not plain ONNX"),
        "{custom}"
    );
    model.functions.push(pb::FunctionProto { name: Some("Tanh".to_owned()), ..Default::default() });
    let function = import(&model, &bert()).unwrap_err().to_string();
    assert!(function.contains("inline it with onnx.inliner.inline_local_functions"), "{function}");
}

#[test]
fn a_bias_of_zeros_may_be_left_out() {
    let mut weights = std::collections::BTreeMap::new();
    let original = bert();
    let without = ["encoder.layer.0.attention.self.key.bias", "encoder.layer.1.output.dense.bias", "classifier.bias"];
    for (name, shape) in original.config().tensor_shapes() {
        let mut values = original.weight(&name).to_vec();
        if without.contains(&name.as_str()) {
            values.fill(0.0);
        }
        weights.insert(name, (shape, values));
    }
    let bert = Bert::new(original.config().clone(), weights, "zeros").unwrap();
    let mut model = foreign(&bert);
    let graph = model.graph.as_mut().unwrap();
    for bias in &without[..2] {
        let layer = bias.trim_end_matches(".bias");
        graph.node.retain(|n| n.name != layer);
        node(graph, &format!("{layer}.matmul")).output[0] = layer.to_owned();
    }
    graph.node.retain(|n| n.name != "classifier.matmul");
    let inputs = ["pooler.activation", "classifier.weight_t"];
    *node(graph, "classifier") = new_node("Gemm", &inputs, "classifier");
    assert!(import(&model, &bert).unwrap() == bert);
}

/// onnxsim writes a linear layer as Gemm on `[tokens, features]`, between two Reshapes.
#[test]
fn dense_layers_may_be_flat() {
    let bert = bert();
    let mut model = foreign(&bert);
    let graph = model.graph.as_mut().unwrap();
    graph.initializer.extend([i64s("flat", &[2], &[-1, 16]), i64s("wide", &[1], &[24]), i64s("two", &[1], &[2])]);
    graph.initializer.extend([i64s("zero", &[1], &[0])]);
    for layer in 0..2 {
        let dense = format!("encoder.layer.{layer}.intermediate.dense");
        let at = |part: &str| format!("{dense}.{part}");
        let x = node(graph, &at("matmul")).input[0].clone();
        let place = graph.node.iter().position(|n| n.name == dense).unwrap();
        graph.node.retain(|n| n.name != dense && n.name != at("matmul"));
        let mut concat = new_node("Concat", &[&at("lead"), "wide"], &at("shape"));
        concat.attribute.push(int_attribute("axis", 0));
        let nodes = [
            new_node("Reshape", &[&x, "flat"], &at("rows")),
            new_node("Gemm", &[&at("rows"), &at("weight_t"), &at("bias")], &at("product")),
            new_node("Shape", &[&x], &at("sizes")),
            new_node("Slice", &[&at("sizes"), "zero", "two", "zero"], &at("lead")),
            concat,
            new_node("Reshape", &[&at("product"), &at("shape")], &dense),
        ];
        graph.node.splice(place - 1..place - 1, nodes);
    }
    assert!(import(&model, &bert).unwrap() == bert);
}

#[test]
fn one_output_is_read_like_many() {
    for labels in [1, 7] {
        let bert = tiny_bert(tiny_config(Activation::Gelu, labels));
        let imported = import_edited(&bert, &ImportOptions::default(), |_| {}).unwrap();
        assert_eq!(imported.config().labels.len(), labels);
        assert_eq!(imported.weight("classifier.weight"), bert.weight("classifier.weight"));
    }
}

#[test]
fn a_mask_of_ones_may_be_made_in_the_graph() {
    let bert = bert();
    let imported = import_edited(&bert, &ImportOptions::default(), |graph| {
        graph.input.retain(|i| i.name != "attention_mask");
        let mut ones = new_node("ConstantOfShape", &["mask.shape"], "ones");
        ones.attribute.push(pb::AttributeProto {
            name: "value".to_owned(),
            t: Some(i64s("", &[1], &[1])),
            r#type: AttributeType::Tensor as i32,
            ..Default::default()
        });
        let nodes = vec![new_node("Shape", &["input_ids"], "mask.shape"), ones];
        insert_before(graph, "mask.float", "attention_mask", "ones", nodes);
    })
    .unwrap();
    assert_eq!(imported.weight("classifier.weight"), bert.weight("classifier.weight"));
}

#[test]
fn other_architectures_are_named() {
    for (word, family, needs) in [
        ("albert", "ALBERT", "layers that share"),
        ("deberta", "DeBERTa", "relative positions"),
        ("MPNet", "MPNet", "relative positions"),
        ("big_bird", "BigBird", "sparse attention"),
    ] {
        let error = refusal(|graph| {
            node(graph, "pooler.activation").op_type = "Sqrt".to_owned();
            graph.node[0].name = format!("/m/{word}/embeddings/Gather");
        });
        assert!(error.starts_with("edited.onnx: is no BERT") && error.contains(family), "{error}");
        assert!(error.contains(needs) && error.contains("supported: BERT, DistilBERT"), "{error}");
    }
    for supported in ["bert", "distilbert", "roberta", "electra"] {
        let error = refusal(|graph| {
            node(graph, "pooler.activation").op_type = "Sqrt".to_owned();
            graph.node[0].name = format!("/m/{supported}/embeddings/Gather");
        });
        assert!(error.contains("(tanh, ReLU or GELU) on a linear layer"), "{error}");
    }
    // A name alone is no reason to refuse a model.
    let bert = bert();
    let imported = import_edited(&bert, &ImportOptions::default(), |graph| graph.node[0].name = "/albert/x".to_owned());
    assert!(imported.is_ok());
    let attention = refusal(|graph| node(graph, "pooler.activation").op_type = "Attention".to_owned());
    assert!(attention.contains("export the model for opset 22 or less"), "{attention}");
}
