//! The options of `bert8 quantize` that choose how.

use bert8::quantize::{Format, IgnoredScope, Options, Preset, RangeEstimator, Rounding, Shift, Smoothing};
use clap::Args;

/// How to quantize.
#[derive(Debug, Args)]
#[command(next_help_heading = "Method")]
pub struct Method {
    /// A named set of the options below, which override it:
    /// fast = --shift off --smooth 0.95 --range mean-min-max --rounding nearest;
    /// balanced = --shift search --smooth search --range mean-min-max --rounding gptq;
    /// best = balanced with --range search
    #[arg(long, value_name = "NAME", default_value = "balanced")]
    preset: Preset,

    /// SmoothQuant: `off`, α from 0 to 1, or `search` for the α that errs least, activation by activation. But for `off`,
    /// queries and keys are smoothed against each other
    #[arg(long, value_name = "ALPHA")]
    smooth: Option<Smoothing>,

    /// Take the middle of every input feature's range off before smoothing: off, on, or `search` for where it errs less
    #[arg(long, value_name = "WHERE")]
    shift: Option<Shift>,

    /// Range of activations: min-max, mean-min-max (mean over pairs), percentile[:P], mse, entropy, or `search` for the
    /// best of min-max, mean-min-max and mse
    #[arg(long, value_name = "METHOD")]
    range: Option<RangeEstimator>,

    /// Rounding of weights: nearest, mse (scale of least error) or gptq (against calibration inputs)
    #[arg(long, value_name = "METHOD")]
    rounding: Option<Rounding>,

    /// Give every activation zero point 128
    #[arg(long)]
    symmetric: bool,

    /// Leave biases as they are, uncorrected for rounding: those of products and of the classifier
    #[arg(long)]
    no_bias_correction: bool,

    /// Leave parts in FP32: names or patterns with *, such as 'layer.5.output.*' or '*.scores'; may be repeated
    #[arg(long, value_name = "PATTERN")]
    ignore: Vec<String>,

    /// Operators of the file: `integer` (MatMulInteger), which bert8 fuses and onnxruntime runs, or `qdq` (QuantizeLinear and
    /// DequantizeLinear around float products) for OpenVINO and others that make integer products of such pairs
    #[arg(long, value_name = "FORMAT", default_value = "integer")]
    format: Format,
}

impl Method {
    /// The options that preset and overrides add up to.
    pub fn options(&self) -> Options {
        let preset = self.preset.options();
        Options {
            smoothing: self.smooth.unwrap_or(preset.smoothing),
            range: self.range.unwrap_or(preset.range),
            rounding: self.rounding.unwrap_or(preset.rounding),
            shift: self.shift.unwrap_or(preset.shift),
            symmetric: self.symmetric,
            bias_correction: !self.no_bias_correction,
            ignored: IgnoredScope::new(self.ignore.clone()),
            format: self.format,
        }
    }
}
