//! Exports of other families than BERT, and other heads.

use crate::common::{self, tiny_bert, tiny_config};
use crate::variants::{decompose_norms, with_axes};
use crate::{f32s, foreign, i64s, import_edited, insert_before, int_attribute, new_node, node, tensor};
use bert8::activation::Activation;
use bert8::bert::{Bert, BertConfig, Head, HeadActivation, ImportOptions, Pooling, emit_fp32, import_onnx};
use bert8::engine::{Engine, TokenInputs};
use bert8::error::Error;
use bert8::model::Model;
use bert8::onnx::{encode_model, pb};
use bert8::task::Problem;
use bert8::text::Tokens;
use serde_json::Value;
use std::path::Path;

/// Rounding of FP32 sums in another order.
const TOLERANCE: f64 = 1e-4;

/// The exports, each with the name of its expected logits.
const EXPORTS: [(&str, &str); 6] = [
    ("distilbert.ts17", "distilbert"),
    ("distilbert.dynamo18", "distilbert"),
    ("roberta.ts14", "roberta"),
    ("roberta.dynamo20", "roberta"),
    ("xlm-roberta-multilabel.ts17", "xlm-roberta-multilabel"),
    ("electra.ts17", "electra"),
];

/// A text's token ids and token types, and the logits of transformers.
struct Case {
    tokens: Tokens,
    logits: Vec<f64>,
}

fn cases(folder: &Path, source: &str) -> Vec<Case> {
    let bytes = std::fs::read(folder.join(format!("{source}.expected.json"))).unwrap();
    let expected: Value = serde_json::from_slice(&bytes).unwrap();
    let numbers = |case: &Value, name: &str| case[name].as_array().map(|values| values.to_vec());
    let cases = expected["cases"].as_array().unwrap().iter().map(|case| {
        let ints = |name| numbers(case, name).map(|v| v.iter().map(|v| v.as_i64().unwrap()).collect::<Vec<_>>());
        let ids = ints("input_ids").unwrap();
        let types = ints("token_type_ids").unwrap_or_else(|| types(source, &ids));
        let logits = numbers(case, "logits").unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        Case { tokens: Tokens { ids, types, truncated: false }, logits }
    });
    cases.collect()
}

/// The token types of `ids`: 1 after the first separator, in the family here that has them.
fn types(source: &str, ids: &[i64]) -> Vec<i64> {
    let separator = ids[ids.len() - 1];
    let first = ids.iter().position(|&id| id == separator).unwrap();
    ids.iter().enumerate().map(|(at, _)| i64::from(source == "electra" && at > first)).collect()
}

fn check(found: &[f32], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((f64::from(*found) - expected).abs() < TOLERANCE, "{what}: {found} for {expected}");
    }
}

fn imported(folder: &Path, export: &str) -> Bert {
    let bytes = std::fs::read(folder.join(format!("{export}.onnx"))).unwrap();
    import_onnx(&bytes, export, &ImportOptions::default()).unwrap_or_else(|e| panic!("{}", e.with_sources()))
}

#[test]
fn exports_of_every_family_give_the_logits_of_transformers() {
    let Some(folder) = common::shared("families") else { return };
    for (export, source) in EXPORTS {
        let engine = Engine::for_any_shape(&emit_fp32(&imported(&folder, export)), export).unwrap();
        for Case { tokens, logits } in cases(&folder, source) {
            let mask = vec![1; tokens.ids.len()];
            let inputs = TokenInputs { batch: 1, ids: &tokens.ids, mask: &mask, types: &tokens.types };
            check(&engine.run(&inputs).unwrap()[0], &logits, export);
        }
    }
}

