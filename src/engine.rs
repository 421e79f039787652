//! Running a model on tract: parse, type, plan, run.

use crate::error::{Error, Result};
use crate::onnx::{Source, attribute_int, node_label, pb};
use crate::ops;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
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

/// A model for [`Engine`] to load.
#[derive(Debug, Clone, Copy)]
pub struct Graph<'a> {
    /// The graph and its tensors.
    pub proto: &'a pb::ModelProto,
    /// Where the bytes of tensors are that [`decode_skeleton`](crate::onnx::decode_skeleton) left there.
    pub source: Option<&'a Arc<dyn Source>>,
}

impl<'a> From<&'a pb::ModelProto> for Graph<'a> {
    /// A model that holds all its tensors.
    fn from(proto: &'a pb::ModelProto) -> Self {
        Graph { proto, source: None }
    }
}

/// A model on tract.
#[derive(Debug)]
pub struct Engine {
    file: String,
    inputs: Vec<(Input, DatumType)>,
    plans: Plans,
}

/// `(batch, sequence)`.
type Shape = (usize, usize);

#[derive(Debug)]
enum Plans {
    /// One plan, for one shape.
    Only(Shape, Arc<TypedSimplePlan>),
    /// A plan for each shape, made when that shape first runs: tract's FP32 kernels are best with concrete shapes.
    PerShape { typed: Box<TypedModel>, symbols: [Symbol; 2], planned: Mutex<Vec<(Shape, Arc<TypedSimplePlan>)>> },
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Input {
    Ids,
    Mask,
    Types,
}

impl Engine {
    /// A model that may have any shape of input and padding; `file` is named in errors.
    pub fn per_shape<'a>(model: impl Into<Graph<'a>>, file: &str) -> Result<Self> {
        guarded(file, "typing the model", || {
            let (typed, symbols, inputs) = typed(model.into(), None, file)?;
            let plans = Plans::PerShape { typed: Box::new(typed), symbols, planned: Mutex::default() };
            Ok(Engine { file: file.to_owned(), inputs, plans })
        })
    }

    /// A model that runs at one `(batch, sequence)` only. Graphs of other writers may compute sizes in ways that tract
    /// cannot follow while batch and sequence are unknown. `file` is named in errors.
    pub fn for_shape<'a>(model: impl Into<Graph<'a>>, shape: (usize, usize), file: &str) -> Result<Self> {
        guarded(file, "planning the model", || {
            let (typed, _, inputs) = typed(model.into(), Some(shape), file)?;
            Ok(Engine { file: file.to_owned(), inputs, plans: Plans::Only(shape, runnable(typed, file)?) })
        })
    }

    /// Runs the model; gives every output's values in order.
    ///
    /// # Errors
    /// If the token inputs differ in length, or tract fails.
    pub fn run(&self, tokens: &TokenInputs) -> Result<Vec<Vec<f32>>> {
        guarded(&self.file, "running the model", || self.outputs(tokens))
    }

    fn outputs(&self, tokens: &TokenInputs) -> Result<Vec<Vec<f32>>> {
        let shape = (tokens.batch, tokens.sequence());
        let len = shape.0 * shape.1;
        if len == 0 || [tokens.ids, tokens.mask, tokens.types].iter().any(|values| values.len() != len) {
            return Err(Error::Argument("ids, mask and types need one value per token, and one token at least".into()));
        }
        let plan = match &self.plans {
            Plans::Only(only, _) if *only != shape => {
                return Err(Error::Argument(format!("{} was prepared for {only:?} tokens, not {shape:?}", self.file)));
            }
            Plans::Only(_, plan) => plan.clone(),
            Plans::PerShape { typed, symbols, planned } => {
                let mut planned = planned.lock().unwrap_or_else(PoisonError::into_inner);
                self.plan(shape, typed, symbols, &mut planned)?
            }
        };
        let inputs = self
            .inputs
            .iter()
            .map(|(input, element)| {
                let values = match input {
                    Input::Ids => tokens.ids,
                    Input::Mask => tokens.mask,
                    Input::Types => tokens.types,
                };
                let tensor = Tensor::from_shape(&[shape.0, shape.1], values)?;
                Ok(tensor.cast_to_dt(*element)?.into_owned().into_tvalue())
            })
            .collect::<TractResult<TVec<_>>>();
        inputs
            .and_then(|inputs| plan.run(inputs))
            .and_then(|outputs| outputs.iter().map(|t| Ok(t.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())).collect())
            .map_err(|e| Error::engine(&self.file, "running the model", e))
    }

    /// The plan for `shape`, from the most recently used ones or new.
    fn plan(
        &self,
        shape: Shape,
        typed: &TypedModel,
        symbols: &[Symbol; 2],
        planned: &mut Vec<(Shape, Arc<TypedSimplePlan>)>,
    ) -> Result<Arc<TypedSimplePlan>> {
        let found = planned.iter().position(|(s, _)| *s == shape).map(|at| planned.remove(at).1);
        let plan = match found {
            Some(plan) => plan,
            None => {
                let values =
                    HashMap::from([(symbols[0].clone(), shape.0.to_dim()), (symbols[1].clone(), shape.1.to_dim())]);
                if planned.len() >= PLANS {
                    planned.remove(0);
                }
                let typed =
                    typed.set_symbols(&values).map_err(|e| Error::engine(&self.file, "planning the model", e))?;
                runnable(typed, &self.file)?
            }
        };
        planned.push((shape, plan.clone()));
        Ok(plan)
    }
}

