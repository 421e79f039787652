//! Writes all files of a folder, or none.

use super::interrupt::Step;
use super::output::{Output, Staged};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// An output folder, checked before the work begins.
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
}

impl OutputFolder {
    /// Checks that `path` can be written: it does not exist but its parent does, it is empty, or `force` is set.
    pub fn new(path: &Path, force: bool) -> Result<Self> {
        let name = path.display();
        if path.is_dir() {
            let mut entries = fs::read_dir(path).with_context(|| format!("cannot read {name}"))?;
            if entries.next().is_some() && !force {
                bail!("cannot write {name}: the folder is not empty; choose another, or add --force");
            }
        } else if path.exists() {
            bail!("cannot write {name}: it is a file; name a folder");
        } else if let Some(parent) = path.parent()
            && !parent.as_os_str().is_empty()
            && !parent.is_dir()
        {
            bail!("cannot write {name}: the folder {} does not exist", parent.display());
        }
        Ok(OutputFolder { path: path.to_owned() })
    }

    /// Writes `files`, given as names and contents, and replaces files of the same names.
    pub fn write(&self, files: &[(&str, &[u8])]) -> Result<()> {
        let mut new = None;
        if !self.path.exists() {
            let mut step = Step::begin();
            fs::create_dir(&self.path).with_context(|| format!("cannot create {}", self.path.display()))?;
            new = Some(step.list(&self.path));
        }
        let filled = self.fill(files);
        if filled.is_err() && new.is_some() {
            // The folder is new, so nothing else can be lost. The first error says more than this one.
            let _ = fs::remove_dir(&self.path);
        }
        filled
    }

    fn fill(&self, files: &[(&str, &[u8])]) -> Result<()> {
        let outputs =
            files.iter().map(|(name, _)| Output::new(&self.path.join(name), &[])).collect::<Result<Vec<_>>>()?;
        let staged =
            outputs.iter().zip(files).map(|(output, (_, bytes))| output.stage(bytes)).collect::<Result<Vec<_>>>()?;
        Staged::commit_all(staged)
    }
}
