"""Quantizes ../../golden/model.fp32.onnx with onnxruntime 1.32 in several forms: make.py [SOURCE.onnx [FOLDER]]

The files beside this script come from it."""

import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

HERE = pathlib.Path(__file__).parent


class Texts(CalibrationDataReader):
    """Random token ids of several lengths."""

    def __init__(self, source):
        names = [i.name for i in onnxruntime.InferenceSession(source).get_inputs()]
        words = max(t.dims[0] for t in onnx.load(source).graph.initializer if len(t.dims) == 2)
        random = np.random.default_rng(8)
        rows = []
        for length in (4, 9, 16):
            feed = {"input_ids": random.integers(0, words, (2, length)), "attention_mask": np.ones((2, length), np.int64)}
            feed["attention_mask"][0, length * 3 // 4 :] = 0
            feed["token_type_ids"] = (np.arange(length) >= length // 2).astype(np.int64) * np.ones((2, 1), np.int64)
            rows.append({name: feed[name] for name in names})
        self.rows = iter(rows)

    def get_next(self):
        return next(self.rows, None)


def make(source, folder):
    with tempfile.TemporaryDirectory() as work:
        plain = f"{work}/plain.onnx"
        model = onnx.load(source)
        del model.metadata_props[:]
        onnx.save(model, plain)

        def static(name, form, activation, weight, **options):
            quantize_static(
                plain, f"{folder}/{name}.onnx", Texts(plain), quant_format=form, activation_type=activation, weight_type=weight, **options
            )

        u8, s8 = QuantType.QUInt8, QuantType.QInt8
        quantize_dynamic(plain, f"{folder}/dynamic-u8.onnx", weight_type=u8)
        quantize_dynamic(plain, f"{folder}/dynamic-s8-channels.onnx", weight_type=s8, per_channel=True, reduce_range=True)
        static("qdq-s8", QuantFormat.QDQ, s8, s8, extra_options={"ActivationSymmetric": True})
        static("qdq-u8s8-channels", QuantFormat.QDQ, u8, s8, per_channel=True)
        static("qoperator-u8", QuantFormat.QOperator, u8, u8)


if __name__ == "__main__":
    make(*([HERE / "../../golden/model.fp32.onnx", HERE] if len(sys.argv) < 2 else [pathlib.Path(p) for p in sys.argv[1:]]))
