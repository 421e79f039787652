// The options for quantizing on the page: they do what those of the command do, and errors lead to them.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CLI } from "../../tools/web/built.mjs";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";
import { skipUnless } from "../../tools/web/skip.mjs";
import { faultIn, optionsOf, patternsOf, usualChoices } from "../../www/site/page/quantize/choices.js";
import { commandLine } from "../../www/site/page/quantize/command-line.js";
import { skipWithoutCli } from "./native.mjs";
import { GOLDEN, alertText, button, done, download, give, text, textsOf, view } from "./quantizing.mjs";
import { SUITE_TIMEOUT, loaded, open, photograph } from "./visit.mjs";

const FOREIGN = process.env.BERT8_FOREIGN_INT8;

// The run with additional arguments for Chromium would only repeat these tests.
const repeated = EXTRA_ARGS.length > 0 && "BERT8_CHROMIUM_ARGS is set";

describe("the options for quantizing on the page", { skip: repeated, timeout: SUITE_TIMEOUT }, () => {
  let folder;
  let page;

  const field = (label) => view(page).getByLabel(label, { exact: true });
  const command = () => view(page).locator(".command code").innerText();

  /** Puts the files of a model into a new folder, gives them to the page and shows all options. */
  async function offer({ model = GOLDEN.model, tokenizer = GOLDEN.tokenizer, texts = textsOf(150) }) {
    const place = mkdtempSync(join(folder, "model-"));
    const copies = [model, tokenizer].map((file) => join(place, basename(file)));
    [model, tokenizer].forEach((file, i) => copyFileSync(file, copies[i]));
    const pairs = join(place, "my pairs.tsv");
    writeFileSync(pairs, texts);
    await give(page, ...copies, pairs);
    await view(page).locator("details.more").evaluate((details) => (details.open = true));
    return place;
  }

  const quantize = async () => {
    await button(page, "Quantize").click();
    await done(page);
    // The form may be taller than the window, and what comes after it is not.
    const isInSight = ({ top }) => top >= 0 && top < 600;
    assert.ok(isInSight(await view(page).locator(".evaluated").evaluate((title) => title.getBoundingClientRect().toJSON())), "the result is in sight");
  };

  /** Runs a command line as a shell does. */
  function shell(line, cwd) {
    execFileSync("sh", ["-c", line], { cwd, stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, PATH: [folder, process.env.PATH].join(delimiter) } });
  }

  /** Checks that the page's INT8 file has the bytes that the command line on the page writes in `place`. */
  async function assertSameAs(line, place) {
    shell(line, place);
    const { name, content } = await download(page, "Download the INT8 model");
    assert.ok(content.equals(readFileSync(join(place, name))), line);
  }

  /** Quantizes in vain. Returns the field that the error leads to. */
  async function refused(says) {
    await button(page, "Quantize").click();
    await view(page).getByRole("alert").waitFor();
    assert.match(await alertText(page), says);
    return page.evaluate(() => {
      const { id, ariaInvalid } = document.activeElement;
      const described = document.activeElement.getAttribute("aria-describedby").split(" ").map((part) => document.getElementById(part));
      return { label: document.querySelector(`label[for="${id}"]`).textContent, invalid: ariaInvalid, says: described[0].role };
    });
  }

  const at = (label) => ({ label, invalid: "true", says: "alert" });

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "bert8-options-"));
    if (CLI) symlinkSync(CLI, join(folder, "bert8"));
    page = await open({ permissions: ["clipboard-read", "clipboard-write"] });
    await loaded(page, "int8");
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  test("the command line on the page writes the same bytes, with every option", { skip: skipWithoutCli() }, async () => {
    const place = await offer({ texts: `${textsOf(9)}only one cell\n` });
    await field("Preset").selectOption("fast");
    await field("Leave out rows that cannot be used").check();
    await field("It reads").selectOption("pair");
    await field("It answers with").selectOption("multi-label");
    await field("Attention heads").fill("2");
    await field("Output with the logits").fill("logits");
    await field("Take an INT8 file of another tool").check();
    await field("Texts to calibrate on, at most").fill("8");
    await field("Tokens of a text, at most").fill("16");
    await field("Calibrate even if the texts are too few, too alike or mostly unknown words").check();
    await field("Parts to keep in FP32").fill("--ignore 'layer.1.output.*', word_embeddings.weight");
    await field("Measure the damage of every part").check();
    const line = await command();
    for (const part of ["--preset fast", "--task pair,multi-label", "'my pairs.tsv'", "--skip-bad-rows", "--force-calibration", "'--ignore=layer.1.output.*' --ignore=word_embeddings.weight"]) {
      assert.ok(line.includes(part), line);
    }
    await button(page, "Copy the command").click();
    await button(page, "Copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), line);
    await photograph(page, "quantize-options");
    await quantize();
    assert.match(await view(page).innerText(), /The model reads pairs of texts and answers with any of 2 labels\./);
    const report = JSON.parse((await download(page, "Download the report as JSON")).content);
    assert.equal(report.provenance.command, line);
    await assertSameAs(line, place);
    const native = JSON.parse(readFileSync(join(place, "model.report.json")));
    assert.deepEqual(report.options, native.options);
    assert.deepEqual(report.calibration, native.calibration);
    assert.deepEqual(report.sensitivity.parts.map(({ name }) => name).sort(), native.sensitivity.parts.map(({ name }) => name).sort());
    await page.reload();
    await loaded(page, "int8");
  });

  test("an error leads to the option that helps", { skip: skipWithoutCli() }, async () => {
    let place = await offer({ texts: textsOf(5) });
    await view(page).locator("details.more").evaluate((details) => (details.open = false));
    assert.deepEqual(await refused(/5 distinct text\(s\) are too few .*; give more texts, or tick this to calibrate on these all the same\.$/), at("Calibrate even if the texts are too few, too alike or mostly unknown words"));
    await photograph(page, "quantize-option-error");
    await page.keyboard.press("Space");
    await quantize();
    await assertSameAs("bert8 quantize model.fp32.onnx --calibration 'my pairs.tsv' -o model.int8.onnx --force-calibration", place);

    place = await offer({});
    for (const [label, wrong, says, right] of [
      ["It reads", "single", /^As chosen here, the model reads one text, but my pairs\.tsv, line 2, has a pair of texts; give other texts, or choose here/, ""],
      ["It answers with", "regression", /`problem_type` is `regression` with 2 outputs; a score needs exactly one; choose another answer\.$/, ""],
      ["Attention heads", "7", /^model\.fp32\.onnx: splits queries into \d+ heads, but 7 heads were given; give their number here\.$/, ""],
      ["Attention heads", "many", /^“many” is no whole number from 1 to \d+; give their number here\.$/, ""],
      ["Tokens of a text, at most", "3", /^“3” is no whole number from 4 to \d+\.$/, ""],
      ["Output with the logits", "nothing", /^model\.fp32\.onnx: .*`nothing`.*; name it here\.$/, ""],
      ["Parts to keep in FP32", "layer.0.output.dense layer.9.*", /^`layer\.9\.\*` matches no part of the model; parts have names such as encoder\./, "layer.0.output.dense"],
    ]) {
      const control = field(label);
      const set = (value) => control.evaluate((element, value) => {
        element.value = value;
        element.dispatchEvent(new Event(element.tagName === "SELECT" ? "change" : "input"));
      }, value);
      await set(wrong);
      assert.deepEqual(await refused(says), at(label));
      await set(right);
    }
    await quantize();
    await assertSameAs("bert8 quantize model.fp32.onnx --calibration 'my pairs.tsv' -o model.int8.onnx --force-calibration --ignore layer.0.output.dense", place);
    assert.deepEqual(page.log.errors, []);
  });

  const withForeign = skipUnless(CLI && FOREIGN, "quantizing an INT8 file of another tool on the page: BERT8_CLI or BERT8_FOREIGN_INT8 is missing");

  test("an INT8 file of another tool is taken if the visitor says so", { skip: withForeign }, async () => {
    const tokenizer = join(process.env.BERT8_DIST, "models/tokenizer.json");
    const place = await offer({ model: FOREIGN, tokenizer });
    await field("Preset").selectOption("fast");
    await field("Texts to calibrate on, at most").fill("20");
    const memory = () => view(page).innerText().then((shown) => Number(/takes up to ([\d.]+)\sGB/.exec(shown)[1]));
    const before = await memory();
    assert.deepEqual(await refused(/^foreign\.int8\.onnx: is already quantized, as its node .* shows; use the FP32 model .*, or tick this/), at("Take an INT8 file of another tool"));
    await page.keyboard.press("Space");
    assert.ok((await memory()) > before, "the weights are four times as large in FP32");
    const line = await command();
    assert.match(line, /--requantize/);
    await quantize();
    await assertSameAs(line, place);
    await page.reload();
    await loaded(page, "int8");
  });

  test("the result leads to the part that does the damage", { skip: skipWithoutCli() }, async () => {
    const place = await offer({});
    await quantize();
    await button(page, "Quantize again and measure every part").click();
    assert.ok(await field("Measure the damage of every part").isChecked());
    await quantize();
    const part = await view(page).locator("code").first().innerText();
    await photograph(page, "quantize-measured");
    await button(page, "Quantize again with it in FP32").click();
    assert.equal(await field("Parts to keep in FP32").inputValue(), part);
    await field("Measure the damage of every part").uncheck();
    const line = await command();
    assert.ok(line.includes(`--ignore=${part}`), line);
    await quantize();
    await assertSameAs(line, place);
  });
});

