"""onnxruntime's own dynamic INT8 quantization, one scale per output channel: quantize_dynamic.py FP32.onnx INT8.onnx"""

import sys

from onnxruntime.quantization import QuantType, quantize_dynamic


def quantize(source, target):
    quantize_dynamic(str(source), str(target), weight_type=QuantType.QInt8, per_channel=True)


if __name__ == "__main__":
    quantize(*sys.argv[1:])
