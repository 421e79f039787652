import assert from "node:assert/strict";
import { test } from "node:test";
import { gmacs, largestDifference, macs, median, signalToNoise } from "./stats.js";

test("medians of odd and even numbers of values", () => {
  assert.equal(median([3]), 3);
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([10, 2, 4, 8]), 6);
  const values = [2, 1];
  median(values);
  assert.deepEqual(values, [2, 1]);
  assert.throws(() => median([]), RangeError);
});

test("multiply-accumulates of a forward pass", () => {
  const base = { num_hidden_layers: 12, hidden_size: 768, intermediate_size: 3072 };
  assert.equal(macs(base, 1), 12 * (12 * 768 ** 2 + 2 * 768));
  assert.equal(macs(base, 128), 11_173_625_856);
  assert.equal(gmacs(11e9, 100), 110);
});

test("differences of logits", () => {
  const reference = [[1, -2], [3, 4]];
  assert.equal(largestDifference(reference, [[1, -2.5], [3.25, 4]]), 0.5);
  assert.equal(signalToNoise(reference, reference), Infinity);
  assert.ok(Math.abs(signalToNoise(reference, [[1.1, -2.2], [3.3, 4.4]]) - 20) < 1e-9);
});
