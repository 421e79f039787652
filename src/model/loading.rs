//! From the bytes of an ONNX file to a checked [`Model`].

use super::logits_output;
use super::runner::Runner;
use super::table_rows::TableRows;
use super::{Model, ModelInfo, Precision};
use crate::bert::embedded_config;
use crate::engine::{Engine, FusedEngine, Graph, graph_check, shapes};
use crate::error::{Error, Result};
use crate::kernels::{Kernel, ThreadPool};
use crate::model_file::ModelFile;
use crate::onnx::decode_skeleton;
use crate::ops::{fuse, in_file_tensors_to_nodes, keep_first_token};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// The shapes in a graph are checked for a text of so many tokens.
const PROBE_TOKENS: usize = 4;

/// Options for loading a [`Model`]; see [`Model::builder`].
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it loads a model"]
pub struct ModelBuilder {
    file_name: Option<String>,
    kernel: Option<Kernel>,
    pool: Option<Arc<ThreadPool>>,
}

impl ModelBuilder {
    /// Sets the name that errors use for the file. The default is its path, or `the model` for bytes.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// Sets the kernel for INT8 matrix products. The default is the fastest one, [`Kernel::detect`].
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = Some(kernel);
        self
    }

    /// Sets the threads that load and run the model. The default is the calling thread alone. Several models may share a pool; they
    /// then run one at a time on it.
    pub fn thread_pool(mut self, pool: Arc<ThreadPool>) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Loads the model from the bytes of an ONNX file: a `Vec<u8>` or a [`ModelFile`].
    ///
    /// Packed weights are not copied. Other large tensors are copied one at a time.
    ///
    /// # Errors
    /// If the file is damaged, or the graph is not a sequence classifier.
    pub fn load(self, content: impl Into<ModelFile>) -> Result<Model> {
        let file_name = self.file_name.unwrap_or_else(|| "the model".to_owned());
        let kernel = self.kernel.unwrap_or_else(Kernel::detect);
        let threads = self.pool.as_ref().map_or(1, |pool| pool.threads());
        let mut model = ThreadPool::install(self.pool.as_ref(), || load(content.into(), file_name, kernel, threads))?;
        model.pool = self.pool;
        Ok(model)
    }

    /// Loads the model from the ONNX file at `path`.
    ///
    /// # Errors
    /// If the file cannot be read, and as [`ModelBuilder::load`].
    pub fn load_file(mut self, path: impl AsRef<Path>) -> Result<Model> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        self.file_name.get_or_insert_with(|| path.display().to_string());
        self.load(bytes)
    }
}

impl Model {
    /// Creates a builder that loads a model with other than the default options.
    ///
    /// ```
    /// use bert8::{Kernel, Model};
    ///
    /// let bytes = include_bytes!("../../tests/golden/model.int8.onnx").to_vec();
    /// let scalar = Kernel::all().find(|kernel| kernel.name() == "scalar").unwrap();
    /// let model = Model::builder().file_name("model.int8.onnx").kernel(scalar).load(bytes)?;
    /// assert_eq!(model.kernel(), "scalar");
    /// # Ok::<(), bert8::Error>(())
    /// ```
    pub fn builder() -> ModelBuilder {
        ModelBuilder::default()
    }

    /// Loads a model from the bytes of an ONNX file, which errors call `file_name`, for the fastest kernel.
    ///
    /// # Errors
    /// If the file is damaged, or the graph is not a sequence classifier.
    pub fn from_bytes(bytes: Vec<u8>, file_name: &str) -> Result<Self> {
        Self::builder().file_name(file_name).load(bytes)
    }

    /// Loads a model from the ONNX file at `path`, for the fastest kernel.
    ///
    /// # Errors
    /// If the file cannot be read, and as [`Model::from_bytes`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder().load_file(path)
    }
}

fn load(content: ModelFile, file_name: String, kernel: Kernel, threads: usize) -> Result<Model> {
    let name = file_name.as_str();
    let file = Rc::new(content);
    let mut proto = decode_skeleton(file.source(), name)?;
    graph_check::no_fused_operators(&proto, name)?;
    let foreign = embedded_config(&proto).is_none();
    if !foreign {
        graph_check::finite_tensors(&proto, name)?;
    }
    logits_output::check(&proto, foreign, name)?;
    let mut info = ModelInfo::new(&proto);
    let rows = TableRows::of(&proto);
    rows.check_positions(&info, name)?;
    let tokens = info.max_positions.min(PROBE_TOKENS);
    shapes::check(&proto, [1, tokens], name).map_err(|e| if foreign { cannot_run(e, name) } else { e })?;
    let fused = fuse(&mut proto, kernel);
    if !fused.complete() {
        keep_first_token(&mut proto);
    }
    in_file_tensors_to_nodes(&mut proto);
    let graph = Graph { proto: &proto, file: Some(&file) };
    let runner = match fused.complete() {
        true => {
            let engine = FusedEngine::new(graph, name)?;
            // tract multiplies only the layers of FP32 files; those of INT8 files have operators.
            Runner::Fused(if info.precision == Precision::Fp32 { engine.with_threads(threads) } else { engine })
        }
        false => {
            let engine = Engine::for_any_shape(graph, name).map(|engine| engine.with_threads(threads));
            Runner::AsWritten(if foreign { engine.map_err(|e| needs_import(e, name))? } else { engine? })
        }
    };
    drop((proto, file));
    let labels = logits_output::count_labels(&runner, foreign, name)
        .map_err(|e| if foreign { needs_import(e, name) } else { e })?;
    if info.labels.is_empty() {
        info.set_label_count(labels);
    }
    if info.labels.len() != labels {
        let problem = format!("names {} labels, but its output `logits` has {labels}", info.labels.len());
        return Err(Error::file(name, problem));
    }
    Ok(Model { runner, info, fused, kernel, rows, file_name, pool: None })
}

/// Wraps an error about the shapes in an export, which may be fixed.
fn cannot_run(error: Error, file_name: &str) -> Error {
    let problem = "cannot run as it is".to_owned();
    Error::NeedsImport { file: file_name.to_owned(), problem, source: Some(error.into()) }
}

/// Wraps the engine's error about an export that cannot run as it is, for instance because its shapes are fixed or its
/// weights are in half precision.
fn needs_import(error: Error, file_name: &str) -> Error {
    match error {
        Error::Engine { stage, source, .. } => Error::NeedsImport {
            file: file_name.to_owned(),
            problem: format!("cannot run as it is ({stage} failed)"),
            source: Some(source),
        },
        other => other,
    }
}
