//! Fusing: which graphs are fused, that fusing changes no answer, and that any other graph still runs.

#![cfg(feature = "cli")]

mod common;

use bert8::activation::Activation;
use bert8::bert::{Bert, BertConfig, Head, HeadActivation, Pooling, emit_fp32};
use bert8::engine::{Engine, TokenInputs};
use bert8::kernels::Kernel;
use bert8::model::Model;
use bert8::onnx::{decode_model, encode_model, pb};
use bert8::ops::{Fused, fuse};
use bert8::quantize::{CalibrationInfo, Options, quantize};
use bert8::text::Tokens;
use common::fixed_scales::with_fixed_scales;
use common::{tiny_bert, tiny_config};

const IDS: [i64; 9] = [2, 17, 33, 8, 3, 41, 25, 8, 3];
const TYPES: [i64; 9] = [0, 0, 0, 0, 0, 1, 1, 1, 1];

fn int8(activation: Activation) -> pb::ModelProto {
    let bert: Bert = tiny_bert(tiny_config(activation, 3));
    let samples: Vec<Tokens> = (1..=9).map(sequence).collect();
    let quantized =
        quantize(&bert, &samples, &Options::default(), CalibrationInfo { max_length: 9, seed: 0 }, None, |_| ())
            .unwrap();
    decode_model(&quantized.onnx, "int8").unwrap()
}

fn sequence(len: usize) -> Tokens {
    Tokens { ids: IDS[..len].to_vec(), types: TYPES[..len].to_vec(), truncated: false }
}

/// The logits of the graph as it is written, run by tract.
fn unfused(model: &pb::ModelProto, tokens: &Tokens) -> Vec<f32> {
    let mask = vec![1; tokens.ids.len()];
    let inputs = TokenInputs { batch: 1, ids: &tokens.ids, mask: &mask, types: &tokens.types };
    Engine::for_any_shape(model, "plain").unwrap().run(&inputs).unwrap().remove(0)
}

fn load(model: &pb::ModelProto, kernel: Kernel) -> Model {
    Model::builder().file_name("fused").kernel(kernel).load(encode_model(model)).unwrap()
}

/// Integers are the same. Floats differ by rounding; where that crosses a boundary between two integers, a logit
/// differs by about a quantization step.
fn assert_close(plain: &[f32], fused: &[f32]) {
    assert_within(2e-2, plain, fused);
}

fn assert_within(tolerance: f32, plain: &[f32], fused: &[f32]) {
    assert_eq!(plain.len(), 3);
    for (a, b) in plain.iter().zip(fused) {
        assert!((a - b).abs() < tolerance, "{plain:?} and {fused:?}");
    }
}

fn node<'a>(model: &'a mut pb::ModelProto, name: &str) -> &'a mut pb::NodeProto {
    model.graph.as_mut().unwrap().node.iter_mut().find(|n| n.name == name).unwrap()
}

fn all_int8() -> Fused {
    Fused { layers: 2, integer_layers: 2, operators: 11, ..Fused::default() }
}

#[test]
fn every_layer_is_fused_with_every_activation_for_every_kernel() {
    for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
        let model = int8(activation);
        for kernel in Kernel::all() {
            let fused = load(&model, kernel);
            assert_eq!(*fused.fused(), all_int8());
            assert_eq!(fused.kernel(), kernel.name());
            for len in 1..=9 {
                let tokens = sequence(len);
                assert_close(&unfused(&model, &tokens), &fused.logits(&tokens).unwrap());
            }
        }
    }
}

#[test]
fn factors_before_rounding_are_fused_with_every_activation_for_every_kernel() {
    for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
        let model = with_fixed_scales(&tiny_bert(tiny_config(activation, 3)), true, |_| false);
        for kernel in Kernel::all() {
            let fused = load(&model, kernel);
            assert_eq!(*fused.fused(), all_int8());
            let sequences: Vec<Tokens> = (1..=9).map(sequence).collect();
            let together = fused.logits_of(&sequences.iter().collect::<Vec<_>>()).unwrap();
            for (tokens, together) in sequences.iter().zip(together) {
                let plain = unfused(&model, tokens);
                assert_close(&plain, &fused.logits(tokens).unwrap());
                assert_close(&plain, &together);
            }
        }
    }
}

