"""Sentence pairs of tab-separated files, and their token ids from the Python tokenizers package."""

from dataclasses import dataclass

import numpy as np
import tokenizers


@dataclass
class Pair:
    first: str
    second: str
    label: int | None


def read_pairs(path):
    """The pairs of a TSV file with a header: sentence1, sentence2 and perhaps label, or the columns of GLUE's MRPC."""
    header, *lines = path.read_text(encoding="utf-8-sig").splitlines()
    names = header.split("\t")

    def column(*wanted):
        return next((names.index(name) for name in wanted if name in names), None)

    first, second = column("sentence1", "#1 String"), column("sentence2", "#2 String")
    label = column("label", "Quality")
    if first is None or second is None:
        raise SystemExit(f"{path}: the header names no sentence1 and sentence2")
    rows = [line.split("\t") for line in lines if line]
    return [Pair(row[first], row[second], None if label is None else int(row[label])) for row in rows]


def encode(tokenizer_file, pairs, limit):
    """The inputs of a BERT for every pair alone: INT64 `[1, tokens]` by name, without padding, cut to `limit` tokens."""
    tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(limit, strategy="longest_first")

    def inputs(pair):
        tokens = tokenizer.encode(pair.first, pair.second)
        return feed([tokens.ids], [tokens.attention_mask], [tokens.type_ids])

    return [inputs(pair) for pair in pairs]


def feed(ids, mask, types):
    values = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
    return {name: np.asarray(value, dtype=np.int64) for name, value in values.items()}
