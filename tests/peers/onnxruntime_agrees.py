"""Runs bert8's FP32 file and both flavours of its INT8 file in onnxruntime, an engine that did not write them, and compares
the answers. Writes build/foreign.int8.onnx, onnxruntime's own dynamic quantization of the FP32 file.

Needs target/quick/bert8, build/models (./build.sh model) and build/model.qdq.onnx. Tokenizes with the Python tokenizers
package, so that bert8's tokenizing is checked too. Exit code 1 where a bound is broken.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import onnx
from bert8 import DEMO, MODELS, MRPC, ROOT, SHARED, TOKENIZER, bert8, inspect, logits
from checks import FP32_MAX, check, finish, same_answers, skip
from quantize_dynamic import quantize
from run_onnxruntime import OnnxRuntime
from sentences import encode, feed, read_pairs

FP32, INT8, QDQ = MODELS / "model.fp32.onnx", MODELS / "model.int8.onnx", ROOT / "build/model.qdq.onnx"
EXAMPLES = ROOT / "models/examples.tsv"


def check_files():
    sizes = {}
    for path in [FP32, INT8, QDQ]:
        onnx.checker.check_model(str(path), full_check=True)
        sizes[path] = path.stat().st_size
        check(path.name, True, f"{sizes[path]} bytes, accepted by onnx.checker")
    for path in [INT8, QDQ]:
        ratio = sizes[path] / sizes[FP32]
        check(f"size of {path.name}", ratio < 0.27, f"{ratio:.1%} of FP32")


def write_foreign():
    """An INT8 file of another maker, for the page tests."""
    path = ROOT / "build/foreign.int8.onnx"
    quantize(FP32, path)
    kernel = inspect(path)["kernel"]
    check("onnxruntime's own INT8 file", kernel == "unfused", f"runs {kernel} in bert8")


def compare_exports():
    folder = SHARED / "exports"
    if not folder.is_dir():
        skip("real exports", f"{folder} is missing")
        return
    for expected in sorted(folder.glob("*.expected.json")):
        name = expected.name.removesuffix(".expected.json")
        source = folder / name if name == "hf" else folder / f"{name}.onnx"
        with tempfile.TemporaryDirectory() as out:
            converted = Path(out) / "model.onnx"
            bert8("convert", source, "-o", converted)
            onnx.checker.check_model(str(converted), full_check=True)
            engine = OnnxRuntime(converted)
        worst = 0.0
        for case in json.loads(expected.read_text())["cases"]:
            theirs = engine.logits([feed(case["input_ids"], case["attention_mask"], case["token_type_ids"])])
            worst = max(worst, float(np.abs(theirs - np.array(case["logits"])).max()))
        check(f"convert {name}", worst <= FP32_MAX, f"logits differ {worst:.1e} at most from PyTorch's")


def compare_on(data):
    feeds = encode(TOKENIZER, read_pairs(data), inspect(DEMO)["config"]["max_positions"])
    same_answers(f"fp32 on {data.name}", OnnxRuntime(FP32).logits(feeds), logits(FP32, data), "fp32")
    ours = logits(INT8, data)
    for path in [INT8, QDQ]:
        same_answers(f"{path.name} on {data.name}", OnnxRuntime(path).logits(feeds), ours, "int8")


check_files()
write_foreign()
compare_exports()
same_answers("both flavours in bert8", logits(QDQ, EXAMPLES), logits(INT8, EXAMPLES), "int8")
if (MRPC / "dev.tsv").exists():
    compare_on(MRPC / "dev.tsv")
else:
    skip("MRPC", f"{MRPC} is missing")
    compare_on(EXAMPLES)
finish()
