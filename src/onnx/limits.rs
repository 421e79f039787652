//! Bounds what a file may hold, before anything else looks at its graph. No BERT comes near these limits; a damaged or hostile
//! file would cost time and memory without end.

use super::index::{node_error, node_label};
use super::pb;
use super::tensor::{checked_len, element_type_name, is_external, length_error, stored_size};
use crate::error::{Error, Result, shortened};
use pb::tensor_proto::DataType;
use std::collections::{HashMap, HashSet};

/// The most nodes. A BERT of 24 layers that another tool quantized has 6,000.
const NODES: usize = 1 << 14;
/// The most nodes on the way from an input to an output. A layer has about 40.
const DEPTH: usize = 1 << 12;
/// The most tensors, inputs or outputs of a graph.
const VALUES: usize = 1 << 15;
/// The most inputs, outputs or attributes of a node, and numbers in an attribute.
const PER_NODE: usize = 1 << 10;
/// The most dimensions of a tensor. Attention has 4; some exporters add axes for a while.
pub const RANK: usize = 8;
/// The longest name in bytes. Errors repeat names.
const NAME: usize = 1 << 10;
/// The known versions of the set of standard operators.
const OPSETS: std::ops::RangeInclusive<i64> = 1..=26;

/// Checks sizes and counts, the order of the nodes, and that every tensor in `model` has the values of its shape.
///
/// # Errors
/// If something is beyond its limit, a node reads a value that no earlier node makes, or a tensor's data does not fit its shape.
/// The error names it.
pub(super) fn check(model: &pb::ModelProto, file_name: &str) -> Result<()> {
    opsets(model, file_name)?;
    let Some(graph) = &model.graph else { return Ok(()) };
    counts(graph, file_name)?;
    graph.node.iter().try_for_each(|node| check_node(node, file_name))?;
    for value in graph.input.iter().chain(&graph.output) {
        check_name(&value.name, file_name)?;
        if rank(value) > RANK {
            let problem = format!("declares `{}` with {} dimensions; at most {RANK} are read", value.name, rank(value));
            return Err(Error::file(file_name, problem));
        }
    }
    graph.initializer.iter().try_for_each(|tensor| check_tensor(tensor, file_name))?;
    order(graph, file_name)
}

fn opsets(model: &pb::ModelProto, file_name: &str) -> Result<()> {
    let standard = || model.opset_import.iter().filter(|opset| ["", "ai.onnx"].contains(&opset.domain.as_str()));
    if let Some(opset) = standard().find(|opset| !OPSETS.contains(&opset.version)) {
        let (first, last) = (OPSETS.start(), OPSETS.end());
        let problem = format!("is written for the operator set {}; known are {first} to {last}", opset.version);
        return Err(Error::file(file_name, problem));
    }
    match standard().count() {
        0 | 1 => Ok(()),
        count => Err(Error::file(file_name, format!("names {count} versions of the standard operators; expected one"))),
    }
}

fn counts(graph: &pb::GraphProto, file_name: &str) -> Result<()> {
    let counts = [
        ("nodes", graph.node.len(), NODES),
        ("tensors", graph.initializer.len(), VALUES),
        ("inputs", graph.input.len(), VALUES),
        ("outputs", graph.output.len(), VALUES),
    ];
    match counts.into_iter().find(|(_, count, limit)| count > limit) {
        Some((what, count, limit)) => {
            Err(Error::file(file_name, format!("has {count} {what}; no BERT has more than {limit}")))
        }
        None => Ok(()),
    }
}

fn check_name(name: &str, file_name: &str) -> Result<()> {
    if name.len() <= NAME {
        return Ok(());
    }
    let start = shortened(name, 40);
    Err(Error::file(file_name, format!("has a name of {} bytes (`{start}`); at most {NAME} are read", name.len())))
}

fn check_node(node: &pb::NodeProto, file_name: &str) -> Result<()> {
    let attributes = node.attribute.iter().map(|attribute| &attribute.name);
    let names = [&node.name, &node.op_type, &node.domain];
    let mut names = names.into_iter().chain(&node.input).chain(&node.output).chain(attributes);
    names.try_for_each(|name| check_name(name, file_name))?;
    let lists = node.attribute.iter().map(|attribute| {
        attribute.ints.len() + attribute.floats.len() + attribute.strings.len() + attribute.tensors.len()
    });
    let longest = lists.chain([node.input.len(), node.output.len(), node.attribute.len()]).max().unwrap_or(0);
    if longest > PER_NODE {
        let problem = format!("has {longest} inputs, outputs or numbers in an attribute; at most {PER_NODE} are read");
        return Err(node_error(file_name, node, problem));
    }
    let mut tensors = node.attribute.iter().flat_map(|attribute| attribute.t.iter().chain(&attribute.tensors));
    tensors.try_for_each(|tensor| {
        check_tensor(tensor, file_name).or_else(|error| match tensor.name.is_empty() {
            // A Constant's tensor often has no name. The error has that of its node.
            true => check_tensor(&pb::TensorProto { name: node_label(node).to_owned(), ..tensor.clone() }, file_name),
            false => Err(error),
        })
    })
}

