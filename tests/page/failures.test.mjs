// What the page says when files are missing or broken, settings cannot be honoured, and WebAssembly fails.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SAME, SUITE_TIMEOUT, alertOf, assertColumn, card, compare, loaded, open, part, site } from "./visit.mjs";

describe("failures", { timeout: SUITE_TIMEOUT }, () => {
  const cases = [
    ["404.onnx", "a missing file", /404/],
    ["page.onnx", "a web page in place of the model", /html|web page/i],
    ["short.onnx", "a download that ends early", /cut|short|ended|incomplete|interrupt|network|bytes/i],
    ["huge.onnx", "a file larger than WebAssembly's memory", /5000000000 bytes are more than/],
  ];
  for (const [file, what, reason] of cases) {
    test(`${what}: the alert names it, and FP32 still answers`, async () => {
      const page = await open({ query: `?int8=/broken/${file}` });
      const text = await alertOf(page, "int8");
      assert.match(text, /^\s*INT8 could not be loaded/);
      assert.match(text, reason);
      assert.match(text, new RegExp(`/broken/${file}`));
      await loaded(page, "fp32");
      await compare(page, SAME);
      await assertColumn(page, "fp32");
      await card(page, "int8").getByRole("button", { name: "Retry INT8" }).waitFor();
      assert.equal(await card(page, "fp32").getByRole("button").count(), 0);
      await page.context().close();
    });
  }

  test("FP32 missing: INT8 answers, and bert8.compare says why it cannot", async () => {
    const page = await open({ query: "?fp32=/broken/404.onnx" });
    assert.match(await alertOf(page, "fp32"), /FP32 could not be loaded.*404/s);
    await compare(page, SAME);
    await assertColumn(page, "int8");
    assert.match(await page.evaluate(() => window.bert8.compare("a", "b").catch((error) => error.message)), /404/);
    await page.context().close();
  });

  test("a tokenizer that is not one fails both models, and the page stays", async () => {
    const page = await open({ query: "?tokenizer=/broken/page.onnx" });
    await alertOf(page, "int8");
    await alertOf(page, "fp32");
    assert.ok(await page.locator("#compare").isDisabled());
    await page.context().close();
  });

  test("retry loads a model that failed once", async () => {
    const page = await open({ query: "?int8=/broken/once.onnx" });
    assert.match(await alertOf(page, "int8"), /503/);
    await card(page, "int8").getByRole("button", { name: "Retry INT8" }).press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.closest("[data-model]")?.dataset.model), "int8", "focus stays");
    await loaded(page, "int8", "fp32");
    assert.equal(await card(page, "int8").getByRole("alert").textContent(), "");
    await compare(page, SAME);
    await assertColumn(page, "int8");
    await page.context().close();
  });

  test("settings in the address that cannot be honoured are named and ignored", async () => {
    const page = await open({ query: "?backend=turbo&int8=https://example.com/model.onnx" });
    const text = await page.locator("#problems").textContent();
    assert.match(text, /“turbo”.*unknown/);
    assert.match(text, /“int8”.*not a file on this site/);
    await loaded(page, "int8");
    assert.deepEqual(page.log.foreign, []);
    await page.context().close();
  });

  test("an INT8 file from elsewhere runs, with a note", { skip: !process.env.BERT8_FOREIGN_INT8 }, async () => {
    const page = await open({ query: "?int8=/broken/foreign.onnx" });
    await loaded(page, "int8");
    await compare(page, SAME);
    await assertColumn(page, "int8");
    assert.match(await page.locator("#notes").textContent(), /without the fast kernels/);
    await page.context().close();
  });

  test("a crash while classifying is shown, and the classifier says so from then on", async () => {
    const page = await open({ url: `${site.origin}/trap-in-classify/` });
    await loaded(page, "int8");
    const messages = await page.evaluate(async () => {
      const { int8 } = window.bert8;
      const attempt = () => int8.classify("a", "b").catch((error) => error.message);
      return [await attempt(), await attempt()];
    });
    for (const message of messages) assert.match(message, /crashed.*unreachable.*load the model again/);
    await compare(page, SAME);
    assert.match(await alertOf(page, "int8"), /INT8 stopped working.*crashed/s);
    await page.context().close();
  });

  test("a crash while loading is shown", async () => {
    const page = await open({ url: `${site.origin}/trap-in-load/` });
    assert.match(await alertOf(page, "int8"), /INT8 could not be loaded.*crashed/s);
    await page.context().close();
  });

  test("a regression model's answer is a score, not a probability", async () => {
    const page = await open({ url: `${site.origin}/score/` });
    await loaded(page, "int8", "fp32");
    await compare(page, SAME);
    assert.equal(await part(page, "int8", "verdict").textContent(), "INT8: Score -1.250");
    assert.equal(await part(page, "fp32", "verdict").textContent(), "FP32: Score -1.000");
    for (const key of ["int8", "fp32"]) {
      assert.ok(await part(page, key, "infer").isVisible());
      for (const name of ["meter", "probability"]) assert.ok(await part(page, key, name).isHidden(), `${key} ${name}`);
    }
    assert.match(await page.locator("#summary").textContent(), /The scores are 0\.250 apart/);
    assert.equal(await page.locator("#answer-key").textContent(), "");
    assert.deepEqual(page.log.errors, []);
    await page.context().close();
  });

  test("without relaxed SIMD, SIMD128 is used and the picker says why", async () => {
    const page = await open({ prepare: hideRelaxedSimd, query: "?backend=relaxed-simd" });
    assert.match(await page.locator("#problems").textContent(), /“relaxed-simd”.*not supported/);
    const option = page.locator("#backend option[value=relaxed-simd]");
    assert.ok(await option.isDisabled());
    assert.match(await option.textContent(), /not in this browser/);
    await loaded(page, "int8");
    assert.equal(await page.evaluate(() => window.bert8.int8.info.backend), "simd128");
    const failure = await page.evaluate(() =>
      window.bert8.load({ model: "m", tokenizer: "t", backend: "relaxed-simd" }).catch((error) => error.message));
    assert.match(failure, /no WebAssembly relaxed SIMD/);
    await page.context().close();
  });

  test("without any SIMD, the page says what to do", async () => {
    const page = await open({ prepare: () => (WebAssembly.validate = () => false) });
    assert.match(await alertOf(page, "int8"), /no WebAssembly SIMD.*use a current/);
    await page.context().close();
  });
});

function hideRelaxedSimd() {
  const validate = WebAssembly.validate;
  const isDot = (bytes) => bytes.some((byte, i) => byte === 0xfd && bytes[i + 1] === 0x93 && bytes[i + 2] === 0x02);
  WebAssembly.validate = (bytes) => !isDot(bytes) && validate.call(WebAssembly, bytes);
}