/// Embeddings and heads of every kind.
fn families() -> [BertConfig; 7] {
    let config = || tiny_config(Activation::Gelu, 3);
    let head = |pooling, dense| BertConfig { head: Head { pooling, dense }, ..config() };
    [
        BertConfig { type_vocab: 0, ..config() },
        BertConfig { embedding_size: Some(8), ..config() },
        head(Pooling::FirstToken, Some(HeadActivation::Relu)),
        head(Pooling::FirstToken, Some(HeadActivation::Gelu)),
        head(Pooling::FirstToken, None),
        head(Pooling::Mean, Some(HeadActivation::Tanh)),
        BertConfig { type_vocab: 0, embedding_size: Some(24), ..head(Pooling::Mean, None) },
    ]
}

#[test]
fn embeddings_and_heads_of_every_family_are_fused() {
    for config in families() {
        for float in ["nothing", "encoder.layer.0.attention.self", "encoder.layer.1"] {
            let model = with_fixed_scales(&tiny_bert(config.clone()), true, |name| name.starts_with(float));
            let sequences: Vec<Tokens> = [5, 1, 9, 3].map(sequence).into();
            let plain: Vec<Vec<f32>> = sequences.iter().map(|tokens| unfused(&model, tokens)).collect();
            for kernel in Kernel::all() {
                let fused = load(&model, kernel);
                assert!(fused.fused().complete(), "{config:?}: {:?}", fused.fused());
                let together = fused.logits_of(&sequences.iter().collect::<Vec<_>>()).unwrap();
                for ((tokens, logits), plain) in sequences.iter().zip(together).zip(&plain) {
                    // No tanh bounds what one quantization step does to a logit.
                    assert_within(5e-2, plain, &logits);
                    assert_eq!(fused.logits(tokens).unwrap(), logits);
                }
            }
        }
    }
}

#[test]
fn factors_of_another_number_run_unfused() {
    let mut model = with_fixed_scales(&tiny_bert(tiny_config(Activation::Gelu, 3)), true, |_| false);
    let factors = "encoder.layer.0.attention.output.LayerNorm.smoothing";
    let tensors = &mut model.graph.as_mut().unwrap().initializer;
    let tensor = tensors.iter_mut().find(|tensor| tensor.name == factors).unwrap();
    (tensor.dims, tensor.raw_data) = (vec![1], 0.9f32.to_le_bytes().to_vec());
    assert_runs_unfused(&model, "encoder.layer.0.attention.output.LayerNorm");
}

/// Checks that a model with a broken pattern runs as it is written, says why, and returns the same logits.
fn assert_runs_unfused(model: &pb::ModelProto, reason: &str) {
    let loaded = load(model, Kernel::detect());
    let fused = loaded.fused();
    assert!(!fused.complete() && fused.left == 14 && loaded.kernel() == "unfused", "{fused:?}");
    assert!(fused.reason.as_ref().unwrap().contains(reason), "{fused:?}");
    assert_close(&unfused(model, &sequence(9)), &loaded.logits(&sequence(9)).unwrap());
}

#[test]
fn a_broken_pattern_runs_unfused_and_gives_the_same_answer() {
    let layer = "encoder.layer.1.attention";
    // An Identity between the product and its Cast: the pattern of a linear layer no longer matches.
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
    assert_runs_unfused(&model, &format!("{layer}.output"));
}

#[test]
fn another_norm_of_the_embeddings_runs_unfused() {
    let mut model = int8(Activation::Gelu);
    node(&mut model, "embeddings.words_and_types").input.swap(0, 1);
    assert_runs_unfused(&model, "embeddings");
}

