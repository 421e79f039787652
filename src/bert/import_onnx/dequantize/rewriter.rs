//! Follows quantized values through a graph, and replaces them by the real numbers that they stand for.

use super::constants::Parameters;
use super::values::{Encoding, MOVES, Product, ends, first_output, input, moves};
use crate::bert::import_onnx::plain::ONNXRUNTIME;
use crate::bert::import_onnx::prepare::is_quantized;
use crate::error::{Error, Result};
use crate::onnx::{GraphIndex, attribute_int, node_error, pb};
use std::collections::{HashMap, HashSet};

/// Constants may be dequantized several times, with other scales. This limits how many values per byte of the model may
/// be made.
const UNFOLDING: usize = 16;

/// A rewrite in progress.
pub struct Rewriter<'a> {
    pub(super) index: GraphIndex<'a>,
    pub(super) file_name: &'a str,
    /// The values whose integers have been replaced by real numbers.
    pub(super) encoded: HashMap<String, Encoding>,
    /// The value to read instead of a value of the original graph, where they differ.
    renamed: HashMap<String, String>,
    /// Scales that are measured in each run.
    pub(super) measured: HashSet<&'a str>,
    /// Products of two scales, by name.
    pub(super) scale_products: HashMap<&'a str, [&'a str; 2]>,
    /// Integer products that await their scales, by name.
    pub(super) products: HashMap<&'a str, Product<'a>>,
    nodes: Vec<pb::NodeProto>,
    producers: HashMap<String, usize>,
    constants: Vec<pb::TensorProto>,
    constant_names: HashSet<String>,
    /// The dequantized constants by the names of tensor, scale and zero point, and by axis.
    known: HashMap<(String, String, String, i64), String>,
    /// The values that lead straight to an output.
    pub(super) ends: HashSet<&'a str>,
    /// All names of values and nodes.
    names: HashSet<String>,
    /// How many names were taken.
    taken: usize,
    /// How many more values may be made.
    budget: usize,
}

impl<'a> Rewriter<'a> {
    /// Starts a rewrite of `graph`, whose nodes must be in order. `size` is the number of bytes of the model.
    pub fn new(graph: &'a pb::GraphProto, size: usize, file_name: &'a str) -> Self {
        let made = graph.node.iter().flat_map(|node| node.output.iter().chain([&node.name]));
        let given = graph.input.iter().map(|input| &input.name).chain(graph.initializer.iter().map(|t| &t.name));
        let index = GraphIndex::new(graph);
        Rewriter {
            ends: ends(&index),
            index,
            file_name,
            encoded: HashMap::new(),
            renamed: HashMap::new(),
            measured: HashSet::new(),
            scale_products: HashMap::new(),
            products: HashMap::new(),
            nodes: Vec::with_capacity(graph.node.len()),
            producers: HashMap::new(),
            constants: Vec::new(),
            constant_names: HashSet::new(),
            known: HashMap::new(),
            names: made.chain(given).cloned().collect(),
            taken: 0,
            budget: size.saturating_mul(UNFOLDING),
        }
    }

    /// Returns the nodes of the rewritten graph and the constants to add to it. The nodes that handled integers may
    /// still be among them, without readers.
    ///
    /// # Errors
    /// If a node uses quantized numbers in an unknown way, or scales or zero points do not fit.
    pub fn rewrite(mut self) -> Result<(Vec<pb::NodeProto>, Vec<pb::TensorProto>)> {
        let graph = self.index.graph();
        for node in &graph.node {
            self.node(node)?;
        }
        for output in &graph.output {
            if let Some(real) = self.renamed.get(&output.name).cloned() {
                self.push("Identity", vec![real], &output.name);
            } else if self.encoded.contains_key(&output.name) {
                return Err(Error::file(self.file_name, format!("has the quantized output `{}`", output.name)));
            }
        }
        Ok((self.nodes, self.constants))
    }

