//! Narrows the last encoder layer to the first token.
//!
//! A classifier reads only the first token of the last layer's output. So queries, attention and everything after them
//! are only needed for that token. This rewrite walks backwards from the choice of the first token, and moves the
//! choice as far to the front as the operators allow. The answers stay exactly the same.

use super::ranks::Ranks;
use crate::onnx::pattern::integers;
use crate::onnx::{GraphIndex, attribute, attribute_int, pb};
use std::collections::{HashMap, HashSet};

/// An axis of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Axis {
    /// The axis, counted from 0.
    at: usize,
    /// The number of axes of the value.
    rank: usize,
}

/// The token axis of `[batch, sequence, hidden]`.
const TOKENS: Axis = Axis { at: 1, rank: 3 };

/// The part of a value that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// All of it.
    All,
    /// Index 0 of an axis.
    First(Axis),
}

/// An input of a node that only needs index 0 of an axis.
#[derive(Debug)]
struct Cut {
    node: usize,
    input: usize,
    axis: Axis,
}

/// Narrows the nodes of `model` that only lead to the first token. Leaves a graph unchanged unless it is certain that
/// the answers stay the same.
pub fn keep_first_token(model: &mut pb::ModelProto) {
    let Some(graph) = model.graph.as_mut() else { return };
    if let Some(cuts) = cuts(&GraphIndex::new(graph)) {
        apply(graph, cuts);
    }
}

/// The inputs to cut to index 0, after which every node behind them computes index 0 only. `None` if the graph cannot
/// be narrowed.
fn cuts(index: &GraphIndex) -> Option<Vec<Cut>> {
    let nodes = &index.graph().node;
    let plain = nodes.iter().flat_map(|node| &node.attribute).all(|attribute| attribute.g.is_none());
    (plain && index.is_in_order()).then_some(())?;
    let ranks = Ranks::new(index);

    let mut needs: HashMap<&str, Need> =
        index.graph().output.iter().map(|output| (output.name.as_str(), Need::All)).collect();
    let (mut cuts, mut narrow, mut sure) = (Vec::new(), HashSet::new(), false);
    // Backwards: all readers of a value come before its maker.
    for (at, node) in nodes.iter().enumerate().rev() {
        let narrowed = match node.output.as_slice() {
            [output] => match needs.get(output.as_str()) {
                Some(&Need::First(axis)) => narrowed_inputs(index, &ranks, node, axis),
                _ => None,
            },
            _ => None,
        };
        if narrowed.is_some() {
            narrow.insert(at);
            // This shape proves that the value is `[batch, sequence, hidden]`.
            sure |= node.op_type == "Reshape" && needs[node.output[0].as_str()] == Need::First(TOKENS);
        }
        let axes = narrowed.unwrap_or_else(|| Vec::from_iter(takes_first_token(index, node).then_some((0, TOKENS))));
        for (input, value) in node.input.iter().enumerate() {
            let axis = axes.iter().find(|(at, _)| *at == input).map(|&(_, axis)| axis);
            let need = axis.map_or(Need::All, Need::First);
            needs
                .entry(value)
                .and_modify(|known| *known = if *known == need { need } else { Need::All })
                .or_insert(need);
            cuts.extend(axis.filter(|_| narrow.contains(&at)).map(|axis| Cut { node: at, input, axis }));
        }
    }
    cuts.retain(|cut| {
        index.producer_at(&nodes[cut.node].input[cut.input]).is_none_or(|maker| !narrow.contains(&maker))
    });
    sure.then_some(cuts)
}

/// Whether `node` picks the first token of its input.
fn takes_first_token(index: &GraphIndex, node: &pb::NodeProto) -> bool {
    node.op_type == "Gather"
        && attribute_int(node, "axis", 0) == TOKENS.at as i64
        && node.input.get(1).and_then(|indices| integers(index, indices)).is_some_and(|indices| indices == [0])
}

