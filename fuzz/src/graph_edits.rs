//! Edits of an ONNX graph, so that the fuzzer gets past the protobuf.

use super::script::Script;
use bert8::onnx::pb;
use pb::attribute_proto::AttributeType;
use pb::tensor_shape_proto::{Dimension, dimension};

/// Operators of BERTs, and some that none has.
const OPERATORS: [&str; 52] = [
    "Abs",
    "Add",
    "And",
    "ArgMax",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "CumSum",
    "DequantizeLinear",
    "Div",
    "Dropout",
    "DynamicQuantizeLinear",
    "Einsum",
    "Equal",
    "Erf",
    "Expand",
    "Flatten",
    "Gather",
    "Gelu",
    "Gemm",
    "Identity",
    "If",
    "LayerNormalization",
    "Loop",
    "MatMul",
    "MatMulInteger",
    "Mul",
    "Neg",
    "Not",
    "Pad",
    "Pow",
    "QLinearMatMul",
    "QuantizeLinear",
    "Range",
    "ReduceMean",
    "ReduceSum",
    "Reshape",
    "Resize",
    "Shape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tanh",
    "Transpose",
    "Unsqueeze",
    "Where",
];

const DOMAINS: [&str; 4] = ["", "ai.onnx", "com.microsoft", "ai.onnx.ml"];
const ATTRIBUTES: [&str; 12] =
    ["axis", "axes", "perm", "to", "epsilon", "keepdims", "transA", "transB", "alpha", "value", "start", "allowzero"];

/// Runs the rest of `script` on `model`. Returns whether all values stayed as they are, so that only the structure changed.
pub fn apply(model: &mut pb::ModelProto, script: &mut Script) -> bool {
    let mut structure_only = true;
    while !script.has_ended() {
        structure_only &= edit(model, script);
    }
    structure_only
}

fn edit(model: &mut pb::ModelProto, script: &mut Script) -> bool {
    let kind = script.byte() % 32;
    match kind {
        0 => opset(model, script),
        1 => return metadata(model, script),
        _ => {}
    }
    let Some(graph) = model.graph.as_mut() else { return true };
    let values = values(graph);
    match kind {
        2 => graph.node.retain({
            let gone = script.below(graph.node.len());
            let mut at = 0;
            move |_| {
                at += 1;
                at != gone + 1
            }
        }),
        3 if graph.node.len() > 1 => {
            let (a, b) = (script.below(graph.node.len()), script.below(graph.node.len()));
            graph.node.swap(a, b);
        }
        4 => add_node(graph, &values, script),
        5 => interface(graph, script),
        6..=9 => return initializer(graph, script),
        10 => chain(graph, &values, script),
        _ if graph.node.is_empty() => {}
        kind => {
            let at = script.below(graph.node.len());
            node(&mut graph.node[at], kind, &values, script);
        }
    }
    true
}

fn values(graph: &pb::GraphProto) -> Vec<String> {
    let made = graph.node.iter().flat_map(|node| &node.output);
    let inputs = graph.input.iter().map(|input| &input.name);
    let tensors = graph.initializer.iter().map(|tensor| &tensor.name);
    let mut values: Vec<String> = made.chain(inputs).chain(tensors).cloned().collect();
    values.push(String::new());
    values
}

fn opset(model: &mut pb::ModelProto, script: &mut Script) {
    let version = script.number();
    let domain = (*script.choose(&DOMAINS)).to_owned();
    match model.opset_import.first_mut() {
        Some(opset) if domain.is_empty() => opset.version = version,
        _ => model.opset_import.push(pb::OperatorSetIdProto { domain, version }),
    }
}

/// Replaces one number in bert8's metadata.
fn metadata(model: &mut pb::ModelProto, script: &mut Script) -> bool {
    let Some(entry) = model.metadata_props.first_mut() else { return true };
    let digits: Vec<usize> = entry
        .value
        .char_indices()
        .filter(|(at, c)| c.is_ascii_digit() && !entry.value[..*at].ends_with(|c: char| c.is_ascii_digit()))
        .map(|(at, _)| at)
        .collect();
    if digits.is_empty() {
        return true;
    }
    let start = *script.choose(&digits);
    let end = entry.value[start..].find(|c: char| !c.is_ascii_digit()).map_or(entry.value.len(), |len| start + len);
    entry.value.replace_range(start..end, &script.number().to_string());
    false
}

fn add_node(graph: &mut pb::GraphProto, values: &[String], script: &mut Script) {
    let input = (0..script.below(4)).map(|_| script.choose(values).clone()).collect();
    // Some nodes make a value that exists.
    let output = if script.byte() == 0 { script.choose(values).clone() } else { format!("new.{}", graph.node.len()) };
    let op_type = (*script.choose(&OPERATORS)).to_owned();
    let node = pb::NodeProto { op_type, input, output: vec![output], ..Default::default() };
    let at = script.below(graph.node.len() + 1);
    graph.node.insert(at, node);
}

