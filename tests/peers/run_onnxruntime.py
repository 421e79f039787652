"""Runs an ONNX file in onnxruntime."""

import numpy as np
import onnxruntime


class OnnxRuntime:
    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def logits(self, feeds):
        return np.concatenate([self.session.run(None, feed)[0] for feed in feeds])
