//! Running a model on tract: parse, type, plan, run.

use crate::error::{Error, Result};
use crate::onnx::pb;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;

/// How many planned lengths are kept. Each holds its own packed weights.
const PLANS: usize = 2;

/// The token inputs of one pair, or of a rectangular batch, row-major `[batch, sequence]`.
#[derive(Debug, Clone, Copy)]
pub struct TokenInputs<'a> {
    /// Rows.
    pub batch: usize,
    /// Vocabulary ids.
    pub ids: &'a [i64],
    /// 1 for a token, 0 for padding.
    pub mask: &'a [i64],
    /// 0 for the first sentence, 1 for the second.
    pub types: &'a [i64],
}

impl TokenInputs<'_> {
    /// Tokens in a row.
    pub fn sequence(&self) -> usize {
        self.ids.len().checked_div(self.batch).unwrap_or(0)
    }
}

/// A typed model, from which a plan for one shape is made when that shape first runs.
#[derive(Debug)]
pub struct Engine {
    file: String,
    typed: TypedModel,
    inputs: Vec<Input>,
    symbols: [Symbol; 2],
    plans: Mutex<Vec<(Shape, Arc<TypedSimplePlan>)>>,
}

type Shape = (usize, usize);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Input {
    Ids,
    Mask,
    Types,
}

impl Engine {
    /// Parses and types `model`; `file` is named in errors.
    pub fn new(model: &pb::ModelProto, onnx: &tract_onnx::Onnx, file: &str) -> Result<Self> {
        let parsed = onnx.parse(model, None).map_err(|e| Error::engine(file, "parsing the model", e))?;
        if let Some(unresolved) = parsed.unresolved_inputs.first() {
            return Err(Error::file(file, format!("uses the value `{unresolved}`, which no node makes")));
        }
        let mut inference = parsed.model;
        let symbols = ["b", "s"].map(|name| inference.symbols.new_with_prefix(name));
        let mut inputs = Vec::new();
        for at in 0..inference.inputs.len() {
            let outlet = inference.inputs[at];
            let name = inference.node(outlet.node).name.clone();
            inputs.push(match name.as_str() {
                "input_ids" => Input::Ids,
                "attention_mask" => Input::Mask,
                "token_type_ids" => Input::Types,
                other => {
                    return Err(Error::file(
                        file,
                        format!("takes an input `{other}`; expected input_ids, attention_mask and token_type_ids"),
                    ));
                }
            });
            let fact = InferenceFact::dt_shape(i64::datum_type(), [symbols[0].to_dim(), symbols[1].to_dim()]);
            inference.set_input_fact(at, fact).map_err(|e| Error::engine(file, "typing the model", e))?;
        }
        let typed = inference
            .into_typed()
            .and_then(TypedModel::into_decluttered)
            .map_err(|e| Error::engine(file, "typing the model", e))?;
        Ok(Engine { file: file.to_owned(), typed, inputs, symbols, plans: Mutex::default() })
    }

    /// Runs the model; gives every output's values in order.
    pub fn run(&self, tokens: &TokenInputs) -> Result<Vec<Vec<f32>>> {
        let shape = (tokens.batch, tokens.sequence());
        let plan = self.plan(shape)?;
        let inputs = self
            .inputs
            .iter()
            .map(|input| {
                let values = match input {
                    Input::Ids => tokens.ids,
                    Input::Mask => tokens.mask,
                    Input::Types => tokens.types,
                };
                Ok(Tensor::from_shape(&[shape.0, shape.1], values)?.into_tvalue())
            })
            .collect::<TractResult<TVec<_>>>();
        inputs
            .and_then(|inputs| plan.run(inputs))
            .and_then(|outputs| {
                outputs.iter().map(|t| Ok(t.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())).collect()
            })
            .map_err(|e| Error::engine(&self.file, "running the model", e))
    }

    fn plan(&self, shape: Shape) -> Result<Arc<TypedSimplePlan>> {
        let mut plans = self.plans.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(at) = plans.iter().position(|(s, _)| *s == shape) {
            let hit = plans.remove(at);
            let plan = hit.1.clone();
            plans.push(hit);
            return Ok(plan);
        }
        let values = HashMap::from([
            (self.symbols[0].clone(), shape.0.to_dim()),
            (self.symbols[1].clone(), shape.1.to_dim()),
        ]);
        let plan = self
            .typed
            .set_symbols(&values)
            .and_then(TypedModel::into_optimized)
            .and_then(TypedModel::into_runnable)
            .map_err(|e| Error::engine(&self.file, "planning the model", e))?;
        if plans.len() >= PLANS {
            plans.remove(0);
        }
        plans.push((shape, plan.clone()));
        Ok(plan)
    }
}
