//! Runs the FP32 model on calibration pairs and observes what the quantizer needs to know.

use super::observer::{Observer, not_finite};
use super::parallel::in_order;
use crate::bert::{Bert, Float, Lowering, build_graph};
use crate::engine::{Engine, TokenInputs};
use crate::error::{Error, Result};
use crate::onnx::{GraphBuilder, pb};
use crate::text::Tokens;
use std::collections::BTreeMap;

/// Statistics of every activation that quantization turns into integers, by the value's name in the graph.
pub type Observations = BTreeMap<String, Observer>;

/// Observes `samples`, calling `progress` with the number done after each. Gives their logits too, sample by sample.
pub fn calibrate(
    bert: &Bert,
    samples: &[Tokens],
    mut progress: impl FnMut(usize),
) -> Result<(Observations, Vec<Vec<f32>>)> {
    if samples.is_empty() {
        return Err(Error::Argument("calibration needs at least one pair".to_owned()));
    }
    let mut taps = Taps::default();
    let mut model = build_graph(bert, &mut taps);
    let graph = model.graph.get_or_insert_default();
    let logits = "logits".to_owned();
    let outputs = taps.values.keys().chain([&logits]);
    graph.output = outputs.map(|name| pb::ValueInfoProto { name: name.clone(), ..Default::default() }).collect();
    let engine = Engine::for_any_shape(&model, "the FP32 model")?;

    let tokens = samples.iter().map(|tokens| tokens.ids.len()).sum();
    let observer = |(name, &features): (&String, &usize)| (name.clone(), Observer::new(features, tokens));
    let mut observers: Observations = taps.values.iter().map(observer).collect();
    let mut answers = vec![Vec::new(); samples.len()];
    let mut by_length: Vec<usize> = (0..samples.len()).collect();
    by_length.sort_by_key(|&at| samples[at].ids.len());
    let run = |&at: &usize| {
        let Tokens { ids, types, .. } = &samples[at];
        let mask = vec![1; ids.len()];
        (at, engine.run(&TokenInputs { batch: 1, ids, mask: &mask, types }))
    };
    let mut done = 0;
    in_order(&by_length, run, |(at, values)| {
        let mut values = values?;
        let answer = values.pop().unwrap_or_default();
        for ((name, observer), values) in observers.iter_mut().zip(values) {
            observer.observe(&values, name)?;
        }
        if answer.iter().any(|logit| !logit.is_finite()) {
            return Err(not_finite(&logits));
        }
        answers[at] = answer;
        done += 1;
        progress(done);
        Ok(())
    })?;
    Ok((observers, answers))
}

/// The FP32 graph, noting every linear layer's input, and queries and keys, with their number of features.
#[derive(Default)]
struct Taps {
    values: BTreeMap<String, usize>,
}

impl Lowering for Taps {
    fn embedding(&mut self, g: &mut GraphBuilder, bert: &Bert, tensor: &str, ids: &str) -> String {
        Float.embedding(g, bert, tensor, ids)
    }

    fn linear(&mut self, g: &mut GraphBuilder, bert: &Bert, layer: &str, x: &str) -> String {
        let out = bert.weight(&format!("{layer}.bias")).len();
        self.values.insert(x.to_owned(), bert.weight(&format!("{layer}.weight")).len() / out);
        if layer.ends_with(".query") || layer.ends_with(".key") {
            self.values.insert(layer.to_owned(), out);
        }
        Float.linear(g, bert, layer, x)
    }

    fn scores(&mut self, g: &mut GraphBuilder, bert: &Bert, prefix: &str, query: &str, key: &str) -> String {
        Float.scores(g, bert, prefix, query, key)
    }
}
