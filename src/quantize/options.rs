//! The options of quantization, and presets for them.

use super::ignored_scope::IgnoredScope;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The methods that quantization uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// SmoothQuant: how it balances channel magnitudes between activations and weights.
    pub smoothing: Smoothing,
    /// Outlier Suppression+: whether the center of every input channel's range is subtracted before smoothing. Biases restore
    /// it.
    pub shift: Shift,
    /// The share by which feed-forward blocks may grow: features with outliers are split into copies that share their weights.
    /// 0 splits nothing.
    #[serde(default)]
    pub outlier_copies: f32,
    /// How the range that an activation's 8 bits span is estimated.
    pub range: RangeEstimator,
    /// The share by which the estimated range of every linear layer's input is widened: other inputs than those of
    /// calibration go beyond it.
    #[serde(default)]
    pub range_margin: f32,
    /// Whether activations are quantized symmetrically, with zero point 128. Queries and keys always are.
    pub symmetric: bool,
    /// How weights are rounded to integers.
    pub rounding: Rounding,
    /// Whether biases, including the classifier's, are corrected for the mean error that quantization causes.
    pub bias_correction: bool,
    /// The parts that stay in FP32.
    pub ignored: IgnoredScope,
    /// The operators of the INT8 file.
    pub format: Format,
}

/// [`Options::outlier_copies`] of the presets that copy outliers.
const OUTLIER_COPIES: f32 = 0.025;

/// [`Options::range_margin`] of the presets that search. A margin of a quarter costs 2 dB of the error that rounding makes.
/// Clipping values outside the range would cost more.
const RANGE_MARGIN: f32 = 0.25;

impl Default for Options {
    fn default() -> Self {
        Preset::Balanced.options()
    }
}

/// A named set of options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// SmoothQuant with α 0.95, mean min-max ranges, rounding to nearest, no shift.
    Fast,
    /// Shift and SmoothQuant's α searched for every activation, mean min-max ranges with a margin, GPTQ. The search runs
    /// three times; the result whose calibration logits are closest to FP32 wins.
    Balanced,
}

impl Preset {
    /// The options of this preset.
    pub fn options(self) -> Options {
        let balanced = Options {
            shift: Shift::Search,
            smoothing: Smoothing::Search,
            outlier_copies: OUTLIER_COPIES,
            range: RangeEstimator::MeanMinMax,
            range_margin: RANGE_MARGIN,
            symmetric: false,
            rounding: Rounding::Gptq,
            bias_correction: true,
            ignored: IgnoredScope::default(),
            format: Format::Integer,
        };
        match self {
            Preset::Fast => Options {
                shift: Shift::Off,
                smoothing: Smoothing::Fixed(0.95),
                outlier_copies: 0.0,
                range_margin: 0.0,
                rounding: Rounding::Nearest,
                ..balanced
            },
            Preset::Balanced => balanced,
        }
    }
}

/// The operators of an INT8 file. Integers and scales are the same in both formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Integer products (MatMulInteger). Any engine can run them, and this crate fuses them.
    Integer,
    /// FP32 products of values that pass through QuantizeLinear and DequantizeLinear, for engines that fuse such pairs.
    Qdq,
}

/// How far SmoothQuant moves channel magnitudes from activations to weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Smoothing {
    /// No smoothing.
    Off,
    /// The same α in 0..=1 for every activation.
    Fixed(f32),
    /// For every activation, no smoothing or the α from 0.5 to 1 with the least output error on calibration tokens.
    Search,
}

/// Whether activations are shifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shift {
    /// No activation is shifted.
    Off,
    /// Every activation is shifted.
    On,
    /// Activations are shifted if that reduces the output error on calibration tokens.
    Search,
}

/// How the range of an activation is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RangeEstimator {
    /// From the lowest to the highest value of all calibration pairs.
    MinMax,
    /// From the mean of the pairs' lowest values to the mean of their highest values.
    MeanMinMax,
    /// The middle part that holds this percentage of all values, from 50 to 100. Equally many values lie below and above.
    Percentile(f32),
    /// The range with the least mean squared quantization error.
    Mse,
    /// The range with the least Kullback-Leibler divergence between the distribution of the values and its quantized form.
    Entropy,
    /// For every activation, min-max, mean-min-max or mse: the one with the least output error on calibration tokens.
    Search,
}

/// How weights are rounded to integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// Rounds to nearest, with the scale that maps a row's largest weight to 127.
    Nearest,
    /// Rounds to nearest, with the scale of the least squared error. Errors are weighted by the mean square of their input
    /// channel, and the scale is at most that of `Nearest`.
    Mse,
    /// GPTQ: rounds one input channel at a time, and lets each channel compensate the errors of earlier ones on calibration
    /// inputs.
    Gptq,
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Preset::Fast => "fast",
            Preset::Balanced => "balanced",
        })
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "fast" => Ok(Preset::Fast),
            "balanced" => Ok(Preset::Balanced),
            "best" => {
                Err("there is no such preset any more: use balanced. best searched ranges too (--range search)"
                    .to_owned())
            }
            _ => Err("expected fast or balanced".to_owned()),
        }
    }
}

