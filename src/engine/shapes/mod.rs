//! Follows the shapes of all values through a graph, for inputs of one size. tract compares sizes as expressions: on sizes that
//! contradict each other, or indices outside of a tensor, it may panic, never end, or allocate without bounds.
//!
//! A value is followed as far as its shape depends on sizes and constants alone. Where it is unknown, nothing is refused.

mod elementwise;
mod layout;
mod products;
mod value;

use crate::error::Result;
use crate::onnx::{RANK, node_error, pb};
use std::collections::HashMap;
use value::Value;

/// The most elements of a value that is larger than all values that it is made of. No BERT multiplies sizes beyond that for the few
/// tokens of the inputs here.
const ELEMENTS: usize = 1 << 24;

/// The inputs of a node, or `None` where a shape is unknown.
struct Inputs<'a, 'g> {
    node: &'g pb::NodeProto,
    values: Vec<Option<&'a Value>>,
}

/// The outputs of a node from the first on, as far as they are known; or what is wrong.
type Outputs = std::result::Result<Vec<Option<Value>>, String>;

impl<'a> Inputs<'a, '_> {
    /// The input number `at`, if its shape is known.
    fn get(&self, at: usize) -> Option<&'a Value> {
        self.values.get(at).copied().flatten()
    }

    /// The shape of input number `at`, if it is known.
    fn shape(&self, at: usize) -> Option<&'a [usize]> {
        self.get(at).map(|value| value.shape.as_slice())
    }

    /// The integers of input number `at`, if they are known.
    fn integers(&self, at: usize) -> Option<&'a [i64]> {
        self.get(at)?.integers.as_deref()
    }

    /// Whether the node has an input number `at`.
    fn has(&self, at: usize) -> bool {
        self.node.input.get(at).is_some_and(|name| !name.is_empty())
    }
}

/// Refuses a graph in which a node cannot work on the shapes of its inputs. `sizes` are the batch and the sequence of the graph's
/// inputs, where these do not declare their own.
///
/// # Errors
/// If there is such a node.
pub(crate) fn check(model: &pb::ModelProto, sizes: [usize; 2], file_name: &str) -> Result<()> {
    let Some(graph) = &model.graph else { return Ok(()) };
    let mut values: HashMap<&str, Value> = HashMap::new();
    for input in &graph.input {
        if let Some(value) = Value::of_input(input, sizes) {
            values.insert(&input.name, value);
        }
    }
    // Old files list initializers among the inputs.
    values
        .extend(graph.initializer.iter().filter_map(|tensor| Some((tensor.name.as_str(), Value::of_tensor(tensor)?))));
    for node in &graph.node {
        let inputs = Inputs { node, values: node.input.iter().map(|name| values.get(name.as_str())).collect() };
        let outputs = outputs(&inputs).and_then(|outputs| {
            let largest = inputs.values.iter().flatten().map(|value| value.len()).max().unwrap_or(0);
            let limit = largest.max(ELEMENTS);
            let too_large =
                |value: &&Value| value.shape.len() > RANK || value.checked_len().is_none_or(|len| len > limit);
            match outputs.iter().flatten().find(too_large) {
                Some(value) => Err(format!("would make a tensor of the shape {:?}", value.shape)),
                None => Ok(outputs),
            }
        });
        let outputs = outputs.map_err(|problem| node_error(file_name, node, problem + "; is the file damaged?"))?;
        for (name, value) in node.output.iter().zip(outputs) {
            if let Some(value) = value {
                values.insert(name, value);
            }
        }
    }
    Ok(())
}

