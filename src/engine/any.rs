//! Runs a graph as it is written.

use super::tract_threads::TractThreads;
use super::{graph_check, shapes};
use crate::error::{Error, Result};
use crate::model_file::ModelFile;
use crate::onnx::pb;
use crate::ops;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use tract_onnx::tract_hir::internal::*;

/// The inputs of a batch: three row-major `[batch, sequence]` matrices.
#[derive(Debug, Clone, Copy)]
pub struct TokenInputs<'a> {
    /// The number of rows.
    pub batch: usize,
    /// Token ids.
    pub ids: &'a [i64],
    /// The attention mask: 1 for a token, 0 for padding.
    pub mask: &'a [i64],
    /// Token types: 0 for the first sentence, 1 for the second.
    pub types: &'a [i64],
}

impl<'a> TokenInputs<'a> {
    /// The number of tokens in a row, padding included.
    pub fn sequence(&self) -> usize {
        self.ids.len().checked_div(self.batch).unwrap_or(0)
    }

    /// Each row as a batch of its own.
    fn rows(&self) -> impl Iterator<Item = TokenInputs<'a>> {
        let size = self.sequence().max(1);
        let rows = self.ids.chunks(size).zip(self.mask.chunks(size)).zip(self.types.chunks(size));
        rows.map(|((ids, mask), types)| TokenInputs { batch: 1, ids, mask, types })
    }
}

/// A model to load, and the file that holds its large tensors.
#[derive(Debug, Clone, Copy)]
pub struct Graph<'a> {
    /// The model, with its small tensors.
    pub proto: &'a pb::ModelProto,
    /// The file with the other tensors, if any.
    pub file: Option<&'a Rc<ModelFile>>,
}

impl<'a> From<&'a pb::ModelProto> for Graph<'a> {
    /// Takes a model that holds all its tensors.
    fn from(proto: &'a pb::ModelProto) -> Self {
        Graph { proto, file: None }
    }
}

/// A graph on tract, planned as it is written.
#[derive(Debug)]
pub struct Engine {
    file_name: String,
    inputs: Vec<(Input, DatumType)>,
    plans: Plans,
    threads: TractThreads,
}

/// `(batch, sequence)`.
type Shape = (usize, usize);

#[derive(Debug)]
enum Plans {
    /// A plan for one shape.
    Only(Shape, Arc<TypedSimplePlan>),
    /// A plan for one row of any length; the rows of a batch run one after the other. Plans for each length would be no
    /// faster, and each would pack the weights again. A plan for any batch would be slower: tract would know less about
    /// the shapes.
    RowByRow(Arc<TypedSimplePlan>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Input {
    Ids,
    Mask,
    Types,
}

impl Engine {
    /// Plans `model` for inputs of any shape. `file_name` is for errors.
    ///
    /// # Errors
    /// If tract refuses the graph, or it has other inputs than a BERT classifier.
    pub fn for_any_shape<'a>(model: impl Into<Graph<'a>>, file_name: &str) -> Result<Self> {
        guarded(file_name, "planning the model", || {
            let (typed, inputs) = typed(model.into(), [Some(1), None], file_name)?;
            let (plans, threads) = (Plans::RowByRow(runnable(typed, file_name)?), TractThreads::default());
            Ok(Engine { file_name: file_name.to_owned(), inputs, plans, threads })
        })
    }

    /// Plans `model` for inputs of one `(batch, sequence)` only. Some exporters compute sizes in ways that tract cannot
    /// follow while batch and sequence are unknown. `file_name` is for errors.
    ///
    /// # Errors
    /// As [`Engine::for_any_shape`].
    pub fn for_shape<'a>(model: impl Into<Graph<'a>>, shape: (usize, usize), file_name: &str) -> Result<Self> {
        guarded(file_name, "planning the model", || {
            let model = model.into();
            shapes::check(model.proto, [shape.0, shape.1], file_name)?;
            let (typed, inputs) = typed(model, [Some(shape.0), Some(shape.1)], file_name)?;
            let (plans, threads) = (Plans::Only(shape, runnable(typed, file_name)?), TractThreads::default());
            Ok(Engine { file_name: file_name.to_owned(), inputs, plans, threads })
        })
    }

    /// Has the engine run on `threads` threads; the results do not depend on it. By default it runs on the calling one.
    pub fn with_threads(self, threads: usize) -> Self {
        Engine { threads: TractThreads::new(threads), ..self }
    }

    /// Runs the model. Returns the values of each output, in the graph's order.
    ///
    /// # Errors
    /// If the inputs are empty or differ in length, or tract fails.
    pub fn run(&self, tokens: &TokenInputs) -> Result<Vec<Vec<f32>>> {
        guarded(&self.file_name, "running the model", || self.outputs(tokens))
    }

    /// The shape of each output for one row, in the graph's order, as planned. `None` stands for a size that is only known
    /// when the model runs.
    ///
    /// # Errors
    /// If the plan does not know its outputs.
    pub fn planned_shapes(&self) -> Result<Vec<Vec<Option<usize>>>> {
        let (Plans::Only(_, plan) | Plans::RowByRow(plan)) = &self.plans;
        let model = plan.model();
        let shape = |at| Ok(model.output_fact(at)?.shape.iter().map(|dim| dim.to_usize().ok()).collect());
        let shapes: TractResult<_> = (0..model.outputs.len()).map(shape).collect();
        shapes.map_err(|e| Error::engine(&self.file_name, "planning the model", e))
    }

