//! What every part of a model takes of its file.

use super::units::{EMBEDDING_TABLES, Unit, units};
use crate::bert::BertConfig;
use crate::onnx::pb;
use serde::{Deserialize, Serialize};

/// The bytes of one part's tensors in the FP32 and in the INT8 file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSize {
    /// The name of the unit or embedding table.
    pub name: String,
    /// The pattern of [`Options::ignored`](super::Options::ignored) that keeps the part in FP32.
    pub pattern: String,
    /// In FP32.
    pub fp32_bytes: usize,
    /// In the INT8 file. The same as in FP32 if the part stays in FP32.
    pub int8_bytes: usize,
}

/// Returns the bytes of every part that could be INT8 in `model`: embedding tables, then units.
pub(super) fn part_bytes(config: &BertConfig, model: &pb::ModelProto) -> Vec<usize> {
    let bytes = |prefix: &str| -> usize {
        let tensors = model.graph.iter().flat_map(|graph| &graph.initializer);
        tensors.filter(|tensor| tensor.name.starts_with(prefix)).map(|tensor| tensor.raw_data.len()).sum()
    };
    let tables = EMBEDDING_TABLES.into_iter().map(bytes);
    let unit = |unit: Unit| unit.linears.iter().map(|linear| bytes(&format!("{linear}."))).sum();
    tables.chain(units(config).into_iter().map(unit)).collect()
}

/// Returns the sizes of all parts, given [`part_bytes`] of the FP32 and of the INT8 model.
pub(super) fn part_sizes(config: &BertConfig, fp32: &[usize], int8: &[usize]) -> Vec<PartSize> {
    let tables = EMBEDDING_TABLES.map(|table| (table.to_owned(), table.to_owned()));
    let units =
        units(config).into_iter().map(|unit| (unit.pattern(), unit.name)).map(|(pattern, name)| (name, pattern));
    let sizes = fp32.iter().zip(int8);
    let part = |((name, pattern), (&fp32_bytes, &int8_bytes))| PartSize { name, pattern, fp32_bytes, int8_bytes };
    tables.into_iter().chain(units).zip(sizes).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bert::{emit_fp32, random_bert};

    #[test]
    fn parts_have_the_bytes_of_their_tensors() {
        let config = BertConfig::tiny();
        let bytes = part_bytes(&config, &emit_fp32(&random_bert(config.clone(), 0).unwrap()));
        let parts = part_sizes(&config, &bytes, &bytes);
        assert_eq!(parts.len(), 2 + 4 * config.layers);
        assert_eq!(parts[0].fp32_bytes, 4 * config.vocab_size * config.hidden);
        let attention = parts.iter().find(|part| part.name == "encoder.layer.0.attention.self").unwrap();
        assert_eq!(attention.pattern, "encoder.layer.0.attention.self.*");
        assert_eq!(attention.fp32_bytes, 3 * 4 * (config.hidden + 1) * config.hidden);
    }
}
