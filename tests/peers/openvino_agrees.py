"""Runs the QDQ flavour of bert8's INT8 file in OpenVINO: its answers are bert8's, and its products are of integers.

Needs target/quick/bert8, build/models (./build.sh model) and build/model.qdq.onnx. Exit code 1 where a bound is broken.
"""

import platform

from bert8 import DEMO, MODELS, MRPC, ROOT, TOKENIZER, inspect, logits
from checks import check, finish, same_answers
from run_openvino import OpenVino
from sentences import encode, read_pairs

QDQ = ROOT / "build/model.qdq.onnx"
LINEAR_LAYERS = 6

config = inspect(DEMO)["config"]
engine = OpenVino(QDQ)
if platform.machine() == "x86_64":
    found, wanted = engine.integer_nodes({"FullyConnected"}), LINEAR_LAYERS * config["layers"]
    check("linear layers in OpenVINO", found == wanted, f"{found} of {wanted} run on 8-bit integers")
else:
    print("skipped: whether OpenVINO multiplies integers is known of x86-64 only")
data = MRPC / "dev.tsv"
if not data.exists():
    data = ROOT / "models/examples.tsv"
feeds = encode(TOKENIZER, read_pairs(data), config["max_positions"])
theirs, ours = engine.logits(feeds), logits(MODELS / "model.int8.onnx", data)
same_answers(f"{QDQ.name} in OpenVINO on {data.name}", theirs, ours, "int8")
finish()