    /// Rewrites one node.
    fn node(&mut self, node: &'a pb::NodeProto) -> Result<()> {
        let known = ["", "ai.onnx", ONNXRUNTIME].contains(&node.domain.as_str());
        match node.op_type.as_str() {
            _ if !known => self.other(node),
            "QuantizeLinear" => self.quantize(node),
            "DynamicQuantizeLinear" => {
                let ([x], [quantized, scale, zero_point]) = (self.inputs(node)?, node.output.as_slice()) else {
                    return Err(self.error_at(node, "has other outputs than a value, its scale and its zero point"));
                };
                let encoding = Encoding { scale: scale.clone(), zero_point: zero_point.clone(), axis: None };
                self.measured.insert(scale);
                self.replace(node, x, quantized, encoding)?;
                // Its readers show whether anything else needs the scale.
                self.keep(node);
                Ok(())
            }
            "DequantizeLinear" => {
                let [x, scale] = self.inputs(node)?;
                let zero_point = input(node, 2);
                self.not_blocked(node)?;
                let axis = attribute_int(node, "axis", 1);
                let real = self.real(node, x, scale, zero_point, axis)?;
                self.renamed.insert(first_output(node), real);
                Ok(())
            }
            _ if self.computes(node)? => Ok(()),
            _ => self.other(node),
        }
    }

    /// Connects the readers of a QuantizeLinear to its input.
    fn quantize(&mut self, node: &'a pb::NodeProto) -> Result<()> {
        let [x, scale] = self.inputs(node)?;
        let zero_point = input(node, 2);
        self.not_blocked(node)?;
        let several = self.index.constant(scale).is_some_and(|scale| scale.dims.iter().any(|&d| d != 1));
        let axis = several.then(|| attribute_int(node, "axis", 1));
        let encoding = Encoding { scale: scale.to_owned(), zero_point: zero_point.to_owned(), axis };
        let no_negatives = self.cannot_be_negative(node, zero_point);
        let Some(quantized) = node.output.first() else { return Ok(()) };
        let source = self.renamed.get(x).map_or(x, String::as_str).to_owned();
        if no_negatives && self.is_linear(&source) {
            let relu = self.fresh(&format!("{quantized}/relu"));
            self.push("Relu", vec![source], &relu);
            self.refuse_integers(node, x)?;
            self.renamed.insert(quantized.clone(), relu);
            self.encoded.insert(quantized.clone(), encoding);
            return Ok(());
        }
        self.replace(node, x, quantized, encoding)
    }

    /// Connects the readers of `quantized` to `x`, the output of a node before `node`.
    fn replace(&mut self, node: &pb::NodeProto, x: &str, quantized: &str, encoding: Encoding) -> Result<()> {
        self.refuse_integers(node, x)?;
        let real = self.renamed.get(x).map_or(x, String::as_str).to_owned();
        self.renamed.insert(quantized.to_owned(), real);
        self.encoded.insert(quantized.to_owned(), encoding);
        Ok(())
    }

    /// Keeps a node that computes nothing with quantized numbers, or only moves them.
    fn other(&mut self, node: &'a pb::NodeProto) -> Result<()> {
        if is_quantized(node) {
            let problem = "is a quantized operator that bert8 cannot turn into FP32; use the FP32 model";
            return Err(self.error_at(node, problem));
        }
        let encoding = node.input.first().and_then(|x| self.encoded.get(x)).cloned();
        match encoding {
            Some(_) if ["Shape", "Size"].contains(&node.op_type.as_str()) => {}
            Some(Encoding { axis: None, .. }) if moves(node) => {
                let encoding = encoding.expect("it has just been matched");
                for input in &node.input[1..] {
                    self.refuse_integers(node, input)?;
                }
                self.encoded.extend(node.output.iter().map(|output| (output.clone(), encoding.clone())));
            }
            _ => {
                for input in &node.input {
                    self.refuse_integers(node, input)?;
                }
            }
        }
        self.keep(node);
        Ok(())
    }