    /// Runs the model on one row. Returns the shape of each output, in the graph's order.
    ///
    /// # Errors
    /// As [`Engine::run`]; also if an output does not hold FP32 numbers.
    pub fn output_shapes(&self, tokens: &TokenInputs) -> Result<Vec<Vec<usize>>> {
        let (Plans::Only(_, plan) | Plans::RowByRow(plan)) = &self.plans;
        guarded(&self.file_name, "running the model", || {
            let outputs = self.run_tensors(plan, tokens)?;
            let shape = |output: &TValue| match output.datum_type() {
                DatumType::F32 => Ok(output.shape().to_vec()),
                other => {
                    Err(Error::file(&self.file_name, format!("returns numbers of the type {other:?}, expected FP32")))
                }
            };
            outputs.iter().map(shape).collect()
        })
    }

    fn outputs(&self, tokens: &TokenInputs) -> Result<Vec<Vec<f32>>> {
        let shape = (tokens.batch, tokens.sequence());
        let len = shape.0 * shape.1;
        if len == 0 || [tokens.ids, tokens.mask, tokens.types].iter().any(|values| values.len() != len) {
            return Err(Error::Argument("ids, mask and types need one value per token, and one token at least".into()));
        }
        match &self.plans {
            Plans::Only(only, _) if *only != shape => {
                Err(Error::Argument(format!("{} was prepared for {only:?} tokens, not {shape:?}", self.file_name)))
            }
            Plans::Only(_, plan) => self.run_plan(plan, tokens),
            Plans::RowByRow(plan) => {
                let mut outputs = Vec::new();
                for row in tokens.rows() {
                    let values = self.run_plan(plan, &row)?;
                    outputs.resize_with(values.len(), Vec::new);
                    outputs.iter_mut().zip(values).for_each(|(output, values)| output.extend(values));
                }
                Ok(outputs)
            }
        }
    }

    fn run_plan(&self, plan: &Arc<TypedSimplePlan>, tokens: &TokenInputs) -> Result<Vec<Vec<f32>>> {
        let outputs = self.run_tensors(plan, tokens)?;
        let values = outputs.iter().map(|t| Ok(t.try_as_plain_ram()?.as_slice::<f32>()?.to_vec()));
        values.collect::<TractResult<_>>().map_err(|e| Error::engine(&self.file_name, "running the model", e))
    }

    fn run_tensors(&self, plan: &Arc<TypedSimplePlan>, tokens: &TokenInputs) -> Result<TVec<TValue>> {
        let inputs = self
            .inputs
            .iter()
            .map(|(input, element)| {
                let values = match input {
                    Input::Ids => tokens.ids,
                    Input::Mask => tokens.mask,
                    Input::Types => tokens.types,
                };
                let tensor = Tensor::from_shape(&[tokens.batch, tokens.sequence()], values)?;
                Ok(tensor.cast_to_dt(*element)?.into_owned().into_tvalue())
            })
            .collect::<TractResult<TVec<_>>>();
        let outputs = inputs.and_then(|inputs| self.threads.install(|| plan.run(inputs)));
        outputs.map_err(|e| Error::engine(&self.file_name, "running the model", e))
    }
}

/// Runs `work`, and turns a panic into an error: tract asserts properties that a damaged graph may lack. WebAssembly
/// cannot catch panics, so [`graph_check`] refuses known cases beforehand.
pub(crate) fn guarded<T>(file_name: &str, stage: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Error::engine(file_name, stage, "the graph or its input holds something the engine cannot handle"))
    })
}

/// Optimises and plans a typed model.
pub(super) fn runnable(typed: TypedModel, file_name: &str) -> Result<Arc<TypedSimplePlan>> {
    typed
        .into_optimized()
        .and_then(TypedModel::into_runnable)
        .map_err(|e| Error::engine(file_name, "planning the model", e))
}

/// Parses `model` with tract.
pub(super) fn parsed(model: Graph, file_name: &str) -> Result<InferenceModel> {
    graph_check::for_tract(model.proto, file_name)?;
    let parsed = ops::parse(model.proto, model.file.cloned());
    let parsed = parsed.map_err(|e| Error::engine(file_name, "parsing the model", e))?;
    match parsed.unresolved_inputs.first() {
        Some(value) => Err(Error::file(file_name, format!("uses the value `{value}`, which no node makes"))),
        None => Ok(parsed.model),
    }
}

/// A typed model, and its inputs with their element types.
type Typed = (TypedModel, Vec<(Input, DatumType)>);

/// Parses and types `model` for the given batch and sequence; `None` stands for any size.
fn typed(model: Graph, sizes: [Option<usize>; 2], file_name: &str) -> Result<Typed> {
    let mut inference = parsed(model, file_name)?;
    let dims = sizes.map(|size| match size {
        Some(size) => size.to_dim(),
        None => inference.symbols.new_with_prefix("n").to_dim(),
    });
    let mut inputs = Vec::new();
    for at in 0..inference.inputs.len() {
        let outlet = inference.inputs[at];
        let input = match inference.node(outlet.node).name.as_str() {
            "input_ids" => Input::Ids,
            "attention_mask" => Input::Mask,
            "token_type_ids" => Input::Types,
            other => {
                return Err(Error::file(
                    file_name,
                    format!("has an input `{other}`; expected input_ids, attention_mask and token_type_ids"),
                ));
            }
        };
        let element = match inference.input_fact(at).ok().and_then(|fact| fact.datum_type.concretize()) {
            Some(DatumType::I32) => DatumType::I32,
            _ => DatumType::I64,
        };
        inputs.push((input, element));
        let fact = InferenceFact::dt_shape(element, &dims);
        inference.set_input_fact(at, fact).map_err(|e| Error::engine(file_name, "typing the model", e))?;
    }
    let typed = inference
        .into_typed()
        .and_then(TypedModel::into_decluttered)
        .map_err(|e| Error::engine(file_name, "typing the model", e))?;
    Ok((typed, inputs))
}
