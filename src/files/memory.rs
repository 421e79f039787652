//! Files in memory.

use super::{Files, OpenFile, relative_to, unreadable};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Cursor, ErrorKind};
use std::path::{Component, Path, PathBuf};

/// Files by their relative paths, such as `model/config.json`.
#[derive(Default)]
pub struct MemoryFiles(BTreeMap<PathBuf, Vec<u8>>);

impl MemoryFiles {
    /// Adds the file at `path`, in place of an earlier one.
    pub fn insert(&mut self, path: impl AsRef<Path>, content: Vec<u8>) {
        self.0.insert(plain(path.as_ref()), content);
    }

    fn get(&self, path: &Path) -> io::Result<&[u8]> {
        let missing = || io::Error::new(ErrorKind::NotFound, "it is not among the files");
        self.0.get(&plain(path)).map(Vec::as_slice).ok_or_else(missing)
    }
}

/// Shows the names and sizes.
impl fmt::Debug for MemoryFiles {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(path, content)| (path, content.len()))).finish()
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> io::Result<Cow<'_, [u8]>> {
        self.get(path).map(Cow::Borrowed)
    }

    fn exists(&self, path: &Path) -> bool {
        self.get(path).is_ok() || self.is_folder(path)
    }

    fn is_folder(&self, path: &Path) -> bool {
        let folder = plain(path);
        self.0.keys().any(|file| *file != folder && file.starts_with(&folder))
    }

    fn open_beside(&self, model: &Path, location: &str) -> Result<OpenFile<'_>, String> {
        let path = plain(&relative_to(model, location));
        let content = self.get(&path).map_err(|reason| unreadable(&path, &reason))?;
        Ok(OpenFile { content: Box::new(Cursor::new(content)), len: content.len() as u64 })
    }
}

/// Returns `path` without its parts `.`.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, SeekFrom};

    fn files() -> MemoryFiles {
        let mut files = MemoryFiles::default();
        files.insert("model/onnx/model.onnx", b"graph".to_vec());
        files.insert("./model/onnx/weights/data", b"0123456789".to_vec());
        files
    }

    #[test]
    fn files_and_folders_are_found_by_their_paths() {
        let files = files();
        assert_eq!(*files.read(Path::new("model/./onnx/model.onnx")).unwrap(), *b"graph");
        assert_eq!(files.read(Path::new("model/onnx")).unwrap_err().kind(), ErrorKind::NotFound);
        for (path, exists, is_folder) in [
            ("", true, true),
            ("model", true, true),
            ("model/onnx/model.onnx", true, false),
            ("mod", false, false),
            ("other", false, false),
        ] {
            let path = Path::new(path);
            assert_eq!((files.exists(path), files.is_folder(path)), (exists, is_folder), "{path:?}");
        }
    }

    #[test]
    fn files_beside_a_model_are_read_from_any_place() {
        let files = files();
        let model = Path::new("model/onnx/model.onnx");
        let mut file = files.open_beside(model, "weights/data").unwrap();
        let mut found = [0; 3];
        file.content.seek(SeekFrom::Start(4)).unwrap();
        file.content.read_exact(&mut found).unwrap();
        assert_eq!((file.len, &found), (10, b"456"));
        let problem = files.open_beside(model, "other.data").unwrap_err();
        assert!(problem.starts_with("keeps its data in model/onnx/other.data, which cannot be read: "), "{problem}");
    }
}
