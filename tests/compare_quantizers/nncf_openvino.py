"""NNCF's post-training quantization for transformers, in OpenVINO.

What the documentation advises: the model type TRANSFORMER (SmoothQuant, symmetric q·kᵀ, softmax left alone), the mixed preset
(asymmetric activations) and all calibration pairs; biases corrected fast, as by default, or exactly
(`fast_bias_correction=False`, slower and said to be more accurate). One contender keeps pooler and classifier in FP32, as bert8
does: NNCF rounds them too, which costs a model whose scores lie far apart most of its accuracy.
"""

import time

import nncf
import openvino
from contender import Contender, Quantized
from run_openvino import OpenVino


def contenders():
    return [
        Contender("NNCF TRANSFORMER", lambda task: quantize(task, "fast")),
        Contender(
            "NNCF TRANSFORMER, exact bias correction",
            lambda task: quantize(task, "exact", fast_bias_correction=False),
        ),
        Contender("NNCF TRANSFORMER, head in FP32", lambda task: quantize(task, "fp32-head", fp32_head=True)),
    ]


def quantize(task, name, fast_bias_correction=True, fp32_head=False):
    start = time.perf_counter()
    fp32 = openvino.Core().read_model(str(task.fp32))
    products = [node.get_friendly_name() for node in fp32.get_ops() if node.get_type_name() == "MatMul"]
    head = [product for product in products if not product.startswith("encoder.")]
    model = nncf.quantize(
        fp32,
        nncf.Dataset(task.calibration_feeds),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(task.calibration_feeds),
        fast_bias_correction=fast_bias_correction,
        ignored_scope=nncf.IgnoredScope(names=head) if fp32_head else None,
    )
    seconds = time.perf_counter() - start
    path = task.folder / f"nncf-{name}.xml"
    openvino.save_model(model, str(path), compress_to_fp16=False)
    engine = OpenVino(path)
    linear, attention = engine.integer_nodes({"FullyConnected"}), engine.integer_nodes({"Subgraph", "MatMul"})
    note = f"OpenVINO runs {linear} linear layers and {attention} attention products on 8-bit integers"
    size = path.stat().st_size + path.with_suffix(".bin").stat().st_size
    return Quantized(engine.logits(task.feeds), size, seconds, note)