#[test]
fn exports_of_every_family_tell_their_configuration() {
    let Some(folder) = common::shared("families") else { return };
    let dense = |function| Head { pooling: Pooling::FirstToken, dense: Some(function) };
    for (export, source) in EXPORTS {
        let bert = imported(&folder, export);
        let config = bert.config();
        let (head, labels, vocab, types, embedding) = match source {
            "distilbert" => (dense(HeadActivation::Relu), 2, 1500, 0, None),
            "roberta" => (Head::BERT, 3, 1500, 0, None),
            "xlm-roberta-multilabel" => (Head::BERT, 6, 1200, 0, None),
            _ => (dense(HeadActivation::Gelu), 2, 1500, 2, Some(32)),
        };
        assert_eq!((config.head, config.labels.len(), config.vocab_size), (head, labels, vocab), "{export}");
        assert_eq!((config.type_vocab, config.embedding_size), (types, embedding), "{export}");
        // RoBERTa's first two rows belong to padding.
        assert_eq!((config.max_positions, config.hidden, config.layers, config.heads), (128, 64, 2, 4), "{export}");
        assert_eq!(config.intermediate, 128, "{export}");
        assert_eq!(config.padding_id, source.contains("roberta").then_some(1), "{export}");
    }
}

#[test]
fn exports_run_as_they_are_or_say_what_to_do() {
    let Some(folder) = common::shared("families") else { return };
    for (export, source) in EXPORTS {
        match Model::from_file(folder.join(format!("{export}.onnx"))) {
            Ok(model) => {
                let info = model.info();
                assert_eq!((info.max_positions, info.hidden, info.layers), (128, 64, 2), "{export}");
                for Case { tokens, logits } in cases(&folder, source) {
                    check(&model.logits(&tokens).unwrap(), &logits, export);
                }
            }
            Err(error) => {
                assert!(export.contains("dynamo"), "{export}: {error}");
                assert!(error.to_string().contains("import it and write it as one FP32 ONNX file first"), "{error}");
            }
        }
    }
}

/// Models of every head, with and without token types and a projection of the embeddings.
fn variants() -> Vec<Bert> {
    let functions = [HeadActivation::Tanh, HeadActivation::Relu, HeadActivation::Gelu];
    let dense = functions.into_iter().map(Some).chain([None]);
    let heads = dense.flat_map(|dense| [Pooling::FirstToken, Pooling::Mean].map(|pooling| Head { pooling, dense }));
    let bert = |(at, head)| {
        let (type_vocab, embedding_size) = (if at % 3 == 0 { 0 } else { 2 }, (at % 2 == 0).then_some(8));
        tiny_bert(BertConfig { head, type_vocab, embedding_size, ..tiny_config(Activation::Gelu, 2) })
    };
    heads.enumerate().map(bert).collect()
}

#[test]
fn every_head_that_is_written_can_be_read() {
    for bert in variants() {
        let mut model = foreign(&bert);
        let options = ImportOptions { labels: Some(bert.config().labels.clone()), ..ImportOptions::default() };
        let imported = import_onnx(&encode_model(&model), "head.onnx", &options)
            .unwrap_or_else(|e| panic!("{:?}: {}", bert.config().head, e.with_sources()));
        assert_eq!(imported.config(), bert.config());
        assert!(imported == bert, "{:?}", bert.config().head);
        // The same in decomposed operators of an older operator set.
        model.opset_import[0].version = 13;
        decompose_norms(model.graph.as_mut().unwrap(), 13, true, false);
        assert!(import_onnx(&encode_model(&model), "head.onnx", &options).unwrap() == bert);
    }
}

/// A model with mean pooling, whose export `edit` changes.
fn mean(edit: impl FnOnce(&mut pb::GraphProto)) -> Result<Bert, Error> {
    let head = Head { pooling: Pooling::Mean, dense: None };
    let bert = tiny_bert(BertConfig { head, ..tiny_config(Activation::Gelu, 2) });
    let imported = import_edited(&bert, &ImportOptions::default(), edit)?;
    assert_eq!(imported.weight("classifier.weight"), bert.weight("classifier.weight"));
    Ok(imported)
}

