// What the page shows if files are missing or broken, settings are invalid, or WebAssembly fails.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { skipUnless } from "../../tools/web/skip.mjs";
import { SAME, SUITE_TIMEOUT, alertOf, answered, assertColumn, card, compare, loaded, open, part, site } from "./visit.mjs";

const skipWithoutForeignFile = () =>
  skipUnless(process.env.BERT8_FOREIGN_INT8, "the test of an INT8 file that bert8 did not make: BERT8_FOREIGN_INT8 does not name one");

/** The address of the demo's files, but for those given. */
const files = (given) =>
  `?${new URLSearchParams({ int8: "models/model.int8.onnx", fp32: "models/model.fp32.onnx", tokenizer: "models/tokenizer.json", ...given })}`;

const crash = (folder, doing) => `bert8 crashed while it ${doing} ${site.origin}/${folder}/models/model.int8.onnx (unreachable)`;

describe("failures", { timeout: SUITE_TIMEOUT }, () => {
  const cases = [
    ["404.onnx", "a missing file", "the server answered 404 Not Found; is the file there?"],
    ["page.onnx", "a web page instead of the model", "the server sent a web page instead of the model; is the address right?"],
    [
      "short.onnx",
      "a download that ends early",
      "the download failed or was cut off (network error); check the connection and try again.",
    ],
    ["huge.onnx", "a file larger than WebAssembly's memory", "5000000000 bytes are more than WebAssembly can hold."],
  ];
  for (const [file, what, reason] of cases) {
    test(`${what}: the alert says so, and FP32 still answers`, async () => {
      const page = await open({ query: files({ int8: `/broken/${file}` }) });
      assert.deepEqual(await alertOf(page, "int8"), {
        title: "INT8 could not be loaded",
        reason: `${site.origin}/broken/${file}: ${reason}`,
      });
      await loaded(page, "fp32");
      await compare(page, SAME);
      await assertColumn(page, "fp32");
      await card(page, "int8").getByRole("button", { name: "Retry INT8" }).waitFor();
      assert.equal(await card(page, "fp32").getByRole("button").count(), 0);
      await page.context().close();
    });
  }

  test("FP32 missing: INT8 answers, and bert8.compare rejects with the reason", async () => {
    const page = await open({ query: files({ fp32: "/broken/404.onnx" }) });
    const reason = `${site.origin}/broken/404.onnx: the server answered 404 Not Found; is the file there?`;
    assert.deepEqual(await alertOf(page, "fp32"), { title: "FP32 could not be loaded", reason });
    await compare(page, SAME);
    await assertColumn(page, "int8");
    assert.equal(await page.evaluate(() => window.bert8.compare("a", "b").catch((error) => error.message)), reason);
    await page.context().close();
  });

  test("a broken tokenizer: neither model loads, and the page stays usable", async () => {
    const page = await open({ query: files({ tokenizer: "/broken/page.onnx" }) });
    const reason = `${site.origin}/broken/page.onnx: the server sent a web page instead of the tokenizer; is the address right?`;
    assert.deepEqual(await alertOf(page, "int8"), { title: "INT8 could not be loaded", reason });
    assert.deepEqual(await alertOf(page, "fp32"), { title: "FP32 could not be loaded", reason });
    assert.ok(await page.locator("#compare").isDisabled());
    await page.context().close();
  });

  test("a model that is not the listed one is refused, and the page says what to do", async () => {
    const page = await open({ url: `${site.url}blank.html` });
    await page.route("**/models.json", async (route) => {
      const response = await route.fetch();
      const [demo] = await response.json();
      demo.files[demo.int8].integrity = demo.files[demo.fp32].integrity;
      demo.files[demo.fp32].size = 10;
      await route.fulfill({ response, json: [demo] });
    });
    await page.goto(site.url);
    for (const [key, difference] of [["int8", /its hash is \S+, but \S+ is expected/], ["fp32", /it has \d+ bytes, but 10 are expected/]]) {
      const { reason } = await alertOf(page, key);
      assert.ok(reason.startsWith(`${site.url}models/model.${key}.onnx: the file is not the expected one: `), reason);
      assert.match(reason, difference);
      assert.match(await part(page, key, "advice").textContent(), /^models\/models\.json lists another file\. Reload the page; /);
    }
    await page.context().close();
  });

  test("retry loads a model that failed once", async () => {
    const page = await open({ query: files({ int8: "/broken/once.onnx" }) });
    assert.deepEqual(await alertOf(page, "int8"), {
      title: "INT8 could not be loaded",
      reason: `${site.origin}/broken/once.onnx: the server answered 503 Service Unavailable; try again later.`,
    });
    await card(page, "int8").getByRole("button", { name: "Retry INT8" }).press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.closest("[data-model]")?.dataset.model), "int8", "focus stays");
    await loaded(page, "int8", "fp32");
    assert.equal(await card(page, "int8").getByRole("alert").textContent(), "");
    await compare(page, SAME);
    await assertColumn(page, "int8");
    await page.context().close();
  });

  test("invalid settings in the address are reported and ignored", async () => {
    const page = await open({ query: "?backend=turbo&int8=https://example.com/model.onnx" });
    assert.deepEqual(await page.locator("#problems .line").allTextContents(), [
      "“int8” in this page's address is not a file on this site, and the page reads no others. Download the file and drop it on the page.",
      "The backend “turbo” in this page's address is unknown, so the fastest supported backend is used instead.",
    ]);
    await loaded(page, "int8");
    assert.deepEqual(page.log.foreign, []);
    await page.context().close();
  });

  test("a tokenizer without a model in the address is reported", async () => {
    const page = await open({ query: "?tokenizer=models/tokenizer.json" });
    assert.equal(
      await page.locator("#problems").textContent(),
      "“tokenizer” in this page's address belongs to no model: name it by “int8” or “fp32”.",
    );
    await loaded(page, "int8");
    await page.context().close();
  });

  test("another backend that cannot be loaded leaves both models, their answers and the choice", async () => {
    const page = await open({ query: "?backend=relaxed-simd" });
    await loaded(page, "int8", "fp32");
    await compare(page, SAME);
    await page.context().setOffline(true);
    await page.selectOption("#backend", "simd128");
    await page.locator("#problems .alert").waitFor();
    assert.match(await page.locator("#problems").textContent(), /^The models stay as they are, because they could not be loaded again: /);
    assert.equal(await page.inputValue("#backend"), "relaxed-simd");
    await compare(page, SAME);
    await assertColumn(page, "int8");
    await assertColumn(page, "fp32");
    assert.deepEqual(await page.evaluate(() => ["int8", "fp32"].map((key) => window.bert8[key].info.backend)), ["relaxed-simd", "relaxed-simd"]);
    await page.context().setOffline(false);
    await page.selectOption("#backend", "simd128");
    await page.waitForFunction(() => ["int8", "fp32"].every((key) => window.bert8[key].info.backend === "simd128"));
    await answered(page);
    assert.equal(await page.locator("#problems").textContent(), "");
    await page.context().close();
  });

  test("an INT8 file from elsewhere runs, with a note", { skip: skipWithoutForeignFile() }, async () => {
    const page = await open({ query: files({ int8: "/broken/foreign.onnx" }) });
    await loaded(page, "int8", "fp32");
    await compare(page, SAME);
    await assertColumn(page, "int8");
    assert.match(
      await page.locator("#notes").textContent(), // perhaps after a note that the times are too noisy
      /bert8 does not recognize the structure of the INT8 file, so it runs without the fast kernels\.$/,
    );
    await page.context().close();
  });

  test("a crash while classifying: the page shows it, and every later call rejects", async () => {
    const CRASH = `${crash("trap-in-classify", "ran")}; load the model again`;
    const page = await open({ url: `${site.origin}/trap-in-classify/` });
    await loaded(page, "int8");
    const messages = await page.evaluate(async () => {
      const { int8 } = window.bert8;
      const attempt = () => int8.classify("a", "b").catch((error) => error.message);
      return [await attempt(), await attempt()];
    });
    assert.deepEqual(messages, [CRASH, CRASH]);
    await compare(page, SAME);
    assert.deepEqual(await alertOf(page, "int8"), { title: "INT8 stopped working", reason: `${CRASH}.` });
    await page.context().close();
  });

  test("a crash while loading is shown", async () => {
    const page = await open({ url: `${site.origin}/trap-in-load/` });
    assert.deepEqual(await alertOf(page, "int8"), { title: "INT8 could not be loaded", reason: `${crash("trap-in-load", "loaded")}.` });
    await page.context().close();
  });

  test("without relaxed SIMD, SIMD128 is used, and the page says why", async () => {
    const page = await open({ prepare: hideRelaxedSimd, query: "?backend=relaxed-simd" });
    assert.equal(
      await page.locator("#problems").textContent(),
      "The backend “relaxed-simd” in this page's address is not supported by this browser, so the fastest supported backend is used instead.",
    );
    const option = page.locator("#backend option[value=relaxed-simd]");
    assert.ok(await option.isDisabled());
    assert.match(await option.textContent(), /not in this browser/);
    await loaded(page, "int8");
    assert.equal(await page.evaluate(() => window.bert8.int8.info.backend), "simd128");
    const failure = await page.evaluate(() =>
      window.bert8.load({ model: "m", tokenizer: "t", backend: "relaxed-simd" }).catch((error) => error.message));
    assert.equal(failure, 'this browser has no WebAssembly relaxed SIMD: use backend "auto" or "simd128"');
    await page.context().close();
  });

  test("without any SIMD, the page says what to do", async () => {
    const page = await open({ prepare: () => (WebAssembly.validate = () => false) });
    const reason = "This browser has no WebAssembly SIMD, which bert8 needs: use a current Chrome, Edge, Firefox or Safari.";
    assert.deepEqual(await alertOf(page, "int8"), { title: "INT8 could not be loaded", reason });
    await page.context().close();
  });
});

function hideRelaxedSimd() {
  const validate = WebAssembly.validate;
  const isDot = (bytes) => bytes.some((byte, i) => byte === 0xfd && bytes[i + 1] === 0x93 && bytes[i + 2] === 0x02);
  WebAssembly.validate = (bytes) => !isDot(bytes) && validate.call(WebAssembly, bytes);
}
