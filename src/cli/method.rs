//! The options of `bert8 quantize` that choose how.

use bert8::quantize::{Format, Ignored, Options, Preset, Range, Rounding, Smoothing};
use clap::Args;

/// How to quantize.
#[derive(Debug, Args)]
#[command(next_help_heading = "Method")]
pub struct Method {
    /// A named set of the options below, which override it:
    /// fast = --smooth 0.95 --range mean-min-max --rounding nearest;
    /// balanced = fast with --smooth search;
    /// best = --smooth search --range search --rounding gptq
    #[arg(long, value_name = "NAME", default_value = "balanced")]
    preset: Preset,

    /// SmoothQuant: `off`, α from 0 to 1, or `search` for the α that errs least, activation by activation
    #[arg(long, value_name = "ALPHA")]
    smooth: Option<Smoothing>,

    /// Do not take the middle of every feature's range off before smoothing
    #[arg(long)]
    no_shift: bool,

    /// Range of activations: min-max, mean-min-max (mean over pairs), percentile[:P], mse, entropy, or `search` for the
    /// best of min-max, mean-min-max and mse
    #[arg(long, value_name = "METHOD")]
    range: Option<Range>,

    /// Rounding of weights: nearest, mse (scale of least error) or gptq (against calibration inputs)
    #[arg(long, value_name = "METHOD")]
    rounding: Option<Rounding>,

    /// Give every activation zero point 128
    #[arg(long)]
    symmetric: bool,

    /// Leave biases as they are, uncorrected for rounding
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
            shift: preset.shift && !self.no_shift,
            symmetric: self.symmetric,
            bias_correction: !self.no_bias_correction,
            ignored: Ignored::new(self.ignore.clone()),
            format: self.format,
        }
    }
}
