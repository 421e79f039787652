//! The operators that graphs of BERT classifiers are made of.

/// The operators that an FP32 export of a BERT classifier may have. None of them contains a graph.
const FLOAT: [&str; 58] = [
    "Abs",
    "Add",
    "And",
    "Cast",
    "CastLike",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "CumSum",
    "Div",
    "Dropout",
    "Equal",
    "Erf",
    "Expand",
    "Flatten",
    "Gather",
    "GatherElements",
    "GatherND",
    "Gelu",
    "Gemm",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "IsInf",
    "IsNaN",
    "LayerNormalization",
    "Less",
    "LessOrEqual",
    "MatMul",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "Pow",
    "Range",
    "Reciprocal",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Shape",
    "Sigmoid",
    "Size",
    "Slice",
    "Softmax",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tanh",
    "Tile",
    "Transpose",
    "Trilu",
    "Unsqueeze",
    "Where",
];

/// Further operators: of quantized graphs, and of graphs that end in something other than logits.
const OTHER: [&str; 8] = [
    "ArgMax",
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "LogSoftmax",
    "MatMulInteger",
    "QLinearMatMul",
    "QuantizeLinear",
    "ReduceMax",
];

/// Whether an FP32 export of a BERT classifier may have the operator `op`.
pub(crate) fn is_float_operator(op: &str) -> bool {
    FLOAT.contains(&op)
}

/// Whether any graph of a BERT classifier may have the operator `op`.
pub(super) fn is_operator(op: &str) -> bool {
    FLOAT.contains(&op) || OTHER.contains(&op)
}
