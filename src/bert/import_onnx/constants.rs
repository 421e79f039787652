//! Reads constants: initializers and Constant nodes, through operators that rename, convert or reshape them.

use super::graph::Graph;
use crate::bert::transpose;
use crate::error::{Error, Result};
use crate::onnx::{attribute, pb, tensor_f32, tensor_i64};

/// The most operators between a constant and its use.
const FOLDS: usize = 16;

/// The most numbers that an operator may make from a constant shape. Masks and ids of a BERT have far fewer.
const MADE: u64 = 1 << 24;

/// The most dimensions of a constant after reshaping.
const RANK: usize = 8;

/// A constant, and the operators applied to it, last first.
struct Chain<'a> {
    tensor: Origin<'a>,
    folds: Vec<&'a pb::NodeProto>,
}

/// Where a constant's values are.
enum Origin<'a> {
    Tensor(&'a pb::TensorProto),
    Attribute(&'a pb::AttributeProto),
}

impl<'a> Graph<'a> {
    /// Whether `value` is the same in every run.
    pub fn is_constant(&self, value: &str) -> bool {
        self.chain(value).is_some()
    }

    /// The shape and the values of the float constant `value`.
    ///
    /// # Errors
    /// If it is no float constant, or an operator on it is not supported.
    pub fn floats(&self, value: &str) -> Result<(Vec<usize>, Vec<f32>)> {
        let Some(chain) = self.chain(value) else {
            return Err(self.unexpected(value, "a constant"));
        };
        let (mut shape, mut values) = match chain.tensor {
            Origin::Tensor(tensor) => tensor_f32(tensor, self.file_name)?,
            Origin::Attribute(a) if !a.floats.is_empty() => (vec![a.floats.len()], a.floats.clone()),
            Origin::Attribute(a) => (vec![], vec![a.f]),
        };
        for node in chain.folds.into_iter().rev() {
            match node.op_type.as_str() {
                "Transpose" if shape.len() > 1 => {
                    let perm = attribute(node, "perm").map(|a| a.ints.as_slice());
                    if shape.len() != 2 || shape.contains(&0) || !matches!(perm, None | Some([1, 0])) {
                        return Err(self.error_at(node, "transposes a constant that is not a matrix"));
                    }
                    values = transpose(&values, shape[0]);
                    shape.reverse();
                }
                "Reshape" => shape = self.reshaped(node, values.len())?,
                "Unsqueeze" => self.unsqueeze(node, &mut shape)?,
                "Squeeze" => self.squeeze(node, &mut shape)?,
                _ => {}
            }
        }
        Ok((shape, values))
    }

    /// The values of the integer constant `value`, without its shape.
    pub fn ints(&self, value: &str) -> Option<Vec<i64>> {
        match self.chain(value)?.tensor {
            Origin::Tensor(tensor) => Some(tensor_i64(tensor, self.file_name).ok()?.1),
            Origin::Attribute(a) if !a.ints.is_empty() => Some(a.ints.clone()),
            Origin::Attribute(a) if a.name == "value_int" => Some(vec![a.i]),
            Origin::Attribute(_) => None,
        }
    }

    /// The number that the constant `value` holds, if it has one element.
    pub fn scalar(&self, value: &str) -> Option<f64> {
        match self.chain(value)?.tensor {
            Origin::Tensor(tensor) if tensor.dims.iter().all(|&d| d == 1) => match tensor_f32(tensor, self.file_name) {
                Ok((_, values)) => values.first().map(|&v| f64::from(v)),
                Err(_) => tensor_i64(tensor, self.file_name).ok()?.1.first().map(|&v| v as f64),
            },
            Origin::Tensor(_) => None,
            Origin::Attribute(a) => match a.name.as_str() {
                "value_float" => Some(f64::from(a.f)),
                "value_int" => Some(a.i as f64),
                _ => None,
            },
        }
    }

    /// Refuses operators that make enormous tensors from small constants.
    pub fn check_sizes(&self) -> Result<()> {
        for node in self.nodes() {
            let sizes = match (node.op_type.as_str(), node.input.as_slice()) {
                ("ConstantOfShape" | "Range", sizes) => sizes,
                ("Expand" | "Tile", [_, sizes @ ..]) => sizes,
                _ => continue,
            };
            let sizes = sizes.iter().filter_map(|size| self.ints(size)).flatten();
            let made = sizes.fold(1u64, |made, size| made.saturating_mul(size.unsigned_abs().max(1)));
            if made > MADE {
                return Err(
                    self.error_at(node, format!("makes {made} numbers, far more than any BERT; is the file damaged?"))
                );
            }
        }
        Ok(())
    }

    /// The constant behind `value`, and the operators on the way.
    fn chain(&self, value: &str) -> Option<Chain<'a>> {
        let mut folds = Vec::new();
        let mut at = value;
        loop {
            if let Some(tensor) = self.initializer(at) {
                return Some(Chain { tensor: Origin::Tensor(tensor), folds });
            }
            let node = self.producer(at)?;
            match node.op_type.as_str() {
                "Constant" => {
                    let given = node.attribute.first()?;
                    let tensor = match given.name.as_str() {
                        "value" => Origin::Tensor(given.t.as_ref()?),
                        "value_float" | "value_floats" | "value_int" | "value_ints" => Origin::Attribute(given),
                        _ => return None,
                    };
                    return Some(Chain { tensor, folds });
                }
                "Identity" | "Cast" | "Transpose" | "Reshape" | "Unsqueeze" | "Squeeze" if folds.len() < FOLDS => {
                    folds.push(node);
                    at = node.input.first()?;
                }
                _ => return None,
            }
        }
    }

    /// The axes of a Squeeze or Unsqueeze, counted from 0 in a tensor of `rank` dimensions; `None` if it has none.
    pub fn axes(&self, node: &'a pb::NodeProto, rank: usize) -> Result<Option<Vec<usize>>> {
        let given = match node.input.get(1).filter(|axes| !axes.is_empty()) {
            Some(axes) => self.ints(axes),
            None => match attribute(node, "axes") {
                Some(axes) => Some(axes.ints.clone()),
                None => return Ok(None),
            },
        };
        let axis = |a: &i64| usize::try_from(if *a < 0 { a.checked_add(rank as i64)? } else { *a }).ok();
        let axes = given.filter(|axes| axes.len() <= RANK).and_then(|axes| axes.iter().map(axis).collect());
        axes.map(Some).ok_or_else(|| self.error_at(node, "has axes that are not given in plain numbers"))
    }

    /// Applies an Unsqueeze to `shape`.
    fn unsqueeze(&self, node: &'a pb::NodeProto, shape: &mut Vec<usize>) -> Result<()> {
        let count = self.axes(node, RANK)?.map_or(0, |axes| axes.len());
        let mut axes = self.axes(node, shape.len() + count)?.unwrap_or_default();
        axes.sort_unstable();
        for axis in axes {
            if axis > shape.len() {
                return Err(self.error_at(node, format!("adds axis {axis} to a constant of shape {shape:?}")));
            }
            shape.insert(axis, 1);
        }
        Ok(())
    }

    /// Applies a Squeeze to `shape`.
    fn squeeze(&self, node: &'a pb::NodeProto, shape: &mut Vec<usize>) -> Result<()> {
        let axes = self.axes(node, shape.len())?;
        let mut at = 0;
        shape.retain(|&d| {
            at += 1;
            d != 1 || axes.as_ref().is_some_and(|axes| !axes.contains(&(at - 1)))
        });
        Ok(())
    }

    /// The shape that a Reshape of `len` values returns.
    fn reshaped(&self, node: &'a pb::NodeProto, len: usize) -> Result<Vec<usize>> {
        let wanted = node.input.get(1).and_then(|shape| self.ints(shape));
        let known = wanted.iter().flatten().filter(|&&d| d != -1).try_fold(1usize, |product, &d| {
            usize::try_from(d).ok().filter(|&d| d > 0).and_then(|d| product.checked_mul(d))
        });
        let (Some(wanted), Some(known)) = (wanted, known) else {
            return Err(self.error_at(node, "reshapes a constant to a shape that is not given in plain numbers"));
        };
        let shape: Vec<usize> =
            wanted.iter().map(|&d| usize::try_from(d).unwrap_or(len.checked_div(known).unwrap_or(0))).collect();
        if shape.len() > RANK || shape.iter().try_fold(1usize, |p, &d| p.checked_mul(d)) != Some(len) {
            return Err(self.error_at(node, format!("reshapes a constant of {len} values to {wanted:?}")));
        }
        Ok(shape)
    }
}

/// The rows and columns of a matrix `shape`, which may have more, leading dimensions of 1.
///
/// # Errors
/// If `tensor` has another shape or is empty.
pub fn matrix(shape: &[usize], tensor: &str, file_name: &str) -> Result<[usize; 2]> {
    let extra = shape.len().saturating_sub(2);
    match shape[extra..] {
        [rows, cols] if rows > 0 && cols > 0 && shape[..extra].iter().all(|&d| d == 1) => Ok([rows, cols]),
        _ => Err(Error::tensor(file_name, tensor, format!("has shape {shape:?}, expected a matrix"))),
    }
}
