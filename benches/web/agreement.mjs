// Whether the contenders compute the same thing. What disagrees is not worth timing.

import { NAMES } from "./models.mjs";
import { largestDifference, signalToNoise } from "./stats.js";

// FP32 differs by the order of sums. In INT8 a last bit that differs before rounding becomes a whole step after it, which moves
// the logits of a deep model about as much as a part of its quantization does.
const CHECKS = [
  { of: NAMES.FP32, to: NAMES.ORT_FP32, largest: 2e-3 },
  { of: NAMES.INT8, to: NAMES.SHARED, decibels: 20 },
  { of: NAMES.INT8, to: NAMES.ORT_FP32, decibels: 10 },
  { of: NAMES.SHARED, to: NAMES.ORT_FP32, decibels: 10 },
  { of: NAMES.DYNAMIC, to: NAMES.ORT_FP32, decibels: 10 },
];

/** Compares `logits`, lists by contender; gives a list of `{ of, to, difference, decibels, bound, ok }`. */
export function compare(logits) {
  return CHECKS.filter(({ of, to }) => logits[of] && logits[to]).map(({ of, to, largest, decibels: least }) => {
    const difference = largestDifference(logits[to], logits[of]);
    const decibels = signalToNoise(logits[to], logits[of]);
    const bound = largest === undefined ? `at least ${least} dB` : `at most ${largest}`;
    return { of, to, difference, decibels, bound, ok: largest === undefined ? decibels >= least : difference <= largest };
  });
}

// Sums of FP32 may take another order where there are several rows.
const ROUNDING = 1e-4;

/** Whether two lists of logits are the same but for rounding. */
export const sameAnswers = (a, b) => a.length === b.length && largestDifference(a, b) <= ROUNDING;

/** A comparison in a line. */
export function describe({ of, to, difference, decibels, bound, ok }) {
  const found = `${difference.toExponential(1)} at most, ${decibels.toFixed(1)} dB`;
  return `${ok ? "agrees" : "DISAGREES"}: ${of} with ${to}: ${found} (${bound})`;
}
