//! A folder whose files are all written, or none.

use super::output::Output;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder to be filled, checked before the work begins.
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
}

impl OutputFolder {
    /// Checks that `path` can be filled: it does not exist but its parent does, it is empty, or `force` is set.
    pub fn new(path: &Path, force: bool) -> Result<Self> {
        let name = path.display();
        if path.is_dir() {
            let mut entries = fs::read_dir(path).with_context(|| format!("cannot read {name}"))?;
            if entries.next().is_some() && !force {
                bail!("cannot write {name}: the folder is not empty; choose another, or add --force");
            }
        } else if path.exists() {
            bail!("cannot write {name}: it is a file; give a folder");
        } else if let Some(parent) = path.parent()
            && !parent.as_os_str().is_empty()
            && !parent.is_dir()
        {
            bail!("cannot write {name}: the folder {} does not exist", parent.display());
        }
        Ok(OutputFolder { path: path.to_owned() })
    }

    /// Writes `files`, names and contents, in place of those of the same names.
    pub fn write(&self, files: &[(&str, &[u8])]) -> Result<()> {
        let new = !self.path.exists();
        if new {
            fs::create_dir(&self.path).with_context(|| format!("cannot create {}", self.path.display()))?;
        }
        let filled = self.fill(files);
        if filled.is_err() && new {
            // Nothing but what was just made can be lost, and the first error says more.
            let _ = fs::remove_dir(&self.path);
        }
        filled
    }

    fn fill(&self, files: &[(&str, &[u8])]) -> Result<()> {
        let outputs =
            files.iter().map(|(name, _)| Output::new(&self.path.join(name), &[])).collect::<Result<Vec<_>>>()?;
        let staged =
            outputs.iter().zip(files).map(|(output, (_, bytes))| output.stage(bytes)).collect::<Result<Vec<_>>>()?;
        staged.into_iter().try_for_each(|file| file.commit())
    }
}
