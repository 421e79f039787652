//! Models that keep tensors in other files.

use crate::common::{tiny_bert, tiny_config};
use crate::{foreign, tensor};
use bert8::activation::Activation;
use bert8::bert::{Bert, ImportOptions, import_onnx, import_onnx_file};
use bert8::model::Model;
use bert8::onnx::{encode_model, pb};
use pb::tensor_proto::DataLocation;
use std::fs;
use std::path::Path;

const WEIGHT: &str = "encoder.layer.1.intermediate.dense.weight_t";

fn bert() -> Bert {
    tiny_bert(tiny_config(Activation::Gelu, 2))
}

fn entry(key: &str, value: impl ToString) -> pb::StringStringEntryProto {
    pb::StringStringEntryProto { key: key.to_owned(), value: value.to_string() }
}

/// Moves the raw data of all initializers out of the model. Returns the content of the file at `location`.
fn move_out(model: &mut pb::ModelProto, location: &str) -> Vec<u8> {
    let mut side = vec![7; 5];
    for tensor in &mut model.graph.as_mut().unwrap().initializer {
        let bytes = std::mem::take(&mut tensor.raw_data);
        let length = bytes.len();
        tensor.external_data = vec![entry("location", location), entry("offset", side.len()), entry("length", length)];
        tensor.data_location = Some(DataLocation::External as i32);
        side.extend(bytes);
    }
    side
}

/// A folder with a model and its tensors in `model.onnx_data`, both changed by `edit`.
fn folder(edit: impl FnOnce(&mut pb::GraphProto, &mut Vec<u8>)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut model = foreign(&bert());
    let mut side = move_out(&mut model, "model.onnx_data");
    edit(model.graph.as_mut().unwrap(), &mut side);
    fs::write(folder.path().join("model.onnx"), encode_model(&model)).unwrap();
    fs::write(folder.path().join("model.onnx_data"), side).unwrap();
    folder
}

fn import(folder: &Path) -> Result<Bert, String> {
    let labels = Some(bert().config().labels.clone());
    import_onnx_file(&folder.join("model.onnx"), &ImportOptions { labels, ..Default::default() })
        .map_err(|e| e.to_string())
}

/// The error for a model changed by `edit`. It must name the file and the tensor.
fn refusal(edit: impl FnOnce(&mut pb::GraphProto, &mut Vec<u8>)) -> String {
    let folder = folder(edit);
    let error = import(folder.path()).unwrap_err();
    assert!(error.contains("model.onnx: tensor `"), "{error}");
    error
}

/// Sets an entry of the external data of [`WEIGHT`].
fn set(graph: &mut pb::GraphProto, key: &str, value: impl ToString) {
    let data = &mut tensor(graph, WEIGHT).external_data;
    data.retain(|entry| entry.key != key);
    data.push(entry(key, value));
}

#[test]
fn tensors_beside_the_model_are_read() {
    assert!(import(folder(|_, _| {}).path()).unwrap() == bert());
    // The length may be missing, and the file may be in a folder below the model's.
    let below = folder(|graph, side| {
        for tensor in &mut graph.initializer {
            tensor.external_data.retain(|entry| entry.key != "length");
            tensor.external_data.push(entry("checksum", "unused"));
        }
        let location = Path::new("weights").join("rest.bin");
        set(graph, "location", location.display());
        side.push(0);
    });
    fs::create_dir(below.path().join("weights")).unwrap();
    fs::copy(below.path().join("model.onnx_data"), below.path().join("weights/rest.bin")).unwrap();
    assert!(import(below.path()).unwrap() == bert());
    // Without an offset, a tensor begins at the start of its file.
    let whole = folder(|graph, _| {
        let data = &mut tensor(graph, WEIGHT).external_data;
        *data = vec![entry("location", "one.bin")];
    });
    let weight = bert().weight("encoder.layer.1.intermediate.dense.weight").to_vec();
    let turned = (0..16).flat_map(|c| (0..24).map(move |r| r * 16 + c)).flat_map(|at| weight[at].to_le_bytes());
    fs::write(whole.path().join("one.bin"), turned.collect::<Vec<u8>>()).unwrap();
    assert!(import(whole.path()).unwrap() == bert());
}

#[test]
fn tensors_of_constant_nodes_may_lie_outside_too() {
    let folder = folder(|graph, _| {
        let at = graph.initializer.iter().position(|t| t.name == WEIGHT).unwrap();
        let tensor = graph.initializer.remove(at);
        let attribute = pb::AttributeProto {
            name: "value".to_owned(),
            t: Some(tensor),
            r#type: pb::attribute_proto::AttributeType::Tensor as i32,
            ..Default::default()
        };
        let mut constant = crate::new_node("Constant", &[], WEIGHT);
        constant.attribute.push(attribute);
        graph.node.insert(0, constant);
    });
    assert!(import(folder.path()).unwrap() == bert());
}