/// What a node makes.
fn outputs(inputs: &Inputs) -> Outputs {
    let one = |value: std::result::Result<Option<Value>, String>| value.map(|value| vec![value]);
    match inputs.node.op_type.as_str() {
        "Abs" | "Cast" | "CastLike" | "Clip" | "CumSum" | "Dropout" | "Erf" | "Gelu" | "Identity" | "IsInf"
        | "IsNaN" | "Neg" | "Not" | "Reciprocal" | "Relu" | "Sigmoid" | "Sqrt" | "Tanh" | "Trilu" => {
            one(elementwise::unary(inputs))
        }
        "LogSoftmax" | "Softmax" => one(elementwise::softmax(inputs)),
        "LayerNormalization" => one(elementwise::layer_normalization(inputs)),
        "Add" | "And" | "Div" | "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "Max" | "Min"
        | "Mul" | "Or" | "Pow" | "Sub" | "Where" => one(elementwise::broadcast(inputs)),
        "DequantizeLinear" | "QuantizeLinear" => one(elementwise::per_axis(inputs)),
        "DynamicQuantizeLinear" => {
            let scalar = || Some(Value::of_shape(vec![]));
            Ok(vec![inputs.shape(0).map(|shape| Value::of_shape(shape.to_vec())), scalar(), scalar()])
        }
        "Gemm" => one(products::gemm(inputs)),
        "MatMul" | "MatMulInteger" => one(products::matmul(inputs, 0, 1)),
        "QLinearMatMul" => one(products::matmul(inputs, 0, 3)),
        "ReduceMax" | "ReduceMean" | "ReduceSum" => one(layout::reduce(inputs)),
        "Concat" => one(layout::concat(inputs)),
        "Constant" => one(Ok(layout::constant(inputs.node))),
        "ConstantOfShape" => one(layout::constant_of_shape(inputs)),
        "Expand" => one(layout::expand(inputs)),
        "Flatten" => one(layout::flatten(inputs)),
        "Gather" => one(layout::gather(inputs)),
        "Range" => one(layout::range(inputs)),
        "Reshape" => one(layout::reshape(inputs)),
        "Shape" => one(Ok(layout::shape(inputs))),
        "Size" => one(Ok(inputs.get(0).map(|value| Value::of_integers(vec![], vec![value.len() as i64])))),
        "Slice" => one(layout::slice(inputs)),
        "Split" => layout::split(inputs),
        "Squeeze" => one(layout::squeeze(inputs)),
        "Tile" => one(layout::tile(inputs)),
        "Transpose" => one(layout::transpose(inputs)),
        "Unsqueeze" => one(layout::unsqueeze(inputs)),
        _ => Ok(vec![]),
    }
}

