"""Compares quantizers on one model and one data set: bert8's presets, NNCF in OpenVINO, and onnxruntime's own.

    ./build.sh compare        makes the environment and runs this with its defaults; -h for the flags

Everyone gets bert8's FP32 file, the same calibration pairs, which each seed draws anew, and the same token ids, one pair at a
time without padding. Each quantized model runs in the engine of its quantizer. The reference is the FP32 file in onnxruntime;
bert8's own FP32 answers must agree with it. Prints a table of means over the seeds, and writes build/compare/results.json and
results.md. Not part of the product: it needs target/release/bert8 and the packages of requirements.txt.

queries.tsv has 60 queries with 5 passages each, to compare rerankers on; queries_calibration.tsv has 30 others. Passages with
label 1 answer their query. All were written for bert8.
"""

import argparse
import dataclasses
import json
import platform
import random
import re
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
    parser.add_argument("--requantize", action="store_true", help="the model is an INT8 file: turn it into FP32 first")
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json, where it is not in or beside the model")
    parser.add_argument("--data", type=Path, default=MRPC / "dev.tsv", help="labelled pairs to measure on, TSV")
    parser.add_argument("--calibration", type=Path, default=MRPC / "train.tsv", help="pairs to calibrate on, TSV")
    parser.add_argument("--pairs", type=int, default=300, help="how many of them (default 300)")
    seeds = "each decides which of them; results are means over the seeds (default 0)"
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="SEED", help=seeds)
    parser.add_argument("--out", type=Path, default=ROOT / "build/compare", help="where files are written")
    parser.add_argument("--only", default="", metavar="REGEX", help="run only contenders whose name matches")
    args = parser.parse_args()
    for path in [args.model, args.data, args.calibration]:
        if not path.exists():
            parser.error(f"{path} is not there; name another with --model, --data or --calibration")
    return args


def prepare(args):
    """The task, as yet without calibration pairs, and the pairs to measure on."""
    args.out.mkdir(parents=True, exist_ok=True)
    folder = args.model if args.model.is_dir() else args.model.parent
    tokenizer = args.tokenizer or folder / "tokenizer.json"
    data = read_pairs(args.data)
    if any(pair.label is None for pair in data):
        raise SystemExit(f"{args.data}: measuring needs labels")
    fp32 = args.out / "fp32.onnx"
    bert8("convert", args.model, *(["--requantize"] if args.requantize else []), "-o", fp32)
    limit = inspect(fp32)["max_positions"]
    task = Task(
        fp32=fp32,
        tokenizer=tokenizer,
        calibration=args.out / "calibration.tsv",
        calibration_feeds=[],
        calibration_limit=min(CALIBRATION_LIMIT, limit),
        data=args.data,
        feeds=encode(tokenizer, data, limit),
        folder=args.out,
    )
    return task, data


def draw(task, pairs, count, seed):
    """The task with `count` of the calibration pairs, or all if there are fewer, in the order that the seed decides."""
    chosen = random.Random(seed).sample(pairs, min(count, len(pairs)))
    lines = ["sentence1\tsentence2", *(f"{pair.first}\t{pair.second}" for pair in chosen)]
    task.calibration.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return dataclasses.replace(task, calibration_feeds=encode(task.tokenizer, chosen, task.calibration_limit))


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    args = arguments()
    task, data = prepare(args)
    say("FP32")
    reference = OnnxRuntime(task.fp32).logits(task.feeds)
    worst = float(np.abs(reference - logits(task.fp32, task.data, task.tokenizer)).max())
    if worst > FP32_TOLERANCE:
        raise SystemExit(f"bert8's FP32 logits differ from onnxruntime's by {worst:.1e}")
    fp32 = {**metrics.scores(reference, data), "megabytes": task.fp32.stat().st_size / 1e6}
    contenders = [
        contender
        for source in [bert8_presets, nncf_openvino, onnxruntime_quantizers]
        for contender in source.contenders()
        if re.search(args.only, contender.name)
    ]
    runs = {contender.name: [] for contender in contenders}
    pairs = read_pairs(args.calibration)
    for seed in args.seeds:
        drawn = draw(task, pairs, args.pairs, seed)
        for contender in contenders:
            say(f"{contender.name}, seed {seed}")
            result = contender.quantize(drawn)
            measures = {**metrics.scores(result.logits, data), **metrics.difference(reference, result.logits, data)}
            size = {"megabytes": result.bytes / 1e6, "seconds": result.seconds, "note": result.note}
            runs[contender.name].append({**measures, **size})
            say(f"  SQNR {measures['sqnr_db']:.2f} dB" if measures["sqnr_db"] else "  no noise")
    rows = [{"name": "FP32", "runs": [fp32]}, *({"name": name, "runs": each} for name, each in runs.items())]

    calibrated = min(args.pairs, len(pairs))
    settings = {
        "pairs": len(data),
        "calibration_pairs": calibrated,
        "seeds": args.seeds,
        "fp32_difference_of_bert8": worst,
        "packages": {name: version(name) for name in PACKAGES},
        "machine": platform.machine(),
    }
    (args.out / "results.json").write_text(json.dumps({**settings, "rows": rows}, indent=2) + "\n")
    (args.out / "results.md").write_text(table.markdown(rows))
    print(table.text(rows), end="")
    for row in rows:
        if note := row["runs"][-1].get("note"):
            print(f"{row['name']}: {note}")
    seeds = ", ".join(map(str, args.seeds))
    print(f"{len(data)} pairs, calibrated on {calibrated} (seeds {seeds}); bert8's FP32 differs {worst:.1e} at most")


main()
