//! Finds the files of a folder by the paths of requests.

use super::encoding::Encoding;
use anyhow::{Context, Result};
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

/// A folder whose files are served.
#[derive(Debug)]
pub struct Site {
    /// The folder without symbolic links.
    root: PathBuf,
}

/// What a path stands for.
pub enum Found {
    /// A file, or its compressed form.
    File { path: PathBuf, opened: Opened, encoding: Option<Encoding> },
    /// A folder, whose path must end with a slash.
    Folder,
}

/// An open file and what the file system says about it.
pub struct Opened {
    pub file: File,
    /// In bytes.
    pub size: u64,
    /// When the file changed last.
    pub modified: SystemTime,
}

impl Site {
    pub fn new(folder: &Path) -> Result<Self> {
        let root = folder.canonicalize().with_context(|| format!("cannot read {}", folder.display()))?;
        Ok(Site { root })
    }

    /// Returns what the path of a request stands for, or `None` if there is no such thing, or it lies outside of the folder. Of a
    /// file, returns the first of the compressed forms `accepted` that lies beside it and is not older.
    pub fn find(&self, url_path: &str, accepted: &[Encoding]) -> Option<Found> {
        let decoded = percent_decoded(url_path)?;
        let relative = Path::new(decoded.trim_start_matches('/'));
        let plain = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
        if decoded.contains('\0') || !relative.components().all(plain) {
            return None;
        }
        let mut path = self.root.join(relative);
        if path.is_dir() {
            if !decoded.ends_with('/') {
                return Some(Found::Folder);
            }
            path.push("index.html");
        } else if decoded.ends_with('/') {
            return None;
        }
        let opened = self.open(&path).ok()?;
        let compressed = accepted.iter().find_map(|encoding| {
            let mut name = path.file_name()?.to_owned();
            name.push(encoding.ending());
            let form = self.open(&path.with_file_name(name)).ok()?;
            (form.modified >= opened.modified).then_some((*encoding, form))
        });
        Some(match compressed {
            Some((encoding, opened)) => Found::File { path, opened, encoding: Some(encoding) },
            None => Found::File { path, opened, encoding: None },
        })
    }

    /// Opens a regular file. Symbolic links must end inside the folder.
    fn open(&self, path: &Path) -> io::Result<Opened> {
        let real = path.canonicalize()?;
        // Opening a pipe may block forever.
        if !real.starts_with(&self.root) || !real.metadata()?.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let file = File::open(real)?;
        let metadata = file.metadata()?;
        Ok(Opened { file, size: metadata.len(), modified: metadata.modified()? })
    }
}

/// Replaces `%41` by `A`. Returns `None` if the result is not UTF-8, or something follows a `%` that is no number.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend(parts.next()?.bytes());
    for part in parts {
        let (number, rest) = part.split_at_checked(2)?;
        if !number.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(number, 16).ok()?);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::percent_decoded;

    #[test]
    fn paths_are_decoded() {
        for (text, expected) in [
            ("/a%20b", Some("/a b")),
            ("%2e%2E/", Some("../")),
            ("/%C3%A9", Some("/\u{e9}")),
            ("/%C3", None),
            ("/%", None),
            ("/%4", None),
            ("/%+1", None),
            ("/%\u{e9}", None),
        ] {
            assert_eq!(percent_decoded(text).as_deref(), expected, "{text}");
        }
    }
}
