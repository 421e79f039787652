//! INT8 files with parts in FP32: the whole encoder is fused, and returns the logits of the graph as it is written.

mod common;

use bert8::activation::Activation;
use bert8::bert::BertConfig;
use bert8::engine::{Engine, TokenInputs};
use bert8::kernels::Kernel;
use bert8::model::Model;
use bert8::onnx::{encode_model, pb};
use bert8::text::Tokens;
use common::fixed_scales::with_fixed_scales;
use common::{tiny_bert, tiny_config};

/// The linear layers and the scores of an encoder layer.
const PARTS: [&str; 7] = [
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.self.scores",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
];

fn is(name: &str, layer: usize, part: &str) -> bool {
    name == format!("encoder.layer.{layer}.{part}")
}

fn in_layer(name: &str, layer: usize) -> bool {
    name.starts_with(&format!("encoder.layer.{layer}."))
}

/// A test for names of parts in FP32, the number of layers without such parts, and the number of products in FP32.
type Case = (Box<dyn Fn(&str) -> bool>, usize, usize);

/// The cases by name. Scores are in FP32 if queries, keys or values are.
fn cases() -> Vec<(String, Case)> {
    let mut cases: Vec<(String, Case)> = vec![
        ("none".into(), (Box::new(|_| false), 2, 0)),
        ("attention".into(), (Box::new(|name| name.contains(".self.")), 0, 8)),
        ("attention and projection".into(), (Box::new(|name| name.contains(".attention.")), 0, 10)),
        ("feed-forward".into(), (Box::new(|name| !name.contains(".attention.")), 0, 4)),
        ("first layer".into(), (Box::new(|name| in_layer(name, 0)), 1, 7)),
        ("last layer".into(), (Box::new(|name| in_layer(name, 1)), 1, 7)),
    ];
    for (layer, part) in [0, 1].into_iter().flat_map(|layer| PARTS.map(|part| (layer, part))) {
        let products = if ["query", "key", "value"].iter().any(|end| part.ends_with(end)) { 2 } else { 1 };
        cases.push((format!("{part} of layer {layer}"), (Box::new(move |name| is(name, layer, part)), 1, products)));
        if !part.ends_with("scores") {
            let case: Case = (Box::new(move |name| !is(name, layer, part)), 0, 13);
            cases.push((format!("all but {part} of layer {layer}"), case));
        }
    }
    cases
}

fn tokens(len: usize) -> Tokens {
    let ids = [2, 17, 33, 8, 3, 41, 25, 8, 3];
    let types = [0, 0, 0, 0, 0, 1, 1, 1, 1];
    Tokens { ids: ids[..len].to_vec(), types: types[..len].to_vec(), truncated: false }
}

/// The logits of the graph as it is written, for each length from 1 to 9.
fn unfused(model: &pb::ModelProto) -> Vec<Vec<f32>> {
    let engine = Engine::for_any_shape(model, "plain").unwrap();
    let run = |tokens: Tokens| {
        let mask = vec![1; tokens.ids.len()];
        engine.run(&TokenInputs { batch: 1, ids: &tokens.ids, mask: &mask, types: &tokens.types }).unwrap().remove(0)
    };
    (1..=9).map(|len| run(tokens(len))).collect()
}

/// Integers are the same. Floats may be rounded differently, which moves a logit by about a quantization step.
fn assert_close(case: &str, plain: &[f32], fused: &[f32]) {
    let close = plain.iter().zip(fused).all(|(a, b)| (a - b).abs() < 2e-2);
    assert!(close && plain.len() == fused.len(), "{case}: {plain:?} and {fused:?}");
}

fn check(name: &str, model: &pb::ModelProto, kernel: Kernel, plain: &[Vec<f32>], layers: usize, products: usize) {
    let model = Model::builder().file_name("mixed").kernel(kernel).load(encode_model(model)).unwrap();
    let fused = model.fused();
    assert!(fused.complete() && fused.left == 0, "{name}: {fused:?}");
    assert_eq!((fused.layers, fused.integer_layers, fused.float_products), (2, layers, products), "{name}");
    assert_eq!(model.kernel(), kernel.name());
    let all: Vec<Tokens> = (1..=plain.len()).map(tokens).collect();
    let together = model.logits_of(&all.iter().collect::<Vec<_>>()).unwrap();
    for ((tokens, plain), together) in all.iter().zip(plain).zip(together) {
        let case = format!("{name} on {}, {} tokens", kernel.name(), tokens.ids.len());
        assert_close(&case, plain, &model.logits(tokens).unwrap());
        assert_close(&case, plain, &together);
    }
}

#[test]
fn every_mixture_is_fused_for_every_kernel() {
    let bert = tiny_bert(tiny_config(Activation::Gelu, 3));
    for (name, (float, layers, products)) in cases() {
        let model = with_fixed_scales(&bert, false, &float);
        let plain = unfused(&model);
        for kernel in Kernel::all() {
            check(&name, &model, kernel, &plain, layers, products);
        }
    }
}

