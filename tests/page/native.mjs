// What the native command answers, and whether a browser answers the same. BERT8_CLI names the command.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { DIST } from "./site.mjs";
import { OTHER, SAME } from "./sentences.mjs";

export const CLI = process.env.BERT8_CLI;
/** Why tests that need the command are skipped, if they are. */
export const SKIP = !CLI && "BERT8_CLI names no command";

export const PAIRS = [
  SAME,
  OTHER,
  ["", "An empty sentence stands before this one."],
  ["Shares of the company rose 12 percent on Tuesday .", "The company's shares fell 12 percent, to $4.50, on Tuesday."],
  ["word ".repeat(600), "A very long sentence stands before this one."],
];

// FP32 differs by the order of sums and by fused multiply-add. INT8 differs where such a difference takes a value across a
// rounding boundary: the bound is a fifth of what quantization itself adds to this model's logits.
export const TOLERANCE = { fp32: 1e-3, int8: 0.05 };

function native(key, [a, b]) {
  const args = ["classify", join(DIST, `models/model.${key}.onnx`), a, b, "--tokenizer", join(DIST, "models/tokenizer.json"), "--json"];
  return JSON.parse(execFileSync(CLI, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
}

/** The answers for [`PAIRS`], by model. */
export const expectedAnswers = () =>
  Object.fromEntries(["int8", "fp32"].map((key) => [key, PAIRS.map((pair) => native(key, pair))]));

/** Fails where `answers` of the model `key` for [`PAIRS`] are not those of `expected`. */
export function assertAgrees(key, answers, expected) {
  assert.equal(answers.length, PAIRS.length);
  answers.forEach((answer, at) => {
    const reference = expected[key][at];
    assert.equal(answer.tokens, reference.tokens);
    assert.equal(answer.truncated, reference.truncated);
    assert.equal(answer.label, reference.label);
    answer.logits.forEach((logit, label) => {
      const difference = Math.abs(logit - reference.logits[label]);
      assert.ok(difference <= TOLERANCE[key], `${key}, pair ${at}: ${logit}, natively ${reference.logits[label]}`);
    });
  });
}