#[cfg(unix)]
#[test]
fn links_lead_where_the_model_s_own_leads_and_nowhere_else() {
    use std::os::unix::fs::symlink;
    // The cache of the Hugging Face hub: both files link to blobs elsewhere.
    let cache = tempfile::tempdir().unwrap();
    let real = folder(|_, _| {});
    fs::create_dir_all(cache.path().join("blobs")).unwrap();
    fs::create_dir_all(cache.path().join("snapshots/1")).unwrap();
    for name in ["model.onnx", "model.onnx_data"] {
        fs::copy(real.path().join(name), cache.path().join("blobs").join(name)).unwrap();
        symlink(Path::new("../../blobs").join(name), cache.path().join("snapshots/1").join(name)).unwrap();
    }
    assert!(import(&cache.path().join("snapshots/1")).unwrap() == bert());
    // Only the side file is a link out of the folder.
    let folder = folder(|_, _| {});
    let side = folder.path().join("model.onnx_data");
    fs::remove_file(&side).unwrap();
    symlink(real.path().join("model.onnx_data"), side).unwrap();
    assert!(import(folder.path()).unwrap_err().contains("outside of the model's folder"));
}

#[test]
fn files_outside_of_the_folder_are_not_read() {
    let elsewhere = folder(|_, _| {});
    let absolute = elsewhere.path().join("model.onnx_data");
    let name = elsewhere.path().file_name().unwrap().to_str().unwrap();
    let outside = [
        absolute.to_str().unwrap().to_owned(),
        format!("../{name}/model.onnx_data"),
        format!("./../{name}/model.onnx_data"),
        "weights/../../model.onnx_data".to_owned(),
        "..".to_owned(),
    ];
    for location in outside {
        let error = refusal(|graph, _| set(graph, "location", &location));
        assert!(error.contains(WEIGHT) && error.contains("outside of the model's folder"), "{location}: {error}");
    }
}

#[test]
fn missing_and_truncated_side_files_are_named() {
    let missing = refusal(|graph, _| set(graph, "location", "gone.bin"));
    assert!(missing.contains(WEIGHT) && missing.contains("gone.bin") && missing.contains("No such file"), "{missing}");
    let folders = refusal(|graph, _| set(graph, "location", "."));
    assert!(folders.contains("no regular file"), "{folders}");
    for len in [0, 5, 4000] {
        let cut = refusal(|_, side| side.truncate(len));
        assert!(cut.contains(&format!("of model.onnx_data, which has {len}; it is cut off")), "{cut}");
    }
}

#[test]
fn impossible_places_are_refused() {
    let nowhere = refusal(|graph, _| tensor(graph, WEIGHT).external_data.clear());
    assert!(nowhere.contains("does not say in which"), "{nowhere}");
    // Offset and length without a location are how this program marks tensors in the model's file.
    let marked = refusal(|graph, _| tensor(graph, WEIGHT).external_data.retain(|entry| entry.key != "location"));
    assert!(marked.contains("does not say in which"), "{marked}");
    for (key, value, says) in [
        ("offset", "-1", "has the offset `-1`, no number"),
        ("offset", "x", "has the offset `x`, no number"),
        ("offset", "18446744073709551615", "from 18446744073709551615 on of model.onnx_data"),
        ("offset", "1000000", "from 1000000 on of model.onnx_data"),
        ("length", "1.5", "has the length `1.5`, no number"),
        ("length", "4", "has 4 bytes in model.onnx_data, but its shape [16, 24] needs 1536"),
    ] {
        let error = refusal(|graph, _| set(graph, key, value));
        assert!(error.contains(WEIGHT) && error.contains(says), "{error}");
    }
    for dims in [vec![i64::MAX, i64::MAX], vec![-16, -24], vec![1 << 62]] {
        let error = refusal(|graph, _| tensor(graph, WEIGHT).dims = dims.clone());
        assert!(error.contains("impossible shape"), "{error}");
    }
    let strings = refusal(|graph, _| tensor(graph, WEIGHT).data_type = pb::tensor_proto::DataType::String as i32);
    assert!(strings.contains("element type string"), "{strings}");
    let nan = folder(|graph, side| {
        let offset = tensor(graph, WEIGHT).external_data[1].value.parse::<usize>().unwrap();
        side[offset..offset + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert!(import(nan.path()).unwrap_err().contains("encoder.layer.1.intermediate.dense.weight` holds NaN"));
}

#[test]
fn a_small_file_cannot_become_a_large_model() {
    let error = refusal(|graph, _| {
        for copy in 0..400 {
            let name = format!("copy{copy}");
            let tensor = pb::TensorProto { name: name.clone(), ..tensor(graph, WEIGHT).clone() };
            graph.initializer.push(tensor);
            let previous = if copy == 0 { WEIGHT.to_owned() } else { format!("sum{}", copy - 1) };
            let sum = crate::new_node("Add", &[&previous, &name], &format!("sum{copy}"));
            graph.node.insert(copy, sum);
        }
        crate::node(graph, "encoder.layer.1.intermediate.dense.matmul").input[1] = "sum399".to_owned();
    });
    assert!(error.contains("far too often"), "{error}");
}

#[test]
fn readers_of_one_file_say_what_to_do() {
    let folder = folder(|_, _| {});
    let path = folder.path().join("model.onnx");
    let bytes = fs::read(&path).unwrap();
    let advice = "import it and write it as one FP32 ONNX file";
    let imported = import_onnx(&bytes, "m.onnx", &ImportOptions::default()).unwrap_err().to_string();
    assert!(imported.contains("keeps its data in another file") && imported.contains(advice), "{imported}");
    let run = Model::builder().file_name("m.onnx").load(bytes).unwrap_err().to_string();
    assert!(run.contains("keeps its data in another file") && run.contains(advice), "{run}");
}