#[test]
fn a_second_reader_of_the_tokens_runs_unfused() {
    let mut model = int8(Activation::Gelu);
    let extra = pb::NodeProto {
        op_type: "Add".to_owned(),
        name: "extra".to_owned(),
        input: vec!["logits.before".to_owned(), "mask.highest_token".to_owned()],
        output: vec!["logits".to_owned()],
        ..Default::default()
    };
    let masked = pb::NodeProto {
        op_type: "ReduceMax".to_owned(),
        name: "mask.highest_token".to_owned(),
        input: vec!["mask.inverse".to_owned()],
        output: vec!["mask.highest_token".to_owned()],
        attribute: vec![pb::AttributeProto {
            name: "keepdims".to_owned(),
            r#type: pb::attribute_proto::AttributeType::Int as i32,
            ..Default::default()
        }],
        ..Default::default()
    };
    node(&mut model, "logits").output[0] = "logits.before".to_owned();
    model.graph.as_mut().unwrap().node.extend([masked, extra]);
    assert_runs_unfused(&model, "attention_mask");
}

#[test]
fn a_mask_of_another_kind_keeps_attention_unfused() {
    let mut model = int8(Activation::Gelu);
    let inverse = node(&mut model, "mask.inverse");
    inverse.input.swap(0, 1);
    let fused = fuse(&mut model, Kernel::detect());
    assert!(fused.left == 14 && fused.reason.unwrap().contains("self-attention"));
}

#[test]
fn fp32_graphs_of_every_family_and_activation_are_fused() {
    let activations =
        [Activation::Gelu, Activation::GeluTanh, Activation::Relu].map(|activation| tiny_config(activation, 3));
    for config in families().into_iter().chain(activations) {
        let model = emit_fp32(&tiny_bert(config.clone()));
        let sequences: Vec<Tokens> = [5, 1, 9, 3].map(sequence).into();
        let plain: Vec<Vec<f32>> = sequences.iter().map(|tokens| unfused(&model, tokens)).collect();
        for kernel in [Kernel::SCALAR, Kernel::detect()] {
            let fused = load(&model, kernel);
            let Fused { layers, integer_layers, float_products, reason, .. } = fused.fused();
            assert_eq!((layers, integer_layers, float_products, reason), (&2, &0, &14, &None), "{config:?}");
            assert_eq!(fused.kernel(), "tract");
            let together = fused.logits_of(&sequences.iter().collect::<Vec<_>>()).unwrap();
            for ((tokens, logits), plain) in sequences.iter().zip(together).zip(&plain) {
                // Sums have another order, and exp, tanh and GELU another last bit.
                assert_within(1e-4, plain, &logits);
                assert_within(1e-5, &fused.logits(tokens).unwrap(), &logits);
            }
        }
    }
}

#[test]
fn an_fp32_graph_that_computes_something_else_stays_as_it_is() {
    let mut original = emit_fp32(&tiny_bert(tiny_config(Activation::Gelu, 2)));
    node(&mut original, "mask.inverse").input.swap(0, 1);
    let mut model = original.clone();
    assert!(fuse(&mut model, Kernel::detect()).reason.unwrap().contains("self-attention"));
    assert_eq!(model, original);
}

#[test]
fn sequences_laid_end_to_end_attend_to_themselves_alone() {
    let model = int8(Activation::Gelu);
    for kernel in Kernel::all() {
        let model = load(&model, kernel);
        let sequences: Vec<Tokens> = [3, 9, 1, 8, 2].map(sequence).into();
        let together = model.logits_of(&sequences.iter().collect::<Vec<_>>()).unwrap();
        for (tokens, logits) in sequences.iter().zip(together) {
            for (alone, together) in model.logits(tokens).unwrap().iter().zip(logits) {
                // The FP32 sums of the pooler may have another order with several rows.
                assert!((alone - together).abs() <= 1e-6, "{} tokens", tokens.ids.len());
            }
        }
    }
}

