//! Quantizes a Hugging Face folder to INT8 and compares the result with FP32.
//!
//! ```sh
//! cargo run --release --no-default-features --features pairs --example quantize_and_evaluate -- \
//!     models/minilm-l6-mrpc models/calibration.tsv models/examples.tsv
//! ```

use bert8::bert::{emit_fp32, import_folder};
use bert8::metrics::{argmax, sqnr_db};
use bert8::onnx::encode_model;
use bert8::quantize::{CalibrationInfo, Options, quantize, sample_indices};
use bert8::text::{TextTokenizer, Tokens, pairs::read_pairs};
use bert8::{Model, Result};
use std::path::Path;

/// The length limit of calibration pairs, in tokens.
const MAX_LENGTH: usize = 128;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, calibration, evaluation] = arguments.as_slice() else {
        eprintln!("usage: quantize_and_evaluate MODEL_FOLDER CALIBRATION.tsv EVALUATION.tsv");
        std::process::exit(2);
    };
    let bert = import_folder(Path::new(folder))?;
    let tokenizer = TextTokenizer::from_file(Path::new(folder).join("tokenizer.json"))?;

    let pairs = read_pairs(Path::new(calibration))?;
    let chosen = sample_indices(pairs.len(), 300, 0).into_iter().map(|at| &pairs[at]);
    let samples: Vec<Tokens> =
        chosen.map(|pair| tokenizer.encode(pair.input(), MAX_LENGTH)).collect::<Result<_>>()?;
    let info = CalibrationInfo { max_length: MAX_LENGTH, seed: 0 };
    let quantized = quantize(&bert, &samples, &Options::default(), info, None, |_| ())?;
    let sizes = quantized.report.sizes;
    println!("INT8 has {} bytes, {:.1} % of FP32's {}", sizes.int8_bytes, sizes.ratio * 100.0, sizes.fp32_bytes);

    let fp32 = Model::from_bytes(encode_model(&emit_fp32(&bert)), "the FP32 model")?;
    let int8 = Model::from_bytes(quantized.onnx, "the INT8 model")?;
    let limit = bert.config().max_positions;
    let tokens: Vec<Tokens> = read_pairs(Path::new(evaluation))?
        .iter()
        .map(|pair| tokenizer.encode(pair.input(), limit))
        .collect::<Result<_>>()?;
    let tokens: Vec<&Tokens> = tokens.iter().collect();
    let (exact, rounded) = (fp32.logits_of(&tokens)?, int8.logits_of(&tokens)?);
    let equal = exact.iter().zip(&rounded).filter(|(a, b)| argmax(a) == argmax(b)).count();
    println!("INT8 decides like FP32 on {equal} of {} pairs", tokens.len());
    if let Some(decibels) = sqnr_db(&exact.concat(), &rounded.concat()) {
        println!("signal-to-quantization-noise ratio of the logits: {decibels:.1} dB");
    }
    Ok(())
}
