// Quantizing on the page: the command's bytes, what the visitor sees, and what goes wrong.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CLI } from "../../tools/web/built.mjs";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";
import { skipUnless } from "../../tools/web/skip.mjs";
import { addFiles, sortFiles } from "../../www/site/page/quantize/files.js";
import { skipWithoutCli } from "./native.mjs";
import { GOLDEN_JOB, GOLDEN, alertText, button, done, download, give, text, textsOf, view } from "./quantizing.mjs";
import { SUITE_TIMEOUT, fitsNarrow, loaded, open, part, photograph, said, site } from "./visit.mjs";

const FAMILY = fileURLToPath(new URL("../../../shared/families/bert-single", import.meta.url));

// The run with additional arguments for Chromium would only repeat these tests.
const repeated = EXTRA_ARGS.length > 0 && "BERT8_CHROMIUM_ARGS is set";

describe("quantizing on the page", { skip: repeated, timeout: 2 * SUITE_TIMEOUT }, () => {
  let folder;
  let page;

  const bert8 = (...args) => execFileSync(CLI, args, { stdio: ["ignore", "pipe", "ignore"] });

  /** The INT8 file and the report that the command writes. */
  function quantized(model, texts, ...args) {
    const [int8, report] = ["int8.onnx", "report.json"].map((name) => join(folder, name));
    bert8("quantize", model, "--calibration", texts, "-o", int8, "--report", report, ...args);
    return { int8: readFileSync(int8), report: JSON.parse(readFileSync(report, "utf8")) };
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "bert8-quantize-"));
    writeFileSync(join(folder, "pairs.tsv"), textsOf(150));
    page = await open();
    await loaded(page, "int8", "fp32");
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  test("the command writes the bytes that other processors and browsers write", { skip: skipWithoutCli() }, () => {
    const texts = join(folder, "everywhere.tsv");
    writeFileSync(texts, GOLDEN_JOB.texts);
    const { int8 } = quantized(GOLDEN.model, texts, "--tokenizer", GOLDEN.tokenizer);
    assert.equal(`sha256-${createHash("sha256").update(int8).digest("base64")}`, GOLDEN_JOB.integrity);
  });

  test("an ONNX file becomes the bytes that the command writes, and both models answer above", { skip: skipWithoutCli() }, async () => {
    const requested = (part) => page.log.requests.some((url) => url.includes(part));
    for (const name of ["quantize/quantization.js", "pkg/quantizer/"]) assert.ok(!requested(name), `${name} before it is used`);
    await give(page, GOLDEN.model, GOLDEN.tokenizer);
    assert.match(await view(page).innerText(), /Model: model \(0\.1 MB\)\s+Texts: not given yet[^]*Now give the texts to calibrate on\./);
    assert.ok(await button(page, "Quantize").isDisabled());
    await give(page, join(folder, "pairs.tsv"));
    assert.match(await view(page).innerText(), /pairs\.tsv[^]*Quantizing takes up to [\d.]+\sGB of memory/);
    await photograph(page, "quantize-form");
    await button(page, "Quantize").focus();
    await page.keyboard.press("Enter");
    await done(page);
    assert.equal(await said(page), "model.int8.onnx is ready");
    assert.ok(await page.evaluate(() => document.activeElement.id === "quantize-view"), "the focus stays");
    assert.match(await view(page).innerText(), /0\.1 MB, [\d.]+\s% of FP32's 0\.1 MB, calibrated on 135 pairs, 135 of them distinct\.[^]*On 15 pairs that calibration did not see, INT8 has an SQNR of [\d.]+ dB against FP32 and agrees on [\d.]+\s%\./);

    const expected = quantized(GOLDEN.model, join(folder, "pairs.tsv"), "--tokenizer", GOLDEN.tokenizer);
    const int8 = await download(page, "Download the INT8 model");
    assert.equal(int8.name, "model.int8.onnx");
    assert.ok(int8.content.equals(expected.int8), "the same bytes");
    const { provenance, layers, ...report } = JSON.parse((await download(page, "Download the report as JSON")).content);
    const { provenance: native, layers: nativeLayers, ...nativeReport } = expected.report;
    assert.deepEqual(report, nativeReport);
    // tract computes these noises, with another order of sums in every build.
    const rounded = (found) => found.map(({ name, sqnr_db: db }) => [name, db.toFixed(2)]);
    assert.deepEqual(rounded(layers), rounded(nativeLayers));
    const command = "bert8 quantize model.fp32.onnx --calibration pairs.tsv -o model.int8.onnx --report model.report.json";
    assert.deepEqual({ ...provenance, model: "", date: "" }, { ...native, model: "", date: "", command, output: { ...native.output, name: "model.int8.onnx" } });
    assert.match(String((await download(page, "Download the report as HTML")).content), /^<!doctype html>/);
    const frame = page.frameLocator("#quantize iframe");
    await frame.getByRole("heading", { level: 1 }).waitFor();
    assert.ok((await frame.locator("svg.plot").count()) > 0);
    assert.equal(await frame.locator("svg .grid, .plot .grid").first().evaluate((line) => getComputedStyle(line).stroke !== "none"), true, "the report has its styles");
    assert.ok((await download(page, "Download tokenizer.json")).content.equals(readFileSync(GOLDEN.tokenizer)));
    await photograph(page, "quantize-result");

    await button(page, "Compare both models above").click();
    await page.waitForFunction(() => window.bert8.int8?.info.layers === 2 && window.bert8.fp32?.info.layers === 2);
    assert.equal(await part(page, "int8", "tag").textContent(), "8-bit integers · model.int8.onnx");
    assert.deepEqual(page.log.errors, []);
    assert.deepEqual(page.log.foreign, []);
    assert.ok(await fitsNarrow(page));
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  const withFamily = skipUnless(CLI && existsSync(FAMILY), "a Hugging Face folder on the page: BERT8_CLI or ../shared/families is missing");

  test("a Hugging Face folder becomes the bytes that the command writes, with every preset", { skip: withFamily }, async () => {
    const { cases } = JSON.parse(readFileSync(`${FAMILY}.expected.json`, "utf8"));
    const words = [...new Set(cases.flatMap(({ text, pair }) => `${text} ${pair ?? ""}`.split(/\s+/)))].filter(Boolean);
    const lines = Array.from({ length: 120 }, (_, at) => [0, 1, 2, 3, 4].map((i) => words[(at * 7 + i * (at + 3)) % words.length]).join(" "));
    const texts = join(folder, "texts.txt");
    writeFileSync(texts, lines.join("\n"));
    for (const preset of ["fast", "balanced"]) {
      await page.setInputFiles("#quantize-folder-input", FAMILY);
      await give(page, texts);
      await view(page).getByLabel("Preset").selectOption(preset);
      await button(page, "Quantize").click();
      await done(page);
      const int8 = await download(page, "Download the INT8 model");
      assert.equal(int8.name, "bert-single.int8.onnx");
      assert.ok(int8.content.equals(quantized(FAMILY, texts, "--preset", preset).int8), `the same bytes with ${preset}`);
      await button(page, "Quantize again").click();
    }
    await view(page).getByLabel("Preset").selectOption("balanced");
  });

  test("a cancelled run leaves the form as it was", async () => {
    await give(page, GOLDEN.model, GOLDEN.tokenizer, join(folder, "pairs.tsv"));
    await page.evaluate(() => {
      const press = (name) => [...document.querySelectorAll("#quantize-view button")].find(({ textContent }) => textContent === name).click();
      press("Quantize");
      press("Cancel");
    });
    await button(page, "Quantize").waitFor();
    assert.equal(await said(page), "Quantizing was cancelled");
    assert.ok(await button(page, "Quantize").isEnabled());
    assert.match(await view(page).innerText(), /Model: model [^]*Texts: pairs\.tsv/);
  });

  test("files that cannot be used are named, with what to do", async () => {
    const tokenizer = JSON.parse(readFileSync(GOLDEN.tokenizer, "utf8"));
    tokenizer.model.vocab.extra = 5000;
    const pairs = textsOf(40);
    const cases = [
      [[text("pairs.tsv", textsOf(5))], /^Pairs\.tsv: 5 distinct text\(s\) are too few to calibrate on/i],
      [[text("pairs.tsv", "sentence1\tsentence2\nonly one cell\n" + pairs.slice(pairs.indexOf("\n") + 1))], /pairs\.tsv, line 2: .*leave out rows that cannot be used\.$/],
      [[text("same.txt", "a cat sat\n".repeat(30))], /^Same\.txt: 1 distinct text\(s\) are too few .* only 3 distinct tokens/i],
      [[text("pairs.csv", "PK\x03\x04")], /^pairs\.csv: is a ZIP archive or a spreadsheet; export its rows/],
      [[text("pairs.tsv", pairs), text("tokenizer.json", "{}")], /^tokenizer\.json: /],
      [[text("tokenizer.json", JSON.stringify(tokenizer))], /^tokenizer\.json: has ids up to 5000, but the model's vocabulary has \d+ entries/],
      [[text("model.onnx", "not a model"), GOLDEN.tokenizer], /^model\.onnx: is not an ONNX model/],
      [[GOLDEN.int8, GOLDEN.tokenizer], /^model\.int8\.onnx: .* is already quantized, by bert8; use the FP32 model/],
      [[text("config.json", "{}"), text("model.safetensors", "not tensors"), GOLDEN.tokenizer], /^(config\.json|model\.safetensors): /],
    ];
    await give(page, GOLDEN.model, GOLDEN.tokenizer, text("pairs.tsv", pairs));
    for (const [files, says] of cases) {
      await give(page, ...files);
      await button(page, "Quantize").click();
      await view(page).getByRole("alert").waitFor();
      assert.match(await alertText(page), says);
      assert.ok(await button(page, "Quantize").isEnabled(), "another attempt is possible");
    }
    assert.deepEqual(page.log.errors, []);
  });

  test("rows that cannot be used are left out if the visitor says so", { skip: skipWithoutCli() }, async () => {
    const pairs = join(folder, "bad.tsv");
    writeFileSync(pairs, `${textsOf(120)}only one cell\n`);
    await give(page, GOLDEN.model, GOLDEN.tokenizer, pairs);
    await view(page).getByLabel("Leave out rows that cannot be used").check();
    await button(page, "Quantize").click();
    await done(page);
    assert.match(await view(page).innerText(), /Left out 1 of 121 rows of bad\.tsv, which cannot be used\./);
    const expected = quantized(GOLDEN.model, pairs, "--tokenizer", GOLDEN.tokenizer, "--skip-bad-rows");
    assert.ok((await download(page, "Download the INT8 model")).content.equals(expected.int8));
  });

  test("one thread and a page that is not isolated have the same bytes", { skip: skipWithoutCli() }, async () => {
    const { int8 } = quantized(GOLDEN.model, join(folder, "pairs.tsv"), "--tokenizer", GOLDEN.tokenizer);
    for (const where of [{ query: "?threads=1" }, { query: "?threads=3" }, { url: `${site.origin}/not-isolated/` }]) {
      const other = await open(where);
      await loaded(other, "int8");
      await give(other, GOLDEN.model, GOLDEN.tokenizer, join(folder, "pairs.tsv"));
      await button(other, "Quantize").click();
      await done(other);
      assert.ok((await download(other, "Download the INT8 model")).content.equals(int8), JSON.stringify(where));
      assert.match(await view(other).innerText(), where.query === "?threads=3" ? /on 3 threads/ : /on one thread/);
      await other.context().close();
    }
  });

  test("too little memory is said before the start, or ends the run alone", async () => {
    const small = await open({ url: `${site.origin}/small-memory/` });
    await small.locator("#quantize-files").waitFor();
    await give(small, GOLDEN.model, GOLDEN.tokenizer, join(folder, "pairs.tsv"));
    await button(small, "Quantize").waitFor();
    assert.match(await view(small).innerText(), /This browser grants 0\.1\sGB at most\./);
    assert.ok(await button(small, "Quantize").isDisabled());
    await small.context().close();

    const crashing = await open({ url: `${site.origin}/quantizer-out-of-memory/` });
    await loaded(crashing, "int8");
    await give(crashing, GOLDEN.model, GOLDEN.tokenizer, join(folder, "pairs.tsv"));
    await button(crashing, "Quantize").click();
    await view(crashing).getByRole("alert").waitFor();
    assert.match(await alertText(crashing), /^Bert8 ran out of memory while it quantized, .* quantize with bert8 quantize\.$/i);
    assert.match(await crashing.evaluate(() => window.bert8.int8.classify("A cat.", "A dog.").then(({ label }) => label)), /equivalent/);
    await crashing.context().close();
  });
});

describe("the files to quantize", () => {
  const found = (...paths) => paths.map((path) => ({ path, file: { name: path.split("/").at(-1), size: 10 } }));
  const sorted = (...paths) => sortFiles(found(...paths));

  test("a folder or an ONNX file is the model, with what belongs to it", () => {
    for (const [paths, path, name, files] of [
      [["m/model.safetensors", "m/config.json", "m/tokenizer.json", "m/README.md", "m/.git/config"], "m", "m", ["m/model.safetensors", "m/config.json", "m/tokenizer.json"]],
      [["model.safetensors", "config.json", "vocab.txt"], "", "model", ["model.safetensors", "config.json", "vocab.txt"]],
      [["m/model-1.safetensors", "m/model-2.safetensors", "m/model.safetensors.index.json"], "m", "m", ["m/model-1.safetensors", "m/model-2.safetensors", "m/model.safetensors.index.json"]],
      [["m/onnx/model.onnx", "m/onnx/model_quantized.onnx", "m/tokenizer.json"], "m/onnx/model.onnx", "model", ["m/onnx/model.onnx", "m/tokenizer.json"]],
      [["a.onnx", "a.onnx.data", "tokenizer.json"], "a.onnx", "a", ["a.onnx", "a.onnx.data", "tokenizer.json"]],
      [["a_fp32.onnx", "tokenizer.json"], "a_fp32.onnx", "a", ["a_fp32.onnx", "tokenizer.json"]],
      [["m/a.onnx", "tokenizer.json"], "m/a.onnx", "a", ["m/a.onnx", "m/tokenizer.json"]],
    ]) {
      const { model, problem } = sorted(...paths);
      assert.equal(problem, null, String(paths));
      assert.deepEqual([model.path, model.name, model.files.map((file) => file.path)], [path, name, files]);
    }
  });

  test("texts are found beside a model, and replaced by later ones", () => {
    assert.equal(sorted("m/model.safetensors", "m/notes.txt").texts.path, "m/notes.txt");
    assert.equal(sorted("m/model.safetensors", "m/a.txt", "m/b.txt", "pairs.tsv").texts.path, "pairs.tsv");
    assert.equal(sorted("m/model.safetensors", "m/a.txt", "m/b.txt").texts, null);
    const later = addFiles(found("a.onnx", "tokenizer.json", "old.tsv"), found("new.tsv"));
    assert.deepEqual(later.map(({ path }) => path), ["a.onnx", "tokenizer.json", "new.tsv"]);
    const other = addFiles(found("a.onnx", "tokenizer.json", "old.tsv"), found("b.onnx"));
    assert.deepEqual(other.map(({ path }) => path), ["old.tsv", "b.onnx"], "a tokenizer goes with its model");
  });

  test("what cannot be used is named", () => {
    for (const [paths, says] of [
      [[], "There are no files in it."],
      [["m/pytorch_model.bin", "m/config.json"], /^m\/pytorch_model\.bin: weights in this format are not read\. Save the model as model\.safetensors/],
      [["a/model.safetensors", "b/model.safetensors"], /^There are models in 2 folders/],
      [["a.onnx", "b.onnx"], /^There are 2 ONNX files: a\.onnx, b\.onnx\. Give the FP32 model alone/],
      [["a.tsv", "b.tsv"], "There are 2 files of texts: a.tsv, b.tsv. Give one of them."],
      [["photo.jpg"], "None of the files is a model or a file of texts: photo.jpg."],
    ]) {
      const { problem } = sorted(...paths);
      if (typeof says === "string") assert.equal(problem, says);
      else assert.match(problem, says);
    }
    const large = { path: "large.onnx", file: { name: "large.onnx", size: 100_000_001 } };
    assert.match(sortFiles([large]).problem, /^large has 101 MB of weights, and a tab quantizes at most 100 MB\. Run bert8 quantize/);
  });
});
