//! Embedding tables: `{name}`, FP32 or INT8, the latter with `{name}_scales`.

use super::{NodeReader, NodeWriter};
use crate::kernels::{LANES, Table};
use crate::ops::recognise::TablePart;
use pb::tensor_proto::DataType;
use tract_onnx::pb;
use tract_onnx::tract_hir::internal::*;

impl NodeWriter {
    /// Adds an embedding table.
    pub fn table(self, name: &str, table: &TablePart) -> Self {
        let writer = self.tensor(name, table.values);
        match table.scales {
            Some(scales) => writer.tensor(&format!("{name}_scales"), scales),
            None => writer,
        }
    }
}

impl<'a> NodeReader<'a> {
    /// An embedding table of rows of `features`.
    pub fn table(&self, name: &str, features: usize) -> TractResult<Table> {
        let scales = format!("{name}_scales");
        let check = |len: usize| -> TractResult<()> {
            let fits = len.is_multiple_of(features) && features.is_multiple_of(LANES);
            ensure!(fits, "{name} does not consist of rows of {features} features");
            Ok(())
        };
        if self.0.get_attr_opt::<&pb::TensorProto>(&scales)?.is_none() {
            let values = self.float_tensor(name)?.1;
            check(values.len())?;
            return Ok(Table::Float(values.as_chunks().0.to_vec()));
        }
        let (shape, values) = self.bytes(name, DataType::Int8)?;
        let scales = self.float_tensor(&scales)?.1;
        check(values.len())?;
        ensure!(shape.first() == Some(&scales.len()), "{name} needs one scale per row");
        // Without a copy: the table of words is a fifth of the file.
        let values = values.into_owned().into_iter().map(|byte| byte as i8).collect();
        Ok(Table::Int8 { values, scales })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernel;
    use crate::ops::samples;

    #[test]
    fn tables_are_read_as_written() {
        let (float, integers, scales) =
            (samples::floats("float", 3, 8), samples::weights("integers", 3, 8), samples::floats("scales", 3, 1));
        let node = NodeWriter::new("Op", Kernel::SCALAR, &[], &["y"])
            .table("words", &TablePart { values: &float, scales: None })
            .table("types", &TablePart { values: &integers, scales: Some(&scales) })
            .finish();
        let node = samples::with_tensors(node, [float.clone(), integers.clone(), scales.clone()]);
        let reader = NodeReader::new(&node);
        assert_eq!(reader.table("words", 8).unwrap(), samples::table(&float, None));
        assert_eq!(reader.table("types", 8).unwrap(), samples::table(&integers, Some(&scales)));
        assert!(reader.table("words", 16).is_err() && reader.table("positions", 8).is_err());
    }
}
