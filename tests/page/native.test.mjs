// The built page and the native command give the same answers for the same files, on every backend and with every kernel.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";
import { PAIRS, TOLERANCE, assertAgrees, expectedAnswers, skipWithoutCli } from "./native.mjs";
import { SUITE_TIMEOUT, loaded, open } from "./visit.mjs";

describe("the page and the native command", { skip: skipWithoutCli(), timeout: SUITE_TIMEOUT }, () => {
  let expected;

  before(() => {
    expected = expectedAnswers();
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
      for (const key of ["int8", "fp32"]) assertAgrees(key, found[key], expected);
    });
  }

  test("agree with every kernel of the build; the error for another kernel lists them", async () => {
    const page = await open();
    await loaded(page, "int8");
    const found = await page.evaluate(async ([a, b]) => {
      const load = (kernel) => window.bert8.load({ model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json", kernel });
      const answers = {};
      const refusal = await load("avx2").catch((error) => error.message);
      const kernels = /scalar(, [\w-]+)*/.exec(refusal)[0].split(", ");
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
    assert.match(found.refusal, /`avx2`.* scalar, simd128-i16.* auto/);
  });
});
