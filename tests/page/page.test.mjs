// The built page in a real Chromium. Environment:
//   BERT8_DIST           the site to test (default: dist/ of this checkout)
//   CHROMIUM             the browser (default: /usr/bin/chromium)
//   BERT8_CHROMIUM_ARGS  more arguments for it, separated by spaces
//   BERT8_FOREIGN_INT8   an INT8 file that bert8 did not make
//   BERT8_SHOTS          a folder for screenshots

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launch } from "./browser.mjs";
import { DIST, startSite } from "./site.mjs";

if (!existsSync(join(DIST, "index.html"))) {
  console.error(`${DIST} holds no built site: run ./build.sh first`);
  process.exit(1);
}

const SAME = ["The museum opens at nine in the morning.", "The museum opens at 9 a.m."];
const OTHER = ["The museum opens at nine in the morning.", "My sister plays the violin."];
const TIMEOUT = 60_000;

let site;
let browser;
let shared; // one page with both models loaded, for the tests that leave it usable

before(async () => {
  site = await startSite();
  browser = await launch();
  shared = await open();
});

after(async () => {
  await browser?.close();
  site?.close();
});

/** Opens the site in a fresh browser context; `page.log` collects what must not happen. */
async function open({ query = "", url = site.url, prepare, ...context } = {}) {
  const page = await (await browser.newContext(context)).newPage();
  page.setDefaultTimeout(TIMEOUT);
  page.log = { errors: [], foreign: [], requests: [] };
  page.on("pageerror", (error) => page.log.errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && page.log.errors.push(message.text()));
  page.context().on("request", (request) => {
    page.log.requests.push(request.url());
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(site.origin)) page.log.foreign.push(request.url());
  });
  if (prepare) await page.addInitScript(prepare);
  await page.goto(url + query);
  return page;
}

const loaded = (page, ...keys) => page.waitForFunction((keys) => keys.every((key) => window.bert8?.[key]), keys);
const card = (page, key) => page.locator(`[data-model=${key}]`);
const part = (page, key, name) => card(page, key).locator(`[data-part=${name}]`);
const said = (page) => page.locator("#announcement").textContent();
const answered = (page) => page.locator("#results[aria-busy=false]").waitFor();

async function compare(page, [a, b]) {
  await page.fill("#sentence1", a);
  await page.fill("#sentence2", b);
  await page.click("#compare");
  await answered(page);
}

/** Numbers in a text; fails where a computation went wrong and shows. */
function numbers(text) {
  assert.doesNotMatch(text, /NaN|Infinity|undefined|null/);
  return (text.match(/\d+(\.\d+)?/g) ?? []).map(Number);
}

async function assertColumn(page, key) {
  assert.match(await part(page, key, "verdict").textContent(), new RegExp(`^${key.toUpperCase()}: Same meaning: (yes|no)$`));
  for (const name of ["probability", "infer", "tokenize", "tokens"]) {
    assert.equal(numbers(await part(page, key, name).textContent()).length, 1, `${key} ${name}`);
  }
  const share = await part(page, key, "meter").evaluate((meter) => meter.value);
  assert.ok(share >= 0 && share <= 1);
}

const alertOf = async (page, key) => {
  await card(page, key).locator("[role=alert] .alert").waitFor();
  return card(page, key).getByRole("alert").textContent();
};

function assertAnswer(answer) {
  assert.equal(typeof answer.label, "string");
  assert.ok(answer.labelId === 0 || answer.labelId === 1);
  assert.equal(answer.logits.length, 2);
  assert.ok(Math.abs(answer.probabilities.reduce((sum, p) => sum + p) - 1) < 1e-4);
  assert.ok(Number.isInteger(answer.tokens) && answer.tokens > 2);
  assert.equal(answer.truncated, false);
  for (const value of [...answer.logits, answer.timing.tokenizeMs, answer.timing.inferMs]) assert.ok(Number.isFinite(value));
  assert.ok(answer.timing.runs >= 1);
}

