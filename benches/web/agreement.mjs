// Checks that the contenders compute the same. If they disagree, their times mean nothing.

import { NAMES } from "./models.mjs";
import { largestDifference, signalToNoise } from "./stats.js";

// FP32 results differ by the order of additions. In INT8, a difference in the last bit before rounding can become a whole step
// after it. In a deep model, such steps move the logits by a part of the quantization error.
const CHECKS = [
  { of: NAMES.FP32, to: NAMES.ORT_FP32, largest: 2e-3 },
  { of: NAMES.INT8, to: NAMES.SHARED, decibels: 20 },
  { of: NAMES.INT8, to: NAMES.ORT_FP32, decibels: 10 },
  { of: NAMES.SHARED, to: NAMES.ORT_FP32, decibels: 10 },
  { of: NAMES.DYNAMIC, to: NAMES.ORT_FP32, decibels: 10 },
  { of: NAMES.LITERT_FP32, to: NAMES.ORT_FP32, largest: 2e-3 },
  { of: NAMES.LITERT_INT8, to: NAMES.ORT_FP32, decibels: 10 },
];

/**
 * Compares `logits`, lists by contender, which have null for pairs that a contender cannot run. Returns an array of
 * `{ of, to, difference, decibels, bound, ok }`.
 */
export function compare(logits) {
  return CHECKS.filter(({ of, to }) => logits[of]?.some(Boolean) && logits[to]).map(({ of, to, largest, decibels: least }) => {
    const both = logits[of].map((_, at) => at).filter((at) => logits[of][at]);
    const [reference, found] = [logits[to], logits[of]].map((list) => both.map((at) => list[at]));
    const difference = largestDifference(reference, found);
    const decibels = signalToNoise(reference, found);
    const bound = largest === undefined ? `at least ${least} dB` : `at most ${largest}`;
    return { of, to, difference, decibels, bound, ok: largest === undefined ? decibels >= least : difference <= largest };
  });
}

// FP32 additions may happen in another order if there are several rows.
const ROUNDING = 1e-4;

/** Returns whether two lists of logits are equal up to rounding. */
export const sameAnswers = (a, b) => a.length === b.length && largestDifference(a, b) <= ROUNDING;

/** Describes a comparison in one line. */
export function describe({ of, to, difference, decibels, bound, ok }) {
  const found = `${difference.toExponential(1)} at most, ${decibels.toFixed(1)} dB`;
  return `${ok ? "agrees" : "DISAGREES"}: ${of} with ${to}: ${found} (${bound})`;
}
