//! A tiny classifier in every form that the command reads: Hugging Face folder, ONNX files, tokenizer, sentence pairs.

use crate::common::{tiny_bert, tiny_config};
use bert8::activation::Activation;
use bert8::bert::{Bert, BertConfig, config_json, emit_fp32};
use bert8::onnx::encode_model;
use bert8::quantize::{CalibrationInfo, Options, quantize};
use bert8::text::TextTokenizer;
use bert8::text::wordpiece;
use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Labelled pairs: `(class id, first, second)`.
pub const PAIRS: [(usize, &str, &str); 10] = [
    (1, "the man left .", "he went away ."),
    (0, "a cat sat", "\"so\" said the dog"),
    (1, "he said so", "so he said"),
    (0, "x y z", ""),
    (1, "the dog left , he said .", "the dog went"),
    (0, "", "nothing"),
    (1, "caf\u{e9} \u{2603}", "cafe"),
    (0, "The Man", "a man a plan a canal"),
    (1, "one two three four five six", "six five four three two one"),
    (0, "q", "quite another thing"),
];

/// The sizes of the tiny model: its tokenizer has 67 entries.
pub fn config(activation: Activation, labels: usize) -> BertConfig {
    BertConfig { vocab_size: 70, max_positions: 64, ..tiny_config(activation, labels) }
}

/// The tiny model with exact GELU and two classes.
pub fn bert() -> Bert {
    tiny_bert(config(Activation::Gelu, 2))
}

/// [`bert`] as an FP32 ONNX file.
pub fn fp32() -> Vec<u8> {
    encode_model(&emit_fp32(&bert()))
}

/// [`bert`] as an INT8 ONNX file, calibrated on [`PAIRS`].
pub fn int8() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let tokenizer = TextTokenizer::from_bytes(tokenizer_json().to_string().as_bytes(), "tokenizer.json").unwrap();
        let samples: Vec<_> = PAIRS.iter().map(|&(_, a, b)| tokenizer.encode((a, b), 64).unwrap()).collect();
        quantize(&bert(), &samples, &Options::default(), CalibrationInfo { max_length: 64, seed: 0 }, None, |_| ())
            .unwrap()
            .onnx
    })
}

/// [`PAIRS`] as tab-separated text.
pub fn pairs_tsv() -> String {
    let rows = PAIRS.iter().map(|(label, first, second)| format!("{label}\t{first}\t{second}\n"));
    format!("label\tsentence1\tsentence2\n{}", rows.collect::<String>())
}

/// A WordPiece tokenizer of special tokens, letters and a few words.
pub fn tokenizer_json() -> Value {
    let letters = || ('a'..='z').map(String::from);
    let words = ["the", "man", "dog", "cat", "he", "said", "so", "left", "went", "."];
    let tokens = letters().chain(letters().map(|letter| format!("##{letter}"))).chain(words.map(String::from));
    wordpiece::tokenizer_json(tokens)
}

/// A Hugging Face folder in memory, which a test may change before it writes it.
pub struct HfModel {
    pub config: Value,
    pub tensors: BTreeMap<String, Tensor>,
    pub tokenizer: Value,
}

/// A tensor of a safetensors file.
pub struct Tensor {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Tensor {
    /// FP32 values.
    pub fn f32(shape: &[usize], values: &[f32]) -> Self {
        Self::new(Dtype::F32, shape, values)
    }

    fn new(dtype: Dtype, shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|&value| match dtype {
            Dtype::F16 => f16::from_f32(value).to_le_bytes().to_vec(),
            Dtype::BF16 => bf16::from_f32(value).to_le_bytes().to_vec(),
            _ => value.to_le_bytes().to_vec(),
        });
        Tensor { dtype, shape: shape.to_vec(), bytes: bytes.collect() }
    }
}

impl HfModel {
    /// Creates the folder of [`bert`], as the Transformers library writes it.
    pub fn tiny() -> Self {
        Self::new(&bert(), Dtype::F32, true)
    }

    /// Creates the folder of `bert` with weights of type `dtype`. `prefixed` adds `bert.` to tensor names, as a complete classifier
    /// has it.
    pub fn new(bert: &Bert, dtype: Dtype, prefixed: bool) -> Self {
        let config = bert.config();
        let tensors = config.tensor_shapes().into_iter().map(|(name, shape)| {
            let tensor = Tensor::new(dtype, &shape, bert.weight(&name));
            (if prefixed && !name.starts_with("classifier") { format!("bert.{name}") } else { name }, tensor)
        });
        HfModel { config: config_json(config), tensors: tensors.collect(), tokenizer: tokenizer_json() }
    }

    /// Returns the tensor called `name` for changes.
    pub fn tensor(&mut self, name: &str) -> &mut Tensor {
        self.tensors.get_mut(name).unwrap_or_else(|| panic!("no tensor {name}"))
    }

    /// Returns the bytes of model.safetensors.
    pub fn safetensors(&self) -> Vec<u8> {
        let views = self.tensors.iter().map(|(name, tensor)| {
            (name.as_str(), TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes).unwrap())
        });
        serialize(views, None).unwrap()
    }
}

/// Returns `bert` with its weights rounded to `dtype`.
pub fn rounded(bert: &Bert, dtype: Dtype) -> Bert {
    let round = |value: f32| match dtype {
        Dtype::F16 => f16::from_f32(value).to_f32(),
        Dtype::BF16 => bf16::from_f32(value).to_f32(),
        _ => value,
    };
    let shapes = bert.config().tensor_shapes().into_iter();
    let weights = shapes.map(|(name, shape)| {
        let values = bert.weight(&name).iter().map(|&value| round(value)).collect();
        (name, (shape, values))
    });
    Bert::new(bert.config().clone(), weights.collect(), "rounded").unwrap()
}
