//! Feed-forward blocks with more features and the same answers: padded with zeros, or with copies of features.

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

    /// Returns the model with every intermediate feature repeated. `copies` holds, for each layer, how many copies each
    /// feature gets; copies of a feature are neighbours. The second linear layer reads each copy with an equal part of the
    /// feature's weight, so that no answer changes.
    ///
    /// After Zhao et al. 2019, "Improving Neural Network Quantization without Retraining using Outlier Channel Splitting".
    ///
    /// # Panics
    /// If `copies` does not hold a positive number for every feature of every layer, or layers get different sizes.
    pub fn with_copied_features(&self, copies: &[Vec<usize>]) -> Bert {
        let Bert { config, .. } = self;
        let size = copies.iter().map(|copies| copies.iter().sum()).max().unwrap_or(config.intermediate);
        let mut copied = Bert { config: BertConfig { intermediate: size, ..config.clone() }, ..self.clone() };
        assert_eq!(copies.len(), config.layers, "one list of copies per layer");
        for (layer, copies) in copies.iter().enumerate() {
            assert!(
                copies.len() == config.intermediate && copies.iter().sum::<usize>() == size && !copies.contains(&0)
            );
            let at = format!("encoder.layer.{layer}");
            for (name, columns) in [("intermediate.dense.weight", config.hidden), ("intermediate.dense.bias", 1)] {
                let up = copied.weight_mut(&format!("{at}.{name}"));
                let rows = up.chunks_exact(columns).zip(copies);
                *up = rows.flat_map(|(row, &count)| std::iter::repeat_n(row, count)).flatten().copied().collect();
            }
            let down = copied.weight_mut(&format!("{at}.output.dense.weight"));
            let weights = down.iter().zip(copies.iter().cycle());
            *down = weights.flat_map(|(weight, &count)| std::iter::repeat_n(weight / count as f32, count)).collect();
        }
        copied
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

    /// Checks that `changed` has `size` intermediate features and answers as `bert` does.
    fn check(bert: &Bert, changed: &Bert, size: usize) {
        assert_eq!(changed.config().intermediate, size);
        for (name, shape) in changed.config().tensor_shapes() {
            assert_eq!(changed.weight(&name).len(), shape.iter().product::<usize>(), "{name}");
        }
        let logits = |bert: &Bert| {
            let engine = Engine::for_any_shape(&emit_fp32(bert), "model").unwrap();
            let tokens = TokenInputs { batch: 1, ids: &[2, 7, 9, 3], mask: &[1; 4], types: &[0, 0, 1, 1] };
            engine.run(&tokens).unwrap().remove(0)
        };
        for (a, b) in logits(bert).iter().zip(logits(changed)) {
            // The matrix product may add in another order.
            assert!((a - b).abs() < 1e-5, "{a} and {b}");
        }
    }

    #[test]
    fn padding_changes_no_answer() {
        let bert = random_bert(BertConfig { intermediate: 61, ..BertConfig::tiny() }, 1).unwrap();
        check(&bert, &bert.with_padded_intermediate(8), 64);
    }

    #[test]
    fn copies_change_no_answer() {
        let bert = random_bert(BertConfig { intermediate: 20, ..BertConfig::tiny() }, 1).unwrap();
        let copies: Vec<Vec<usize>> = (0..bert.config().layers)
            .map(|layer| {
                (0..20)
                    .map(|at| {
                        if at == layer {
                            4
                        } else if at == 7 {
                            2
                        } else {
                            1
                        }
                    })
                    .collect()
            })
            .collect();
        check(&bert, &bert.with_copied_features(&copies), 24);
    }
}
