"""NNCF's post-training quantization for transformers, in OpenVINO.

What the documentation advises: the model type TRANSFORMER (SmoothQuant, symmetric q·kᵀ, softmax left alone), the mixed preset
(asymmetric activations) and 300 samples; biases corrected fast, as by default, or exactly (`fast_bias_correction=False`,
slower and said to be more accurate).
"""

import time

import nncf
import openvino
from contender import Contender, Quantized
from run_openvino import OpenVino


def contenders():
    return [
        Contender("NNCF TRANSFORMER", lambda task: quantize(task, True)),
        Contender("NNCF TRANSFORMER, exact bias correction", lambda task: quantize(task, False)),
    ]


def quantize(task, fast_bias_correction):
    start = time.perf_counter()
    model = nncf.quantize(
        openvino.Core().read_model(str(task.fp32)),
        nncf.Dataset(task.calibration_feeds),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(task.calibration_feeds),
        fast_bias_correction=fast_bias_correction,
    )
    seconds = time.perf_counter() - start
    path = task.folder / f"nncf-{'fast' if fast_bias_correction else 'exact'}.xml"
    openvino.save_model(model, str(path), compress_to_fp16=False)
    engine = OpenVino(path)
    linear, attention = engine.integer_nodes({"FullyConnected"}), engine.integer_nodes({"Subgraph", "MatMul"})
    note = f"OpenVINO runs {linear} linear layers and {attention} attention products on 8-bit integers"
    size = path.stat().st_size + path.with_suffix(".bin").stat().st_size
    return Quantized(engine.logits(task.feeds), size, seconds, note)
