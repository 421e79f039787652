//! Small valid models, which edit scripts start from.

use bert8::activation::Activation;
use bert8::bert::{Bert, BertConfig, Head, HeadActivation, Pooling, emit_fp32, random_bert};
use bert8::onnx::{decode_model, encode_model, pb};
use bert8::quantize::{CalibrationInfo, Format, Options, Preset, quantize};
use bert8::task::Problem;
use bert8::text::Tokens;
use std::sync::OnceLock;

/// The configuration of a model with two layers.
pub fn config() -> BertConfig {
    BertConfig {
        vocab_size: 30,
        hidden: 16,
        layers: 2,
        heads: 2,
        intermediate: 24,
        max_positions: 12,
        type_vocab: 2,
        padding_id: None,
        embedding_size: None,
        layer_norm_eps: 1e-5,
        activation: Activation::Gelu,
        head: Head::BERT,
        labels: vec!["no".to_owned(), "yes".to_owned()],
        problem: Problem::SingleLabel,
        texts: None,
    }
}

/// The model of `config` with random weights.
pub fn bert(config: BertConfig) -> Bert {
    random_bert(config, 3).expect("the configuration is valid")
}

/// `bert` as an INT8 file, calibrated on a few random texts.
pub fn int8(bert: &Bert, format: Format) -> Vec<u8> {
    let limit = bert.config().max_positions.min(8);
    let ids = |seed: usize| (0..limit).map(|at| ((seed * 7 + at * 5) % bert.config().vocab_size) as i64).collect();
    let sample = |seed| Tokens { ids: ids(seed), types: vec![0; limit], truncated: false };
    let samples: Vec<Tokens> = (0..4).map(sample).collect();
    let options = Options { format, ..Preset::Fast.options() };
    let info = CalibrationInfo { max_length: limit, seed: 0 };
    quantize(bert, &samples, &options, info, None, |_| ()).expect("a valid model can be quantized").onnx
}

/// The graphs that scripts edit: FP32 and INT8, with and without bert8's metadata, of several families, and of other tools.
pub fn graphs() -> &'static [pb::ModelProto] {
    static GRAPHS: OnceLock<Vec<pb::ModelProto>> = OnceLock::new();
    GRAPHS.get_or_init(|| {
        let bert8 = bert(config());
        let mean = BertConfig {
            layers: 1,
            embedding_size: Some(8),
            activation: Activation::Relu,
            head: Head { pooling: Pooling::Mean, dense: Some(HeadActivation::Tanh) },
            type_vocab: 0,
            ..config()
        };
        let fp32 = emit_fp32(&bert8);
        let mut foreign = fp32.clone();
        foreign.metadata_props.clear();
        let decoded = |bytes: &[u8]| decode_model(bytes, "base").expect("the base is a valid file");
        let int8_file = decoded(&int8(&bert8, Format::Integer));
        let mut unnamed = int8_file.clone();
        unnamed.metadata_props.clear();
        let qdq = decoded(&int8(&bert8, Format::Qdq));
        let mean_int8 = decoded(&int8(&bert(mean.clone()), Format::Integer));
        let other_tools: [&[u8]; 4] = [
            include_bytes!("../../tests/import_onnx/quantized/dynamic-u8.onnx"),
            include_bytes!("../../tests/import_onnx/quantized/qdq-s8.onnx"),
            include_bytes!("../../tests/import_onnx/quantized/qoperator-u8.onnx"),
            include_bytes!("../../tests/golden/model.int8.onnx"),
        ];
        let own = [int8_file, fp32, foreign, unnamed, qdq, mean_int8, emit_fp32(&bert(mean))];
        own.into_iter().chain(other_tools.map(decoded)).collect()
    })
}

/// A file with weights so large that a download packs them on the way.
pub fn large_int8() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let config = BertConfig { hidden: 264, heads: 2, intermediate: 264, layers: 1, ..config() };
        encode_model(&decode_model(&int8(&bert(config), Format::Integer), "base").expect("the base is a valid file"))
    })
}
