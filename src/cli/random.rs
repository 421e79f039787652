//! `bert8 random`

use super::output::megabytes;
use super::output_folder::OutputFolder;
use anyhow::Result;
use bert8::activation::Activation;
use bert8::bert::{BertConfig, Head, config_json, random_bert, safetensors};
use bert8::task::{Problem, Texts};
use bert8::text::wordpiece::{SPECIAL, made_up_tokens, tokenizer_json};
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

/// Write a BERT sentence-pair classifier with random weights, for speed measurements
///
/// The folder has Hugging Face's layout: config.json, model.safetensors in FP32, tokenizer.json. The
/// answers mean nothing, but they depend on the sentences, so engines can be compared. The vocabulary
/// has 30,522 entries: characters, and made-up words that are one token each. The same seed produces
/// the same bytes on every machine.
///
///   bert8 random --preset bert-base my-model
///   bert8 convert my-model -o fp32.onnx
///   bert8 bench fp32.onnx --seq 128
#[derive(Debug, ClapArgs)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The folder to write
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// The model's size
    #[arg(long)]
    preset: Preset,

    /// Seed for the weights
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Write into a folder that is not empty, and replace its config.json, model.safetensors and tokenizer.json
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Preset {
    /// 4 layers, hidden size 256, 4 heads, feed-forward size 1024: 45 MB
    Mini,
    /// 4 layers, hidden size 512, 8 heads, feed-forward size 2048: 115 MB
    Small,
    /// 12 layers, hidden size 768, 12 heads, feed-forward size 3072: 438 MB
    BertBase,
}

impl Preset {
    fn config(self) -> BertConfig {
        let (layers, hidden) = match self {
            Preset::Mini => (4, 256),
            Preset::Small => (4, 512),
            Preset::BertBase => (12, 768),
        };
        BertConfig {
            vocab_size: 30_522,
            hidden,
            layers,
            heads: hidden / 64,
            intermediate: 4 * hidden,
            max_positions: 512,
            type_vocab: 2,
            padding_id: None,
            embedding_size: None,
            layer_norm_eps: 1e-12,
            activation: Activation::Gelu,
            head: Head::BERT,
            labels: vec!["different".to_owned(), "equivalent".to_owned()],
            problem: Problem::SingleLabel,
            texts: Some(Texts::Pair),
        }
    }
}

pub fn run(args: &Args) -> Result<()> {
    let folder = OutputFolder::new(&args.dir, args.force)?;
    let bert = random_bert(args.preset.config(), args.seed)?;
    let weights = safetensors(&bert)?;
    let config = serde_json::to_string_pretty(&config_json(bert.config()))?;
    let tokenizer = tokenizer_json(made_up_tokens(bert.config().vocab_size - SPECIAL.len())).to_string();
    folder.write(&[
        ("model.safetensors", &weights),
        ("config.json", config.as_bytes()),
        ("tokenizer.json", tokenizer.as_bytes()),
    ])?;
    eprintln!("wrote {} ({})", args.dir.display(), megabytes(weights.len()));
    Ok(())
}
