//! Writes files completely or not at all, and JSON to standard output.

use super::interrupt::{Step, Unfinished};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// An output file, checked before the work begins.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    folder: PathBuf,
}

impl Output {
    /// Checks that `path` can be created and is not one of `inputs`.
    pub fn new(path: &Path, inputs: &[&Path]) -> Result<Self> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        if !folder.is_dir() {
            bail!("cannot write {}: the folder {} does not exist", path.display(), folder.display());
        }
        if path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            bail!("cannot write {}: it is a folder; name a file", path.display());
        }
        if path.exists() && !path.is_file() {
            // Writing ends with a rename, which would replace a device.
            bail!("cannot write {}: it is not a regular file", path.display());
        }
        if let Ok(existing) = path.canonicalize()
            && inputs.iter().any(|input| input.canonicalize().is_ok_and(|input| input == existing))
        {
            bail!("cannot write {}: it is an input; choose another name", path.display());
        }
        let output = Output { path: path.to_owned(), folder };
        output.stage(&[])?;
        Ok(output)
    }

    /// Whether `self` and `other` are the same file.
    pub fn is(&self, other: &Output) -> bool {
        let place = |output: &Output| Some((output.folder.canonicalize().ok()?, output.path.file_name()?.to_owned()));
        place(self) == place(other)
    }

    /// Writes `bytes` into a temporary file beside the target, then renames it.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        Staged::commit_all([self.stage(bytes)?])
    }

    /// Writes `bytes` into a temporary file beside the target.
    pub fn stage(&self, bytes: &[u8]) -> Result<Staged> {
        let name = || format!("cannot write {}", self.path.display());
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut step = Step::begin();
        let mut file = builder.prefix(".bert8-").tempfile_in(&self.folder).with_context(name)?;
        let unfinished = step.list(file.path());
        drop(step);
        file.write_all(bytes).and_then(|()| file.as_file().sync_all()).with_context(name)?;
        Ok(Staged { file, path: self.path.clone(), unfinished })
    }
}

/// A complete temporary file. It is removed unless it is committed.
#[derive(Debug)]
pub struct Staged {
    file: NamedTempFile,
    path: PathBuf,
    unfinished: Unfinished,
}

impl Staged {
    /// Renames files to their final names, replacing older files. No signal ends the program in between.
    pub fn commit_all(all: impl IntoIterator<Item = Staged>) -> Result<()> {
        let all = all.into_iter().map(|staged| ((staged.file, staged.path), staged.unfinished));
        let (files, unfinished): (Vec<_>, Vec<_>) = all.unzip();
        let step = Step::begin();
        let renamed = files.into_iter().try_for_each(|(file, path)| {
            file.persist(&path).map_err(|e| e.error).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(())
        });
        drop(step);
        drop(unfinished);
        renamed
    }
}

/// Prints `value` as one line of JSON.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    say!("{}", serde_json::to_string(value)?);
    Ok(())
}

/// Formats a number of bytes.
pub fn megabytes(bytes: usize) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