impl FromStr for Shift {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "off" => Ok(Shift::Off),
            "on" => Ok(Shift::On),
            "search" => Ok(Shift::Search),
            _ => Err("expected off, on or search".to_owned()),
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "integer" => Ok(Format::Integer),
            "qdq" => Ok(Format::Qdq),
            _ => Err("expected integer or qdq".to_owned()),
        }
    }
}

impl FromStr for Smoothing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Smoothing::Off),
            "search" => Ok(Smoothing::Search),
            number => match number.parse() {
                Ok(alpha @ 0.0..=1.0) => Ok(Smoothing::Fixed(alpha)),
                _ => Err("expected off, search or a number from 0 to 1".to_owned()),
            },
        }
    }
}

impl FromStr for RangeEstimator {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("percentile:").map(str::parse)) {
            ("min-max", _) => Ok(RangeEstimator::MinMax),
            ("mean-min-max", _) => Ok(RangeEstimator::MeanMinMax),
            ("percentile", _) => Ok(RangeEstimator::Percentile(99.99)),
            (_, Some(Ok(percent @ 50.0..=100.0))) => Ok(RangeEstimator::Percentile(percent)),
            ("mse", _) => Ok(RangeEstimator::Mse),
            ("entropy", _) => Ok(RangeEstimator::Entropy),
            ("search", _) => Ok(RangeEstimator::Search),
            _ => Err(
                "expected min-max, mean-min-max, percentile, percentile:P (P from 50 to 100), mse, entropy or search"
                    .to_owned(),
            ),
        }
    }
}

impl FromStr for Rounding {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "nearest" => Ok(Rounding::Nearest),
            "mse" => Ok(Rounding::Mse),
            "gptq" => Ok(Rounding::Gptq),
            _ => Err("expected nearest, mse or gptq".to_owned()),
        }
    }
}

impl Options {
    /// Checks the numbers in these options.
    ///
    /// # Errors
    /// Fails if α, the share of copies or the margin of ranges is not in 0..=1, or a percentile is not in 50..=100.
    pub fn validate(&self) -> crate::error::Result<()> {
        if !(0.0..=1.0).contains(&self.outlier_copies) {
            return Err(Error::Argument(format!("the share of copies is {}; expected 0 to 1", self.outlier_copies)));
        }
        if !(0.0..=1.0).contains(&self.range_margin) {
            return Err(Error::Argument(format!("the margin of ranges is {}; expected 0 to 1", self.range_margin)));
        }
        match (self.smoothing, self.range) {
            (Smoothing::Fixed(alpha), _) if !(0.0..=1.0).contains(&alpha) => {
                Err(Error::Argument(format!("SmoothQuant's α is {alpha}; expected 0 to 1")))
            }
            (_, RangeEstimator::Percentile(percent)) if !(50.0..=100.0).contains(&percent) => {
                Err(Error::Argument(format!("the percentile is {percent}; expected 50 to 100")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_json() {
        let options = Options {
            smoothing: Smoothing::Fixed(0.8),
            range: RangeEstimator::Percentile(99.99),
            ignored: IgnoredScope::new(vec!["layer.5.*".to_owned()]),
            ..Options::default()
        };
        for options in [options, Preset::Fast.options(), Preset::Balanced.options()] {
            let json = serde_json::to_string(&options).unwrap();
            assert_eq!(serde_json::from_str::<Options>(&json).unwrap(), options, "{json}");
        }
    }

    #[test]
    fn names_are_parsed_and_nonsense_is_refused() {
        assert_eq!("percentile:99.9".parse(), Ok(RangeEstimator::Percentile(99.9)));
        assert_eq!("0.5".parse(), Ok(Smoothing::Fixed(0.5)));
        assert_eq!("gptq".parse(), Ok(Rounding::Gptq));
        for (bad, says) in [("best", "use balanced"), ("great", "fast or balanced")] {
            assert!(bad.parse::<Preset>().is_err_and(|error| error.contains(says)), "{bad}");
        }
        for bad in ["percentile:", "percentile:101", "percentile:NaN", "max"] {
            assert!(bad.parse::<RangeEstimator>().is_err(), "{bad}");
        }
        for bad in ["1.5", "-0.1", "NaN", "on"] {
            assert!(bad.parse::<Smoothing>().is_err(), "{bad}");
        }
        for bad in [
            Options { range: RangeEstimator::Percentile(f32::NAN), ..Options::default() },
            Options { range_margin: f32::NAN, ..Options::default() },
            Options { range_margin: -0.1, ..Options::default() },
        ] {
            assert!(bad.validate().is_err(), "{bad:?}");
        }
    }
}
