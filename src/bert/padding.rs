//! Feed-forward blocks padded with features that are always 0.

use super::{Bert, BertConfig};

impl Bert {
    /// Returns the model with its intermediate size rounded up to a multiple of `multiple`. The added features have zero
    /// weights and biases, so that they are 0 after any [`Activation`](crate::activation::Activation) and change no answer.
    pub fn with_padded_intermediate(&self, multiple: usize) -> Bert {
        let config = &self.config;
        let size = config.intermediate.next_multiple_of(multiple);
        let mut padded = Bert { config: BertConfig { intermediate: size, ..config.clone() }, ..self.clone() };
        for layer in 0..config.layers {
            let at = format!("encoder.layer.{layer}");
            for (name, len) in [("intermediate.dense.weight", size * config.hidden), ("intermediate.dense.bias", size)]
            {
                padded.weight_mut(&format!("{at}.{name}")).resize(len, 0.0);
            }
            let down = padded.weight_mut(&format!("{at}.output.dense.weight"));
            let zeros = std::iter::repeat_n(0.0, size - config.intermediate);
            *down = down.chunks(config.intermediate).flat_map(|row| row.iter().copied().chain(zeros.clone())).collect();
        }
        padded
    }

    fn weight_mut(&mut self, name: &str) -> &mut Vec<f32> {
        self.weights.get_mut(name).unwrap_or_else(|| panic!("the architecture has no tensor `{name}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bert::{emit_fp32, random_bert};
    use crate::engine::{Engine, TokenInputs};

    #[test]
    fn padding_changes_no_answer() {
        let bert = random_bert(BertConfig { intermediate: 61, ..BertConfig::tiny() }, 1).unwrap();
        let padded = bert.with_padded_intermediate(8);
        assert_eq!(padded.config().intermediate, 64);
        for (name, shape) in padded.config().tensor_shapes() {
            assert_eq!(padded.weight(&name).len(), shape.iter().product::<usize>(), "{name}");
        }
        let logits = |bert: &Bert| {
            let engine = Engine::for_any_shape(&emit_fp32(bert), "model").unwrap();
            let tokens = TokenInputs { batch: 1, ids: &[2, 7, 9, 3], mask: &[1; 4], types: &[0, 0, 1, 1] };
            engine.run(&tokens).unwrap().remove(0)
        };
        for (a, b) in logits(&bert).iter().zip(logits(&padded)) {
            // The matrix product may add in another order.
            assert!((a - b).abs() < 1e-5, "{a} and {b}");
        }
    }
}
