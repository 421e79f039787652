//! `bert8 classify`

use super::classifier::DecisionArgs;
use super::output::print_json;
use anyhow::Result;
use bert8::Problem;
use bert8::model::{AppliedLabel, Classification};
use bert8::text::TextInput;
use clap::Args as ClapArgs;

/// Classify one text or a pair of texts
///
/// Prints the label with its probability; or, of a multi-label model, every label whose probability is at or above the
/// threshold; or, of a model with one output, the score.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    model: DecisionArgs,

    /// The text, or the first of a pair
    #[arg(value_name = "TEXT")]
    first: String,

    /// The second text of a pair
    #[arg(value_name = "TEXT2")]
    second: Option<String>,

    /// Print labels, probabilities, score, logits and timing as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let classifier = args.model.load()?;
    let input = TextInput { first: &args.first, second: args.second.as_deref() };
    let answer = classifier.classify(input)?;
    if answer.truncated {
        eprintln!("note: the input was cut to {} tokens", answer.tokens);
    }
    if let Some(limit) = classifier.tokenizer().length_limit().filter(|&limit| answer.tokens > limit) {
        eprintln!(
            "note: the input has {} tokens; transformers cuts to {limit} (model_max_length in tokenizer_config.json), as \
             --max-length {limit} does",
            answer.tokens
        );
    }
    if args.json {
        return print_json(&answer);
    }
    let threshold = classifier.threshold();
    say!("{}, {:.1} ms", in_words(&answer, &classifier.model().info().labels, threshold), answer.timing.infer_ms);
    Ok(())
}

fn in_words(answer: &Classification, names: &[String], threshold: f32) -> String {
    match (answer.problem, answer.label_id, answer.score) {
        (Problem::SingleLabel, Some(id), _) => named(&names[id], answer.probabilities[id]),
        (Problem::Regression, _, Some(score)) => format!("score {score:.4}"),
        (_, _, Some(score)) => {
            let is = if answer.labels.is_empty() { "below" } else { "at or above" };
            format!("score {score:.4}: {} is {is} the threshold {threshold}", names[0])
        }
        _ if answer.labels.is_empty() => format!("no label at or above the threshold {threshold}"),
        _ => {
            let labels = answer.labels.iter().map(|AppliedLabel { name, probability, .. }| named(name, *probability));
            labels.collect::<Vec<_>>().join(", ")
        }
    }
}

fn named(label: &str, probability: f32) -> String {
    format!("{label} ({:.1} %)", probability * 100.0)
}
