//! Reading a model file without holding all of it: its structure first, its large tensors when they are needed.

mod arriving;
mod skeleton;
mod source;
mod stored;
mod wire;

pub use arriving::{Arriving, WeightsAt};
pub use skeleton::decode_skeleton;
pub use source::Source;
pub use stored::{Stored, raw_tensor_shape};
