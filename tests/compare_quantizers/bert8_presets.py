"""bert8's own quantizer, in bert8's own runtime."""

import re
import time

from bert8 import bert8, inspect, logits
from contender import Contender, Quantized


def presets():
    """The presets that `bert8 quantize --help` explains."""
    explained = re.search(r"--preset <NAME>(.*?)\[default", bert8("quantize", "--help"), re.DOTALL)
    return re.findall(r"(\w+)\s+= ", explained[1])


def contenders():
    return [Contender(f"bert8, {preset}", lambda task, preset=preset: quantize(task, preset)) for preset in presets()]


def quantize(task, preset):
    path = task.folder / f"bert8-{preset}.onnx"
    options = ["--preset", preset, "--calibration", task.calibration, "--tokenizer", task.tokenizer]
    size = ["--subset-size", str(len(task.calibration_feeds)), "--max-length", str(task.calibration_limit)]
    start = time.perf_counter()
    bert8("quantize", task.fp32, *options, *size, "-o", path)
    seconds = time.perf_counter() - start
    answers = logits(path, task.data, task.tokenizer)
    return Quantized(answers, path.stat().st_size, seconds, f"runs on {inspect(path)['kernel']}")
