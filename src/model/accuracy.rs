//! How good a model was found to be, stored in its file.

use crate::bert::embedded_config;
use crate::error::{Error, Result};
use crate::integrity::Integrity;
use crate::metrics::{Interval, Metric};
use crate::onnx::{decode_model, encode_model, metadata, pb};
use serde::{Deserialize, Serialize};

/// The metadata key of a file's [`Accuracy`], which is stored as JSON.
const KEY: &str = "bert8.accuracy";

/// How good an INT8 model was found to be: by `bert8 quantize`, which compares it with FP32, or by `bert8 eval --write`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The number of texts or pairs that it was measured on.
    pub rows: usize,
    /// The hash of the file that they come from.
    pub data: Integrity,
    /// Whether calibration did not see them; `None` if that is not known.
    pub unseen: Option<bool>,
    /// The share of inputs for which INT8 and FP32 decide the same, 0 to 1; `None` for scores, or if there was no comparison.
    pub agreement: Option<f64>,
    /// The signal to quantization noise ratio of the logits in decibels; `None` if they are equal, or if there was no comparison.
    pub sqnr: Option<f64>,
    /// The most telling metric, if the rows have labels.
    pub metric: Option<MeasuredMetric>,
}

/// The value of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeasuredMetric {
    /// Which metric.
    pub name: Metric,
    /// Its value.
    pub value: f64,
    /// Its 95 % confidence interval.
    pub interval: Interval,
}

impl Accuracy {
    /// Returns what is stored in `model`, or `None` if nothing is, or if it does not make sense.
    pub fn of(model: &pb::ModelProto) -> Option<Self> {
        let found: Accuracy = serde_json::from_str(metadata(model, KEY)?).ok()?;
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let metric =
            |found: MeasuredMetric| (-1.0..=1.0).contains(&found.value) && found.interval.low <= found.interval.high;
        let sound = found.agreement.is_none_or(share) && found.metric.is_none_or(metric);
        sound.then_some(found)
    }

    /// Returns the bytes of the ONNX file `onnx`, which errors call `file_name`, with this in its metadata.
    ///
    /// # Errors
    /// If bert8 has not written the file, or it is damaged.
    pub fn write_to(&self, onnx: &[u8], file_name: &str) -> Result<Vec<u8>> {
        let mut model = decode_model(onnx, file_name)?;
        if embedded_config(&model).is_none() {
            return Err(Error::needs_import(file_name, "was not written by bert8, so its metadata is not changed"));
        }
        self.store(&mut model);
        Ok(encode_model(&model))
    }

    /// Stores this in `model`, in place of what is there.
    pub fn store(&self, model: &mut pb::ModelProto) {
        let value = serde_json::to_string(self).expect("every field can be written as JSON");
        model.metadata_props.retain(|property| property.key != KEY);
        model.metadata_props.push(pb::StringStringEntryProto { key: KEY.to_owned(), value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_found_and_replaced() {
        let metric = MeasuredMetric { name: Metric::F1, value: 0.9, interval: Interval { low: 0.85, high: 0.95 } };
        let mut accuracy = Accuracy {
            rows: 408,
            data: Integrity::of(b"data"),
            unseen: Some(true),
            agreement: Some(0.99),
            sqnr: None,
            metric: Some(metric),
        };
        let mut model = pb::ModelProto::default();
        assert_eq!(Accuracy::of(&model), None);
        for rows in [408, 10] {
            accuracy.rows = rows;
            accuracy.store(&mut model);
            assert_eq!(Accuracy::of(&model), Some(accuracy.clone()));
        }
        assert_eq!(model.metadata_props.len(), 1);
        for (from, to) in
            [("0.99", "99"), ("[0.85,0.95]", "[0.95,0.85]"), ("\"f1\"", "\"f0\""), ("sha256-", "sha1-"), ("{", "")]
        {
            let mut damaged = model.clone();
            damaged.metadata_props[0].value = damaged.metadata_props[0].value.replacen(from, to, 1);
            assert_eq!(Accuracy::of(&damaged), None, "{to}");
        }
    }
}
