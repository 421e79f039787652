//! What bert8 writes, it reads.

use super::super::checks::FILE;
use super::super::models;
use super::super::script::Script;
use bert8::activation::{Activation, HeadActivation};
use bert8::bert::{
    BertConfig, Head, ImportOptions, Pooling, config_json, emit_fp32, import_bytes, import_onnx, safetensors,
};
use bert8::model::Model;
use bert8::onnx::encode_model;
use bert8::quantize::Format;
use bert8::task::Problem;
use serde_json::Value;

/// The sizes and settings of a model. Its files must be read as the model that was written.
pub fn round_trip(data: &[u8]) {
    let mut script = Script::new(data);
    let bert = models::bert(config(&mut script));
    let fp32 = encode_model(&emit_fp32(&bert));
    let imported = import_onnx(&fp32, FILE, &ImportOptions::default()).expect("an own FP32 file");
    assert_eq!(imported.config(), bert.config());
    for (name, _) in bert.config().tensor_shapes() {
        assert_eq!(imported.weight(&name), bert.weight(&name), "{name}");
    }
    let file = models::int8(&bert, Format::Integer);
    let model = Model::from_bytes(file, FILE).expect("an own INT8 file");
    // The fused operators need sizes that are multiples of 8.
    let sizes = [Some(bert.config().hidden), Some(bert.config().intermediate), bert.config().embedding_size];
    let fits = sizes.into_iter().flatten().all(|size| size.is_multiple_of(8));
    assert!(model.fused().complete() || !fits, "{:?}", model.fused());
    assert_eq!(model.info().labels, bert.config().labels);
    let folder: Value = config_json(bert.config());
    // A folder of a BERT cannot tell every head.
    if let Ok(weights) = safetensors(&bert) {
        let read = import_bytes(folder.to_string().as_bytes(), &weights, FILE).expect("an own folder");
        assert_eq!(read.config().tensor_shapes(), bert.config().tensor_shapes());
    }
}

fn config(script: &mut Script) -> BertConfig {
    let heads = 1 + script.below(4);
    let labels = 1 + script.below(4);
    BertConfig {
        vocab_size: 8 + script.below(40),
        hidden: heads * (1 + script.below(12)),
        layers: 1 + script.below(2),
        heads,
        intermediate: 1 + script.below(48),
        max_positions: 5 + script.below(20),
        type_vocab: script.below(3),
        embedding_size: (script.byte() % 2 == 1).then(|| 2 + script.below(16)),
        activation: *script.choose(&[Activation::Gelu, Activation::GeluTanh, Activation::Relu]),
        head: Head {
            pooling: *script.choose(&[Pooling::FirstToken, Pooling::Mean]),
            dense: *script.choose(&[Some(HeadActivation::Tanh), None]),
        },
        labels: (0..labels).map(|id| format!("label {id}")).collect(),
        problem: if labels == 1 { Problem::Regression } else { Problem::SingleLabel },
        ..models::config()
    }
}
