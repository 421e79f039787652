"""What every quantizer gets and gives."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass
class Task:
    """One model, its calibration pairs and the pairs it is measured on."""

    fp32: Path  # bert8's FP32 ONNX file of the model, which every quantizer starts from
    tokenizer: Path
    calibration: Path  # the chosen pairs, for those that tokenize themselves
    calibration_feeds: list  # the same pairs as inputs, cut to calibration_limit tokens
    calibration_limit: int
    data: Path
    feeds: list  # the inputs of the pairs of data
    folder: Path  # where files may be written


@dataclass
class Quantized:
    """A quantized model, measured."""

    logits: np.ndarray
    bytes: int
    seconds: float
    note: str = ""


@dataclass
class Contender:
    name: str
    quantize: Callable[[Task], Quantized]