/// Returns the position of `axis`, which counts from the end if it is negative, among `rank` axes.
fn axis(axis: i64, rank: usize) -> std::result::Result<usize, String> {
    let position = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    let position = position.and_then(|position| usize::try_from(position).ok()).filter(|position| *position < rank);
    position.ok_or_else(|| format!("has the axis {axis}, but its input has {rank} dimensions"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{Attribute, Dim, GraphBuilder};
    use pb::tensor_proto::DataType;

    const BATCH_AND_SEQUENCE: [Dim; 2] = [Dim::Named("b"), Dim::Named("s")];

    /// Checks a graph with a table of `sizes[0]` features, a matrix of the next two sizes, and a bias and a gamma of the last.
    fn encoder(sizes: [usize; 5]) -> Result<()> {
        let mut g = GraphBuilder::new("test");
        let zeros = |len: usize| vec![0.0; len];
        let ids = g.input("ids", DataType::Int64, &BATCH_AND_SEQUENCE);
        let table = g.f32s("table", &[3, sizes[0]], &zeros(3 * sizes[0]));
        let matrix = g.f32s("matrix", &[sizes[1], sizes[2]], &zeros(sizes[1] * sizes[2]));
        let bias = g.f32s("bias", &[sizes[3]], &zeros(sizes[3]));
        let gamma = g.f32s("gamma", &[sizes[4]], &zeros(sizes[4]));
        let rows = g.node("Gather", "rows", &[&table, &ids], &[]);
        let product = g.node("MatMul", "product", &[&rows, &matrix], &[]);
        let sum = g.node("Add", "sum", &[&bias, &product], &[]);
        let tanh = g.node("Tanh", "tanh", &[&sum], &[]);
        g.node("Mul", "scaled", &[&tanh, &gamma], &[]);
        check(&g.finish(&[]), [1, 4], "m.onnx")
    }

    #[test]
    fn features_must_agree() {
        encoder([8, 8, 6, 6, 6]).unwrap();
        encoder([8, 8, 6, 1, 1]).unwrap();
        for (sizes, says) in [
            ([8, 7, 6, 6, 6], "node `product` (MatMul) reads `rows` with 8 features where 7 belong"),
            ([8, 8, 6, 3, 6], "node `sum` (Add) reads `bias` with 3 features where 6 belong"),
            ([8, 8, 6, 6, 4], "node `scaled` (Mul) reads `gamma` with 4 features where 6 belong"),
        ] {
            let error = encoder(sizes).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    /// The error for a node that reads ids of shape [1, 4] and constant integers.
    fn refused(op: &str, integers: &[&[i64]], attributes: &[(&str, Attribute)]) -> Option<String> {
        let mut g = GraphBuilder::new("test");
        let ids = g.input("ids", DataType::Int64, &BATCH_AND_SEQUENCE);
        let constants = integers.iter().enumerate().map(|(at, all)| g.i64s(&format!("c{at}"), &[all.len()], all));
        let constants: Vec<String> = constants.collect();
        // Operators that make a tensor read no other.
        let reads_ids = !["ConstantOfShape", "Range"].contains(&op);
        let inputs: Vec<&str> =
            reads_ids.then_some(ids.as_str()).into_iter().chain(constants.iter().map(String::as_str)).collect();
        g.node(op, "node", &inputs, attributes);
        check(&g.finish(&[]), [1, 4], "m.onnx").err().map(|error| error.to_string())
    }

    /// An operator, its constant inputs and attributes, and what its error says.
    type Case<'a> = (&'a str, &'a [&'a [i64]], &'a [(&'a str, Attribute)], &'a str);

    #[test]
    fn impossible_operators_are_named() {
        let axis = |at: i64| [("axis", Attribute::Int(at))];
        let perm = |perm: &[i64]| [("perm", Attribute::Ints(perm.to_vec()))];
        let cases: [Case; 17] = [
            ("Unsqueeze", &[&[255]], &[], "has the axis 255, but its input has 3 dimensions"),
            ("Unsqueeze", &[&[0, 0]], &[], "has the axis 0 twice"),
            ("Unsqueeze", &[&[0, 1, 2, 3, 4, 5, 6]], &[], "would make a tensor of the shape [1, 1, 1"),
            ("Squeeze", &[&[1]], &[], "removes the axis 1"),
            ("Reshape", &[&[3, -1]], &[], "the shape [3, -1]"),
            ("Reshape", &[&[-1, -1]], &[], "the shape [-1, -1]"),
            ("Reshape", &[&[0, 0, 0]], &[], "the shape [0, 0, 0]"),
            ("Reshape", &[&[-7, 4]], &[], "the shape [-7, 4]"),
            ("Transpose", &[], &perm(&[0, 0]), "by the perm [0, 0]"),
            ("Transpose", &[], &perm(&[0, 2, 1]), "turns a tensor of 2 dimensions"),
            ("Gather", &[&[4]], &axis(1), "reads the index 4 of `ids`, which has 4"),
            ("Softmax", &[], &axis(2), "has the axis 2"),
            ("Expand", &[&[3]], &[], "stretches a tensor"),
            ("Expand", &[&[1 << 20, 1 << 20, 4]], &[], "would make a tensor of the shape"),
            ("ConstantOfShape", &[&[1 << 40]], &[], "would make a tensor of the shape [1099511627776]"),
            ("ConstantOfShape", &[&[-1]], &[], "would make a tensor of the shape [-1]"),
            ("Range", &[&[0], &[i64::MAX], &[1]], &[], "would make a tensor of the shape"),
        ];
        for (op, integers, attributes, says) in cases {
            let error =
                refused(op, integers, attributes).unwrap_or_else(|| panic!("{op} {integers:?} was not refused"));
            assert!(error.contains(says) && error.contains(&format!("node `node` ({op})")), "{error}");
        }
        for (op, integers) in
            [("Reshape", &[&[2i64, -1] as &[i64]] as &[&[i64]]), ("Gather", &[&[-1]]), ("Expand", &[&[3, 1, 4]])]
        {
            assert_eq!(refused(op, integers, &[]), None, "{op}");
        }
    }

    #[test]
    fn sizes_that_a_graph_computes_are_followed() {
        let mut g = GraphBuilder::new("test");
        let ids = g.input("ids", DataType::Int64, &BATCH_AND_SEQUENCE);
        let (large, one) = (g.i64s("large", &[1], &[1 << 20]), g.i64s("one", &[1], &[1]));
        let shape = g.node("Shape", "shape", &[&ids], &[]);
        let batch = g.node("Slice", "batch", &[&shape, "zero", &one], &[]);
        g.i64s("zero", &[1], &[0]);
        let product = g.node("Mul", "product", &[&large, &batch], &[]);
        let square = g.node("Mul", "square", &[&product, &product], &[]);
        g.node("ConstantOfShape", "filled", &[&square], &[]);
        let error = check(&g.finish(&[]), [1, 4], "m.onnx").unwrap_err().to_string();
        assert!(
            error.contains("`filled` (ConstantOfShape) would make a tensor of the shape [1099511627776]"),
            "{error}"
        );
    }
}