#[test]
fn means_are_read_as_other_exporters_write_them() {
    // Sentence Transformers: a mask of the tokens' shape, and a least count.
    let expanded = mean(|graph| {
        graph.initializer.push(f32s("least", &[], &[1e-9]));
        let nodes = vec![
            new_node("Shape", &["encoder.layer.1.output.LayerNorm"], "tokens.shape"),
            new_node("Expand", &["pooler.weights", "tokens.shape"], "mask.expanded"),
        ];
        insert_before(graph, "pooler.weighted", "pooler.weights", "mask.expanded", nodes);
        node(graph, "pooler.count").input[0] = "mask.expanded".to_owned();
        insert_before(
            graph,
            "pooler.mean",
            "pooler.count",
            "count.least",
            vec![new_node("Clip", &["pooler.count", "least"], "count.least")],
        );
    });
    assert_eq!(expanded.unwrap().config().head.pooling, Pooling::Mean);
    // A product of matrices and a reciprocal.
    let product = mean(|graph| {
        graph.initializer.push(i64s("one", &[1], &[1]));
        *node(graph, "pooler.weighted") = new_node("Unsqueeze", &["mask.float", "pooler.token_axis"], "mask.row");
        let sum = new_node("MatMul", &["mask.row", "encoder.layer.1.output.LayerNorm"], "pooler.row");
        *node(graph, "pooler.sum") = pb::NodeProto { name: "pooler.sum".to_owned(), ..sum };
        let mean = new_node("Mul", &["pooler.flat", "pooler.inverse"], "pooler.mean");
        *node(graph, "pooler.mean") = pb::NodeProto { name: "pooler.mean".to_owned(), ..mean };
        let nodes = vec![
            new_node("Squeeze", &["pooler.row", "one"], "pooler.flat"),
            new_node("Reciprocal", &["pooler.count"], "pooler.inverse"),
        ];
        insert_before(graph, "pooler.mean", "", "", nodes);
    });
    assert_eq!(product.unwrap().config().head.pooling, Pooling::Mean);
    // A choice between the tokens and 0.
    let chosen = mean(|graph| {
        graph.initializer.push(f32s("zero", &[], &[0.0]));
        let mut cast = new_node("Cast", &["pooler.weights"], "mask.chosen");
        cast.attribute.push(int_attribute("to", pb::tensor_proto::DataType::Bool as i64));
        insert_before(graph, "pooler.weighted", "", "", vec![cast]);
        let choice = new_node("Where", &["mask.chosen", "encoder.layer.1.output.LayerNorm", "zero"], "pooler.weighted");
        *node(graph, "pooler.weighted") = choice;
    });
    assert_eq!(chosen.unwrap().config().head.pooling, Pooling::Mean);
    // A mean of all rows. Without padding, which is how bert8 runs a text, it is the same.
    let plain = mean(|graph| {
        graph.node.retain(|node| !node.name.starts_with("pooler.") || node.name == "pooler.mean");
        let mean = new_node("ReduceMean", &["encoder.layer.1.output.LayerNorm"], "pooler.mean");
        let mut mean = with_axes(graph, mean, &[1], false);
        mean.attribute.push(int_attribute("keepdims", 0));
        *node(graph, "pooler.mean") = mean;
    });
    assert_eq!(plain.unwrap().config().head.pooling, Pooling::Mean);
    // A count of something else.
    let twice = mean(|graph| node(graph, "pooler.count").input[0] = "pooler.weighted".to_owned());
    assert!(twice.unwrap_err().to_string().contains("stands where the first token"));
}

/// An export that ends with these operators on the logits.
fn ended(labels: usize, ops: &[&str]) -> Result<Bert, Error> {
    let bert = tiny_bert(tiny_config(Activation::Gelu, labels));
    import_edited(&bert, &ImportOptions::default(), |graph| {
        let mut value = "classifier".to_owned();
        graph.node.retain(|node| node.output[0] != "logits");
        for (at, op) in ops.iter().enumerate() {
            let output = if at + 1 == ops.len() { "logits".to_owned() } else { format!("end.{at}") };
            let mut node = new_node(op, &[&value], &output);
            if ["ArgMax", "Softmax"].contains(op) {
                node.attribute.push(int_attribute("axis", 1));
            }
            graph.node.push(node);
            value = output;
        }
    })
}