/// Does `work`. tract asserts what it takes for granted of a graph; a damaged one must not end the program, so a panic becomes
/// an error.
pub(crate) fn guarded<T>(file: &str, stage: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Error::engine(file, stage, "the graph or its input holds something the engine cannot handle"))
    })
}

/// The runnable plan of a typed model.
pub(crate) fn runnable(typed: TypedModel, file: &str) -> Result<Arc<TypedSimplePlan>> {
    typed.into_optimized().and_then(TypedModel::into_runnable).map_err(|e| Error::engine(file, "planning the model", e))
}

/// What tract reads in `model`.
pub(crate) fn parsed(model: Graph, file: &str) -> Result<InferenceModel> {
    check_for_tract(model.proto, file)?;
    let parsed = ops::onnx(model.source.cloned())
        .parse(model.proto, None)
        .map_err(|e| Error::engine(file, "parsing the model", e))?;
    match parsed.unresolved_inputs.first() {
        Some(value) => Err(Error::file(file, format!("uses the value `{value}`, which no node makes"))),
        None => Ok(parsed.model),
    }
}

/// A typed model, its symbols for batch and sequence, and its inputs with their element types.
type Typed = (TypedModel, [Symbol; 2], Vec<(Input, DatumType)>);

/// Parses and types `model` for one shape, or with symbolic batch and sequence.
fn typed(model: Graph, shape: Option<Shape>, file: &str) -> Result<Typed> {
    let mut inference = parsed(model, file)?;
    let symbols = ["b", "s"].map(|name| inference.symbols.new_with_prefix(name));
    let dims = match shape {
        Some((batch, sequence)) => [batch.to_dim(), sequence.to_dim()],
        None => [symbols[0].to_dim(), symbols[1].to_dim()],
    };
    let mut inputs = Vec::new();
    for at in 0..inference.inputs.len() {
        let outlet = inference.inputs[at];
        let input = match inference.node(outlet.node).name.as_str() {
            "input_ids" => Input::Ids,
            "attention_mask" => Input::Mask,
            "token_type_ids" => Input::Types,
            other => {
                return Err(Error::file(
                    file,
                    format!("takes an input `{other}`; expected input_ids, attention_mask and token_type_ids"),
                ));
            }
        };
        let element = match inference.input_fact(at).ok().and_then(|fact| fact.datum_type.concretize()) {
            Some(DatumType::I32) => DatumType::I32,
            _ => DatumType::I64,
        };
        inputs.push((input, element));
        let fact = InferenceFact::dt_shape(element, &dims);
        inference.set_input_fact(at, fact).map_err(|e| Error::engine(file, "typing the model", e))?;
    }
    let typed = inference
        .into_typed()
        .and_then(TypedModel::into_decluttered)
        .map_err(|e| Error::engine(file, "typing the model", e))?;
    Ok((typed, symbols, inputs))
}

/// Refuses what would crash or hang tract rather than make it fail.
fn check_for_tract(model: &pb::ModelProto, file: &str) -> Result<()> {
    let graphs = || model.graph.iter();
    // It takes the address of a float tensor's first value without asking whether there is one.
    let float = |tensor: &pb::TensorProto| tensor.data_type == pb::tensor_proto::DataType::Float as i32;
    let mut tensors = graphs().flat_map(|graph| &graph.initializer);
    if let Some(empty) = tensors.find(|tensor| float(tensor) && tensor.dims.contains(&0)) {
        return Err(Error::tensor(file, &empty.name, "holds no values"));
    }
    // It counts from the axis to the rank without asking which is larger. No tensor of a BERT has more than four dimensions.
    let axis = |node: &pb::NodeProto| attribute_int(node, "axis", -1);
    let mut norms = graphs().flat_map(|graph| &graph.node).filter(|node| node.op_type == "LayerNormalization");
    match norms.find(|node| !(-4..4).contains(&axis(node))) {
        Some(node) => Err(Error::Node {
            file: file.to_owned(),
            node: node_label(node).to_owned(),
            op: node.op_type.clone(),
            problem: format!("normalises axis {}; expected the last, -1", axis(node)),
        }),
        None => Ok(()),
    }
}
