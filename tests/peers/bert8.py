"""The bert8 command, and the files that ./build.sh makes with it."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("BERT8_CLI", ROOT / "target/quick/bert8")
MODELS = ROOT / "build/models"
DEMO = ROOT / "models/minilm-l6-mrpc"
TOKENIZER = DEMO / "tokenizer.json"
SHARED = ROOT.parent / "shared"
MRPC = SHARED / "data/mrpc"


def bert8(*arguments):
    """Runs the command and gives what it prints; its progress and notes are dropped."""
    run = subprocess.run([COMMAND, *arguments], capture_output=True, text=True)
    if run.returncode != 0:
        said = run.stderr.strip() or f"ended with {run.returncode}"
        raise SystemExit(f"bert8 {' '.join(map(str, arguments))}: {said}")
    return run.stdout


def inspect(model):
    return json.loads(bert8("inspect", model, "--json"))


def logits(model, data, tokenizer=TOKENIZER):
    """bert8's own answers to the pairs of `data`, `[pairs, classes]`."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "predictions.jsonl"
        bert8("eval", model, "--tokenizer", tokenizer, "--data", data, "--predictions", out, "--json")
        return np.array([json.loads(line)["logits"] for line in out.read_text().splitlines()])
