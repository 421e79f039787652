// How the page times its models: in turns, with a warm-up, and without a ratio where the times mean nothing. The models are
// imitations whose times the tests choose.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isNoisy, speedupOf, spreadOf } from "../../www/site/page/timing/statistics.js";
import { threadCounts } from "../../www/site/page/models/thread-picker.js";
import { SAME, SUITE_TIMEOUT, answered, compare, loaded, open, part } from "./visit.mjs";

/** Replaces the workers: model `key` reports the times `times[key]`, one after another. `order` gets the keys of all runs. */
const imitate = (times) => `
  window.order = [];
  const times = ${JSON.stringify(times)};
  const info = {
    backend: "simd128", kernel: "imitation", threads: { count: 1, reason: "asked for" }, modelBytes: 1, memoryBytes: 1, layers: 1,
    hidden: 1, maxLength: 9, labels: ["not_equivalent", "equivalent"], problem: "single-label", texts: "pair", threshold: null, loadMs: 1,
  };
  window.Worker = class {
    #runs = 0;
    postMessage({ id, operation, args }) {
      if (operation === "load") this.key = args.model.includes("int8") ? "int8" : "fp32";
      const result = operation === "load" ? { ...info, precision: this.key } : this.#classify();
      const error = window.failing === this.key && this.#runs === 3 ? { message: "it crashed" } : undefined;
      setTimeout(() => this.onmessage({ data: error ? { id, error } : { id, result } }));
    }
    #classify() {
      window.order.push(this.key);
      const inferMs = times[this.key][this.#runs++ % times[this.key].length];
      const timing = { tokenizeMs: 0, inferMs, runs: 1 };
      return { problem: "single-label", label: "equivalent", labelId: 1, labels: [], probabilities: [0.1, 0.9], score: null,
        logits: [0, 2.2], tokens: 9, truncated: false, timing };
    }
    terminate() {}
  };`;

// The first number is that of the warm-up, which must not count.
const STEADY = { int8: [999, ...Array(25).fill(2)], fp32: [1, ...Array(25).fill(6)] };

async function visit(times) {
  const page = await open({ prepare: imitate(times) });
  await loaded(page, "int8", "fp32");
  return page;
}

const figures = (page) => page.locator("#summary .figure").allTextContents();
const notes = (page) => page.locator("#notes").textContent();