    /// The name of the real numbers that `value` stands for as an input of `node`, if `scale` and `zero_point` are its
    /// scale and zero point. Dequantizes constants; `axis` is that of their channels.
    ///
    /// # Errors
    /// If `value` was quantized with other parameters, or is no quantized value.
    pub(super) fn real(
        &mut self,
        node: &'a pb::NodeProto,
        value: &'a str,
        scale: &'a str,
        zero_point: &'a str,
        axis: i64,
    ) -> Result<String> {
        if let Some(encoding) = self.encoded.get(value) {
            let several = encoding.axis.is_none_or(|known| known == axis);
            let same = several && self.same_scale(&encoding.scale, scale);
            if !same || !self.same_zero_point(&encoding.zero_point, zero_point) {
                let problem = format!("reads `{value}` with another scale or zero point than it was quantized with");
                return Err(self.error_at(node, problem));
            }
            return Ok(self.renamed.get(value).map_or(value, String::as_str).to_owned());
        }
        let mut path = Vec::new();
        let mut at = value;
        let tensor = loop {
            if let Some(tensor) = self.index.constant(at) {
                break tensor;
            }
            match self.index.producer(at) {
                Some(producer) if moves(producer) && path.len() < MOVES => {
                    path.push((producer, at));
                    at = input(producer, 0);
                }
                _ => return Err(self.error_at(node, format!("reads `{value}`, which no known operator quantized"))),
            }
        };
        let parameters = self.parameters(node, scale, zero_point, axis)?;
        if !path.is_empty() && parameters.scales.len().max(parameters.zero_points.len()) > 1 {
            let problem = format!("reads `{value}`, which was reshaped since its channels were quantized");
            return Err(self.error_at(node, problem));
        }
        let key = (at.to_owned(), scale.to_owned(), zero_point.to_owned(), axis);
        let mut real = match self.known.get(&key) {
            Some(known) => known.clone(),
            None => {
                let name = self.fresh(&format!("{at}/real"));
                self.constant(&parameters, tensor, &name)?;
                self.known.insert(key, name.clone());
                name
            }
        };
        // The operators on the way move the real numbers instead.
        for (mover, output) in path.into_iter().rev() {
            let mut moved = mover.clone();
            moved.input[0] = real;
            self.rename_inputs(&mut moved, 1);
            moved.name = self.fresh(&format!("{}/real", mover.name));
            for name in &mut moved.output {
                *name = self.fresh(&format!("{name}/real"));
            }
            let position = mover.output.iter().position(|name| name == output).unwrap_or_default();
            real = moved.output[position].clone();
            self.add(moved);
        }
        Ok(real)
    }

    /// Adds the real numbers of `tensor` as a constant.
    pub(super) fn constant(&mut self, parameters: &Parameters, tensor: &pb::TensorProto, name: &str) -> Result<()> {
        let made = parameters.dequantize(tensor, name, self.file_name)?;
        self.spend(made.raw_data.len() / 4, &tensor.name)?;
        self.constant_names.insert(made.name.clone());
        self.constants.push(made);
        Ok(())
    }

    /// Counts `values` of the tensor called `name` that were decoded.
    ///
    /// # Errors
    /// If there are far more than the model has.
    pub(super) fn spend(&mut self, values: usize, name: &str) -> Result<()> {
        self.budget = self.budget.checked_sub(values).ok_or_else(|| {
            Error::tensor(self.file_name, name, "is dequantized too many times; is the file damaged?")
        })?;
        Ok(())
    }

    /// Marks the output of `node` as real numbers that were quantized with `scale` and `zero_point`. `operation` makes
    /// them; its output is set here. Inserts a ReLU if a linear layer's output cannot be negative.
    pub(super) fn encoded_output(
        &mut self,
        node: &pb::NodeProto,
        mut operation: pb::NodeProto,
        scale: &str,
        zero_point: &str,
    ) {
        let output = first_output(node);
        let no_negatives = self.cannot_be_negative(node, zero_point);
        operation.output = vec![output.clone()];
        self.add(operation);
        if no_negatives && self.is_linear(&output) {
            let linear = self.fresh(&format!("{output}/linear"));
            let last = self.nodes.last_mut().expect("it has just been added");
            last.output = vec![linear.clone()];
            self.producers.insert(linear.clone(), self.nodes.len() - 1);
            self.push("Relu", vec![linear], &output);
        }
        let encoding = Encoding { scale: scale.to_owned(), zero_point: zero_point.to_owned(), axis: None };
        self.encoded.insert(output, encoding);
    }

