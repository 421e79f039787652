//! Quantizes with the texts of a file: calibrates on some of them, and compares INT8 with FP32 on others.

use super::{
    AccuracyControl, CalibrationCheck, CalibrationInfo, ENOUGH_TEXTS, Options, Progress, QuantizedModel, Stage,
    check_calibration, check_ranges, compare_with_fp32, layer_reports, quantize, sample_indices,
};
use crate::bert::{Bert, BertConfig};
use crate::error::{Error, Result};
use crate::integrity::Integrity;
use crate::kernels::LANES;
use crate::model::Accuracy;
use crate::text::dataset::Dataset;
use crate::text::{TextTokenizer, Tokens};
use std::collections::HashSet;

/// INT8 is compared with FP32 on at most this many texts.
const CHECKED_TEXTS: usize = 64;

/// The number of texts on which the report measures the noise after every layer.
const LAYER_REPORT_TEXTS: usize = 16;

/// How texts are chosen from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// How many of the texts to calibrate on. If there are no others, a tenth is left out, to compare INT8 with FP32 on them,
    /// unless fewer than [`ENOUGH_TEXTS`] would be left.
    pub subset_size: usize,
    /// Texts are cut to this many tokens, or to the model's own limit.
    pub max_length: usize,
    /// The seed of the choice.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling { subset_size: 300, max_length: 128, seed: 0 }
    }
}

/// What [`CalibrationTexts::quantize`] measures for the report beyond what it needs itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measures {
    /// The noise after every layer.
    pub layers: bool,
    /// What every part contributes to the error of the logits. Takes about as long as running FP32 on 64 texts for every part.
    pub sensitivity: bool,
}

/// A text that was tokenized, with its line in the file.
type Line = (usize, Tokens);

/// The texts of a file that a model is calibrated on, and those that INT8 is compared with FP32 on.
#[derive(Debug)]
pub struct CalibrationTexts {
    samples: Vec<Tokens>,
    /// The lines of the first samples.
    lines: Vec<usize>,
    /// Texts that calibration does not see.
    held_back: Vec<Line>,
    check: CalibrationCheck,
    info: CalibrationInfo,
    file: Integrity,
}

impl CalibrationTexts {
    /// Chooses from `data`, the rows of a file with the hash `file`, and tokenizes the chosen texts for a model with `config`.
    ///
    /// # Errors
    /// If the tokenizer belongs to another model, or fails.
    pub fn choose(
        data: &Dataset,
        file: Integrity,
        tokenizer: &TextTokenizer,
        config: &BertConfig,
        sampling: Sampling,
    ) -> Result<Self> {
        tokenizer.check_vocabulary(config.vocab_size)?;
        let Sampling { subset_size, max_length, seed } = sampling;
        let max_length = max_length.min(config.max_positions);
        let line = |at: &usize| data.examples[*at].line;
        let encode = |at: &usize| tokenizer.encode(data.examples[*at].input(), max_length);
        let order = sample_indices(data.examples.len(), data.examples.len(), seed);
        let (chosen, rest) = order.split_at(calibrated(order.len(), subset_size));
        let samples = chosen.iter().map(encode).collect::<Result<Vec<_>>>()?;
        let seen: HashSet<&Vec<i64>> = samples.iter().map(|tokens| &tokens.ids).collect();
        let others = rest.iter().take(CHECKED_TEXTS).map(|at| Ok((line(at), encode(at)?)));
        let mut held_back = others.collect::<Result<Vec<Line>>>()?;
        held_back.retain(|(_, tokens)| !seen.contains(&tokens.ids));
        let check = check_calibration(&samples, tokenizer.unknown_id());
        let lines = chosen.iter().take(CHECKED_TEXTS).map(line).collect();
        Ok(CalibrationTexts { samples, lines, held_back, check, info: CalibrationInfo { max_length, seed }, file })
    }

    /// Returns the texts to calibrate on.
    pub fn samples(&self) -> &[Tokens] {
        &self.samples
    }

    /// Returns what the texts to calibrate on hold, and whether that is enough.
    pub fn check(&self) -> &CalibrationCheck {
        &self.check
    }

    /// Whether there are texts that calibration does not see, to compare INT8 with FP32 on.
    pub fn has_held_back(&self) -> bool {
        !self.held_back.is_empty()
    }

