"""Makes the .tflite files that ./build.sh bench --litert DIR times: convert.py -h"""

import argparse
import tempfile
from pathlib import Path

import litert_torch
import torch
from ai_edge_quantizer import quantizer, recipe
from transformers import AutoModelForSequenceClassification

# The quick run's lengths, and those that are measured by number of threads.
TOKENS = {"demo": [32, 53, 128], "bert-base": [16, 32, 128]}


class Logits(torch.nn.Module):
    """A classifier with int32 inputs that returns the logits alone."""

    def __init__(self, folder):
        super().__init__()
        self.model = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", local_files_only=True
        ).eval()

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).logits


def convert(model, tokens, out, name):
    """Writes the model for inputs of 1×tokens: in FP32, and with INT8 weights, one scale per output channel, whose activations are
    quantized while it runs."""
    # Each input needs a tensor of its own: inputs that are one tensor become one input.
    inputs = {key: torch.ones((1, tokens), dtype=torch.int32) for key in ["input_ids", "attention_mask", "token_type_ids"]}
    with tempfile.TemporaryDirectory(dir=out) as unfinished:
        fp32, int8 = (Path(unfinished) / f"{name}.{kind}.{tokens}.tflite" for kind in ["fp32", "int8"])
        litert_torch.convert(model, sample_kwargs=inputs).export(str(fp32))
        quantizer.Quantizer(str(fp32), recipe.dynamic_wi8_afp32()).quantize().export_model(str(int8))
        for file in [fp32, int8]:
            print(file.replace(out / file.name), flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("name", choices=TOKENS, help="the benchmark's name of the model, which begins the names of the files")
    parser.add_argument("model", type=Path, help="its Hugging Face folder")
    parser.add_argument("out", type=Path, help="the folder of the .tflite files")
    parser.add_argument("--tokens", type=int, nargs="+", help="lengths in tokens, a pair of files for each")
    args = parser.parse_args()
    if not (args.model / "config.json").is_file():
        parser.error(f"{args.model} has no config.json; give the folder of a Hugging Face classifier")
    return args


if __name__ == "__main__":
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    model = Logits(args.model)
    for tokens in args.tokens or TOKENS[args.name]:
        convert(model, tokens, args.out, args.name)