#[test]
fn probabilities_at_the_end_are_taken_off() {
    for (labels, ops, problem) in [
        (2, &["Softmax"][..], Problem::SingleLabel),
        (3, &["Softmax", "ArgMax"], Problem::SingleLabel),
        (3, &["ArgMax"], Problem::SingleLabel),
        (3, &["Sigmoid"], Problem::MultiLabel),
        (1, &["Sigmoid", "Identity"], Problem::MultiLabel),
    ] {
        let bert = ended(labels, ops).unwrap_or_else(|e| panic!("{ops:?}: {}", e.with_sources()));
        assert_eq!((bert.config().problem, bert.config().labels.len()), (problem, labels), "{ops:?}");
    }
    assert!(ended(1, &["Softmax"]).unwrap_err().to_string().contains("one label and a softmax"));
    let twice = ended(2, &["Softmax", "Softmax"]).unwrap_err().to_string();
    assert!(twice.contains("(Softmax) is followed by Softmax"), "{twice}");
    let other = ended(2, &["Tanh"]).unwrap_err().to_string();
    assert!(other.contains("(Tanh) stands where the classifier"), "{other}");
}

#[test]
fn one_output_of_several_can_be_named() {
    let bert = tiny_bert(tiny_config(Activation::Gelu, 2));
    let value = |name: &str| pb::ValueInfoProto { name: name.to_owned(), ..Default::default() };
    let import = |outputs: &[&str], output: Option<&str>| {
        let options = ImportOptions { output: output.map(str::to_owned), ..ImportOptions::default() };
        import_edited(&bert, &options, |graph| {
            graph.node.push(new_node("Softmax", &["logits"], "probabilities"));
            let copies = ["weight_t", "bias"].map(|part| {
                let tensor = tensor(graph, &format!("classifier.{part}"));
                pb::TensorProto { name: format!("second.{part}"), ..tensor.clone() }
            });
            graph.initializer.extend(copies);
            graph.node.push(new_node("MatMul", &["pooler.activation", "second.weight_t"], "second.product"));
            graph.node.push(new_node("Add", &["second.product", "second.bias"], "second"));
            graph.output = outputs.iter().map(|name| value(name)).collect();
        })
        .map_err(|e| e.to_string())
    };
    assert!(import(&["pooler.activation", "logits", "probabilities"], None).is_ok());
    assert!(import(&["probabilities", "pooler.activation"], Some("probabilities")).is_ok());
    assert!(import(&["second", "logits"], Some("second")).is_ok());
    let two = import(&["second", "logits"], None).unwrap_err();
    assert!(two.contains("two classifiers, with the outputs `logits` and `second`"), "{two}");
    let unnamed = import(&["second", "probabilities"], None).unwrap_err();
    assert!(unnamed.contains("has the outputs `second`, `probabilities`, none of them called `logits`"), "{unnamed}");
    let unknown = import(&["logits"], Some("third")).unwrap_err();
    assert!(unknown.contains("has no output `third`; its outputs are `logits`"), "{unknown}");
}

#[test]
fn positions_may_be_an_input() {
    let bert = tiny_bert(tiny_config(Activation::Gelu, 2));
    let options = ImportOptions { labels: Some(bert.config().labels.clone()), ..ImportOptions::default() };
    let with_input = |graph: &mut pb::GraphProto| {
        let input = pb::ValueInfoProto { name: "position_ids".to_owned(), ..graph.input[0].clone() };
        graph.input.insert(0, input);
        node(graph, "embeddings.position_embeddings").input[1] = "position_ids".to_owned();
    };
    assert!(import_edited(&bert, &options, with_input).unwrap() == bert);
    let one_type = import_edited(&bert, &options, |graph| {
        with_input(graph);
        graph.input.retain(|input| input.name != "token_type_ids");
        graph.initializer.push(i64s("all.zero", &[1, 1], &[0]));
        let types = tensor(graph, "embeddings.token_type_embeddings.weight");
        types.dims[0] = 1;
        types.raw_data.truncate(16 * 4);
        node(graph, "embeddings.token_type_embeddings").input[1] = "all.zero".to_owned();
    });
    let error = one_type.unwrap_err().to_string();
    assert!(error.contains("Export it without position_ids"), "{error}");
}