    /// Whether the rewritten graph makes `value` by a linear layer: MatMul with a constant, with or without Add, or
    /// Gemm.
    fn is_linear(&self, value: &str) -> bool {
        let producer = |value: &str| self.producers.get(value).map(|&at| &self.nodes[at]);
        let constant = |value: &String| self.constant_names.contains(value) || self.index.constant(value).is_some();
        let product = |node: &pb::NodeProto| node.op_type == "MatMul" && node.input.get(1).is_some_and(constant);
        producer(value).is_some_and(|node| match node.op_type.as_str() {
            "Gemm" => true,
            "Add" => node.input.iter().any(constant) && node.input.iter().any(|x| producer(x).is_some_and(product)),
            _ => product(node),
        })
    }

    /// Refuses a `node` that reads `value` if that is quantized: the operator is not known to handle integers.
    pub(super) fn refuse_integers(&self, node: &pb::NodeProto, value: &str) -> Result<()> {
        match self.encoded.contains_key(value) {
            true => {
                Err(self.error_at(node, format!("computes with the quantized numbers `{value}`; use the FP32 model")))
            }
            false => Ok(()),
        }
    }

    /// Adds `node`, which now reads real numbers.
    pub(super) fn keep(&mut self, node: &pb::NodeProto) {
        let mut node = node.clone();
        self.rename_inputs(&mut node, 0);
        self.add(node);
    }

    /// Replaces the inputs of `node` from position `from` on by their renamed values.
    fn rename_inputs(&self, node: &mut pb::NodeProto, from: usize) {
        for input in &mut node.input[from..] {
            if let Some(real) = self.renamed.get(input) {
                input.clone_from(real);
            }
        }
    }

    /// The name to read instead of `value`.
    pub(super) fn current(&self, value: &str) -> String {
        self.renamed.get(value).map_or(value, String::as_str).to_owned()
    }

    /// Adds an `op` that reads `inputs` and makes `output`.
    pub(super) fn push(&mut self, op: &str, inputs: Vec<String>, output: &str) {
        let node = pb::NodeProto {
            op_type: op.to_owned(),
            name: self.fresh(&format!("{output}/{op}")),
            input: inputs,
            output: vec![output.to_owned()],
            ..Default::default()
        };
        self.add(node);
    }

    /// Adds a node as it is.
    fn add(&mut self, node: pb::NodeProto) {
        self.producers.extend(node.output.iter().map(|output| (output.clone(), self.nodes.len())));
        self.nodes.push(node);
    }

    /// A name that no value and no node has, made from `name`.
    pub(super) fn fresh(&mut self, name: &str) -> String {
        let mut fresh = name.to_owned();
        while !self.names.insert(fresh.clone()) {
            // Over all names, so that the search is short for each.
            self.taken += 1;
            fresh = format!("{name}.{}", self.taken);
        }
        fresh
    }

    /// The first `N` inputs of `node`.
    ///
    /// # Errors
    /// If it has fewer.
    pub(super) fn inputs<const N: usize>(&self, node: &'a pb::NodeProto) -> Result<[&'a str; N]> {
        match node.input.first_chunk::<N>() {
            Some(inputs) => Ok(inputs.each_ref().map(String::as_str)),
            None => Err(self.error_at(node, format!("has {} inputs, expected {N} or more", node.input.len()))),
        }
    }

    /// An error at `node`.
    pub(super) fn error_at(&self, node: &pb::NodeProto, problem: impl Into<String>) -> Error {
        node_error(self.file_name, node, problem)
    }
}
