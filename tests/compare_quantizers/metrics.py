"""The measures of src/metrics.rs. A model with one output scores passages: its pairs are a query and a passage each, and its
decisions are the best passage of every query."""

import numpy as np
from scipy.stats import spearmanr


def scores(logits, pairs):
    """Accuracy and, of a classifier, F1 of class 1. With one output: the share of queries whose best passage is labelled 1."""
    labels = np.array([pair.label for pair in pairs])
    if logits.shape[1] == 1:
        return {"accuracy": float(np.mean(labels[decisions(logits, pairs)] == 1))}
    predicted = decisions(logits, pairs)
    right = int(np.sum((predicted == 1) & (labels == 1)))
    wrong = int(np.sum((predicted == 1) != (labels == 1)))
    f1 = 2 * right / (2 * right + wrong) if right + wrong else 0.0
    return {"accuracy": float(np.mean(predicted == labels)), "f1": f1}


def difference(reference, logits, pairs):
    """Agreement and flips of decisions, root mean square, signal to noise and rank correlation of logits; no noise has no
    decibels."""
    changed = decisions(reference, pairs) != decisions(logits, pairs)
    correlations = [spearmanr(a, b).statistic for a, b in zip(reference.T, logits.T, strict=True)]
    reference, logits = reference.astype(np.float64), logits.astype(np.float64)
    noise = float(np.sum((reference - logits) ** 2))
    return {
        "agreement": 1 - float(np.mean(changed)),
        "flips": int(np.sum(changed)),
        "logit_rmse": (noise / reference.size) ** 0.5,
        "sqnr_db": 10 * float(np.log10(np.sum(reference**2) / noise)) if noise else None,
        "rank_correlation": float(np.mean(correlations)),
    }


def decisions(logits, pairs):
    """The class of every pair or, with one output, the row of the best passage of every query."""
    if logits.shape[1] > 1:
        return logits.argmax(1)
    rows = {}
    for row, pair in enumerate(pairs):
        rows.setdefault(pair.first, []).append(row)
    return np.array([max(group, key=lambda row: logits[row, 0]) for group in rows.values()])
