//! Runs the FP32 model on the calibration pairs and collects the statistics that quantization needs.

use super::float_model::{FloatModel, FloatRun};
use super::observer::{Observer, not_finite};
use super::parallel::ordered_map;
use crate::bert::Bert;
use crate::error::{Error, Result};
use crate::text::Tokens;
use std::collections::BTreeMap;

/// Statistics of every activation that can become integers, by the activation's name in the graph.
pub type Observers = BTreeMap<String, Observer>;

/// Runs the FP32 model on `samples`. Returns the observers and the logits `[samples][labels]`. Calls `progress` after each
/// sample with the number of finished samples.
///
/// # Errors
/// Fails if there are no samples, the model cannot run, or an activation or logit is not finite.
pub fn calibrate(
    bert: &Bert,
    samples: &[Tokens],
    mut progress: impl FnMut(usize),
) -> Result<(Observers, Vec<Vec<f32>>)> {
    if samples.is_empty() {
        return Err(Error::Argument("calibration needs at least one pair".to_owned()));
    }
    let model = FloatModel::new(bert);
    let observed = model.observed();
    let tokens = samples.iter().map(|tokens| tokens.ids.len()).sum();
    let observer = |(name, channels): &(String, usize)| (name.clone(), Observer::new(*channels, tokens));
    let mut observers: Observers = observed.iter().map(observer).collect();
    let mut logits = vec![Vec::new(); samples.len()];
    let mut by_length: Vec<usize> = (0..samples.len()).collect();
    by_length.sort_by_key(|&at| samples[at].ids.len());
    let run = |&at: &usize| (at, model.run(&samples[at]));
    let mut done = 0;
    ordered_map(&by_length, run, |(at, result)| {
        let FloatRun { activations, logits: sample_logits } = result?;
        for ((name, _), values) in observed.iter().zip(activations) {
            observers.get_mut(name).expect("every activation has an observer").observe(&values, name)?;
        }
        if sample_logits.iter().any(|logit| !logit.is_finite()) {
            return Err(not_finite("logits"));
        }
        logits[at] = sample_logits;
        done += 1;
        progress(done);
        Ok(())
    })?;
    Ok((observers, logits))
}
