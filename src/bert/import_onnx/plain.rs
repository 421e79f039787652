//! Rewrites that keep the meaning of a graph and leave fewer forms to recognise and to run: half precision becomes FP32, the
//! GELU operators of onnxruntime's optimizer become those of ONNX, and running sums of INT64 become sums of INT32.

use crate::error::Result;
use crate::onnx::{pb, tensor_f32};
use pb::attribute_proto::AttributeType;
use pb::tensor_proto::DataType;
use std::collections::HashSet;

const FLOAT: i32 = DataType::Float as i32;
const INT32: i64 = DataType::Int32 as i64;
const INT64: i64 = DataType::Int64 as i64;
/// The domain of onnxruntime's own operators.
pub const ONNXRUNTIME: &str = "com.microsoft";

/// Whether an element type is FP16 or BF16.
fn is_half(element: i32) -> bool {
    [DataType::Float16 as i32, DataType::Bfloat16 as i32].contains(&element)
}

/// Turns all FP16 and BF16 values of `graph` into FP32. Returns whether the graph computes in half precision: then
/// single numbers such as scales are rounded as well.
///
/// # Errors
/// If a tensor is damaged.
pub fn widen(graph: &mut pb::GraphProto, file_name: &str) -> Result<bool> {
    let mut half = false;
    for value in graph.input.iter_mut().chain(&mut graph.output) {
        if let Some(pb::type_proto::Value::TensorType(tensor)) = value.r#type.as_mut().and_then(|t| t.value.as_mut())
            && is_half(tensor.elem_type)
        {
            tensor.elem_type = FLOAT;
        }
    }
    for attribute in graph.node.iter_mut().filter(|n| n.op_type == "Cast").flat_map(|n| &mut n.attribute) {
        if attribute.name == "to" && i32::try_from(attribute.i).is_ok_and(is_half) {
            attribute.i = i64::from(FLOAT);
            half = true;
        }
    }
    let constants = graph.node.iter_mut().flat_map(|n| &mut n.attribute).filter_map(|a| a.t.as_mut());
    for tensor in graph.initializer.iter_mut().chain(constants).filter(|tensor| is_half(tensor.data_type)) {
        let (_, values) = tensor_f32(tensor, file_name)?;
        half |= values.len() == 1;
        tensor.raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensor.int32_data.clear();
        tensor.data_type = FLOAT;
    }
    Ok(half)
}

/// Replaces onnxruntime's Gelu, BiasGelu and FastGelu by Add and Gelu of ONNX.
pub fn unfuse_gelus(graph: &mut pb::GraphProto) {
    for mut node in std::mem::take(&mut graph.node) {
        if node.domain == ONNXRUNTIME && ["Gelu", "BiasGelu", "FastGelu"].contains(&node.op_type.as_str()) {
            let bias = node.input.get(1).cloned().filter(|bias| !bias.is_empty());
            if let (Some(bias), Some(output)) = (bias, node.output.first()) {
                let biased = format!("{output}/biased");
                graph.node.push(pb::NodeProto {
                    op_type: "Add".to_owned(),
                    name: biased.clone(),
                    input: vec![node.input[0].clone(), bias],
                    output: vec![biased.clone()],
                    ..Default::default()
                });
                node.input = vec![biased];
            }
            let approximate = if node.op_type == "FastGelu" { "tanh" } else { "none" };
            node.attribute = vec![pb::AttributeProto {
                name: "approximate".to_owned(),
                s: approximate.as_bytes().to_vec(),
                r#type: AttributeType::String as i32,
                ..Default::default()
            }];
            node.op_type = "Gelu".to_owned();
            node.domain.clear();
        }
        graph.node.push(node);
    }
}

/// Makes every CumSum that reads a Cast to INT64 work on INT32: tract treats the results of such a Cast as sizes, which
/// its CumSum does not accept. A running sum of tokens fits into INT32.
pub fn narrow_sums(graph: &mut pb::GraphProto) {
    let is_cast =
        |node: &pb::NodeProto| node.op_type == "Cast" && node.attribute.iter().any(|a| a.name == "to" && a.i == INT64);
    let wide: HashSet<String> =
        graph.node.iter().filter(|node| is_cast(node)).filter_map(|node| node.output.first().cloned()).collect();
    let cast = |from: &str, to: &str, element: i64| pb::NodeProto {
        op_type: "Cast".to_owned(),
        name: to.to_owned(),
        input: vec![from.to_owned()],
        output: vec![to.to_owned()],
        attribute: vec![pb::AttributeProto {
            name: "to".to_owned(),
            i: element,
            r#type: AttributeType::Int as i32,
            ..Default::default()
        }],
        ..Default::default()
    };
    for mut node in std::mem::take(&mut graph.node) {
        let sums = node.op_type == "CumSum" && node.input.first().is_some_and(|input| wide.contains(input));
        let Some(output) = node.output.first().filter(|_| sums).cloned() else {
            graph.node.push(node);
            continue;
        };
        let (input, sum) = (format!("{output}/int32"), format!("{output}/sum"));
        graph.node.push(cast(&node.input[0], &input, INT32));
        (node.input[0], node.output[0]) = (input, sum.clone());
        graph.node.extend([node, cast(&sum, &output, INT64)]);
    }
}
