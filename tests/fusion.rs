//! The recogniser: what it fuses, that fusing changes no answer, and that a graph which differs runs all the same.

#![cfg(feature = "cli")]

mod common;

use bert8::activation::Activation;
use bert8::bert::Bert;
use bert8::engine::{Engine, TokenInputs};
use bert8::onnx::{decode_model, pb};
use bert8::ops::{Fused, fuse};
use bert8::quantize::{CalibrationInfo, quantize};
use bert8::tokenizer::Tokens;
use common::{tiny_bert, tiny_config};

const IDS: [i64; 9] = [2, 17, 33, 8, 3, 41, 25, 8, 3];
const TYPES: [i64; 9] = [0, 0, 0, 0, 0, 1, 1, 1, 1];

fn int8(activation: Activation) -> pb::ModelProto {
    let bert: Bert = tiny_bert(tiny_config(activation, 3));
    let samples: Vec<Tokens> = (1..=9)
        .map(|len| Tokens { ids: IDS[..len].to_vec(), types: TYPES[..len].to_vec(), truncated: false })
        .collect();
    let quantized = quantize(&bert, &samples, CalibrationInfo { max_length: 9, seed: 0 }, |_| ()).unwrap();
    decode_model(&quantized.onnx, "int8").unwrap()
}

fn logits(engine: &Engine) -> Vec<f32> {
    let inputs = TokenInputs { batch: 1, ids: &IDS, mask: &[1; 9], types: &TYPES };
    engine.run(&inputs).unwrap().remove(0)
}

/// Logits of the graph as tract runs it, and after fusing.
fn both(mut model: pb::ModelProto) -> (Vec<f32>, Vec<f32>, Fused) {
    let plain = logits(&Engine::for_any_shape(&model, "plain").unwrap());
    let fused = fuse(&mut model);
    (plain, logits(&Engine::fused(&model, "fused").unwrap()), fused)
}

/// Integers are the same; floats differ by the rounding of reciprocals, sums and polynomials, and where one of them falls on
/// the other side of a rounding boundary, by a quantization step.
fn assert_close(plain: &[f32], fused: &[f32]) {
    assert_eq!(plain.len(), 3);
    for (a, b) in plain.iter().zip(fused) {
        assert!((a - b).abs() < 2e-2, "{plain:?} and {fused:?}");
    }
}

fn node<'a>(model: &'a mut pb::ModelProto, name: &str) -> &'a mut pb::NodeProto {
    model.graph.as_mut().unwrap().node.iter_mut().find(|n| n.name == name).unwrap()
}

#[test]
fn every_layer_is_fused_with_every_activation() {
    for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
        let (plain, fused, counts) = both(int8(activation));
        assert_close(&plain, &fused);
        let expected = Fused { linears: 12, attentions: 2, norms: 5, quantizes: 8, left: 0 };
        assert_eq!(counts, expected, "{activation:?}");
        assert!(counts.complete());
    }
}

#[test]
fn the_activation_runs_inside_the_linear_layer() {
    let mut model = int8(Activation::Gelu);
    fuse(&mut model);
    let graph = model.graph.unwrap();
    assert!(!graph.node.iter().any(|n| n.op_type == "Erf"));
}

#[test]
fn a_broken_pattern_runs_unfused_and_gives_the_same_answer() {
    let layer = "encoder.layer.1.attention";
    // The scale comes before the cast is over: the linear pattern no longer matches.
    let mut model = int8(Activation::Gelu);
    let product = format!("{layer}.output.dense.matmul");
    node(&mut model, &format!("{layer}.output.dense.float")).input[0] = "detour".to_owned();
    let detour = pb::NodeProto {
        op_type: "Identity".to_owned(),
        name: "detour".to_owned(),
        input: vec![product.clone()],
        output: vec!["detour".to_owned()],
        ..Default::default()
    };
    let nodes = &mut model.graph.as_mut().unwrap().node;
    let at = nodes.iter().position(|n| n.name == product).unwrap();
    nodes.insert(at + 1, detour);
    let (plain, fused, counts) = both(model);
    assert_close(&plain, &fused);
    assert_eq!((counts.linears, counts.left), (11, 1));
    assert!(!counts.complete());
}

#[test]
fn a_mask_of_another_kind_keeps_attention_unfused() {
    let mut model = int8(Activation::Gelu);
    let inverse = node(&mut model, "mask.inverse");
    inverse.input.swap(0, 1);
    let counts = fuse(&mut model);
    assert_eq!((counts.attentions, counts.left), (0, 2));
}

#[test]
fn an_fp32_graph_stays_as_it_is() {
    let bert = tiny_bert(tiny_config(Activation::Gelu, 2));
    let original = bert8::bert::emit_fp32(&bert);
    let mut model = original.clone();
    assert_eq!(fuse(&mut model), Fused::default());
    assert_eq!(model, original);
}

#[test]
fn fused_attention_refuses_padding() {
    let mut model = int8(Activation::Gelu);
    fuse(&mut model);
    let engine = Engine::fused(&model, "fused").unwrap();
    let mut mask = [1; 9];
    mask[8] = 0;
    let inputs = TokenInputs { batch: 1, ids: &IDS, mask: &mask, types: &TYPES };
    assert!(engine.run(&inputs).unwrap_err().to_string().contains("padding"));
}

#[test]
fn several_sequences_of_one_length_attend_to_themselves_alone() {
    let mut model = int8(Activation::Gelu);
    fuse(&mut model);
    let engine = Engine::fused(&model, "fused").unwrap();
    let ids: Vec<i64> = IDS.iter().copied().chain(IDS.iter().rev().copied()).collect();
    let types = [TYPES, TYPES].concat();
    let two = engine.run(&TokenInputs { batch: 2, ids: &ids, mask: &[1; 18], types: &types }).unwrap().remove(0);
    assert_eq!(two[..3], logits(&engine)[..]);
}
