"""onnxruntime's own quantizers, in onnxruntime.

What the documentation advises: preprocessing first, one scale per output channel for accuracy, u8 activations and s8 weights
on x86; dynamic quantization for transformers. Static quantization rounds every operator it knows, residual sums and LayerNorm
included; a second row quantizes matrix products alone, which leaves the embedding tables in FP32. Its percentile and entropy
calibration take inputs of one length only.
"""

import time

from contender import Contender, Quantized
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from run_onnxruntime import OnnxRuntime


def contenders():
    return [
        Contender("onnxruntime dynamic", dynamic),
        Contender("onnxruntime static QDQ", lambda task: static(task, "static")),
        Contender(
            "onnxruntime static QDQ, products alone",
            lambda task: static(task, "static-products", op_types_to_quantize=["MatMul"]),
        ),
    ]


def measured(task, name, quantize):
    """Preprocesses, calls `quantize` with the file to read and the file to write, and runs the latter."""
    prepared, path = task.folder / "onnxruntime-prepared.onnx", task.folder / f"onnxruntime-{name}.onnx"
    start = time.perf_counter()
    quant_pre_process(str(task.fp32), str(prepared))
    quantize(str(prepared), str(path))
    seconds = time.perf_counter() - start
    prepared.unlink()
    return Quantized(OnnxRuntime(path).logits(task.feeds), path.stat().st_size, seconds)


def dynamic(task):
    def quantize(source, target):
        quantize_dynamic(source, target, per_channel=True, weight_type=QuantType.QInt8)

    return measured(task, "dynamic", quantize)


def static(task, name, **options):
    def quantize(source, target):
        quantize_static(
            source,
            target,
            Reader(task.calibration_feeds),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            **options,
        )

    return measured(task, name, quantize)


class Reader(CalibrationDataReader):
    def __init__(self, feeds):
        self.rest = iter(feeds)

    def get_next(self):
        return next(self.rest, None)
