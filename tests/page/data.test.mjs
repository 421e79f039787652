// The visitor's own data: reading, running, results, and what goes wrong.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CLI, DIST } from "../../tools/web/built.mjs";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";
import { skipUnless } from "../../tools/web/skip.mjs";
import { imitate } from "./imitation.mjs";
import { skipWithoutCli } from "./native.mjs";
import { SUITE_TIMEOUT, fitsNarrow, loaded, open, photograph } from "./visit.mjs";

const MRPC = fileURLToPath(new URL("../../../shared/data/mrpc/dev.tsv", import.meta.url));
const EXAMPLES = readFileSync(join(DIST, "models/examples.tsv"), "utf8");

/** More than enough rows in the document for those in sight. */
const MOST_ROWS_IN_DOCUMENT = 60;

const file = (name, text) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });
const pick = (page, name, text) => page.setInputFiles("#data-file", file(name, text));
const view = (page) => page.locator("#data-view");
const filter = (page) => view(page).getByLabel("Show", { exact: true });
const done = (page) => view(page).locator(".evaluated").waitFor();
const alertText = (page) => view(page).getByRole("alert").innerText();
const click = (page, name) => view(page).getByRole("button", { name }).click();
const notes = (page) => view(page).locator(".note:visible").allInnerTexts();
const requested = (page, part) => page.log.requests.some((url) => url.includes(part));

/** Downloads what a button of the results offers. */
async function download(page, name) {
  const [saved] = await Promise.all([page.waitForEvent("download"), click(page, name)]);
  return { name: saved.suggestedFilename(), text: readFileSync(await saved.path(), "utf8") };
}

/** The cells of the metric's row. */
const metric = async (page, title) => {
  const row = view(page).getByRole("region", { name: "Metrics" }).locator("tr", { has: page.getByRole("rowheader", { name: title, exact: true }) });
  return row.locator("td").allInnerTexts();
};

const rowsInDocument = (page) => view(page).locator(".rows tbody:not([aria-hidden]) tr").count();

