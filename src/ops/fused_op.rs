//! The interface of fused operators, and how tract runs them.

use super::results::{blank, hand_out};
use std::sync::Arc;
use tract_onnx::tract_hir::internal::*;

/// The start of every fused operator's name.
pub(crate) const PREFIX: &str = "Bert8";

/// The inputs of a fused graph: token ids and token types of sequences laid end to end, and the index at which each
/// sequence starts. All are INT64 vectors.
pub const FUSED_INPUTS: [&str; 3] = ["input_ids", "token_type_ids", "sequence_starts"];

/// An output of a fused operator: a matrix.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    /// The element type.
    pub datum_type: DatumType,
    /// The index of the input that has as many rows.
    pub rows_of: usize,
    /// The number of columns.
    pub features: usize,
}

/// An operator whose inputs are matrices with one row per token, or vectors, and whose outputs are matrices.
pub(super) trait FusedOp: std::fmt::Debug + Send + Sync + 'static {
    /// The operator's name.
    fn name(&self) -> &'static str;

    /// The element type of each input, and its number of columns, or `None` for a vector.
    fn inputs(&self) -> Vec<(DatumType, Option<usize>)>;

    /// The outputs.
    fn outputs(&self) -> Vec<Output>;

    /// Computes `outputs` from `inputs`. Types and columns of the inputs have been checked. The outputs hold arbitrary
    /// values before, and all of them must be written.
    ///
    /// # Errors
    /// If the rows or values of the inputs do not fit.
    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()>;
}

/// Wraps `op` in the form that tract's ONNX parser wants.
pub(super) fn parsed(op: impl FusedOp) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((expand(Wrapped(Arc::new(op))), vec![]))
}

/// A [`FusedOp`] in tract's graph.
#[derive(Debug, Clone)]
struct Wrapped(Arc<dyn FusedOp>);

impl PartialEq for Wrapped {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Wrapped {}

impl Expansion for Wrapped {
    fn name(&self) -> StaticName {
        self.0.name().into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.0.outputs().len())
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let (ins, outs) = (self.0.inputs(), self.0.outputs());
        check_input_arity(inputs, ins.len())?;
        check_output_arity(outputs, outs.len())?;
        for (input, (datum_type, features)) in inputs.iter().zip(ins) {
            s.equals(&input.datum_type, datum_type)?;
            s.equals(&input.rank, if features.is_some() { 2 } else { 1 })?;
        }
        for (at, out) in outs.into_iter().enumerate() {
            s.equals(&outputs[at].datum_type, out.datum_type)?;
            s.given(&inputs[out.rows_of].shape, move |s, shape| {
                s.equals(&outputs[at].shape, tvec!(shape[0].clone(), out.features.to_dim()))
            })?;
        }
        Ok(())
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, self.clone(), inputs)
    }
}

impl Op for Wrapped {
    fn name(&self) -> StaticName {
        self.0.name().into()
    }

    op_as_typed_op!();
}

impl EvalOp for Wrapped {
    op_out_of_plan!();

    fn eval(&self, _ctx: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        for (at, (input, (datum_type, features))) in inputs.iter().zip(self.0.inputs()).enumerate() {
            let columns = features.as_slice();
            let fits = input.datum_type() == datum_type && input.shape().get(1..) == Some(columns);
            ensure!(fits, "input {at} of {} is {:?}, expected columns {columns:?}", self.0.name(), input.shape());
        }
        let outputs = self.0.outputs().into_iter();
        let mut outputs = outputs
            .map(|out| blank(out.datum_type, &[inputs[out.rows_of].shape()[0], out.features]))
            .collect::<TractResult<TVec<Tensor>>>()?;
        self.0.run(&inputs, &mut outputs)?;
        Ok(outputs.into_iter().map(hand_out).collect())
    }
}

impl TypedOp for Wrapped {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let fact = |out: Output| -> TractResult<TypedFact> {
            let rows = inputs.get(out.rows_of).and_then(|input| input.shape.first()).context("an input is missing")?;
            Ok(out.datum_type.fact([rows.clone(), out.features.to_dim()]))
        };
        self.0.outputs().into_iter().map(fact).collect()
    }

    as_op!();
}

/// The values of `tensor`, whose element type is `T`.
pub(super) fn values<T: Datum>(tensor: &TValue) -> TractResult<&[T]> {
    tensor.try_as_plain_ram()?.as_slice::<T>()
}

/// The ends of the sequences that start at `starts`. The last one ends at `tokens`.
///
/// # Errors
/// If the starts do not grow from 0, or a sequence is empty.
pub(super) fn sequence_ends(starts: &TValue, tokens: usize) -> TractResult<Vec<usize>> {
    let starts = values::<i64>(starts)?;
    let ends: Vec<usize> = starts.iter().skip(1).map(|&start| start as usize).chain([tokens]).collect();
    let grows = starts.first() == Some(&0) && ends.is_sorted_by(|a, b| a < b) && tokens > 0;
    ensure!(grows, "the first sequence must start at 0, and each must hold at least one token");
    Ok(ends)
}