/// The number of dimensions that the file declares for an input or output.
fn rank(value: &pb::ValueInfoProto) -> usize {
    let Some(pb::type_proto::Value::TensorType(tensor)) = value.r#type.as_ref().and_then(|kind| kind.value.as_ref())
    else {
        return 0;
    };
    tensor.shape.as_ref().map_or(0, |shape| shape.dim.len())
}

/// Checks that a tensor has the values of its shape: no fewer, and no more.
fn check_tensor(tensor: &pb::TensorProto, file_name: &str) -> Result<()> {
    check_name(&tensor.name, file_name)?;
    if tensor.dims.len() > RANK {
        let problem = format!("has {} dimensions; at most {RANK} are read", tensor.dims.len());
        return Err(Error::tensor(file_name, &tensor.name, problem));
    }
    let (_, len) = checked_len(tensor, file_name)?;
    if is_external(tensor) {
        return Ok(());
    }
    let Some(size) = stored_size(tensor.data_type) else {
        let found = element_type_name(tensor.data_type);
        let problem = format!("has the element type {found}, which no tensor of a BERT has");
        return Err(Error::tensor(file_name, &tensor.name, problem));
    };
    let found = match tensor.raw_data.len() {
        0 => typed_len(tensor),
        bytes if bytes.is_multiple_of(size) => bytes / size,
        // A value that is cut off fits no shape.
        _ => usize::MAX,
    };
    match found == len {
        true => Ok(()),
        false => Err(length_error(tensor, file_name, len)),
    }
}

/// The number of values in the field of a tensor's element type.
fn typed_len(tensor: &pb::TensorProto) -> usize {
    match DataType::try_from(tensor.data_type) {
        Ok(DataType::Float) => tensor.float_data.len(),
        Ok(DataType::Double) => tensor.double_data.len(),
        Ok(DataType::Int64) => tensor.int64_data.len(),
        Ok(DataType::Uint32 | DataType::Uint64) => tensor.uint64_data.len(),
        _ => tensor.int32_data.len(),
    }
}

/// Checks that every node behind an output comes after the nodes that it reads, that each value is made once, and that no way through
/// the graph is too long.
///
/// # Errors
/// If one of these does not hold.
fn order(graph: &pb::GraphProto, file_name: &str) -> Result<()> {
    // How many nodes are on the way to a value, or the node before it that reads something unknown.
    let mut known: HashMap<&str, std::result::Result<usize, Unknown>> = HashMap::new();
    known.extend(graph.input.iter().map(|input| (input.name.as_str(), Ok(0))));
    known.extend(graph.initializer.iter().map(|tensor| (tensor.name.as_str(), Ok(0))));
    let mut names = HashSet::new();
    for node in &graph.node {
        let mut depth = Ok(1);
        for input in node.input.iter().filter(|input| !input.is_empty()) {
            let before = known.get(input.as_str()).copied().unwrap_or(Err(Unknown { node, input }));
            depth = depth.and_then(|depth: usize| Ok(depth.max(before? + 1)));
        }
        if depth.is_ok_and(|depth| depth > DEPTH) {
            let problem = format!("is the last of a chain of more than {DEPTH} nodes; no BERT has so many");
            return Err(node_error(file_name, node, problem));
        }
        for output in node.output.iter().filter(|output| !output.is_empty()) {
            if known.insert(output, depth).is_some() {
                return Err(node_error(file_name, node, format!("makes `{output}`, which exists already")));
            }
        }
        if !node.name.is_empty() && !names.insert(node.name.as_str()) {
            return Err(node_error(file_name, node, "has the name of another node"));
        }
    }
    match graph.output.iter().find_map(|output| known.get(output.name.as_str())?.err()) {
        Some(Unknown { node, input }) => {
            let problem = format!("reads `{input}`, which no earlier node makes; is the file damaged?");
            Err(node_error(file_name, node, problem))
        }
        None => Ok(()),
    }
}