#[test]
fn mixtures_are_fused_with_factors_before_rounding() {
    let bert = tiny_bert(tiny_config(Activation::GeluTanh, 3));
    for (name, (float, layers, products)) in cases() {
        let model = with_fixed_scales(&bert, true, &float);
        check(&name, &model, Kernel::detect(), &unfused(&model), layers, products);
    }
}

#[test]
fn mixtures_are_fused_with_every_activation_and_size_of_heads() {
    for (activation, heads) in [(Activation::Relu, 2), (Activation::GeluTanh, 1), (Activation::Gelu, 16)] {
        let bert = tiny_bert(BertConfig { heads, ..tiny_config(activation, 3) });
        for (name, (float, layers, products)) in cases().into_iter().filter(|(name, _)| !name.ends_with("layer 0")) {
            let model = with_fixed_scales(&bert, true, &float);
            check(&format!("{name}, {heads} heads"), &model, Kernel::detect(), &unfused(&model), layers, products);
        }
    }
}

fn graph(model: &mut pb::ModelProto) -> &mut pb::GraphProto {
    model.graph.as_mut().unwrap()
}

fn node<'a>(model: &'a mut pb::ModelProto, name: &str) -> &'a mut pb::NodeProto {
    graph(model).node.iter_mut().find(|n| n.name == name).unwrap()
}

/// Checks that a model with a broken pattern runs as it is written, and says where it differs.
fn assert_runs_unfused(model: &pb::ModelProto, reason: &str) {
    let loaded = Model::builder().file_name("broken").load(encode_model(model)).unwrap();
    let fused = loaded.fused();
    assert!(!fused.complete() && loaded.kernel() == "unfused", "{fused:?}");
    assert!(fused.reason.as_ref().unwrap().contains(reason), "{fused:?}");
    for (tokens, plain) in (1..=9).map(tokens).zip(unfused(model)) {
        assert_close(reason, &plain, &loaded.logits(&tokens).unwrap());
    }
}

#[test]
fn parts_in_fp32_that_differ_run_unfused() {
    let bert = tiny_bert(tiny_config(Activation::Gelu, 3));
    let mixed = || with_fixed_scales(&bert, false, |name| in_layer(name, 0));

    // One bias for all outputs.
    let mut model = mixed();
    let bias = "encoder.layer.0.output.dense.bias";
    let tensor = graph(&mut model).initializer.iter_mut().find(|tensor| tensor.name == bias).unwrap();
    (tensor.dims, tensor.raw_data) = (vec![], 0.1f32.to_le_bytes().to_vec());
    assert_runs_unfused(&model, "encoder.layer.0.output");

    // Division instead of multiplication of the scores.
    let mut model = mixed();
    node(&mut model, "encoder.layer.0.attention.self.scores").op_type = "Div".to_owned();
    assert_runs_unfused(&model, "self-attention");

    // Weights in a Constant node.
    let mut model = mixed();
    let name = "encoder.layer.0.intermediate.dense.weight_t";
    let at = graph(&mut model).initializer.iter().position(|tensor| tensor.name == name).unwrap();
    let tensor = graph(&mut model).initializer.remove(at);
    let constant = pb::NodeProto {
        op_type: "Constant".to_owned(),
        name: name.to_owned(),
        output: vec![name.to_owned()],
        attribute: vec![pb::AttributeProto {
            name: "value".to_owned(),
            r#type: pb::attribute_proto::AttributeType::Tensor as i32,
            t: Some(tensor),
            ..Default::default()
        }],
        ..Default::default()
    };
    graph(&mut model).node.insert(0, constant);
    assert_runs_unfused(&model, "encoder.layer.0.intermediate");
}

#[test]
fn scores_in_integers_need_integers_all_around() {
    let bert = tiny_bert(tiny_config(Activation::Gelu, 3));
    let mut model = with_fixed_scales(&bert, false, |_| false);
    let float = with_fixed_scales(&bert, false, |name| name.ends_with("self.value")).graph.unwrap();
    let value = "encoder.layer.1.attention.self.value";
    let graph = graph(&mut model);
    graph.initializer.extend(float.initializer.into_iter().filter(|tensor| tensor.name == format!("{value}.weight_t")));
    for node in &mut graph.node {
        // Nothing reads the scaled product any more.
        if node.name == value {
            node.input[0] = format!("{value}.float_product");
        }
    }
    let at = graph.node.iter().position(|node| node.name == value).unwrap();
    let mut product = float.node.into_iter().find(|node| node.name == format!("{value}.matmul")).unwrap();
    (product.name, product.output) = (format!("{value}.float_product"), vec![format!("{value}.float_product")]);
    graph.node.insert(at, product);
    assert_runs_unfused(&model, "self-attention");
}
