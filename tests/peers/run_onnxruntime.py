"""Runs an ONNX file in onnxruntime."""

import numpy as np
import onnxruntime


class OnnxRuntime:
    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        # Exact sums on x86 processors without VNNI, where products of u8 and s8 would saturate.
        options.add_session_config_entry("session.x64quantprecision", "1")
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def logits(self, feeds):
        return np.concatenate([self.session.run(None, feed)[0] for feed in feeds])
