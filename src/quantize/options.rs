//! What the user can choose of quantization, and the presets that choose for them.

use super::scope::Ignored;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How quantization is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Spreads the differences between input features over activations and weights.
    pub smoothing: Smoothing,
    /// Takes the middle of every input feature's range off before smoothing (Outlier Suppression+); biases give it back.
    pub shift: Shift,
    /// Chooses the range of an activation that its 8 bits span.
    pub range: Range,
    /// Whether activations get zero point 128 and a range of equal sides. Queries and keys always do.
    pub symmetric: bool,
    /// Turns weights into integers.
    pub rounding: Rounding,
    /// Whether biases make up for the mean error of the rounded weights.
    pub bias_correction: bool,
    /// What stays in FP32.
    pub ignored: Ignored,
    /// How the file writes it all.
    pub format: Format,
}

impl Default for Options {
    fn default() -> Self {
        Preset::Balanced.options()
    }
}

/// A named set of options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// SmoothQuant at 0.95, mean ranges, nearest rounding.
    Fast,
    /// Shift and SmoothQuant's α searched for every activation, mean ranges, weights rounded against calibration inputs; of
    /// three attempts the one whose logits are nearest to FP32's.
    Balanced,
    /// As balanced, with ranges searched too.
    Best,
}

impl Preset {
    /// The options that the preset stands for.
    pub fn options(self) -> Options {
        let (shift, smoothing, range, rounding) = match self {
            Preset::Fast => (Shift::Off, Smoothing::Fixed(0.95), Range::MeanMinMax, Rounding::Nearest),
            Preset::Balanced => (Shift::Search, Smoothing::Search, Range::MeanMinMax, Rounding::Gptq),
            Preset::Best => (Shift::Search, Smoothing::Search, Range::Search, Rounding::Gptq),
        };
        Options {
            shift,
            smoothing,
            range,
            symmetric: false,
            rounding,
            bias_correction: true,
            ignored: Ignored::default(),
            format: Format::Integer,
        }
    }
}

/// The operators of an INT8 file. Integers and scales are the same in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Products of integers (MatMulInteger), which any engine runs as they are and this crate fuses.
    Integer,
    /// Float products between QuantizeLinear and DequantizeLinear, for engines that look for such pairs.
    Qdq,
}

/// How far SmoothQuant moves differences between features from activations to weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Smoothing {
    /// Not at all.
    Off,
    /// By this α in 0..=1 everywhere.
    Fixed(f32),
    /// By the α, of 0.5 to 1 or none, whose layers come nearest to FP32 on calibration tokens.
    Search,
}

/// Whether activations are shifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shift {
    /// None is.
    Off,
    /// All are.
    On,
    /// Those are whose layers come nearer to FP32 on calibration tokens by it.
    Search,
}

/// How the range of an activation is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Range {
    /// From the lowest to the highest value seen.
    MinMax,
    /// From the mean over calibration pairs of each pair's lowest value to that of its highest.
    MeanMinMax,
    /// So that this percentage of values lies inside, and as much of the rest on either side.
    Percentile(f32),
    /// The least mean squared error.
    Mse,
    /// The least Kullback-Leibler divergence between the values' distribution and its quantized form.
    Entropy,
    /// That of min-max, mean-min-max and mse whose layers come nearest to FP32 on calibration tokens.
    Search,
}

/// How weights become integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// To the nearest, on a scale that the row's largest weight decides.
    Nearest,
    /// To the nearest, on the scale, not above that of the largest weight, with the least error weighted by input power.
    Mse,
    /// One input feature after the other, each making up for the error of those before it on calibration inputs.
    Gptq,
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "fast" => Ok(Preset::Fast),
            "balanced" => Ok(Preset::Balanced),
            "best" => Ok(Preset::Best),
            _ => Err("expected fast, balanced or best".to_owned()),
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

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("percentile:").map(str::parse)) {
            ("min-max", _) => Ok(Range::MinMax),
            ("mean-min-max", _) => Ok(Range::MeanMinMax),
            ("percentile", _) => Ok(Range::Percentile(99.99)),
            (_, Some(Ok(share @ 50.0..=100.0))) => Ok(Range::Percentile(share)),
            ("mse", _) => Ok(Range::Mse),
            ("entropy", _) => Ok(Range::Entropy),
            ("search", _) => Ok(Range::Search),
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
    /// Checks what types cannot.
    ///
    /// # Errors
    /// If α or a percentile lies outside its range.
    pub fn validate(&self) -> crate::error::Result<()> {
        match (self.smoothing, self.range) {
            (Smoothing::Fixed(alpha), _) if !(0.0..=1.0).contains(&alpha) => {
                Err(Error::Argument(format!("SmoothQuant's α is {alpha}; expected 0 to 1")))
            }
            (_, Range::Percentile(share)) if !(50.0..=100.0).contains(&share) => {
                Err(Error::Argument(format!("the percentile is {share}; expected 50 to 100")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_back_from_json() {
        let options = Options {
            smoothing: Smoothing::Fixed(0.8),
            range: Range::Percentile(99.99),
            ignored: Ignored::new(vec!["layer.5.*".to_owned()]),
            ..Options::default()
        };
        for options in [options, Preset::Fast.options(), Preset::Best.options()] {
            let json = serde_json::to_string(&options).unwrap();
            assert_eq!(serde_json::from_str::<Options>(&json).unwrap(), options, "{json}");
        }
    }

    #[test]
    fn names_are_read_and_nonsense_is_not() {
        assert_eq!("percentile:99.9".parse(), Ok(Range::Percentile(99.9)));
        assert_eq!("0.5".parse(), Ok(Smoothing::Fixed(0.5)));
        assert_eq!("gptq".parse(), Ok(Rounding::Gptq));
        for bad in ["percentile:", "percentile:101", "percentile:NaN", "max"] {
            assert!(bad.parse::<Range>().is_err(), "{bad}");
        }
        for bad in ["1.5", "-0.1", "NaN", "on"] {
            assert!(bad.parse::<Smoothing>().is_err(), "{bad}");
        }
        let options = Options { range: Range::Percentile(f32::NAN), ..Options::default() };
        assert!(options.validate().is_err());
    }
}