/** Runs `bert8 eval` on a file. */
function evaluate(data) {
  const model = (key) => join(DIST, `models/model.${key}.onnx`);
  const args = ["eval", model("int8"), "--baseline", model("fp32"), "--tokenizer", join(DIST, "models/tokenizer.json"), "--data", data, "--json"];
  return JSON.parse(execFileSync(CLI, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
}

/** Fails unless two reports say the same, but for the speed. */
function assertSameReport(found, expected) {
  assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort());
  for (const key of ["rows", "labelled", "skipped", "texts", "problem", "flips", "confusion"]) assert.deepEqual(found[key], expected[key], key);
  for (const key of ["accuracy", "f1", "matthews", "agreement", "rank_correlation"]) assert.equal(found[key].toFixed(4), expected[key].toFixed(4), key);
  for (const key of ["accuracy", "f1", "matthews"]) {
    assert.equal(found.baseline[key].toFixed(4), expected.baseline[key].toFixed(4), `${key} of FP32`);
    assert.deepEqual(found.baseline.intervals[key].map((end) => end.toFixed(4)), expected.baseline.intervals[key].map((end) => end.toFixed(4)), `interval of ${key} of FP32`);
    assert.deepEqual(found.intervals[key].map((end) => end.toFixed(4)), expected.intervals[key].map((end) => end.toFixed(4)), `interval of ${key}`);
  }
  // FP32 sums are computed in another order, which moves its logits by a ten-thousandth of the noise.
  assert.ok(Math.abs(found.sqnr_db - expected.sqnr_db) < 0.005, `SQNR ${found.sqnr_db}, but bert8 eval has ${expected.sqnr_db}`);
}

// The run with additional arguments for Chromium would only repeat some tests.
const repeated = EXTRA_ARGS.length > 0 && "BERT8_CHROMIUM_ARGS is set";

describe("the visitor's data", { timeout: 2 * SUITE_TIMEOUT }, () => {
  let page;

  before(async () => {
    page = await open();
    await loaded(page, "int8", "fp32");
  });

  test("loads nothing before it is used, then evaluates the examples", async () => {
    for (const name of ["data/evaluation.js", "data/worker.js"]) assert.ok(!requested(page, name), name);
    await page.click("#data-examples");
    await done(page);
    assert.match(await view(page).locator(".evaluated").innerText(), /^examples\.tsv 76 pairs$/);
    for (const title of ["Accuracy", "F1 of equivalent", "Matthews correlation"]) {
      const [int8, fp32, change] = await metric(page, title);
      assert.match(int8, /^−?[\d.]{6} \[−?[\d.]{6}, −?[\d.]{6}\]$/);
      assert.match(fp32, /^−?[\d.]{6} \[−?[\d.]{6}, −?[\d.]{6}\]$/);
      assert.match(change, /^[+−]?[\d.]{6} \[[+−]?[\d.]{6}, [+−]?[\d.]{6}\]$/);
    }
    assert.equal((await metric(page, "Pairs per second")).length, 3);
    assert.match(await view(page).locator(".figures").innerText(), /The models agree on [\d.]+\s%[^]*Logit SQNR [\d.]+ dB/);
    assert.equal(await page.locator("#announcement").textContent(), "The evaluation of 76 pairs is done");
    assert.deepEqual(page.log.errors, []);
    assert.deepEqual(page.log.foreign, []);
  });

  test("every plot has a table that the keyboard reaches", async () => {
    const plots = view(page).locator("figure.plot");
    assert.deepEqual(await plots.locator("figcaption").allInnerTexts(), ["FP32 against INT8: probability of equivalent", "Differences, INT8 − FP32: probability of equivalent", "Latency by length"]);
    for (const plot of await plots.all()) {
      assert.equal(await plot.getByRole("img").count(), 1);
      await plot.locator("summary").focus();
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.getAttribute("role")), "region");
      await plot.locator("tbody tr").first().waitFor();
      const counts = (await plot.locator("tbody tr td:nth-child(2)").allInnerTexts()).map(Number);
      assert.equal(counts.reduce((sum, count) => sum + count), 76);
      assert.doesNotMatch(await plot.innerHTML(), /NaN|Infinity|undefined/);
    }
  });

  test("rows are filtered, searched and sorted; a row goes into the form, by mouse and by keyboard", async () => {
    await filter(page).selectOption("all");
    await view(page).getByLabel("Texts with").fill("bike lanes");
    const rows = view(page).locator(".rows tbody:not([aria-hidden]) tr");
    await view(page).getByText(/^1 row\b/).waitFor();
    await rows.getByText("The city council approved").click();
    await page.waitForFunction(() => document.activeElement.id === "sentence1");
    assert.equal(await page.inputValue("#sentence1"), "The city council approved the new bike lanes on Tuesday night.");
    assert.match(await page.inputValue("#sentence2"), /bike lanes were approved/);

    await view(page).getByLabel("Texts with").fill("");
    await view(page).getByLabel("Order").selectOption("difference");
    await view(page).getByText(/^76 rows\b/).waitFor();
    await rows.nth(3).locator("button").waitFor();
    const apart = (await rows.locator("td:last-child").allInnerTexts()).map((text) => Math.abs(Number.parseFloat(text.replace("−", "-")))).filter(Number.isFinite);
    assert.deepEqual(apart, apart.toSorted((a, b) => b - a));
    assert.equal(await view(page).locator(".rows").getAttribute("aria-rowcount"), "77");

    const assertFocused = (index) => page.waitForFunction((index) => document.activeElement.closest("tr")?.getAttribute("aria-rowindex") === index, index);
    await view(page).getByRole("region", { name: "Rows" }).locator("button[tabindex='0']").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await assertFocused("4");
    await page.keyboard.press("End");
    await assertFocused("77");
    await page.keyboard.press("Home");
    await assertFocused("2");
    await page.fill("#sentence1", "");
    await view(page).getByRole("region", { name: "Rows" }).locator("button[tabindex='0']").focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.getElementById("sentence1").value !== "");
  });

  test("is usable at 360 px, in both colour schemes and in forced colours", async () => {
    await filter(page).selectOption("all");
    await photograph(page, "data");
    assert.ok(await fitsNarrow(page));
    await page.emulateMedia({ forcedColors: "active" });
    if (process.env.BERT8_SHOTS) await page.screenshot({ path: join(process.env.BERT8_SHOTS, "data-forced-360.png"), fullPage: true });
    await page.emulateMedia({ forcedColors: null });
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  test("downloads hold results and rows, and the rows can be read again", async () => {
    const results = await download(page, "Results, JSON");
    assert.equal(results.name, "examples.eval.json");
    assert.equal(JSON.parse(results.text).rows, 76);
    assert.match((await download(page, "Results, CSV")).text, /^metric,int8,low,high,fp32,fp32_low,/);
    const all = await download(page, "Rows, JSON");
    assert.equal(JSON.parse(all.text).length, 76);
    const rows = await download(page, "Rows, CSV");
    assert.equal(rows.name, "examples.rows.csv");
    await pick(page, rows.name, rows.text.split("\r\n").slice(0, 11).join("\r\n"));
    await view(page).getByText("examples.rows.csv 10 pairs").waitFor();
    const again = JSON.parse((await download(page, "Rows, JSON")).text);
    const kept = ({ sentence1, sentence2, label, int8: { answer, value } }) => [sentence1, sentence2, label, answer, value];
    assert.deepEqual(again.map(kept), JSON.parse(all.text).slice(0, 10).map(kept));
  });

  test("the same report as bert8 eval, for every layout", { skip: skipWithoutCli() }, async () => {
    const [header, ...lines] = EXAMPLES.trimEnd().split(/\r?\n/).slice(0, 25).map((line) => line.split("\t"));
    const objects = lines.map((cells) => Object.fromEntries(cells.map((cell, i) => [header[i], cell])));
    const layouts = {
      "pairs.jsonl": objects.map((row) => JSON.stringify(row)).join("\n"),
      "pairs.json": JSON.stringify(objects, null, 1),
      "pairs.csv": [header, ...lines].map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",")).join("\r\n"),
    };
    const folder = mkdtempSync(join(tmpdir(), "bert8-data-"));
    try {
      for (const [name, text] of Object.entries(layouts)) writeFileSync(join(folder, name), text);
      const expected = evaluate(join(folder, "pairs.csv"));
      for (const [name, text] of Object.entries(layouts)) {
        await pick(page, name, text);
        await view(page).getByText(`${name} 24 pairs`).waitFor();
        assertSameReport(JSON.parse((await download(page, "Results, JSON")).text), expected);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  const skipMrpc = repeated || skipWithoutCli() || skipUnless(existsSync(MRPC), `MRPC: ${MRPC} is missing`);
  test("MRPC's validation pairs: the same report as bert8 eval, to four digits", { skip: skipMrpc }, async () => {
    await page.evaluate(async (text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], "dev.tsv"));
      document.getElementById("data-drop").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }, readFileSync(MRPC, "utf8"));
    await view(page).getByText("dev.tsv 408 pairs").waitFor({ timeout: SUITE_TIMEOUT });
    const report = JSON.parse((await download(page, "Results, JSON")).text);
    assertSameReport(report, evaluate(MRPC));
    await filter(page).selectOption("flips");
    await view(page).getByText(report.flips === 0 ? "No rows to show." : new RegExp(`^${report.flips} rows?\\b`)).waitFor();
    await photograph(page, "mrpc");
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  test("files without usable rows say what is wrong", async () => {
    const cases = [
      ["picture.tsv", "\u0000\u0001\u0002 no table at all", /^picture\.tsv, line 1: the header names no text columns/],
      ["empty.csv", "", /^empty\.csv: is empty; expected a header line and rows/],
      ["header.tsv", "sentence1\tsentence2\tlabel\n", /^header\.tsv: holds no rows\.$/],
      ["broken.json", '[{"sentence1": "a", "sentence2": "b"}, {"sen', /^broken\.json, line 1: is not a JSON object/],
      ["archive.tsv", "PK\u0003\u0004rest", /^archive\.tsv: is a ZIP archive or a spreadsheet; export its rows/],
      ["model.onnx", "x", /^model\.onnx is a model, not data\./],
    ];
    for (const [name, text, says] of cases) {
      await pick(page, name, text);
      await view(page).getByRole("alert").filter({ hasText: name }).waitFor();
      assert.match(await alertText(page), says);
    }
    assert.deepEqual(page.log.errors, []);
  });

  test("a broken row in the middle is named, and can be left out", async () => {
    await pick(page, "holes.tsv", "label\tsentence1\tsentence2\n1\tA dog.\tA hound.\n0\tonly two cells\n0\tA cat.\tA car.\n");
    await view(page).getByText("1 row cannot be used:").waitFor();
    assert.match(await view(page).innerText(), /holes\.tsv, line 3: has 2 columns, the header has 3/);
    await click(page, "Leave this row out and evaluate INT8 and FP32");
    await done(page);
    assert.ok((await notes(page)).includes("1 row was left out."));
    assert.equal(JSON.parse((await download(page, "Results, JSON")).text).skipped, 1);
  });

  test("labels that the models lack are named; the rows or all labels can be left out", async () => {
    const table = "label\tsentence1\tsentence2\n1\tA dog.\tA hound.\nmaybe\tA cat.\tA car.\n";
    await pick(page, "labels.tsv", table);
    await view(page).getByText(/line 3: the label `maybe` is not one of the model's: 0 \(not_equivalent\), 1 \(equivalent\)/).waitFor();
    await click(page, "Leave this row out");
    await done(page);
    assert.match(await view(page).locator(".evaluated").innerText(), /1 pairs?$/);

    await pick(page, "labels.tsv", table.replace("\n1\t", "\nperhaps\t"));
    await view(page).getByText("the models lack every label").waitFor();
    assert.equal(await view(page).getByRole("button", { name: /^Leave/ }).count(), 0);
    await click(page, "Ignore all labels");
    await done(page);
    assert.ok((await notes(page)).includes("The labels were ignored."));
    assert.match(await view(page).innerText(), /No row has a label, so accuracy is unknown; agreement needs none\./);
    assert.deepEqual(await metric(page, "Accuracy"), []);
  });

  test("two files at once, and a missed drop, leave the page as it is", async () => {
    await page.setInputFiles("#data-file", []); // nothing
    const kept = await page.evaluate(() => {
      const transfer = new DataTransfer();
      for (const name of ["a.tsv", "b.tsv"]) transfer.items.add(new File(["x"], name));
      const send = (target) => !target.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
      return [send(document.querySelector("h1")), send(document.getElementById("data-drop"))];
    });
    assert.deepEqual(kept, [true, true], "the browser does not open the file");
    await view(page).getByRole("alert").waitFor();
    assert.match(await alertText(page), /^You gave 2 files\./);
  });
});

describe("the visitor's data and other models", { skip: repeated, timeout: SUITE_TIMEOUT }, () => {
  test("a model of one text refuses pairs, and evaluates its own examples", async () => {
    const page = await open({ query: "?model=prompt-injection" });
    await loaded(page, "int8", "fp32");
    await pick(page, "pairs.tsv", "label\tsentence1\tsentence2\n1\tA dog.\tA hound.\n");
    await view(page).getByRole("alert").waitFor();
    assert.match(await alertText(page), /^The INT8 model reads one text, but a row of pairs\.tsv has a pair of texts \(line 2\)\./);
    await page.click("#data-examples");
    await done(page);
    assert.equal((await metric(page, "Micro F1")).length, 3);
    assert.deepEqual(page.log.errors, []);
    await page.context().close();
  });

  test("INT8 alone is evaluated if FP32 is missing", async () => {
    const page = await open({ query: "?int8=models/model.int8.onnx&tokenizer=models/tokenizer.json&fp32=/broken/404.onnx" });
    await loaded(page, "int8");
    await page.locator("[data-model=fp32][data-state=failed]").waitFor();
    await pick(page, "pairs.tsv", "label\tsentence1\tsentence2\n1\tA dog.\tA hound.\n0\tA cat.\tA car.\n");
    await done(page);
    assert.equal((await metric(page, "Accuracy")).length, 1);
    assert.deepEqual(await view(page).locator("figcaption").allInnerTexts(), ["Latency by length"]);
    assert.deepEqual(await filter(page).locator("option").evaluateAll((options) => options.map(({ value }) => value)), ["int8-wrong", "all"]);
    await page.context().close();
  });
});

// Imitated models, whose answers cost nothing.
describe("many rows", { skip: repeated, timeout: SUITE_TIMEOUT }, () => {
  const table = (rows) => `label\tsentence1\tsentence2\n${Array.from({ length: rows }, (_, at) => `${at % 2}\tRow ${at} of a long file.\tIt has a second text, too.`).join("\n")}\n`;

  async function visit(options) {
    const page = await open({ prepare: imitate(options) });
    await loaded(page, "int8", "fp32");
    return page;
  }

  test("10,000 rows leave the page's thread free and few rows in the document", async (t) => {
    const page = await visit({});
    await page.evaluate(() => {
      window.longest = 0;
      new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => (window.longest = Math.max(window.longest, duration)))).observe({ type: "longtask" });
    });
    const heap = async () => {
      const session = await page.context().newCDPSession(page);
      await session.send("HeapProfiler.collectGarbage");
      const { usedSize } = await session.send("Runtime.getHeapUsage");
      await session.detach();
      return usedSize / 1e6;
    };
    const before = await heap();
    await pick(page, "many.tsv", table(10_000));
    await click(page, "Evaluate INT8 and FP32");
    await done(page);
    assert.match(await view(page).locator(".evaluated").innerText(), /10,000 pairs$/);
    await filter(page).selectOption("all");
    await view(page).getByText("10,000 rows.").waitFor();
    const scroller = view(page).getByRole("region", { name: "Rows" });
    for (const share of [0.25, 0.5, 1, 0]) {
      await scroller.evaluate((element, share) => (element.scrollTop = share * element.scrollHeight), share);
      await view(page).locator(".rows tbody button").first().waitFor();
      assert.ok((await rowsInDocument(page)) <= MOST_ROWS_IN_DOCUMENT);
    }
    assert.ok((await view(page).locator("*").count()) < 1500, "plots have few elements, too");
    const after = await heap();
    t.diagnostic(`longest task of the page's thread: ${await page.evaluate(() => window.longest)} ms (0: none over 50 ms); its heap: ${before.toFixed(1)} MB before, ${after.toFixed(1)} MB after`);
    assert.ok(after < before + 20, `the page's heap grew from ${before} to ${after} MB`);
    await page.context().close();
  });

  test("of a million rows, a sample is evaluated", async () => {
    const page = await visit({});
    await page.evaluate(() => {
      const block = "0\tA.\tB.\n".repeat(10_000);
      const transfer = new DataTransfer();
      transfer.items.add(new File(["label\tsentence1\tsentence2\n", ...Array(100).fill(block)], "million.tsv"));
      document.getElementById("data-drop").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
    });
    await view(page).getByText("1,000,000 pairs, each with a label").waitFor();
    const field = view(page).getByRole("spinbutton", { name: "Rows" });
    assert.deepEqual([await field.inputValue(), await field.getAttribute("max")], ["10000", "100000"]);
    await field.fill("500");
    await click(page, "Evaluate INT8 and FP32");
    await done(page);
    assert.ok((await notes(page)).includes("A random sample of 500 of 1,000,000 rows."));
    await page.context().close();
  });

  test("can be cancelled in the middle, and keep what was answered", async () => {
    const page = await visit({ waitAfter: 200 });
    await pick(page, "some.tsv", table(900));
    await view(page).getByText(/ of 900 pairs/).waitFor();
    await page.waitForFunction(() => window.answered >= 200);
    await click(page, "Cancel");
    await done(page);
    assert.match((await notes(page)).join("\n"), /^You cancelled after \d+ of 900 rows\./m);
    await page.evaluate(() => (window.waitAfter = Infinity));
    await click(page, "Evaluate again");
    await view(page).getByText("some.tsv 900 pairs").waitFor();
    await page.context().close();
  });

  test("a model that fails in the middle, and a tab in the background, are told", async () => {
    const page = await visit({ failAfter: 300 });
    await pick(page, "some.tsv", table(900));
    await done(page);
    assert.match((await notes(page)).join("\n"), /^The evaluation stopped after \d+ of 900 rows: (INT8|FP32), line \d+: it crashed$/m);
    await page.evaluate(() => {
      window.failAfter = Infinity;
      Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
    });
    await click(page, "Evaluate again");
    await view(page).getByText("some.tsv 900 pairs").waitFor();
    assert.match((await notes(page)).join("\n"), /^The tab was in the background for a while/m);
    await page.context().close();
  });

  test("results say when the models have changed", async () => {
    const page = await visit({});
    await pick(page, "some.tsv", table(10));
    await done(page);
    assert.deepEqual(await notes(page), []);
    await page.selectOption("#backend", "simd128");
    await view(page).getByText("The models have changed since this evaluation.").waitFor();
    await page.context().close();
  });
});
