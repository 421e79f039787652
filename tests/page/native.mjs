// Compares a browser's answers with those of the native command.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { CLI, DIST } from "../../tools/web/built.mjs";
import { skipUnless } from "../../tools/web/skip.mjs";
import { OTHER, SAME } from "./sentences.mjs";

/** The `skip` option of tests that need the command. */
export const skipWithoutCli = () => skipUnless(CLI, "tests against the native command: BERT8_CLI does not name it");

export const PAIRS = [
  SAME,
  OTHER,
  ["", "An empty sentence stands before this one."],
  ["Shares of the company rose 12 percent on Tuesday .", "The company's shares fell 12 percent, to $4.50, on Tuesday."],
  ["word ".repeat(600), "A very long sentence stands before this one."],
];

// The largest differences between logits. INT8 computes the same bits everywhere. FP32 sums are computed in another order and with
// fused multiply-add.
export const TOLERANCE = { fp32: 1e-3, int8: 0 };

function classify(key, [a, b]) {
  const args = ["classify", join(DIST, `models/model.${key}.onnx`), a, b, "--tokenizer", join(DIST, "models/tokenizer.json"), "--json"];
  return JSON.parse(execFileSync(CLI, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
}

/** The native answers for `PAIRS`, by model. */
export const expectedAnswers = () =>
  Object.fromEntries(["int8", "fp32"].map((key) => [key, PAIRS.map((pair) => classify(key, pair))]));

/** Fails unless the `answers` of model `key` for `PAIRS` agree with the native ones. */
export function assertAgrees(key, answers, expected) {
  assert.equal(answers.length, PAIRS.length);
  answers.forEach((answer, at) => {
    const reference = expected[key][at];
    assert.equal(answer.tokens, reference.tokens);
    assert.equal(answer.truncated, reference.truncated);
    assert.equal(answer.label, reference.label);
    answer.logits.forEach((logit, label) => {
      const difference = Math.abs(logit - reference.logits[label]);
      assert.ok(difference <= TOLERANCE[key], `${key}, pair ${at}: ${logit}, but the native command has ${reference.logits[label]}`);
    });
  });
}