/// The inputs of `node` of which only index 0 of an axis is needed, if only index 0 of `axis` is needed of its output.
/// All other inputs are needed whole. `None` if that is unknown.
fn narrowed_inputs(index: &GraphIndex, ranks: &Ranks, node: &pb::NodeProto, axis: Axis) -> Option<Vec<(usize, Axis)>> {
    let Axis { at, rank } = axis;
    let constant = |input: usize| index.constant(node.input.get(input)?);
    let last = attribute_int(node, "axis", 0) == -1 && at + 1 < rank;
    match node.op_type.as_str() {
        "Identity" | "Cast" | "Erf" | "Tanh" | "Relu" => Some(vec![(0, axis)]),
        "LayerNormalization" | "Softmax" if last => Some(vec![(0, axis)]),
        "Add" | "Sub" | "Mul" | "Div" => {
            let behind = rank - at;
            let repeats =
                |tensor: &pb::TensorProto| tensor.dims.len().checked_sub(behind).is_none_or(|at| tensor.dims[at] == 1);
            let constants = [0, 1].map(constant);
            let fits = constants.iter().flatten().all(|tensor| repeats(tensor));
            let variables = || (0..2).filter(|&input| constants[input].is_none());
            // An input of lower rank has this axis elsewhere, or not at all.
            let whole = variables().all(|at| ranks.of(index, &node.input[at]) == Some(rank));
            (fits && whole).then(|| variables().map(|input| (input, axis)).collect())
        }
        "MatMul" if at + 2 == rank && constant(0).is_none() => {
            let fits = constant(1).map_or(rank == 4, |weights| weights.dims.len() == 2);
            fits.then(|| vec![(0, axis)])
        }
        "Transpose" => {
            let perm = &attribute(node, "perm")?.ints;
            let at = usize::try_from(*perm.get(at)?).ok().filter(|&at| perm.len() == rank && at < rank)?;
            Some(vec![(0, Axis { at, rank })])
        }
        "Reshape" if attribute_int(node, "allowzero", 0) == 0 => {
            let shape = integers(index, node.input.get(1)?)?;
            let heads = index.producer(&node.input[0]).and_then(|maker| attribute(maker, "perm"));
            let from = match (rank, heads.map_or(0, |perm| perm.ints.len())) {
                (3, 4) => 4,
                (4, _) => 3,
                _ => return None,
            };
            let kept = shape.len() == rank && shape[..2] == [0, 0] && at == TOKENS.at;
            kept.then(|| vec![(0, Axis { at, rank: from })])
        }
        _ => None,
    }
}

/// Inserts a Gather of index 0 before every cut.
fn apply(graph: &mut pb::GraphProto, cuts: Vec<Cut>) {
    const INDEX: &str = "bert8.first_token";
    graph.initializer.push(pb::TensorProto {
        name: INDEX.to_owned(),
        data_type: pb::tensor_proto::DataType::Int64 as i32,
        dims: vec![1],
        int64_data: vec![0],
        ..Default::default()
    });
    let mut known = HashSet::new();
    for Cut { node, input, axis } in cuts {
        let value = &mut graph.node[node].input[input];
        let name = format!("bert8.first_token.{}.{value}", axis.at);
        let whole = std::mem::replace(value, name.clone());
        if known.insert(name.clone()) {
            // tract accepts nodes in any order.
            graph.node.push(gather(whole, INDEX, name, axis));
        }
    }
}

/// A Gather of `index` from `value`. The node and its output are called `name`.
fn gather(value: String, index: &str, name: String, axis: Axis) -> pb::NodeProto {
    pb::NodeProto {
        op_type: "Gather".to_owned(),
        name: name.clone(),
        input: vec![value, index.to_owned()],
        output: vec![name],
        attribute: vec![pb::AttributeProto {
            name: "axis".to_owned(),
            r#type: pb::attribute_proto::AttributeType::Int as i32,
            i: axis.at as i64,
            ..Default::default()
        }],
        ..Default::default()
    }
}
