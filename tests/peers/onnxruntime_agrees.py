"""Runs bert8's FP32 and INT8 files in onnxruntime, an engine that did not write them, and compares the answers. Writes
build/foreign.int8.onnx, onnxruntime's own dynamic quantization of the FP32 file.

Needs target/release/bert8 and build/models (./build.sh model). Tokenizes with the Python tokenizers package, so that
bert8's tokenizing is checked too. Exit code 1 where a bound is broken.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import tokenizers
from quantize_dynamic import quantize

ROOT = Path(__file__).resolve().parents[2]
BERT8 = ROOT / "target/release/bert8"
MODELS = ROOT / "build/models"
TOKENIZER = ROOT / "models/minilm-l6-mrpc/tokenizer.json"
SHARED = ROOT.parent / "shared"

# FP32 differs by the order of sums alone.
FP32_TOLERANCE = 1e-4
# INT8 integers are equal where their inputs are; LayerNorm, GELU and softmax differ in the last bits between engines, and a
# value on a rounding boundary then becomes the next integer. That moves logits, seldom decisions.
INT8_AGREEMENT = 0.98

passed = 0


def check(name, ok, detail):
    global passed
    print(f"{'ok' if ok else 'FAILED'}: {name}: {detail}")
    if not ok:
        sys.exit(1)
    passed += 1


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(engine, ids, mask, types):
    feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
    return engine.run(None, {name: np.asarray(value, dtype=np.int64) for name, value in feed.items()})[0]


def read_pairs(path):
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    header = lines[0].split("\t")
    first = header.index("sentence1") if "sentence1" in header else header.index("#1 String")
    return [line.split("\t")[first : first + 2] for line in lines[1:]]


def bert8_logits(model, data):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "predictions.jsonl"
        command = [BERT8, "eval", model, "--tokenizer", TOKENIZER, "--data", data, "--predictions", out, "--json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return np.array([json.loads(line)["logits"] for line in out.read_text().splitlines()])


def compare_on(data):
    tokenizer = tokenizers.Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512, strategy="longest_first")
    pairs = read_pairs(data)
    for name in ["fp32", "int8"]:
        path = MODELS / f"model.{name}.onnx"
        engine = session(path)
        theirs = []
        for a, b in pairs:
            tokens = tokenizer.encode(a, b)
            theirs.append(run(engine, [tokens.ids], [tokens.attention_mask], [tokens.type_ids])[0])
        theirs, ours = np.array(theirs), bert8_logits(path, data)
        difference = np.abs(theirs - ours)
        equal = float(np.mean(theirs.argmax(1) == ours.argmax(1)))
        rms = float(np.sqrt(np.mean(difference**2)))
        detail = f"{len(pairs)} pairs, decisions equal {equal:.2%}, logits differ {difference.max():.2e} at most, {rms:.2e} RMS"
        ok = difference.max() <= FP32_TOLERANCE if name == "fp32" else equal >= INT8_AGREEMENT
        check(f"{name} on {data.name}", ok, detail)


def check_files():
    sizes = {}
    for name in ["fp32", "int8"]:
        path = MODELS / f"model.{name}.onnx"
        onnx.checker.check_model(str(path), full_check=True)
        sizes[name] = path.stat().st_size
        check(f"model.{name}.onnx", True, f"{sizes[name]} bytes, accepted by onnx.checker")
    ratio = sizes["int8"] / sizes["fp32"]
    check("size of INT8", ratio < 0.27, f"{ratio:.1%} of FP32")


def compare_exports():
    folder = SHARED / "exports"
    if not folder.is_dir():
        print(f"skipped: real exports: {folder} is not there")
        return
    for expected in sorted(folder.glob("*.expected.json")):
        name = expected.name.removesuffix(".expected.json")
        source = folder / name if name == "hf" else folder / f"{name}.onnx"
        with tempfile.TemporaryDirectory() as out:
            converted = Path(out) / "model.onnx"
            subprocess.run([BERT8, "convert", source, "-o", converted], check=True, stderr=subprocess.DEVNULL)
            onnx.checker.check_model(str(converted), full_check=True)
            engine = session(converted)
        worst = 0.0
        for case in json.loads(expected.read_text())["cases"]:
            logits = run(engine, case["input_ids"], case["attention_mask"], case["token_type_ids"])
            worst = max(worst, float(np.abs(logits - np.array(case["logits"])).max()))
        check(f"convert {name}", worst <= FP32_TOLERANCE, f"logits differ {worst:.1e} at most from PyTorch's")


def write_foreign():
    """An INT8 file of another maker, for the page tests."""
    path = ROOT / "build/foreign.int8.onnx"
    quantize(MODELS / "model.fp32.onnx", path)
    inspected = subprocess.run([BERT8, "inspect", path, "--json"], check=True, capture_output=True).stdout
    kernel = json.loads(inspected)["kernel"]
    check("onnxruntime's own INT8 file", kernel == "unfused", f"runs {kernel} in bert8")


check_files()
write_foreign()
compare_exports()
compare_on(ROOT / "models/examples.tsv")
if (SHARED / "data/mrpc/dev.tsv").exists():
    compare_on(SHARED / "data/mrpc/dev.tsv")
else:
    print("skipped: MRPC is not there")
print(f"{passed} passed, 0 failed")
