//! The operators that compute with integers, and the FP32 operators that replace them.

use super::constants::Parameters;
use super::rewriter::Rewriter;
use super::values::{Product, first_output, input};
use crate::bert::import_onnx::plain::ONNXRUNTIME;
use crate::error::Result;
use crate::onnx::{attribute_float, attribute_int, pb, tensor_f32};
use pb::tensor_proto::DataType;

/// An operator of onnxruntime with a value, its scale and its zero point for each operand.
struct QLinear {
    /// The FP32 operator that replaces it.
    op: &'static str,
    /// The number of inputs before the operands. They stay unchanged.
    plain: usize,
    /// How many operands follow.
    operands: usize,
    /// The position of the output's scale. The output's zero point follows.
    output: usize,
}

impl QLinear {
    fn of(node: &pb::NodeProto) -> Option<Self> {
        let (op, plain, operands, output) = match node.op_type.as_str() {
            "QLinearMatMul" => ("MatMul", 0, 2, 6),
            "QLinearAdd" => ("Add", 0, 2, 6),
            "QLinearMul" => ("Mul", 0, 2, 6),
            "QLinearSigmoid" => ("Sigmoid", 0, 1, 3),
            "QLinearSoftmax" => ("Softmax", 0, 1, 3),
            "QLinearWhere" => ("Where", 1, 2, 7),
            "QLinearConcat" => ("Concat", 2, node.input.len().saturating_sub(2) / 3, 0),
            _ => return None,
        };
        Some(QLinear { op, plain, operands, output })
    }
}

impl<'a> Rewriter<'a> {
    /// Rewrites `node` if it computes with integers or scales. Returns whether it did.
    pub(super) fn computes(&mut self, node: &'a pb::NodeProto) -> Result<bool> {
        match node.op_type.as_str() {
            "MatMulInteger" => {
                let [a, b] = self.inputs(node)?;
                let product = Product { a, b, a_zero_point: input(node, 2), b_zero_point: input(node, 3) };
                self.products.extend(node.output.first().map(|output| (output.as_str(), product)));
                // Its readers show whether it is a product of real numbers.
                self.keep(node);
                Ok(true)
            }
            "Cast" => {
                let float = [DataType::Float, DataType::Float16, DataType::Bfloat16];
                let float = float.iter().any(|&float| attribute_int(node, "to", 0) == float as i64);
                let product = self.products.get(input(node, 0)).filter(|_| float).copied();
                self.products.extend(node.output.first().map(String::as_str).zip(product));
                Ok(false)
            }
            "Mul" => self.scaled_product(node),
            "MatMulIntegerToFloat" if node.domain == ONNXRUNTIME => {
                let [a, b, a_scale, b_scale] = self.inputs(node)?;
                let a = self.real(node, a, a_scale, input(node, 4), -1)?;
                let b = self.real(node, b, b_scale, input(node, 5), -1)?;
                self.linear(node, a, b, input(node, 6))
            }
            "DynamicQuantizeMatMul" if node.domain == ONNXRUNTIME => {
                let [a, b, b_scale] = self.inputs(node)?;
                self.refuse_integers(node, a)?;
                let b = self.real(node, b, b_scale, input(node, 3), -1)?;
                self.linear(node, self.current(a), b, input(node, 4))
            }
            "QGemm" if node.domain == ONNXRUNTIME => self.gemm(node).map(|()| true),
            _ => match QLinear::of(node) {
                Some(form) => self.q_linear(node, &form).map(|()| true),
                None => Ok(false),
            },
        }
    }

    /// Rewrites a Mul of an integer product and its two scales to a MatMul. Returns whether `node` is one.
    fn scaled_product(&mut self, node: &'a pb::NodeProto) -> Result<bool> {
        let [x, y] = self.inputs(node)?;
        if self.measured.contains(x) || self.measured.contains(y) {
            self.scale_products.extend(node.output.first().map(|output| (output.as_str(), [x, y])));
            return Ok(false);
        }
        let found = [(x, y), (y, x)]
            .into_iter()
            .find_map(|(product, scales)| Some((*self.products.get(product)?, *self.scale_products.get(scales)?)));
        let Some((product, [first, second])) = found else { return Ok(false) };
        let Product { a, b, a_zero_point, b_zero_point } = product;
        let first_is_of_a = self.has_scale(a, first);
        let (a_scale, b_scale) = if first_is_of_a { (first, second) } else { (second, first) };
        let a = self.real(node, a, a_scale, a_zero_point, -1)?;
        let b = self.real(node, b, b_scale, b_zero_point, -1)?;
        self.push("MatMul", vec![a, b], &first_output(node));
        Ok(true)
    }