#[test]
fn layers_that_share_weights_behind_a_projection_are_an_albert() {
    let bert = tiny_bert(BertConfig { embedding_size: Some(8), ..tiny_config(Activation::Gelu, 2) });
    let error = import_edited(&bert, &ImportOptions::default(), |graph| {
        for input in graph.node.iter_mut().flat_map(|node| &mut node.input) {
            let shared = ["weight_t", "bias", "weight"].iter().any(|end| input.ends_with(end));
            if shared {
                *input = input.replace("encoder.layer.1.", "encoder.layer.0.");
            }
        }
    });
    let error = error.unwrap_err().to_string();
    assert!(error.contains("is an ALBERT: its 2 layers are one") && error.contains("supported: BERT"), "{error}");
}

/// Rewrites the positions of an export of `bert` as RoBERTa's, for the id of padding `padding`: tokens count, padding does
/// not, and the first rows of the table belong to padding. `wide` sums up INT64, `past` adds a length of 0.
fn count_tokens(graph: &mut pb::GraphProto, padding: i64, wide: bool, past: bool) {
    let table = tensor(graph, "embeddings.position_embeddings.weight");
    table.dims[0] += padding + 1;
    let columns = usize::try_from(table.dims[1]).unwrap();
    table.raw_data.splice(0..0, vec![0; 4 * columns * usize::try_from(padding + 1).unwrap()]);
    graph.initializer.extend([i64s("padding", &[], &[padding]), i64s("one", &[], &[1]), i64s("past", &[], &[0])]);
    let mut cast = new_node("Cast", &["not.padding"], "counts");
    cast.attribute.push(int_attribute("to", if wide { 7 } else { 6 }));
    let mut sum = vec![new_node("CumSum", &["counts", "one"], "sum.narrow")];
    sum.push(new_node("Cast", &["sum.narrow"], "sum.cast"));
    sum[1].attribute.push(int_attribute("to", 7));
    let mut mask = new_node("Cast", &["counts"], "counts.wide");
    mask.attribute.push(int_attribute("to", 7));
    sum.push(match past {
        true => new_node("Add", &["sum.cast", "past"], "sum"),
        false => new_node("Identity", &["sum.cast"], "sum"),
    });
    let nodes = vec![
        new_node("Equal", &["input_ids", "padding"], "is.padding"),
        new_node("Not", &["is.padding"], "not.padding"),
        cast,
        mask,
    ];
    let last =
        vec![new_node("Mul", &["sum", "counts.wide"], "counted"), new_node("Add", &["counted", "padding"], "ids")];
    let nodes = [nodes, sum, last].concat();
    insert_before(graph, "embeddings.position_embeddings", "position.ids", "ids", nodes);
}

#[test]
fn positions_may_skip_padding() {
    let bert = tiny_bert(BertConfig { type_vocab: 0, ..tiny_config(Activation::Gelu, 2) });
    let options = ImportOptions { labels: Some(bert.config().labels.clone()), ..ImportOptions::default() };
    for (padding, wide, past) in [(1, false, false), (1, true, false), (0, false, true), (3, true, true)] {
        let bert = tiny_bert(BertConfig { padding_id: Some(padding as usize), ..bert.config().clone() });
        let imported = import_edited(&bert, &options, |graph| count_tokens(graph, padding, wide, past))
            .unwrap_or_else(|e| panic!("{padding} {wide} {past}: {}", e.with_sources()));
        assert!(imported == bert, "{padding} {wide} {past}");
        let mut model = foreign(&bert);
        count_tokens(model.graph.as_mut().unwrap(), padding, false, past);
        let model = Model::from_bytes(encode_model(&model), "foreign.onnx").unwrap();
        assert_eq!(model.info().max_positions, bert.config().max_positions);
    }
    let reversed = import_edited(&bert, &options, |graph| {
        count_tokens(graph, 1, false, false);
        let sum = graph.node.iter_mut().find(|node| node.op_type == "CumSum").unwrap();
        sum.attribute.push(int_attribute("reverse", 1));
    });
    let error = reversed.unwrap_err().to_string();
    assert!(error.contains("computes from the tokens in an unknown way"), "{error}");
}
