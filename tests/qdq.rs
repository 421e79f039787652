//! The QDQ format of the INT8 file: the same integers as in the integer format, in the form that other engines expect.

#![cfg(feature = "cli")]

mod common;

use bert8::activation::Activation;
use bert8::model::Model;
use bert8::onnx::{decode_model, pb};
use bert8::quantize::{CalibrationInfo, Format, IgnoredScope, Options, quantize};
use bert8::text::Tokens;
use common::{tiny_bert, tiny_config};
use std::collections::BTreeMap;

const IDS: [i64; 9] = [2, 17, 33, 8, 3, 41, 25, 8, 3];

fn sequences() -> Vec<Tokens> {
    let sequence = |len: usize| Tokens { ids: IDS[..len].to_vec(), types: vec![0; len], truncated: false };
    (1..=IDS.len()).map(sequence).collect()
}

/// The bytes of the tiny model's file.
fn file(options: &Options, format: Format) -> Vec<u8> {
    let bert = tiny_bert(tiny_config(Activation::Gelu, 3));
    let options = Options { format, ..options.clone() };
    let info = CalibrationInfo { max_length: 9, seed: 0 };
    quantize(&bert, &sequences(), &options, info, None, |_| ()).unwrap().onnx
}

/// Options that lead to different graphs.
fn variants() -> [Options; 4] {
    [
        Options::default(),
        Options {
            shift: bert8::quantize::Shift::Off,
            smoothing: bert8::quantize::Smoothing::Off,
            ..Options::default()
        },
        Options { symmetric: true, ..Options::default() },
        Options { ignored: IgnoredScope::new(vec!["*.scores".into(), "*.output.dense".into()]), ..Options::default() },
    ]
}

fn graph(bytes: &[u8]) -> pb::GraphProto {
    decode_model(bytes, "test").unwrap().graph.unwrap()
}

/// The values of all INT8 weights and tables, by name.
fn integers(graph: &pb::GraphProto) -> BTreeMap<&str, &[u8]> {
    let weights = graph.initializer.iter().filter(|tensor| tensor.name.ends_with("weight_quantized"));
    weights.map(|tensor| (tensor.name.as_str(), tensor.raw_data.as_slice())).collect()
}

#[test]
fn both_formats_have_the_same_integers_and_answers() {
    for options in variants() {
        let [integer, qdq] = [Format::Integer, Format::Qdq].map(|format| file(&options, format));
        assert_eq!(integers(&graph(&integer)), integers(&graph(&qdq)));
        let [integer, qdq] = [integer, qdq].map(|bytes| Model::from_bytes(bytes, "test").unwrap());
        for tokens in sequences() {
            for (a, b) in integer.logits(&tokens).unwrap().iter().zip(qdq.logits(&tokens).unwrap()) {
                // Sums have another order, so a value at a rounding boundary may become the next integer.
                assert!((a - b).abs() < 2e-2, "{options:?}: {a} and {b}");
            }
        }
    }
}

#[test]
fn a_shared_activation_is_rounded_once_and_every_weight_has_a_scale_for_each_column() {
    let graph = graph(&file(&Options::default(), Format::Qdq));
    let count = |op: &str| graph.node.iter().filter(|node| node.op_type == op).count();
    // In each of two layers: the inputs of Q, K and V together, of three linear layers, and queries and keys.
    assert_eq!((count("QuantizeLinear"), count("MatMulInteger")), (12, 0));
    let weights: Vec<_> = graph.node.iter().filter(|node| node.name.ends_with(".weight")).collect();
    assert_eq!((weights.len(), count("DequantizeLinear")), (12, 12 + 12));
    for node in weights {
        let shape = |input: usize| &graph.initializer.iter().find(|t| t.name == node.input[input]).unwrap().dims;
        assert_eq!((&shape(0)[1..], node.attribute[0].i), (&shape(1)[..], 1), "{}", node.name);
        assert_eq!(shape(1), shape(2), "{}", node.name);
    }
}

#[test]
fn symmetric_ranges_have_zero_point_zero() {
    let options = Options { symmetric: true, ..Options::default() };
    for (options, everywhere) in [(options, true), (Options::default(), false)] {
        let graph = graph(&file(&options, Format::Qdq));
        let zeros = graph.initializer.iter().filter(|tensor| tensor.name.ends_with("zero_point"));
        for tensor in zeros.filter(|t| everywhere || t.name.contains(".query.") || t.name.contains(".key.")) {
            assert_eq!(tensor.data_type, pb::tensor_proto::DataType::Int8 as i32, "{}", tensor.name);
            assert!(tensor.raw_data.iter().all(|&byte| byte == 0), "{}", tensor.name);
        }
    }
}

#[test]
fn the_file_runs_unfused_and_says_why() {
    let model = Model::from_bytes(file(&Options::default(), Format::Qdq), "test").unwrap();
    assert_eq!((model.kernel(), model.fused().left), ("unfused", 0));
    assert!(model.fused().reason.as_ref().unwrap().contains("only the integer format"), "{:?}", model.fused());
}
