//! Files on a disk.

use super::{Files, OpenFile, folder_of, outside, relative_to, unreadable};
use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// The files of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Cow<'_, [u8]>> {
        fs::read(path).map(Cow::Owned)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }

    /// If the model is a symbolic link, the folder of its target is allowed as well: the Hugging Face cache is made of such
    /// links.
    fn open_beside(&self, model: &Path, location: &str) -> Result<OpenFile<'_>, String> {
        let path = relative_to(model, location);
        let missing = |reason: io::Error| unreadable(&path, &reason);
        let real = path.canonicalize().map_err(missing)?;
        let roots = [folder_of(model).canonicalize(), model.canonicalize().map(|model| folder_of(&model))];
        if !roots.into_iter().flatten().any(|root| real.starts_with(root)) {
            return Err(outside(location));
        }
        // Opening a pipe may block forever.
        if !real.is_file() {
            return Err(format!("keeps its data in {}, which is no regular file", path.display()));
        }
        let file = File::open(&real).map_err(missing)?;
        let len = file.metadata().map_err(missing)?.len();
        Ok(OpenFile { content: Box::new(file), len })
    }
}