    /// Quantizes `bert`, compares the result with FP32, stores in the INT8 file and in the report how good it is, and warns in the
    /// report. Calls `progress` after each step. The same arguments always return the same bytes, whatever `measures` says.
    ///
    /// # Errors
    /// As [`quantize`](quantize()).
    pub fn quantize(
        &self,
        bert: &Bert,
        options: &Options,
        control: Option<&AccuracyControl>,
        measures: Measures,
        mut progress: impl FnMut(Progress),
    ) -> Result<QuantizedModel> {
        let mut quantized = quantize(bert, &self.samples, options, self.info, control, &mut progress)?;
        if measures.layers {
            let some = &self.samples[..self.samples.len().min(LAYER_REPORT_TEXTS)];
            progress(Progress { stage: Stage::MeasuringLayers, done: 0, total: some.len() });
            quantized.report.layers = layer_reports(bert, &quantized.onnx, some)?;
        }
        let (lines, checked): (Vec<usize>, Vec<&Tokens>) = match self.has_held_back() {
            true => self.held_back.iter().map(|(line, tokens)| (*line, tokens)).unzip(),
            false => self.lines.iter().copied().zip(&self.samples).unzip(),
        };
        progress(Progress { stage: Stage::Checking, done: 0, total: checked.len() });
        let mut check = compare_with_fp32(bert, &quantized.onnx, &checked, self.has_held_back())?;
        check.margins.iter_mut().zip(lines).for_each(|(margins, line)| margins.line = Some(line));
        if measures.sensitivity {
            let measured = |done, total| progress(Progress { stage: Stage::MeasuringParts, done, total });
            quantized.report.sensitivity = Some(quantized.sensitivity(bert, &checked, measured)?);
        }
        quantized.set_accuracy(&Accuracy {
            rows: check.texts,
            data: self.file,
            unseen: Some(check.held_back),
            agreement: check.difference.agreement,
            sqnr: check.difference.sqnr_db,
            metric: None,
        })?;
        quantized.report.check = Some(check);
        let CalibrationCheck { refusals, warnings, .. } = &self.check;
        quantized.report.warnings = [refusals.as_slice(), warnings].concat();
        quantized.report.warnings.extend(check_ranges(&quantized.report.activations));
        quantized.report.warnings.extend(unfused_warning(bert.config()));
        Ok(quantized)
    }
}

/// How many of `rows` texts to calibrate on: `most`, or all but a tenth if that leaves enough texts. INT8 is compared with FP32
/// on the others.
fn calibrated(rows: usize, most: usize) -> usize {
    let without_tenth = rows - rows / 10;
    match rows <= most && without_tenth >= ENOUGH_TEXTS {
        true => without_tenth,
        false => rows.min(most),
    }
}

/// Returns `bert` with the number of texts that the rows of `data` have. `model` is what the error calls the model.
///
/// # Errors
/// If the model reads another number of texts.
pub fn with_texts_of(bert: Bert, data: &Dataset, model: &str) -> Result<Bert> {
    let (line, found) = (data.examples[0].line, data.texts);
    if let Some(texts) = bert.config().texts.filter(|texts| *texts != found) {
        let problem = format!("{model} reads {texts}, but {}, line {line}, has {found}", data.file_name);
        return Err(Error::Argument(problem));
    }
    let problem = bert.config().problem;
    bert.with_task(problem, Some(found))
}

/// Returns the warning for a model whose encoder the kernels cannot run.
fn unfused_warning(config: &BertConfig) -> Option<String> {
    let mut sizes = [("hidden size", config.hidden), ("embedding size", config.embedding_features())].into_iter();
    let (what, size) = sizes.find(|(_, size)| !size.is_multiple_of(LANES))?;
    Some(format!(
        "the {what} {size} is no multiple of {LANES}, the number of features that a kernel reads at a time, so INT8 runs \
         unfused, slower than FP32"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_texts_are_held_back() {
        let cases = [(374, 300, 300), (300, 300, 270), (112, 300, 101), (110, 300, 110), (10, 300, 10), (10, 4, 4)];
        for (rows, most, used) in cases {
            assert_eq!(calibrated(rows, most), used, "{rows} rows, at most {most}");
        }
    }
}
