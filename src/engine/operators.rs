//! The operators that graphs of BERT classifiers are made of.

/// The operators that an FP32 export of a BERT classifier may have, and how many inputs each needs in any operator set. None of them
/// contains a graph.
const FLOAT: [(&str, usize); 58] = [
    ("Abs", 1),
    ("Add", 2),
    ("And", 2),
    ("Cast", 1),
    ("CastLike", 2),
    ("Clip", 1),
    ("Concat", 1),
    ("Constant", 0),
    ("ConstantOfShape", 1),
    ("CumSum", 2),
    ("Div", 2),
    ("Dropout", 1),
    ("Equal", 2),
    ("Erf", 1),
    ("Expand", 2),
    ("Flatten", 1),
    ("Gather", 2),
    ("GatherElements", 2),
    ("GatherND", 2),
    ("Gelu", 1),
    ("Gemm", 2),
    ("Greater", 2),
    ("GreaterOrEqual", 2),
    ("Identity", 1),
    ("IsInf", 1),
    ("IsNaN", 1),
    ("LayerNormalization", 2),
    ("Less", 2),
    ("LessOrEqual", 2),
    ("MatMul", 2),
    ("Max", 1),
    ("Min", 1),
    ("Mul", 2),
    ("Neg", 1),
    ("Not", 1),
    ("Or", 2),
    ("Pow", 2),
    ("Range", 3),
    ("Reciprocal", 1),
    ("ReduceMean", 1),
    ("ReduceSum", 1),
    ("Relu", 1),
    ("Reshape", 2),
    ("Shape", 1),
    ("Sigmoid", 1),
    ("Size", 1),
    ("Slice", 1),
    ("Softmax", 1),
    ("Split", 1),
    ("Sqrt", 1),
    ("Squeeze", 1),
    ("Sub", 2),
    ("Tanh", 1),
    ("Tile", 2),
    ("Transpose", 1),
    ("Trilu", 1),
    ("Unsqueeze", 1),
    ("Where", 3),
];

/// Further operators: of quantized graphs, and of graphs that end in something other than logits.
const OTHER: [(&str, usize); 8] = [
    ("ArgMax", 1),
    ("DequantizeLinear", 2),
    ("DynamicQuantizeLinear", 1),
    ("LogSoftmax", 1),
    ("MatMulInteger", 2),
    ("QLinearMatMul", 8),
    ("QuantizeLinear", 2),
    ("ReduceMax", 1),
];

/// Whether an FP32 export of a BERT classifier may have the operator `op`.
pub(crate) fn is_float_operator(op: &str) -> bool {
    FLOAT.iter().any(|(name, _)| *name == op)
}

/// Returns how many inputs the operator `op` needs, or `None` if no graph of a BERT classifier may have it.
pub(super) fn needed_inputs(op: &str) -> Option<usize> {
    operators().find(|(name, _)| *name == op).map(|(_, needed)| needed)
}

/// All operators, with the number of inputs that each needs.
pub(super) fn operators() -> impl Iterator<Item = (&'static str, usize)> {
    FLOAT.into_iter().chain(OTHER)
}
