"""Compares quantizers on one model and one data set: bert8's presets, NNCF in OpenVINO, and onnxruntime's own.

    ./build.sh compare        makes the environment and runs this with its defaults; -h for the flags

Everyone gets the same calibration pairs, chosen with a fixed seed and written to build/compare/calibration.tsv, and the same
token ids, one pair at a time without padding. Each quantized model runs in the engine of its quantizer. The reference is
bert8's FP32 file in onnxruntime; bert8's own FP32 answers must agree with it. Prints a table, and writes
build/compare/results.json and results.md. Not part of the product: it needs target/release/bert8 and the packages of
requirements.txt.
"""

import argparse
import json
import platform
import random
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "peers"))

import bert8_presets
import metrics
import nncf_openvino
import onnxruntime_quantizers
import table
from bert8 import DEMO, MRPC, ROOT, bert8, inspect, logits
from contender import Task
from run_onnxruntime import OnnxRuntime
from sentences import encode, read_pairs

CALIBRATION_LIMIT = 128
FP32_TOLERANCE = 1e-3
PACKAGES = ["nncf", "onnxruntime", "openvino", "tokenizers"]


def arguments():
    parser = argparse.ArgumentParser(prog="./build.sh compare", description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=DEMO, help="Hugging Face folder or ONNX export")
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json, where it is not in or beside the model")
    parser.add_argument("--data", type=Path, default=MRPC / "dev.tsv", help="labelled pairs to measure on, TSV")
    parser.add_argument("--calibration", type=Path, default=MRPC / "train.tsv", help="pairs to calibrate on, TSV")
    parser.add_argument("--pairs", type=int, default=300, help="how many of them (default 300)")
    parser.add_argument("--seed", type=int, default=0, help="decides which of them (default 0)")
    parser.add_argument("--out", type=Path, default=ROOT / "build/compare", help="where files are written")
    parser.add_argument("--only", default="", metavar="WORDS", help="run only contenders whose name has these words")
    args = parser.parse_args()
    for path in [args.model, args.data, args.calibration]:
        if not path.exists():
            parser.error(f"{path} is not there; name another with --model, --data or --calibration")
    return args


def prepare(args):
    """The task, and the labels of its pairs."""
    args.out.mkdir(parents=True, exist_ok=True)
    folder = args.model if args.model.is_dir() else args.model.parent
    tokenizer = args.tokenizer or folder / "tokenizer.json"
    info = inspect(args.model)
    limit = info.get("config", info)["max_positions"]

    pairs = read_pairs(args.calibration)
    chosen = random.Random(args.seed).sample(pairs, min(args.pairs, len(pairs)))
    calibration = args.out / "calibration.tsv"
    lines = ["sentence1\tsentence2", *(f"{pair.first}\t{pair.second}" for pair in chosen)]
    calibration.write_text("\n".join(lines) + "\n", encoding="utf-8")

    data = read_pairs(args.data)
    if any(pair.label is None for pair in data):
        raise SystemExit(f"{args.data}: measuring needs labels")
    fp32 = args.out / "fp32.onnx"
    bert8("convert", args.model, "-o", fp32)
    task = Task(
        model=args.model,
        fp32=fp32,
        tokenizer=tokenizer,
        calibration=calibration,
        calibration_feeds=encode(tokenizer, chosen, min(CALIBRATION_LIMIT, limit)),
        calibration_limit=min(CALIBRATION_LIMIT, limit),
        data=args.data,
        feeds=encode(tokenizer, data, limit),
        folder=args.out,
    )
    return task, np.array([pair.label for pair in data])


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    args = arguments()
    task, labels = prepare(args)
    say("FP32")
    reference = OnnxRuntime(task.fp32).logits(task.feeds)
    worst = float(np.abs(reference - logits(task.fp32, task.data, task.tokenizer)).max())
    if worst > FP32_TOLERANCE:
        raise SystemExit(f"bert8's FP32 logits differ from onnxruntime's by {worst:.1e}")
    rows = [{"name": "FP32", **metrics.scores(reference, labels), "bytes": task.fp32.stat().st_size}]
    for source in [bert8_presets, nncf_openvino, onnxruntime_quantizers]:
        for contender in source.contenders():
            if args.only not in contender.name:
                continue
            say(contender.name)
            result = contender.quantize(task)
            measures = {**metrics.scores(result.logits, labels), **metrics.difference(reference, result.logits)}
            size = {"bytes": result.bytes, "seconds": result.seconds, "note": result.note}
            rows.append({"name": contender.name, **measures, **size})

    settings = {
        "pairs": len(labels),
        "calibration_pairs": len(task.calibration_feeds),
        "seed": args.seed,
        "fp32_difference_of_bert8": worst,
        "packages": {name: version(name) for name in PACKAGES},
        "machine": platform.machine(),
    }
    (args.out / "results.json").write_text(json.dumps({**settings, "rows": rows}, indent=2) + "\n")
    (args.out / "results.md").write_text(table.markdown(rows))
    print(table.text(rows), end="")
    for row in rows:
        if row.get("note"):
            print(f"{row['name']}: {row['note']}")
    print(f"{len(labels)} pairs, calibrated on {len(task.calibration_feeds)}; bert8's FP32 differs {worst:.1e} at most")


main()
