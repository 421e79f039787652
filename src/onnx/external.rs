//! Tensors that a model keeps in other files (ONNX external data).

use super::file::decode_model;
use super::pb;
use super::tensor::{checked_len, element_type_name, external_data_error, is_external, stored_size};
use crate::error::{Error, Result};
use crate::files::{Disk, Files, OpenFile, outside, relative_to};
use std::collections::{BTreeSet, HashMap};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// Tensors may share bytes. This limits how many times the size of all side files may be loaded.
const UNFOLDING: u64 = 16;

/// Loads into `graph` the tensors that the model at `path` of `files` keeps in other files. Returns the number of bytes read.
///
/// Such a file must be in the model's folder or below it: see [`Files::open_beside`].
///
/// # Errors
/// If a tensor does not name its file, or the file is missing, outside of these folders or too short.
pub fn load_external(graph: &mut pb::GraphProto, files: &dyn Files, path: &Path) -> Result<usize> {
    let mut files = SideFiles::new(files, path);
    for tensor in tensors_mut(graph).filter(|tensor| is_external(tensor)) {
        tensor.raw_data = files.read(tensor)?;
        tensor.data_location = None;
        tensor.external_data.clear();
    }
    Ok(files.read as usize)
}

/// The paths of the files on disk in which the model at `path` keeps tensors. Empty if there is no such model.
pub fn external_files(path: &Path) -> Vec<PathBuf> {
    let model = Disk.read(path).ok().and_then(|bytes| decode_model(&bytes, "").ok());
    let mut graph = model.and_then(|model| model.graph).unwrap_or_default();
    let entries = tensors_mut(&mut graph).filter(|tensor| is_external(tensor)).flat_map(|t| &t.external_data);
    let locations: BTreeSet<&str> = entries.filter(|e| e.key == "location").map(|e| e.value.as_str()).collect();
    locations.into_iter().map(|location| relative_to(path, location)).collect()
}

/// Refuses a model that keeps tensors in other files, for readers of one file. `file_name` is for errors.
///
/// # Errors
/// If an initializer or the tensor of a Constant node is in another file.
pub fn refuse_external(graph: &pb::GraphProto, file_name: &str) -> Result<()> {
    let constants = graph.node.iter().flat_map(|node| &node.attribute).filter_map(|attribute| attribute.t.as_ref());
    match graph.initializer.iter().chain(constants).find(|tensor| is_external(tensor)) {
        Some(tensor) => Err(external_data_error(tensor, file_name)),
        None => Ok(()),
    }
}

/// All initializers and the tensors of Constant nodes.
fn tensors_mut(graph: &mut pb::GraphProto) -> impl Iterator<Item = &mut pb::TensorProto> {
    let constants = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
    graph.initializer.iter_mut().chain(constants.filter_map(|attribute| attribute.t.as_mut()))
}

/// The files in which a model keeps tensors, each opened once.
struct SideFiles<'a> {
    files: &'a dyn Files,
    model: &'a Path,
    /// The open files by location.
    open: HashMap<String, OpenFile<'a>>,
    /// The length of all open files together.
    size: u64,
    /// The number of bytes read so far.
    read: u64,
}

impl<'a> SideFiles<'a> {
    fn new(files: &'a dyn Files, model: &'a Path) -> Self {
        SideFiles { files, model, open: HashMap::new(), size: 0, read: 0 }
    }

    /// Reads the raw data of `tensor`: as many bytes as its shape and element type need.
    fn read(&mut self, tensor: &pb::TensorProto) -> Result<Vec<u8>> {
        let (model, name) = (self.model.display().to_string(), &tensor.name);
        let bad = |problem: String| Error::tensor(&model, name, problem);
        let entry = |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        let number = |key: &'static str| match entry(key) {
            None => Ok(None),
            Some(text) => text.parse::<u64>().map(Some).map_err(|_| bad(format!("has the {key} `{text}`, no number"))),
        };
        let Some(location) = entry("location").filter(|location| !location.is_empty()) else {
            return Err(bad("keeps its data in another file but does not say in which".to_owned()));
        };
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        let needed = byte_len(tensor, &model)?;
        if length.is_some_and(|length| length != needed) {
            let given = length.unwrap_or_default();
            return Err(bad(format!(
                "has {given} bytes in {location}, but its shape {:?} needs {needed}",
                tensor.dims
            )));
        }
        if !self.open.contains_key(location) {
            let opened = open(self.files, self.model, location).map_err(bad)?;
            self.size = self.size.saturating_add(opened.len);
            self.open.insert(location.clone(), opened);
        }
        let OpenFile { content: file, len: size } = self.open.get_mut(location).expect("it has just been opened");
        let end = offset.checked_add(needed).filter(|end| end <= size).ok_or_else(|| {
            bad(format!(
                "needs {needed} bytes from {offset} on of {location}, which has {size}; it is cut off or belongs to another \
                 model"
            ))
        })?;
        self.read = self.read.saturating_add(end - offset);
        if self.read > self.size.saturating_mul(UNFOLDING) {
            return Err(bad(format!("reads {location} once more, far too often; is the file damaged?")));
        }
        let mut bytes = vec![0; needed as usize];
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|reason| bad(format!("cannot be read from {location}: {reason}")))?;
        Ok(bytes)
    }
}

/// The number of bytes that the shape and element type of `tensor` need.
fn byte_len(tensor: &pb::TensorProto, file_name: &str) -> Result<u64> {
    let (_, len) = checked_len(tensor, file_name)?;
    let Some(size) = stored_size(tensor.data_type) else {
        let found = element_type_name(tensor.data_type);
        return Err(Error::tensor(
            file_name,
            &tensor.name,
            format!("has element type {found}, expected a number type"),
        ));
    };
    let bytes = len.checked_mul(size).and_then(|bytes| u64::try_from(bytes).ok());
    bytes.ok_or_else(|| Error::tensor(file_name, &tensor.name, format!("has the impossible shape {:?}", tensor.dims)))
}

/// Opens the file at `location`, relative to the folder of `model`. Returns the problem if it may not be read.
fn open<'a>(files: &'a dyn Files, model: &Path, location: &str) -> Result<OpenFile<'a>, String> {
    let plain = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
    match Path::new(location).components().all(plain) {
        true => files.open_beside(model, location),
        false => Err(outside(location)),
    }
}