/// A node, and an input of it that no earlier node makes.
#[derive(Clone, Copy)]
struct Unknown<'a> {
    node: &'a pb::NodeProto,
    input: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{Attribute, GraphBuilder};

    fn model() -> pb::ModelProto {
        let mut g = GraphBuilder::new("test");
        g.input("x", DataType::Float, &[]);
        let two = g.f32s("two", &[2], &[1.0, 2.0]);
        let sum = g.node("Add", "sum", &["x", &two], &[("axis", Attribute::Int(0))]);
        g.output(&sum, DataType::Float, &[]);
        g.finish(&[])
    }

    /// The error of the model after `edit`.
    fn refused(edit: impl FnOnce(&mut pb::ModelProto, &mut pb::GraphProto)) -> String {
        let mut model = model();
        let mut graph = model.graph.take().unwrap();
        edit(&mut model, &mut graph);
        model.graph = Some(graph);
        let error = check(&model, "m.onnx").unwrap_err().to_string();
        assert!(error.starts_with("m.onnx: ") && error.len() < 300, "{error}");
        error
    }

    #[test]
    fn the_operator_set_must_be_one_that_is_known() {
        check(&model(), "m.onnx").unwrap();
        for version in [0, -1, 27, 1 << 32, (1 << 32) + 17, i64::MAX] {
            let error = refused(|model, _| model.opset_import[0].version = version);
            assert!(error.contains(&format!("operator set {version}; known are 1 to 26")), "{error}");
        }
        let error = refused(|model, _| model.opset_import.extend(model.opset_import.clone()));
        assert!(error.contains("names 2 versions"), "{error}");
    }

    #[test]
    fn counts_names_and_ranks_are_bounded() {
        let chain = |count: usize| {
            move |_: &mut pb::ModelProto, graph: &mut pb::GraphProto| {
                let node = |at: usize| pb::NodeProto {
                    op_type: "Identity".to_owned(),
                    input: vec![if at == 0 { "sum".to_owned() } else { format!("i{}", at - 1) }],
                    output: vec![format!("i{at}")],
                    ..Default::default()
                };
                graph.node.extend((0..count).map(node));
            }
        };
        let long = || "n".repeat(NAME + 1);
        for (error, says) in [
            (refused(chain(50_000)), "has 50001 nodes"),
            (refused(chain(5_000)), "`i4095` (Identity) is the last of a chain of more than 4096 nodes"),
            (refused(|_, graph| graph.node[0].name = long()), "a name of 1025 bytes (`nnn"),
            (refused(|_, graph| graph.initializer[0].name = long()), "a name of 1025 bytes"),
            (refused(|_, graph| graph.initializer[0].dims = vec![1; 9]), "tensor `two` has 9 dimensions"),
            (
                refused(|_, graph| graph.node[0].attribute[0].ints = vec![0; 2000]),
                "has 2000 inputs, outputs or numbers",
            ),
            (refused(|_, graph| graph.initializer = vec![graph.initializer[0].clone(); 40_000]), "40000 tensors"),
        ] {
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn tensors_have_the_values_of_their_shapes() {
        let tensor = |edit: &dyn Fn(&mut pb::TensorProto)| refused(|_, graph| edit(&mut graph.initializer[0]));
        let length = "holds less or more data than";
        for (error, says) in [
            (tensor(&|t| t.raw_data.push(0)), length),
            (tensor(&|t| t.raw_data.truncate(4)), length),
            (tensor(&|t| t.raw_data.clear()), length),
            (tensor(&|t| t.dims = vec![3]), length),
            (tensor(&|t| t.dims = vec![i64::MAX, 4]), "impossible shape"),
            (tensor(&|t| t.data_type = DataType::String as i32), "element type string"),
            (tensor(&|t| t.data_type = 99), "element type type 99"),
        ] {
            assert!(error.contains("tensor `two`") && error.contains(says), "{error}");
        }
        let error = refused(|_, graph| {
            let mut tensor = graph.initializer[0].clone();
            tensor.name.clear();
            tensor.dims = vec![7];
            graph.node[0].attribute[0].t = Some(tensor);
        });
        assert!(error.contains("tensor `sum` holds less or more"), "{error}");
    }

    #[test]
    fn nodes_are_in_order() {
        for (error, says) in [
            (refused(|_, graph| graph.node[0].input[0] = "sum".to_owned()), "reads `sum`, which no earlier node makes"),
            (refused(|_, graph| graph.node.extend(graph.node.clone())), "makes `sum`, which exists already"),
            (refused(|_, graph| graph.node[0].output[0] = "x".to_owned()), "makes `x`, which exists already"),
        ] {
            assert!(error.contains(says), "{error}");
        }
    }
}
