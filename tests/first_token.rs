//! Narrowing a classifier to the first token changes no answer.

use bert8::engine::{Engine, TokenInputs};
use bert8::onnx::{decode_model, pb};
use bert8::ops::keep_first_token;

fn golden() -> pb::ModelProto {
    decode_model(include_bytes!("golden/model.fp32.onnx"), "golden").unwrap()
}

/// The outputs for a batch of two rows, of which the second has padding.
fn outputs(model: &pb::ModelProto) -> Vec<Vec<f32>> {
    let inputs = TokenInputs {
        batch: 2,
        ids: &[2, 7, 9, 3, 8, 3, 2, 5, 3, 6, 3, 0],
        mask: &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
        types: &[0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0],
    };
    Engine::for_any_shape(model, "golden").unwrap().run(&inputs).unwrap()
}

/// The model after narrowing, and the number of nodes added.
fn narrowed(mut model: pb::ModelProto) -> (pb::ModelProto, usize) {
    let count = |model: &pb::ModelProto| model.graph.as_ref().unwrap().node.len();
    let before = count(&model);
    keep_first_token(&mut model);
    let added = count(&model) - before;
    (model, added)
}

fn assert_close(a: &[Vec<f32>], b: &[Vec<f32>]) {
    assert_eq!(a.iter().map(Vec::len).collect::<Vec<_>>(), b.iter().map(Vec::len).collect::<Vec<_>>());
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn the_last_layer_takes_the_first_of_its_input_and_of_the_mask() {
    let (model, added) = narrowed(golden());
    assert_eq!(added, 2);
    assert_close(&outputs(&model), &outputs(&golden()));
}

#[test]
fn what_another_output_needs_stays_whole() {
    let mut model = golden();
    let graph = model.graph.as_mut().unwrap();
    let last = graph.node.iter().rfind(|node| node.op_type == "Softmax").unwrap().output[0].clone();
    graph.output.push(pb::ValueInfoProto { name: last, ..Default::default() });
    let whole = outputs(&model);
    let (model, added) = narrowed(model);
    assert_eq!(added, 2, "the softmax and the residual");
    assert_close(&outputs(&model), &whole);
}

#[test]
fn graphs_that_are_not_plain_stay_as_they_are() {
    let unchanged = |edit: &dyn Fn(&mut pb::GraphProto)| {
        let mut model = golden();
        edit(model.graph.as_mut().unwrap());
        let (after, _) = narrowed(model.clone());
        assert_eq!(after, model);
    };
    unchanged(&|graph| graph.node.reverse());
    unchanged(&|graph| graph.node.iter_mut().rfind(|n| n.op_type == "Gather").unwrap().attribute[0].i = 0);
    unchanged(&|graph| {
        // Without the Reshape it is unknown whether the shape is [batch, sequence, hidden].
        let merge = graph.node.iter_mut().rfind(|node| node.op_type == "Reshape").unwrap();
        merge.op_type = "Flatten".to_owned();
    });
    unchanged(&|graph| {
        graph.node[0].attribute.push(pb::AttributeProto { g: Some(Default::default()), ..Default::default() })
    });
}

#[test]
fn an_operand_of_lower_rank_is_read_whole() {
    let mut model = golden();
    let graph = model.graph.as_mut().unwrap();
    // [sequence, hidden]: its second axis is not the token axis.
    let positions = graph.node.iter().find(|node| node.input.iter().any(|input| input == "position.ids")).unwrap();
    let positions = positions.output[0].clone();
    let norm = graph.node.iter().rposition(|node| node.op_type == "LayerNormalization").unwrap();
    let sum = std::mem::replace(&mut graph.node[norm].input[0], "moved".to_owned());
    let add = pb::NodeProto {
        op_type: "Add".to_owned(),
        name: "moved".to_owned(),
        input: vec![sum, positions],
        output: vec!["moved".to_owned()],
        ..Default::default()
    };
    graph.node.insert(norm, add);
    let whole = outputs(&model);
    assert_close(&outputs(&narrowed(model).0), &whole);
}