describe("the race", { timeout: SUITE_TIMEOUT }, () => {
  test("runs the models in turns after a warm-up, and shows medians, spread and rate", async () => {
    const page = await visit(STEADY);
    await compare(page, SAME);
    assert.deepEqual(await page.evaluate(() => window.order), Array(26).fill(["int8", "fp32"]).flat());
    assert.equal((await figures(page))[0], "INT8 is 3.0× as fast");
    assert.equal(await part(page, "int8", "infer").innerText(), "2\u00a0ms");
    assert.equal(await part(page, "int8", "spread").innerText(), "2\u00a0ms");
    assert.equal(await part(page, "int8", "rate-unit").innerText(), "Pairs per second");
    assert.equal(await part(page, "int8", "rate").innerText(), "500");
    assert.equal(await part(page, "fp32", "rate").innerText(), "167");
    assert.equal(await part(page, "fp32", "runs").innerText(), "Medians of 25 runs, in turns with the other model, after a warm-up");
    assert.equal(await notes(page), "");
    await page.context().close();
  });

  test("can be repeated, and copied as text with kernels and threads", async () => {
    const page = await visit(STEADY);
    assert.ok(await page.locator("#after").isHidden());
    await compare(page, SAME);
    await page.getByRole("button", { name: "Measure again" }).click();
    await page.waitForFunction(() => window.order.length === 104);
    await answered(page);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy as text" }).click();
    await page.getByText("Copied", { exact: true }).waitFor();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    assert.deepEqual(text.split("\n").slice(1), [
      `Sentence 1: ${SAME[0]}`,
      `Sentence 2: ${SAME[1]}`,
      "",
      "INT8, model.int8.onnx: 0.0 MB, kernel imitation, simd128, 1 thread",
      "  Same meaning: yes; equivalent 90.0 %; not_equivalent 10.0 %",
      "  2 ms (middle half 2 ms), 500 pairs per second; 25 runs in turns after a warm-up",
      "FP32, model.fp32.onnx: 0.0 MB, kernel imitation, simd128, 1 thread",
      "  Same meaning: yes; equivalent 90.0 %; not_equivalent 10.0 %",
      "  6 ms (middle half 6 ms), 167 pairs per second; 25 runs in turns after a warm-up",
      "INT8 is 3.0× as fast.",
      "The models agree.",
    ]);
    await page.evaluate(() => (navigator.clipboard.writeText = () => Promise.reject(new Error("forbidden"))));
    await page.getByRole("button", { name: "Copy as text" }).click();
    assert.equal(await page.getByLabel("The answers as text").inputValue(), text, "to be copied by hand");
    await page.context().close();
  });

  test("a hiccup that hits both models leaves the ratio", async () => {
    const slowed = (ms) => [999, ...Array.from({ length: 25 }, (_, run) => (run % 2 ? 4 * ms : ms) * (1 + run / 500))];
    const page = await visit({ int8: slowed(2), fp32: slowed(5) });
    await compare(page, SAME);
    assert.equal((await figures(page))[0], "INT8 is 2.5× as fast");
    assert.match(await part(page, "int8", "spread").innerText(), /^2\.\d+\u00a0to\u00a08\.\d+\u00a0ms$/);
    await page.context().close();
  });

  test("shows no ratio if the times vary too much", async () => {
    const page = await visit({ int8: STEADY.int8, fp32: [1, ...Array.from({ length: 25 }, (_, run) => 4 + (run % 5) * 2)] });
    await compare(page, SAME);
    assert.equal((await figures(page))[0], "The times are too noisy to compare");
    assert.match(await notes(page), /^The times of INT8 and FP32 vary too much from run to run/);
    await page.context().close();
  });

  test("shows no ratio if the tab was in the background", async () => {
    const page = await visit(STEADY);
    await page.evaluate(() => {
      let state = "visible";
      Object.defineProperty(document, "visibilityState", { get: () => state });
      const become = (next) => {
        state = next;
        document.dispatchEvent(new Event("visibilitychange"));
      };
      const { push } = window.order;
      window.order.push = function (key) {
        if (this.length === 10) become("hidden");
        if (this.length === 12) become("visible");
        return push.call(this, key);
      };
    });
    await compare(page, SAME);
    assert.equal((await figures(page))[0], "The times were disturbed");
    assert.match(await notes(page), /^The tab was in the background for a while/);
    await page.click("#compare");
    await page.waitForFunction(() => window.order.length === 104);
    await answered(page);
    assert.equal((await figures(page))[0], "INT8 is 3.0× as fast", "the next race is undisturbed");
    await page.context().close();
  });

  test("a model that fails in mid-race leaves the other one's answer", async () => {
    const page = await visit(STEADY);
    await page.evaluate(() => (window.failing = "fp32"));
    await compare(page, SAME);
    assert.equal(await part(page, "fp32", "reason").textContent(), "It crashed.");
    assert.equal(await part(page, "int8", "infer").innerText(), "2\u00a0ms");
    assert.equal(await part(page, "int8", "runs").innerText(), "Medians of 25 runs, after a warm-up");
    assert.deepEqual(await figures(page), []);
    await page.context().close();
  });
});

test("quartiles are interpolated, and a ratio is that of the lower quartiles, unless the pairs contradict it", () => {
  assert.deepEqual(spreadOf([4, 1, 3, 2]), { median: 2.5, low: 1.75, high: 3.25 });
  assert.deepEqual(spreadOf([7]), { median: 7, low: 7, high: 7 });
  assert.deepEqual(speedupOf([2, 40], [1, 20]), { ratio: 2, low: 2, high: 2 });
  assert.deepEqual(speedupOf([3, 3, 3, 3, 9], [1, 1, 1, 1, 9]), { ratio: 3, low: 3, high: 3 }, "a slow pair changes nothing");
  assert.ok(!isNoisy({ ratio: 10, low: 9, high: 11 }));
  const noisy = [{ ratio: 10, low: 8, high: 12 }, { ratio: 0.4, low: 0.95, high: 1.05 }, speedupOf([NaN, 1, 2], [1, 1, 1]), speedupOf([1, 1], [0, 0])];
  for (const speedup of noisy) assert.ok(isNoisy(speedup));
});

test("the numbers of threads to offer are powers of two and all cores", () => {
  assert.deepEqual([1, 2, 6, 8, 128].map(threadCounts), [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8], [1, 2, 4, 8, 16, 32, 64]]);
});