#[test]
fn ids_outside_the_tables_are_errors() {
    let int8 = int8(Activation::Gelu);
    let fp32 = emit_fp32(&tiny_bert(tiny_config(Activation::Gelu, 3)));
    for (name, model) in [("fused", &int8), ("plain", &fp32)] {
        let model = Model::from_bytes(encode_model(model), name).unwrap();
        let error = |ids: Vec<i64>, types: Vec<i64>| {
            model.logits(&Tokens { ids, types, truncated: false }).unwrap_err().to_string()
        };
        assert!(error(vec![2, 50], vec![0, 0]).contains(&format!("the id 50, but {name} knows 50 ids")));
        assert!(error(vec![2, -1], vec![0, 0]).contains("the id -1"));
        assert!(error(vec![2, 3], vec![0, 2]).contains("the type 2"));
        assert!(error(vec![2; 21], vec![0; 21]).contains("20 positions"));
    }
    let fused = load(&int8, Kernel::detect());
    let error = |ids, types| fused.logits(&Tokens { ids, types, truncated: false }).unwrap_err().to_string();
    assert!(error(vec![2, 3], vec![0]).contains("type for each"));
    assert!(error(vec![], vec![]).contains("one token"));
}

fn tensor<'a>(model: &'a mut pb::ModelProto, name: &str) -> &'a mut pb::TensorProto {
    model.graph.as_mut().unwrap().initializer.iter_mut().find(|tensor| tensor.name == name).unwrap()
}

#[test]
fn what_computes_something_else_is_not_fused() {
    let fused = |edit: &dyn Fn(&mut pb::ModelProto)| {
        let mut model = int8(Activation::Gelu);
        edit(&mut model);
        fuse(&mut model, Kernel::detect()).complete()
    };
    assert!(fused(&|_| ()));
    assert!(!fused(&|model| node(model, "encoder.layer.0.intermediate.activation.scaled").input.reverse()), "√2 / x");
    let one =
        |value: f32| move |model: &mut pb::ModelProto| tensor(model, "mask.one").raw_data = value.to_le_bytes().into();
    assert!(!fused(&one(0.999_999_94)), "tokens are not all there");
    let lowest = f32::NEG_INFINITY.to_le_bytes();
    assert!(!fused(&|model| tensor(model, "mask.lowest").raw_data = lowest.into()), "0 · ∞");
    assert!(!fused(&|model| tensor(model, "encoder.layer.1.output.dense.bias")
        .dims
        .splice(0..0, [1; 3])
        .for_each(drop)));
    assert!(!fused(&|model| model.graph.as_mut().unwrap().node.reverse()), "no order");
}

#[test]
fn files_that_would_crash_or_mislead_are_refused() {
    let refused = |edit: &dyn Fn(&mut pb::ModelProto)| {
        let mut model = int8(Activation::Gelu);
        edit(&mut model);
        Model::from_bytes(encode_model(&model), "m.onnx").unwrap_err().to_string()
    };
    let error = refused(&|model| model.graph.as_mut().unwrap().node[0].op_type = "Bert8Quantize".to_owned());
    assert!(error.contains("(Bert8Quantize) must not be in a file"), "{error}");
    // An operator that runs a graph of its own.
    let error = refused(&|model| model.graph.as_mut().unwrap().node[0].op_type = "If".to_owned());
    assert!(error.contains("(If) is nothing a BERT sequence classifier is made of"), "{error}");
    let bias = "encoder.layer.0.intermediate.dense.bias";
    let error = refused(&|model| tensor(model, bias).raw_data[4..8].copy_from_slice(&f32::NAN.to_le_bytes()));
    assert!(error.contains(bias) && error.contains("a NaN or an infinity at index 1"), "{error}");
    let error = refused(&|model| model.graph.as_mut().unwrap().output[0].name = "nothing".to_owned());
    assert!(error.contains("nothing"), "{error}");
    let error = refused(&|model| {
        let pooled = node(model, "pooler.dense.matmul");
        let weight = std::mem::replace(&mut pooled.input[1], "turned".to_owned());
        let axes = vec![1, 1];
        let perm = pb::AttributeProto { name: "perm".to_owned(), ints: axes, ..Default::default() };
        let turn = pb::NodeProto {
            op_type: "Transpose".to_owned(),
            input: vec![weight],
            output: vec!["turned".to_owned()],
            attribute: vec![perm],
            ..Default::default()
        };
        model.graph.as_mut().unwrap().node.insert(0, turn);
    });
    assert!(error.contains("turns a tensor of 2 dimensions by the perm [1, 1]"), "{error}");
}
