// A visitor's first half minute on a slow line, and how FP32 is asked for.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Progress } from "../../www/package/progress.js";
import { Estimate } from "../../www/site/page/timing/estimate.js";
import { SAME, SUITE_TIMEOUT, alertOf, answered, assertColumn, card, loaded, open, part, photograph, said, site, verdict } from "./visit.mjs";

/** Answers the browser's questions about the connection. */
const onConnection = (connection) => `Object.defineProperty(navigator, "connection", { value: ${JSON.stringify(connection)} });`;
const query = (page) => new URL(page.url()).search;
const fetched = (page) => page.log.responses.map((response) => response.request()).filter((request) => request.method() === "GET" && request.url().includes("fp32"));
const status = (page) => page.locator("#load-text").textContent();
const stubs = { url: `${site.origin}/rte/` };

describe("a slow line", { timeout: SUITE_TIMEOUT }, () => {
  test("one total counts the program, the model and the tokenizer, and Compare can be pressed early", async () => {
    const page = await open(stubs); // the real page comes after the route
    const hold = (file, flag) =>
      page.route(`**/${file}`, async (route) => {
        await page.waitForFunction((flag) => window[flag], flag);
        await route.continue();
      });
    await hold("model.int8.onnx", "pressed");
    await hold("model.fp32.onnx", "looked");
    await page.goto(site.url);
    await page.locator("#load").waitFor();
    await page.waitForFunction(() => /^Loading INT8/.test(document.getElementById("load-text").textContent));
    await page.fill("#sentence1", "Not these.");
    await page.click("#compare");
    assert.equal(await said(page), "INT8 is still loading. The answer follows.");
    await page.waitForFunction(() => /^The answer follows\. Loading INT8/.test(document.getElementById("load-text").textContent));
    await page.fill("#sentence1", SAME[0]);
    await page.fill("#sentence2", SAME[1]);
    await page.evaluate(() => (window.pressed = true));
    await page.waitForFunction(() => / of \d+\.\d MB|preparing|FP32/.test(document.getElementById("load-text").textContent));
    await loaded(page, "int8");
    await answered(page);
    await assertColumn(page, "int8");
    assert.ok(await page.locator("#stale").isHidden(), "the texts of the moment are answered");
    await page.evaluate(() => (window.looked = true));
    await loaded(page, "fp32");
    assert.ok(await page.locator("#load").isHidden());
    assert.deepEqual(page.log.errors, []);
    await page.context().close();
  });

  test("reports come every 250 ms, never fall, and end at the sum of all files", async () => {
    const page = await open({ url: `${site.url}blank.html` });
    const reports = await page.evaluate(async () => {
      const { load } = await import("./bert8.js");
      const reports = [];
      const onProgress = (report) => reports.push({ ...report, time: performance.now() });
      const files = { model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json" };
      (await load({ ...files, onProgress })).dispose();
      return reports;
    });
    const all = reports.map(({ all: { loaded } }) => loaded);
    assert.deepEqual(all, all.toSorted((a, b) => a - b));
    const last = reports.at(-1);
    assert.equal(last.stage, "prepare");
    assert.equal(last.all.loaded, last.all.total);
    assert.equal(last.share, 1);
    const sizes = ["models/model.int8.onnx", "models/tokenizer.json", "pkg/relaxed/bert8_bg.wasm"];
    const bytes = await page.evaluate((urls) => Promise.all(urls.map(async (url) => (await (await fetch(url)).blob()).size)), sizes);
    assert.equal(last.all.total, bytes.reduce((sum, size) => sum + size), "the program is part of the total");
    for (const { loaded, total, all } of reports) assert.ok((total === null || loaded <= total) && (all.total === null || all.loaded <= all.total));
    await page.context().close();
  });

  test("FP32 is not fetched with Save-Data, on a slow line and on a phone, but on request, which the address keeps", async () => {
    const phone = { hasTouch: true, isMobile: true, viewport: { width: 390, height: 800 } };
    for (const context of [{ prepare: onConnection({ saveData: true }) }, { prepare: onConnection({ effectiveType: "3g" }) }, phone]) {
      const page = await open(context);
      await loaded(page, "int8");
      await page.waitForFunction(() => /MB/.test(document.querySelector("[data-model=fp32] [data-part=load]").textContent));
      assert.equal(await part(page, "fp32", "load").textContent(), "Load FP32 (90.9 MB)");
      await page.fill("#sentence1", SAME[0]);
      await page.click("#compare");
      await answered(page);
      assert.match(await verdict(page, "int8"), /^INT8: Same meaning/);
      assert.equal(await page.locator("#summary").textContent(), "");
      assert.deepEqual(fetched(page), []);
      assert.equal(query(page), "");
      if (context === phone) await photograph(page, "phone");
      await page.context().close();
    }
    const page = await open({ ...stubs, prepare: onConnection({ saveData: true }) });
    await loaded(page, "int8");
    await part(page, "fp32", "load").press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "fp32-name", "focus stays");
    await loaded(page, "fp32");
    assert.equal(query(page), "?load=both");
    await page.reload();
    await loaded(page, "int8", "fp32");
    await page.context().close();
  });

  test("FP32 can be skipped while it loads, and the address keeps that", async () => {
    const page = await open({ query: "?int8=models/model.int8.onnx&fp32=/broken/held.onnx&tokenizer=models/tokenizer.json" });
    await loaded(page, "int8");
    assert.ok(await part(page, "int8", "skip").isHidden());
    await card(page, "fp32").getByRole("button", { name: "Skip FP32" }).click();
    assert.match(query(page), /&load=int8$/);
    assert.equal(await card(page, "fp32").getAttribute("data-state"), "offered");
    assert.ok(await page.locator("#load").isHidden());
    await page.reload();
    await loaded(page, "int8");
    assert.equal(await card(page, "fp32").getAttribute("data-state"), "offered");
    await page.context().close();
  });

  test("a failure is said beside the button too", async () => {
    const page = await open({ query: "?int8=/broken/404.onnx&tokenizer=models/tokenizer.json" });
    await alertOf(page, "int8");
    assert.equal(await status(page), "INT8 could not be loaded. The reason is below.");
    await page.context().close();
  });

  test("what an address says about loading wrongly is reported", async () => {
    const page = await open({ ...stubs, query: "?load=fp16" });
    await page.locator("#problems .line").waitFor();
    assert.equal(await page.locator("#problems").textContent(), "“load=fp16” in this page's address is unknown: it may be “int8” or “both”.");
    await page.context().close();
  });
});

