//! The options of `bert8 quantize` that choose the method.

use bert8::quantize::{Format, IgnoredScope, Options, Preset, RangeEstimator, Rounding, Shift, Smoothing};
use clap::Args;

/// The quantization method.
#[derive(Debug, Args)]
#[command(next_help_heading = "Method")]
pub struct Method {
    /// A named set of the options below; each of them overrides it:
    /// fast = --shift off --smooth 0.95 --outlier-copies 0 --range mean-min-max --range-margin 0
    /// --rounding nearest;
    /// balanced = --shift search --smooth search --outlier-copies 0.025 --range mean-min-max
    /// --range-margin 0.25 --rounding gptq
    #[arg(long, value_name = "NAME", default_value = "balanced")]
    preset: Preset,

    /// SmoothQuant: off, α from 0 to 1, or search for the α with the least error per activation. Unless it is off, queries and
    /// keys are also smoothed against each other
    #[arg(long, value_name = "ALPHA")]
    smooth: Option<Smoothing>,

    /// Subtract the middle of each input feature's range before smoothing: off, on, or search to do so where it reduces the
    /// error
    #[arg(long, value_name = "WHERE")]
    shift: Option<Shift>,

    /// Split features with outliers in feed-forward blocks into copies that share their weights. SHARE is by how much the blocks
    /// may grow, such as 0.02; 0 splits nothing
    #[arg(long, value_name = "SHARE")]
    outlier_copies: Option<f32>,

    /// Range of activations: min-max, mean-min-max (mean over pairs), percentile[:P], mse, entropy, or search for the best of
    /// min-max, mean-min-max and mse
    #[arg(long, value_name = "METHOD")]
    range: Option<RangeEstimator>,

    /// Widen the ranges of linear layers' inputs at both ends by this SHARE of themselves, such as 0.25, for texts that go beyond
    /// those of calibration
    #[arg(long, value_name = "SHARE")]
    range_margin: Option<f32>,

    /// Rounding of weights: nearest, mse (nearest, with the scale of least error) or gptq (least output error on calibration
    /// inputs)
    #[arg(long, value_name = "METHOD")]
    rounding: Option<Rounding>,

    /// Use zero point 128 for every activation
    #[arg(long)]
    symmetric: bool,

    /// Do not correct biases for the mean rounding error
    #[arg(long)]
    no_bias_correction: bool,

    /// Keep parts in FP32: a name or a pattern with *, such as 'layer.5.output.*' or '*.scores'; may be repeated
    #[arg(long, value_name = "PATTERN")]
    ignore: Vec<String>,

    /// Operators in the file: integer (MatMulInteger), which bert8 fuses and onnxruntime runs; or qdq (QuantizeLinear and
    /// DequantizeLinear around float products), for OpenVINO and other engines that fuse such pairs
    #[arg(long, value_name = "FORMAT", default_value = "integer")]
    format: Format,
}

impl Method {
    /// Returns the preset.
    pub fn preset(&self) -> Preset {
        self.preset
    }

    /// Returns the options of the preset with the overrides applied.
    pub fn options(&self) -> Options {
        let preset = self.preset.options();
        Options {
            smoothing: self.smooth.unwrap_or(preset.smoothing),
            outlier_copies: self.outlier_copies.unwrap_or(preset.outlier_copies),
            range: self.range.unwrap_or(preset.range),
            range_margin: self.range_margin.unwrap_or(preset.range_margin),
            rounding: self.rounding.unwrap_or(preset.rounding),
            shift: self.shift.unwrap_or(preset.shift),
            symmetric: self.symmetric,
            bias_correction: !self.no_bias_correction,
            ignored: IgnoredScope::new(self.ignore.clone()),
            format: self.format,
        }
    }
}
