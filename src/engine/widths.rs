//! Checks that the operators of a graph agree on the number of features. tract compares sizes as expressions, and may never
//! end on sizes that contradict each other.

use crate::error::Result;
use crate::onnx::{GraphIndex, attribute_int, node_error, pb};
use std::collections::HashMap;

/// Elementwise operators with one input whose shape is that of the output.
const UNARY: [&str; 14] = [
    "Abs",
    "Cast",
    "Clip",
    "Dropout",
    "Erf",
    "Gelu",
    "Identity",
    "Neg",
    "Reciprocal",
    "Relu",
    "Sigmoid",
    "Softmax",
    "Sqrt",
    "Tanh",
];
/// Elementwise operators that stretch sizes of 1.
const BINARY: [&str; 7] = ["Add", "Div", "Max", "Min", "Mul", "Pow", "Sub"];

/// Refuses a graph in which an operator combines values with different last dimensions. Follows dimensions from constants
/// as far as they are known.
///
/// # Errors
/// If there is such an operator.
pub fn check(graph: &pb::GraphProto, file_name: &str) -> Result<()> {
    let index = GraphIndex::new(graph);
    let mut known: HashMap<&str, i64> = HashMap::new();
    for node in &graph.node {
        let dims =
            |at: usize| node.input.get(at).and_then(|value| index.constant(value)).map(|tensor| &tensor.dims[..]);
        let width = |at: usize| match dims(at) {
            Some(dims) => Some(dims.last().copied().unwrap_or(1)),
            None => node.input.get(at).and_then(|value| known.get(value.as_str()).copied()),
        };
        let same = |at: usize, expected: i64| match width(at) {
            Some(found) if found != expected && found != 1 && expected != 1 => {
                let value = &node.input[at];
                let problem =
                    format!("reads `{value}` with {found} features where {expected} belong; is the file damaged?");
                Err(node_error(file_name, node, problem))
            }
            _ => Ok(()),
        };
        let made = match node.op_type.as_str() {
            op if UNARY.contains(&op) => width(0),
            op if BINARY.contains(&op) => {
                let widest = (0..node.input.len()).filter_map(width).max().filter(|&width| width > 1);
                if let Some(widest) = widest {
                    (0..node.input.len()).try_for_each(|at| same(at, widest))?;
                }
                widest
            }
            "LayerNormalization" => {
                let features = width(0).or_else(|| width(1));
                if let Some(features) = features {
                    (1..node.input.len()).try_for_each(|at| same(at, features))?;
                }
                features
            }
            "MatMul" | "MatMulInteger" | "Gemm" => match dims(1) {
                Some(&[rows, columns]) => {
                    let out_first = node.op_type == "Gemm" && attribute_int(node, "transB", 0) == 1;
                    let (features, made) = if out_first { (columns, rows) } else { (rows, columns) };
                    if attribute_int(node, "transA", 0) == 0 && width(0).is_some_and(|width| width != features) {
                        same(0, features)?;
                    }
                    if node.op_type == "Gemm" {
                        same(2, made)?;
                    }
                    Some(made)
                }
                _ => None,
            },
            "Gather" if attribute_int(node, "axis", 0) == 0 => match dims(0) {
                Some(&[_, columns]) => Some(columns),
                _ => None,
            },
            _ => None,
        };
        if let (Some(made), Some(output)) = (made, node.output.first()) {
            known.insert(output, made);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::GraphBuilder;
    use pb::tensor_proto::DataType;

    /// Checks a graph with a table of `sizes[0]` features, a matrix of the next two sizes, and a bias and a gamma of the last.
    fn checked(sizes: [usize; 5]) -> Result<()> {
        let mut g = GraphBuilder::new("test");
        let zeros = |len: usize| vec![0.0; len];
        let ids = g.input("ids", DataType::Int64, &[]);
        let table = g.f32s("table", &[3, sizes[0]], &zeros(3 * sizes[0]));
        let matrix = g.f32s("matrix", &[sizes[1], sizes[2]], &zeros(sizes[1] * sizes[2]));
        let bias = g.f32s("bias", &[sizes[3]], &zeros(sizes[3]));
        let gamma = g.f32s("gamma", &[sizes[4]], &zeros(sizes[4]));
        let rows = g.node("Gather", "rows", &[&table, &ids], &[]);
        let product = g.node("MatMul", "product", &[&rows, &matrix], &[]);
        let sum = g.node("Add", "sum", &[&bias, &product], &[]);
        let tanh = g.node("Tanh", "tanh", &[&sum], &[]);
        g.node("Mul", "scaled", &[&tanh, &gamma], &[]);
        check(g.finish(&[]).graph.as_ref().unwrap(), "m.onnx")
    }

    #[test]
    fn features_must_agree() {
        checked([8, 8, 6, 6, 6]).unwrap();
        checked([8, 8, 6, 1, 1]).unwrap();
        for (sizes, says) in [
            ([8, 7, 6, 6, 6], "node `product` (MatMul) reads `rows` with 8 features where 7 belong"),
            ([8, 8, 6, 3, 6], "node `sum` (Add) reads `bias` with 3 features where 6 belong"),
            ([8, 8, 6, 6, 4], "node `scaled` (Mul) reads `gamma` with 4 features where 6 belong"),
        ] {
            let error = checked(sizes).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