/// Puts Identity nodes in front of a node's input.
fn chain(graph: &mut pb::GraphProto, values: &[String], script: &mut Script) {
    let mut value = script.choose(values).clone();
    let reader = script.below(graph.node.len());
    for _ in 0..script.below(200) {
        let output = format!("chain.{}", graph.node.len());
        let op_type = "Identity".to_owned();
        graph.node.push(pb::NodeProto {
            op_type,
            input: vec![value],
            output: vec![output.clone()],
            ..Default::default()
        });
        value = output;
    }
    if let Some(input) = graph.node.get_mut(reader).and_then(|node| node.input.first_mut()) {
        *input = value;
    }
}

/// Edits an input or an output of the graph.
fn interface(graph: &mut pb::GraphProto, script: &mut Script) {
    let outputs = script.byte() % 2 == 1;
    let list = if outputs { &mut graph.output } else { &mut graph.input };
    if list.is_empty() {
        return;
    }
    let at = script.below(list.len());
    match script.below(5) {
        0 => _ = list.remove(at),
        1 => list.push(list[at].clone()),
        2 => list[at].name.push('x'),
        3 => list[at].r#type = None,
        _ => {
            let kind = list[at].r#type.as_mut().and_then(|kind| kind.value.as_mut());
            let Some(pb::type_proto::Value::TensorType(tensor)) = kind else { return };
            if script.byte().is_multiple_of(2) {
                tensor.elem_type = script.number() as i32;
            } else {
                let dim = Dimension { value: Some(dimension::Value::DimValue(script.number())), ..Default::default() };
                tensor.shape.get_or_insert_default().dim.push(dim);
            }
        }
    }
}

/// Edits an initializer. Returns whether its values stayed.
fn initializer(graph: &mut pb::GraphProto, script: &mut Script) -> bool {
    if graph.initializer.is_empty() {
        return true;
    }
    let at = script.below(graph.initializer.len());
    let tensor = &mut graph.initializer[at];
    match script.below(9) {
        0 => tensor.dims.reverse(),
        1 if !tensor.dims.is_empty() => {
            let axis = script.below(tensor.dims.len());
            tensor.dims[axis] = script.number();
        }
        2 => tensor.dims.push(1),
        3 => _ = tensor.dims.pop(),
        4 => tensor.data_type = i32::from(script.byte()) % 24,
        5 => resize(tensor, script.below(64)),
        6 => tensor.raw_data.push(0),
        7 if !tensor.raw_data.is_empty() => {
            let at = script.below(tensor.raw_data.len());
            let bytes = script.number().to_le_bytes();
            tensor.raw_data[at..].iter_mut().zip(bytes).for_each(|(old, new)| *old = new);
        }
        _ => _ = graph.initializer.remove(at),
    }
    false
}

/// Makes a vector of `len` values of a tensor with raw data.
fn resize(tensor: &mut pb::TensorProto, len: usize) {
    let count = tensor.dims.iter().product::<i64>().max(1) as usize;
    let size = tensor.raw_data.len().checked_div(count).unwrap_or(1);
    tensor.dims = vec![len as i64];
    tensor.raw_data.resize(len * size, 0);
}

fn node(node: &mut pb::NodeProto, kind: u8, values: &[String], script: &mut Script) {
    match kind {
        11..=16 if !node.input.is_empty() => {
            let at = script.below(node.input.len());
            node.input[at] = script.choose(values).clone();
        }
        17 => node.input.reverse(),
        18 => _ = node.input.pop(),
        19 => node.input.push(script.choose(values).clone()),
        20 => node.op_type = (*script.choose(&OPERATORS)).to_owned(),
        21 => node.domain = (*script.choose(&DOMAINS)).to_owned(),
        22 => node.output.push("extra".to_owned()),
        23 => _ = node.output.pop(),
        24 => node.name = "long".repeat(script.below(2000)),
        _ => attribute(node, script),
    }
}

fn attribute(node: &mut pb::NodeProto, script: &mut Script) {
    if node.attribute.is_empty() || script.byte().is_multiple_of(4) {
        let name = (*script.choose(&ATTRIBUTES)).to_owned();
        node.attribute.push(pb::AttributeProto { name, r#type: AttributeType::Int as i32, ..Default::default() });
    }
    let at = script.below(node.attribute.len());
    let attribute = &mut node.attribute[at];
    match script.below(6) {
        0 => attribute.i = script.number(),
        1 if !attribute.ints.is_empty() => {
            let at = script.below(attribute.ints.len());
            attribute.ints[at] = script.number();
        }
        2 => {
            attribute.r#type = AttributeType::Ints as i32;
            attribute.ints.push(script.number());
        }
        3 => attribute.f = *script.choose(&[0.0, -1.0, 1e30, f32::NAN, f32::INFINITY, 1e-40]),
        4 => attribute.r#type = i32::from(script.byte() % 14),
        _ => _ = node.attribute.remove(at),
    }
}