test("the time that is left follows the rate of the last seconds", () => {
  const estimate = new Estimate();
  assert.equal(estimate.left(100), null);
  estimate.note(0, 0);
  estimate.note(10, 1000);
  assert.equal(estimate.left(100), null, "too early");
  estimate.note(20, 2000);
  assert.equal(estimate.left(100), 8000);
  for (let second = 3; second <= 30; second++) estimate.note(20 + (second - 2) * 2, second * 1000);
  assert.equal(estimate.left(100), 12_000, "the line has become slower");
  estimate.note(5, 31_000);
  assert.equal(estimate.left(100), null, "another download");
});

test("reports keep their distance, keep a size that is known, and end with every file complete", (context) => {
  let time = 0;
  context.mock.method(performance, "now", () => time);
  const reports = [];
  const progress = new Progress((report) => reports.push(report));
  for (const file of ["model", "tokenizer"]) progress.expect(file);
  progress.expect("program", 100);
  progress.noteAhead("model", 0, 1000);
  assert.deepEqual(reports.pop(), { stage: "download", file: "model", loaded: 0, total: 1000, share: null, all: { loaded: 0, total: null } });
  progress.noteAhead("tokenizer", 50, null);
  time = 249;
  progress.noteAhead("tokenizer", 50, 50);
  assert.deepEqual(reports, []);
  time = 250;
  progress.noteAhead("program", 50, 100);
  assert.deepEqual(reports.pop().all, { loaded: 100, total: 1150 });
  progress.has("program", 100);
  time = 500;
  // WebAssembly begins to take what was read ahead, and the server compresses the file, so that WebAssembly knows no size.
  progress.take({ stage: "download", file: "tokenizer", loaded: 10, total: null });
  assert.deepEqual(reports.pop(), { stage: "download", file: "tokenizer", loaded: 50, total: 50, share: 150 / 1150, all: { loaded: 150, total: 1150 } });
  progress.take({ stage: "download", file: "model", loaded: 1000, total: 1000 });
  progress.take({ stage: "prepare", file: "model", loaded: 1000, total: 1000 });
  assert.deepEqual(reports.map(({ stage, share }) => [stage, share]), [["download", 1], ["prepare", 1]]);
});