describe("what the options mean", () => {
  const line = (files, changed = {}) => commandLine({ model: "m", texts: "t.tsv", output: "m.int8.onnx", report: "m.json", ...files }, optionsOf({ ...usualChoices(), ...changed }));

  test("patterns are what stands between spaces and commas, also as reports show them", () => {
    for (const [typed, patterns] of [
      ["", []],
      [" , ", []],
      ["layer.5.*", ["layer.5.*"]],
      ["a b,c\n d", ["a", "b", "c", "d"]],
      ["--ignore 'layer.5.output.*' --ignore=\"*.scores\"", ["layer.5.output.*", "*.scores"]],
      ["a a", ["a"]],
      ["‘layer.1’", ["layer.1"]],
    ]) assert.deepEqual(patternsOf(typed), patterns, typed);
  });

  test("a shell reads the command line as it is meant", () => {
    const prefix = "bert8 quantize m --calibration t.tsv -o m.int8.onnx --report m.json";
    assert.equal(line({}), prefix);
    assert.equal(line({ model: "" }), prefix.replace(" m ", " . "));
    assert.equal(line({ model: "-m" }), prefix.replace(" m ", " ./-m "));
    assert.equal(line({ texts: "it's $HOME.tsv" }), prefix.replace("t.tsv", String.raw`'it'\''s $HOME.tsv'`));
    assert.equal(line({}, { logits: "-1; rm x" }), `${prefix} '--logits=-1; rm x'`);
  });

  test("numbers are checked", () => {
    const fault = (changed) => faultIn({ ...usualChoices(), ...changed })?.choice;
    assert.equal(fault({}), undefined);
    assert.equal(fault({ heads: " 12 ", subsetSize: "1", maxLength: "4" }), undefined);
    for (const wrong of ["0", "-1", "1.5", "1e3", "x", "99999999999999999999"]) assert.equal(fault({ subsetSize: wrong }), "subsetSize", wrong);
    assert.equal(fault({ maxLength: "3" }), "maxLength");
  });

  test("the form names the command's own defaults", { skip: skipWithoutCli() }, () => {
    const help = execFileSync(CLI, ["quantize", "--help"], { encoding: "utf8" });
    const usual = (option) => new RegExp(`--${option} [^]*?\\[default: (\\w+)\\]`).exec(help)[1];
    const source = readFileSync(new URL("../../www/site/page/quantize/more-options.js", import.meta.url), "utf8");
    for (const option of ["subset-size", "max-length"]) assert.ok(source.includes(`Empty: ${usual(option)}.`), option);
    assert.equal(usualChoices().preset, usual("preset"));
  });
});
