"""Runs an ONNX file or an OpenVINO model in OpenVINO."""

import numpy as np
import openvino


class OpenVino:
    def __init__(self, model):
        """`model` is a path or an openvino.Model. What is not quantized runs in FP32, on every processor."""
        core = openvino.Core()
        if not isinstance(model, openvino.Model):
            model = core.read_model(str(model))
        self.compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def logits(self, feeds):
        return np.concatenate([self.compiled(feed)[0].copy() for feed in feeds])

    def integer_nodes(self, kinds):
        """How many nodes of the kinds run on 8-bit integers."""
        infos = [node.get_rt_info() for node in self.compiled.get_runtime_model().get_ops()]
        chosen = [info for info in infos if "layerType" in info and info["layerType"].astype(str) in kinds]
        return sum(info["runtimePrecision"].astype(str) in ("u8", "i8") for info in chosen)
