//! What the fused operators have in common: they turn `[…, features]` tensors into one `[…, features']` tensor.

use std::sync::Arc;
use tract_onnx::tract_hir::internal::*;

/// An operator over the rows of its inputs, whose leading dimensions are all the same.
pub(super) trait RowOp: std::fmt::Debug + Send + Sync + 'static {
    /// The operator's name.
    fn name(&self) -> &'static str;

    /// The element type of every input.
    fn input_types(&self) -> Vec<DatumType>;

    /// The element type of the output, and its features where they differ from the first input's.
    fn output(&self) -> (DatumType, Option<usize>);

    /// Fills `output` from `inputs`; shapes and types have been checked.
    fn run(&self, inputs: &[TValue], output: &mut Tensor) -> TractResult<()>;
}

/// Wraps an operator for tract's ONNX parser.
pub(super) fn parsed(op: impl RowOp) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((expand(Fused(Arc::new(op))), vec![]))
}

/// A [`RowOp`] in tract's graph.
#[derive(Debug, Clone)]
struct Fused(Arc<dyn RowOp>);

impl PartialEq for Fused {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Fused {}

impl Expansion for Fused {
    fn name(&self) -> StaticName {
        self.0.name().into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let types = self.0.input_types();
        check_input_arity(inputs, types.len())?;
        check_output_arity(outputs, 1)?;
        for (input, datum_type) in inputs.iter().zip(types) {
            s.equals(&input.datum_type, datum_type)?;
        }
        let (datum_type, features) = self.0.output();
        s.equals(&outputs[0].datum_type, datum_type)?;
        s.given(&inputs[0].shape, move |s, mut shape| {
            if let (Some(last), Some(features)) = (shape.last_mut(), features) {
                *last = features.to_dim();
            }
            s.equals(&outputs[0].shape, shape)
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, self.clone(), inputs)
    }
}

impl Op for Fused {
    fn name(&self) -> StaticName {
        self.0.name().into()
    }

    op_as_typed_op!();
}

impl EvalOp for Fused {
    op_out_of_plan!();

    fn eval(&self, _ctx: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let (datum_type, features) = self.0.output();
        let mut shape: TVec<usize> = inputs[0].shape().into();
        if let (Some(last), Some(features)) = (shape.last_mut(), features) {
            *last = features;
        }
        let mut output = Tensor::zero_dt(datum_type, &shape)?;
        self.0.run(&inputs, &mut output)?;
        Ok(tvec!(output.into_tvalue()))
    }
}

impl TypedOp for Fused {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let (datum_type, features) = self.0.output();
        let mut fact = datum_type.fact(inputs[0].shape.clone());
        if let Some(features) = features {
            ensure!(fact.rank() > 0, "{}: expected rows of features, got a scalar", self.0.name());
            fact.shape.set(fact.rank() - 1, features.to_dim());
        }
        Ok(tvec!(fact))
    }

    as_op!();
}

/// The values of a tensor of element type `T`.
pub(super) fn values<T: Datum>(tensor: &TValue) -> TractResult<&[T]> {
    tensor.try_as_plain_ram()?.as_slice::<T>()
}
