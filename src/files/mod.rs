//! Where models are read from: a disk, or memory, as in a browser.
//!
//! Importers and tokenizers ask [`Files`] for what they need. [`model_file`], [`beside`] and [`tokenizer_path`] know where the
//! files of a model are.

mod disk;
mod layout;
mod memory;

pub use disk::Disk;
pub use layout::{beside, model_file, other_tokenizer, tokenizer_path};
pub use memory::MemoryFiles;

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

/// Files by their paths.
pub trait Files: fmt::Debug {
    /// Returns the content of the file at `path`.
    ///
    /// # Errors
    /// If there is no such file, or it cannot be read.
    fn read(&self, path: &Path) -> io::Result<Cow<'_, [u8]>>;

    /// Whether there is a file or a folder at `path`.
    fn exists(&self, path: &Path) -> bool;

    /// Whether there is a folder at `path`.
    fn is_folder(&self, path: &Path) -> bool;

    /// Opens the file at `location`, relative to the folder of the file `model`. Only files in that folder, or below it, are
    /// opened. `location` has no parts such as `..`.
    ///
    /// # Errors
    /// Returns the problem with the model, to follow its name, if there is no such file or it may not be read.
    fn open_beside(&self, model: &Path, location: &str) -> Result<OpenFile<'_>, String>;
}

/// A file that is open for reading.
pub struct OpenFile<'a> {
    /// Its content.
    pub content: Box<dyn ReadSeek + 'a>,
    /// Its number of bytes.
    pub len: u64,
}

impl fmt::Debug for OpenFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("OpenFile").field("len", &self.len).finish_non_exhaustive()
    }
}

/// What can be read from any place.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// Returns the path at `location`, relative to the folder of `file`.
pub(crate) fn relative_to(file: &Path, location: &str) -> PathBuf {
    folder_of(file).join(location)
}

/// Returns the folder of `file`.
fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Returns the problem that a file beside a model cannot be read.
fn unreadable(path: &Path, reason: &io::Error) -> String {
    format!("keeps its data in {}, which cannot be read: {reason}; it belongs beside the model", path.display())
}

/// Returns the problem that a model names a file that is not in its folder.
pub(crate) fn outside(location: &str) -> String {
    format!("keeps its data in `{location}`, outside of the model's folder; only files in it are read")
}
