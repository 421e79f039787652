"""The measures of src/metrics.rs."""

import numpy as np


def scores(logits, labels):
    """Accuracy, and F1 of class 1."""
    predicted = logits.argmax(1)
    right = int(np.sum((predicted == 1) & (labels == 1)))
    wrong = int(np.sum((predicted == 1) != (labels == 1)))
    f1 = 2 * right / (2 * right + wrong) if right + wrong else 0.0
    return {"accuracy": float(np.mean(predicted == labels)), "f1": f1}


def difference(reference, logits):
    """Agreement and flips of decisions, root mean square and signal to noise of logits; no noise has no decibels."""
    flips = int(np.sum(reference.argmax(1) != logits.argmax(1)))
    reference, logits = reference.astype(np.float64), logits.astype(np.float64)
    noise = float(np.sum((reference - logits) ** 2))
    return {
        "agreement": 1 - flips / len(reference),
        "flips": flips,
        "logit_rmse": (noise / reference.size) ** 0.5,
        "sqnr_db": 10 * float(np.log10(np.sum(reference**2) / noise)) if noise else None,
    }
