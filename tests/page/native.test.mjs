// The built page against the native command on the same files: the same answers on every backend, from the kernel that the
// processor calls for. BERT8_CLI names the command; without it these tests are skipped.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { EXTRA_ARGS } from "./browser.mjs";
import { DIST } from "./site.mjs";
import { OTHER, SAME, SUITE_TIMEOUT, loaded, open } from "./visit.mjs";

const CLI = process.env.BERT8_CLI;
const PAIRS = [
  SAME,
  OTHER,
  ["", "An empty sentence stands before this one."],
  ["Shares of the company rose 12 percent on Tuesday .", "The company's shares fell 12 percent, to $4.50, on Tuesday."],
  ["word ".repeat(600), "A very long sentence stands before this one."],
];

// FP32 differs by the order of sums and by fused multiply-add. INT8 differs where such a difference takes a value across a
// rounding boundary: the bound is a fifth of what quantization itself adds to this model's logits.
const TOLERANCE = { fp32: 1e-3, int8: 0.05 };

function native(key, [a, b]) {
  const args = ["classify", join(DIST, `models/model.${key}.onnx`), a, b, "--tokenizer", join(DIST, "models/tokenizer.json"), "--json"];
  return JSON.parse(execFileSync(CLI, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
}

describe("the page and the native command", { skip: !CLI && "BERT8_CLI names no command", timeout: SUITE_TIMEOUT }, () => {
  let expected;

  before(() => {
    expected = Object.fromEntries(["int8", "fp32"].map((key) => [key, PAIRS.map((pair) => native(key, pair))]));
  });

  for (const backend of ["relaxed-simd", "simd128"]) {
    test(`agree on ${backend}`, async () => {
      const page = await open({ query: `?backend=${backend}` });
      await loaded(page, "int8", "fp32");
      const found = await page.evaluate(async (pairs) => {
        const { int8, fp32 } = window.bert8;
        return { info: int8.info, int8: await int8.classifyBatch(pairs), fp32: await fp32.classifyBatch(pairs) };
      }, PAIRS);
      await page.context().close();

      const vnni = !EXTRA_ARGS.some((arg) => arg.includes("no-enable-avx-vnni"));
      const relaxed = vnni ? /^(relaxed-dot-[us]8|relaxed-pairs|simd128-i16)$/ : /^(relaxed-pairs|simd128-i16)$/;
      assert.match(found.info.kernel, backend === "relaxed-simd" ? relaxed : /^simd128-i16$/);
      for (const key of ["int8", "fp32"]) {
        found[key].forEach((answer, at) => {
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
    });
  }

  test("agrees with every kernel that the build has, and names those it lacks", async () => {
    const page = await open();
    await loaded(page, "int8");
    const found = await page.evaluate(async ([a, b]) => {
      const load = (kernel) => window.bert8.load({ model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json", kernel });
      const answers = {};
      const refusal = await load("avx2").catch((error) => error.message);
      const kernels = /there are (.*) and auto/.exec(refusal)[1].split(", ");
      for (const kernel of kernels) {
        const classifier = await load(kernel);
        answers[classifier.info.kernel] = (await classifier.classify(a, b)).logits;
        classifier.dispose();
      }
      return { answers, refusal, kernels };
    }, PAIRS[0]);
    await page.context().close();
    assert.deepEqual(Object.keys(found.answers), found.kernels);
    for (const logits of Object.values(found.answers)) {
      logits.forEach((logit, label) => assert.ok(Math.abs(logit - expected.int8[0].logits[label]) <= TOLERANCE.int8));
    }
    assert.match(found.refusal, /no kernel `avx2` here; there are scalar, simd128-i16/);
  });
});