describe("the page", { timeout: 180_000 }, () => {
  test("loads both models, without an error and without leaving its origin", async () => {
    await loaded(shared, "int8", "fp32");
    assert.match(await part(shared, "int8", "facts").textContent(), /MB file · kernel .+ · (relaxed-simd|simd128) · loaded in/);
    assert.ok(await part(shared, "int8", "loading").isHidden());
    assert.deepEqual(shared.log.errors, []);
    assert.deepEqual(shared.log.foreign, []);
    const order = (name) => shared.log.requests.findIndex((url) => url.endsWith(name));
    assert.ok(order("model.int8.onnx") < order("model.fp32.onnx"), "INT8 comes first");
  });

  test("compares typed sentences in both columns", async () => {
    await loaded(shared, "int8", "fp32");
    await compare(shared, SAME);
    await assertColumn(shared, "int8");
    await assertColumn(shared, "fp32");
    const summary = await shared.locator("#summary").textContent();
    assert.match(summary, /INT8 is [\d.]+× as fast/);
    assert.match(summary, /file is [\d.]+× smaller/);
    assert.match(summary, /The models (dis)?agree/);
    assert.equal(await shared.locator("#notes").textContent(), "");
    assert.equal(await shared.locator("#answer-key").textContent(), "");
    assert.deepEqual(shared.log.errors, []);
  });

  test("shows an example's answer key only after the answers", async () => {
    await loaded(shared, "int8", "fp32");
    const groups = await shared.locator("#example optgroup").count();
    assert.ok(groups >= 1);
    const key = shared.locator("#answer-key");
    for (const group of [0, groups - 1]) {
      const value = await shared.locator("#example optgroup").nth(group).locator("option").last().getAttribute("value");
      await shared.selectOption("#example", value);
      assert.notEqual(await shared.inputValue("#sentence1"), "");
      assert.notEqual(await shared.inputValue("#sentence2"), "");
      assert.ok((await key.isHidden()) || (await key.textContent()) === "");
      await shared.click("#compare");
      await answered(shared);
      assert.match(await key.textContent(), /^Answer key: same meaning, (yes|no)\. INT8 (dis)?agrees, FP32 (dis)?agrees\.$/);
    }
    await shared.fill("#sentence2", "Something else.");
    assert.ok(await key.isHidden());
    assert.ok(await shared.locator("#stale").isVisible());
    assert.match(await said(shared), /^The sentences have changed/);
    await shared.click("#compare");
    await answered(shared);
    assert.equal(await said(shared), "");
  });

  test("swaps the sentences", async () => {
    await shared.fill("#sentence1", SAME[0]);
    await shared.fill("#sentence2", SAME[1]);
    await shared.click("#swap");
    assert.equal(await shared.inputValue("#sentence1"), SAME[1]);
    assert.equal(await shared.inputValue("#sentence2"), SAME[0]);
  });

  test("works by keyboard alone", async () => {
    await loaded(shared, "int8", "fp32");
    await shared.evaluate(() => document.activeElement.blur());
    await shared.locator("#example").focus();
    const focused = () => shared.evaluate(() => document.activeElement.id);
    for (const [id, text] of [["sentence1", OTHER[0]], ["sentence2", OTHER[1]]]) {
      await shared.keyboard.press("Tab");
      assert.equal(await focused(), id);
      await shared.keyboard.press("Control+A");
      await shared.keyboard.type(text);
    }
    await shared.keyboard.press("Control+Enter");
    await answered(shared);
    await assertColumn(shared, "int8");
    await assertColumn(shared, "fp32");
    for (const id of ["compare", "swap", "backend"]) {
      await shared.keyboard.press("Tab");
      assert.equal(await focused(), id);
      assert.notEqual(await shared.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
    }
  });

  test("says when a sentence is empty", async () => {
    await loaded(shared, "int8", "fp32");
    await compare(shared, [SAME[0], ""]);
    await assertColumn(shared, "int8");
    assert.match(await shared.locator("#notes").textContent(), /^Sentence 2 is empty; the answer means little\.$/);
    await compare(shared, [" ", "\n"]);
    assert.match(await shared.locator("#notes").textContent(), /^Both sentences are empty/);
  });

  test("cuts a pair of 10,000 words and says so", async () => {
    await loaded(shared, "int8", "fp32");
    await compare(shared, ["word ".repeat(10_000), SAME[1]]);
    await assertColumn(shared, "int8");
    const [length] = numbers(await shared.locator("#notes").textContent());
    assert.equal(length, await shared.evaluate(() => window.bert8.int8.info.maxLength));
    assert.equal(numbers(await part(shared, "int8", "tokens").textContent())[0], length);
  });

  test("answers with INT8 while FP32 is under way, then adds FP32", async () => {
    const page = await open({ query: "?fp32=/broken/held.onnx" });
    await loaded(page, "int8");
    await compare(page, SAME);
    await assertColumn(page, "int8");
    assert.equal(await part(page, "fp32", "verdict").textContent(), "");
    assert.ok(await part(page, "fp32", "progress").isVisible());
    assert.equal(await page.locator("#summary").textContent(), "");
    assert.equal(await said(page), "INT8 is ready. Loading FP32");
    site.release();
    await page.locator("#summary .figure").first().waitFor();
    assert.equal(await said(page), "INT8 is ready. FP32 is ready");
    await assertColumn(page, "fp32");
    await page.context().close();
  });

  test("says nothing of answers that were withdrawn by another backend", async () => {
    const page = await open();
    await loaded(page, "int8", "fp32");
    await page.selectOption("#example", { index: 1 });
    await page.click("#compare");
    await part(page, "int8", "infer").waitFor();
    const shown = await page.evaluate(async () => {
      const shown = [];
      const texts = () => ["summary", "answer-key"].map((id) => document.getElementById(id).textContent).join("");
      new MutationObserver(() => window.bert8.int8 || shown.push(texts())).observe(document.getElementById("results"), { subtree: true, childList: true });
      const picker = document.getElementById("backend");
      picker.value = "simd128";
      picker.dispatchEvent(new Event("change"));
      while (!window.bert8.fp32) await new Promise((resolve) => setTimeout(resolve, 10));
      return shown.filter(Boolean);
    });
    assert.deepEqual(shown, []);
    await page.context().close();
  });

  test("reloads with another backend and answers the same", async () => {
    const page = await open();
    await loaded(page, "int8", "fp32");
    const ask = ([a, b]) => Promise.all([window.bert8.int8.classify(a, b), window.bert8.fp32.classify(a, b)]);
    const earlier = await page.evaluate(ask, SAME);
    const compared = page.evaluate(([a, b]) => window.bert8.compare(a, b), SAME);
    await page.selectOption("#backend", "simd128");
    await page.waitForFunction(() => ["int8", "fp32"].every((key) => window.bert8[key]?.info.backend === "simd128"));
    assert.equal((await compared).int8.labelId, earlier[0].labelId, "answered in spite of the change");
    const later = await page.evaluate(ask, SAME);
    earlier.forEach((answer, model) => {
      assert.equal(answer.labelId, later[model].labelId);
      answer.logits.forEach((logit, i) => assert.ok(Math.abs(logit - later[model].logits[i]) <= 1e-3));
    });
    assert.match(await part(page, "int8", "facts").textContent(), /simd128/);
    assert.deepEqual(page.log.errors, []);
    await page.context().close();
  });

  test("is usable at 360 px and in both colour schemes", async () => {
    await loaded(shared, "int8", "fp32");
    await compare(shared, [SAME[0], "word".repeat(100)]);
    const backgrounds = [];
    for (const colorScheme of ["light", "dark"]) {
      await shared.emulateMedia({ colorScheme });
      for (const width of [360, 1280]) {
        await shared.setViewportSize({ width, height: 900 });
        const overflow = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
        assert.equal(await shared.evaluate(overflow), 0);
        if (!process.env.BERT8_SHOTS) continue;
        await shared.screenshot({ path: join(process.env.BERT8_SHOTS, `page-${colorScheme}-${width}.png`), fullPage: true });
      }
      backgrounds.push(await shared.evaluate(() => getComputedStyle(document.documentElement).backgroundColor));
    }
    assert.notEqual(...backgrounds);
  });
});

describe("failures", { timeout: 180_000 }, () => {
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

describe("window.bert8", { timeout: 180_000 }, () => {
  test("has the page's models and their description", async () => {
    await loaded(shared, "int8", "fp32");
    const infos = await shared.evaluate(() => [window.bert8.int8.info, window.bert8.fp32.info]);
    assert.deepEqual(infos.map(({ precision }) => precision), ["int8", "fp32"]);
    for (const info of infos) {
      assert.match(info.backend, /^(relaxed-simd|simd128)$/);
      assert.equal(info.labels.length, 2);
      for (const name of ["modelBytes", "memoryBytes", "layers", "hidden", "maxLength", "loadMs"]) assert.ok(info[name] > 0, name);
    }
    assert.ok(infos[0].modelBytes < infos[1].modelBytes);
  });

  test("compare answers with both models and the speed-up", async () => {
    await loaded(shared, "int8", "fp32");
    const result = await shared.evaluate(([a, b]) => window.bert8.compare(a, b), SAME);
    assert.deepEqual(Object.keys(result).sort(), ["fp32", "int8", "speedup"]);
    assertAnswer(result.int8);
    assertAnswer(result.fp32);
    assert.ok(Number.isFinite(result.speedup) && result.speedup > 0);
  });

  test("a download gives every byte, whether or not the browser reads into a buffer that it is given", async () => {
    const hashes = await shared.evaluate(async () => {
      const { download } = await import("./download.js");
      const url = new URL("models/model.int8.onnx", location.href).href;
      const hash = async (bytes) => [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].join();
      const downloaded = async () => {
        const pieces = [];
        const context = { signal: new AbortController().signal, onProgress() {} };
        const size = await download(url, "model", context, (piece) => pieces.push(piece.slice()));
        const bytes = await new Blob(pieces).arrayBuffer();
        return `${size === bytes.byteLength} ${await hash(bytes)}`;
      };
      const { getReader } = ReadableStream.prototype;
      let readers = 0;
      ReadableStream.prototype.getReader = function (options) {
        const reader = getReader.call(this, options);
        if (reader instanceof ReadableStreamBYOBReader) readers++;
        return reader;
      };
      const given = await downloaded();
      ReadableStream.prototype.getReader = function (options) {
        if (options) throw new TypeError("no byte stream");
        return getReader.call(this);
      };
      const plain = await downloaded().finally(() => (ReadableStream.prototype.getReader = getReader));
      return { readers, expected: `true ${await hash(await (await fetch(url)).arrayBuffer())}`, given, plain };
    });
    assert.equal(hashes.readers, 1);
    assert.equal(hashes.given, hashes.expected);
    assert.equal(hashes.plain, hashes.expected);
  });

  test("load takes bytes and leaves them to the caller; batches report progress; dispose ends it", async () => {
    const outcome = await shared.evaluate(async ([same, other]) => {
      const bytes = async (url) => (await fetch(url)).arrayBuffer();
      const [model, tokenizer] = await Promise.all([bytes("models/model.int8.onnx"), bytes("models/tokenizer.json")]);
      const stages = new Set();
      const classifier = await window.bert8.load({
        model,
        tokenizer: new Uint8Array(tokenizer),
        onProgress: ({ stage }) => stages.add(stage),
      });
      const steps = [];
      const batch = await classifier.classifyBatch([same, other, same], { onProgress: (step) => steps.push(step) });
      const single = await classifier.classify(...same);
      const failures = [];
      const attempt = (promise) => promise.then(() => failures.push(null), (error) => failures.push(error.message));
      await attempt(classifier.classify("only one"));
      await attempt(classifier.classifyBatch([["a", "b"], ["c"]]));
      await attempt(classifier.classify("a", "b", { runs: 0 }));
      const controller = new AbortController();
      const stopped = await classifier
        .classifyBatch(Array(50).fill(same), { signal: controller.signal, onProgress: () => controller.abort() })
        .catch((error) => error.name);
      const alive = await classifier.classify(...same);
      classifier.dispose();
      await attempt(classifier.classify("a", "b"));
      return { batch, single, alive, steps, stopped, failures, left: model.byteLength };
    }, [SAME, OTHER]);
    outcome.batch.forEach(assertAnswer);
    assert.deepEqual(outcome.batch[0].logits, outcome.batch[2].logits);
    for (const alone of [outcome.single, outcome.alive]) {
      // The FP32 sums of the pooler take another order where there are several rows.
      alone.logits.forEach((logit, i) => assert.ok(Math.abs(logit - outcome.batch[0].logits[i]) <= 1e-6));
    }
    assert.deepEqual(outcome.steps, [{ done: 3, total: 3 }]);
    assert.equal(outcome.stopped, "AbortError");
    assert.ok(outcome.left > 0);
    const expected = [/two strings/, /pairs\[1\].*two strings/, /runs must be/, /disposed/];
    outcome.failures.forEach((message, i) => assert.match(message, expected[i]));
  });

  test("load can be aborted", async () => {
    const names = await shared.evaluate(async () => {
      const start = (signal, onProgress) =>
        window.bert8
          .load({ model: "models/model.fp32.onnx", tokenizer: "models/tokenizer.json", signal, onProgress })
          .then(() => "loaded", (error) => `${error instanceof DOMException} ${error.name}`);
      const controller = new AbortController();
      return [await start(AbortSignal.abort()), await start(controller.signal, () => controller.abort())];
    });
    assert.deepEqual(names, ["true AbortError", "true AbortError"]);
  });

  test("load explains what it cannot do", async () => {
    const messages = await shared.evaluate(async () => {
      const attempt = (options) => window.bert8.load(options).then(() => "loaded", (error) => error.message);
      return [
        await attempt(),
        await attempt({ model: "m.onnx" }),
        await attempt({ model: 7, tokenizer: "t.json" }),
        await attempt({ model: "m.onnx", tokenizer: "t.json", backend: "gpu" }),
        await attempt({ model: "m.onnx", tokenizer: "t.json", maxLength: -1 }),
        await attempt({ model: "models/none.onnx", tokenizer: "models/tokenizer.json" }),
        await attempt({ model: new Uint8Array(64), tokenizer: "models/tokenizer.json" }),
      ];
    });
    const expected = [/needs a model/, /needs a tokenizer/, /needs a model/, /unknown backend "gpu"/, /maxLength must be/, /404/, /./];
    messages.forEach((message, i) => assert.match(message, expected[i]));
    assert.notEqual(messages[6], "loaded");
  });
});
