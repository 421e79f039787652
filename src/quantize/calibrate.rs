//! Runs the FP32 model on the calibration pairs and collects the statistics that quantization needs.

use super::observer::{Observer, not_finite};
use super::parallel::ordered_map;
use crate::bert::{Bert, Float, Lowering, build_graph};
use crate::engine::{Engine, TokenInputs};
use crate::error::{Error, Result};
use crate::onnx::{GraphBuilder, pb};
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
    let mut lowering = ObservedLowering::default();
    let mut model = build_graph(bert, &mut lowering);
    let graph = model.graph.get_or_insert_default();
    let logits_name = "logits".to_owned();
    let outputs = lowering.observed.keys().chain([&logits_name]);
    graph.output = outputs.map(|name| pb::ValueInfoProto { name: name.clone(), ..Default::default() }).collect();
    let engine = Engine::for_any_shape(&model, "the FP32 model")?;

    let tokens = samples.iter().map(|tokens| tokens.ids.len()).sum();
    let observer = |(name, &channels): (&String, &usize)| (name.clone(), Observer::new(channels, tokens));
    let mut observers: Observers = lowering.observed.iter().map(observer).collect();
    let mut logits = vec![Vec::new(); samples.len()];
    let mut by_length: Vec<usize> = (0..samples.len()).collect();
    by_length.sort_by_key(|&at| samples[at].ids.len());
    let run = |&at: &usize| {
        let Tokens { ids, types, .. } = &samples[at];
        let mask = vec![1; ids.len()];
        (at, engine.run(&TokenInputs { batch: 1, ids, mask: &mask, types }))
    };
    let mut done = 0;
    ordered_map(&by_length, run, |(at, values)| {
        let mut values = values?;
        let sample_logits = values.pop().unwrap_or_default();
        for ((name, observer), values) in observers.iter_mut().zip(values) {
            observer.observe(&values, name)?;
        }
        if sample_logits.iter().any(|logit| !logit.is_finite()) {
            return Err(not_finite(&logits_name));
        }
        logits[at] = sample_logits;
        done += 1;
        progress(done);
        Ok(())
    })?;
    Ok((observers, logits))
}

/// Lowers to FP32 and notes the activations to observe: the inputs of linear layers, queries and keys.
#[derive(Default)]
struct ObservedLowering {
    /// The number of channels by activation name.
    observed: BTreeMap<String, usize>,
}

impl Lowering for ObservedLowering {
    fn embedding(&mut self, g: &mut GraphBuilder, bert: &Bert, tensor: &str, ids: &str) -> String {
        Float.embedding(g, bert, tensor, ids)
    }

    fn linear(&mut self, g: &mut GraphBuilder, bert: &Bert, layer: &str, x: &str) -> String {
        let out = bert.weight(&format!("{layer}.bias")).len();
        self.observed.insert(x.to_owned(), bert.weight(&format!("{layer}.weight")).len() / out);
        if layer.ends_with(".query") || layer.ends_with(".key") {
            self.observed.insert(layer.to_owned(), out);
        }
        Float.linear(g, bert, layer, x)
    }

    fn scores(&mut self, g: &mut GraphBuilder, bert: &Bert, prefix: &str, query: &str, key: &str) -> String {
        Float.scores(g, bert, prefix, query, key)
    }
}