    /// Adds `a · b`, and the bias unless it is empty, in place of `node`. Returns true.
    fn linear(&mut self, node: &'a pb::NodeProto, a: String, b: String, bias: &'a str) -> Result<bool> {
        let output = first_output(node);
        if bias.is_empty() {
            self.push("MatMul", vec![a, b], &output);
            return Ok(true);
        }
        self.refuse_integers(node, bias)?;
        let product = self.fresh(&format!("{output}/product"));
        self.push("MatMul", vec![a, b], &product);
        self.push("Add", vec![product, self.current(bias)], &output);
        Ok(true)
    }

    /// Rewrites an operator of the form [`QLinear`].
    fn q_linear(&mut self, node: &'a pb::NodeProto, form: &QLinear) -> Result<()> {
        let operands = if form.output == 0 { form.plain } else { form.plain.min(form.output) };
        let needed = (operands + 3 * form.operands).max(form.output + 1);
        if node.input.len() < needed || form.operands == 0 {
            return Err(self.error_at(node, format!("has {} inputs, expected {needed} or more", node.input.len())));
        }
        let mut inputs = Vec::new();
        if form.output != 0 {
            for plain in &node.input[..form.plain] {
                self.refuse_integers(node, plain)?;
                inputs.push(self.current(plain));
            }
        }
        for at in (0..form.operands).map(|operand| operands + 3 * operand) {
            let real = self.real(node, input(node, at), input(node, at + 1), input(node, at + 2), -1)?;
            inputs.push(real);
        }
        let attribute = node.attribute.iter().filter(|attribute| attribute.name == "axis").cloned().collect();
        let operation = operation(node, form.op, inputs, attribute);
        self.encoded_output(node, operation, input(node, form.output), input(node, form.output + 1));
        Ok(())
    }

    /// Rewrites a QGemm to a Gemm.
    fn gemm(&mut self, node: &'a pb::NodeProto) -> Result<()> {
        let [a, a_scale, a_zero_point, b, b_scale, b_zero_point] = self.inputs(node)?;
        let transposed = attribute_int(node, "transB", 0) != 0;
        let (alpha, channels) = (attribute_float(node, "alpha", 1.0), if transposed { 0 } else { 1 });
        if alpha != 1.0 {
            return Err(self.error_at(node, format!("has alpha {alpha}, expected 1")));
        }
        let mut inputs =
            vec![self.real(node, a, a_scale, a_zero_point, -1)?, self.real(node, b, b_scale, b_zero_point, channels)?];
        let bias = input(node, 6);
        if !bias.is_empty() {
            let constant = self.index.constant(bias);
            let scale = self.index.constant(a_scale).map(|scale| tensor_f32(scale, self.file_name)).transpose()?;
            let (Some(constant), Some([a_scale])) = (constant, scale.as_ref().map(|(_, scale)| scale.as_slice()))
            else {
                return Err(self.error_at(node, "has a bias or a scale that is not constant"));
            };
            let scales = self.parameters(node, b_scale, "", -1)?.scales.iter().map(|scale| scale * a_scale).collect();
            let name = self.fresh(&format!("{bias}/real"));
            self.constant(&Parameters { scales, zero_points: vec![], axis: -1 }, constant, &name)?;
            inputs.push(name);
        }
        let kept = |attribute: &&pb::AttributeProto| ["transA", "transB"].contains(&attribute.name.as_str());
        let attribute = node.attribute.iter().filter(kept).cloned().collect();
        let mut operation = operation(node, "Gemm", inputs, attribute);
        match input(node, 7) {
            "" => {
                operation.output = vec![first_output(node)];
                self.keep(&operation);
            }
            scale => self.encoded_output(node, operation, scale, input(node, 8)),
        }
        Ok(())
    }
}

/// An `op` of the default domain with the name of `node` and without an output.
fn operation(node: &pb::NodeProto, op: &str, inputs: Vec<String>, attribute: Vec<pb::AttributeProto>) -> pb::NodeProto {
    let (op_type, name) = (op.to_owned(), node.name.clone());
    pb::NodeProto { op_type, name, input: inputs, attribute, ..Default::default() }
}
