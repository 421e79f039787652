//! stub
use crate::bert::Bert; use crate::error::Result;
/// stub
#[derive(Debug, Clone, Default)]
pub struct ImportOptions { /** heads */ pub heads: Option<usize> }
/// stub
pub fn import_onnx(_bytes: &[u8], _file: &str, _options: &ImportOptions) -> Result<Bert> { todo!() }
