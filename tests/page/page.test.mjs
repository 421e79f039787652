// The page: loading, comparing, keyboard, backends, sizes and colour schemes.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { TOLERANCE } from "./native.mjs";
import { OTHER, SAME, SUITE_TIMEOUT, answered, assertColumn, compare, loaded, numbers, open, part, said, site } from "./visit.mjs";

/** All notes on the page, if the only one may be that another program disturbed the times. */
const NOTE_ON_NOISE = /^(The times of INT8 and FP32 vary too much .*)?$/;

// One page with both models loaded, for the tests that do not break it.
const shared = await open();

describe("the page", { timeout: SUITE_TIMEOUT }, () => {
  test("loads both models, without an error and without leaving its origin", async () => {
    await loaded(shared, "int8", "fp32");
    assert.match(await part(shared, "int8", "facts").textContent(), /MB file · kernel .+ · (relaxed-simd|simd128) · loaded in/);
    assert.ok(await part(shared, "int8", "loading").isHidden());
    assert.deepEqual(shared.log.errors, []);
    assert.deepEqual(shared.log.foreign, []);
    const order = (name) => shared.log.responses.findIndex((response) => response.url().endsWith(name) && response.request().method() === "GET");
    assert.ok(order("model.int8.onnx") < order("model.fp32.onnx"), "INT8 comes first");
  });

  test("compares typed sentences in both columns", async () => {
    await loaded(shared, "int8", "fp32");
    await compare(shared, SAME);
    await assertColumn(shared, "int8");
    await assertColumn(shared, "fp32");
    const summary = await shared.locator("#summary").textContent();
    assert.match(summary, /INT8 is [\d.]+× as fast|The times are too noisy to compare/);
    assert.match(summary, /file is [\d.]+× smaller/);
    assert.match(summary, /The models (dis)?agree/);
    assert.match(await shared.locator("#notes").textContent(), NOTE_ON_NOISE);
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
    const focusedName = () => shared.evaluate(() => document.activeElement.id || document.activeElement.textContent);
    for (const name of ["compare", "swap", "Model card", "Source", "backend", "threads", "again", "copy", "data-choose", "data-examples"]) {
      await shared.keyboard.press("Tab");
      assert.equal(await focusedName(), name);
      assert.notEqual(await shared.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
    }
  });

  test("says when a sentence is empty", async () => {
    await loaded(shared, "int8", "fp32");
    await compare(shared, [SAME[0], ""]);
    await assertColumn(shared, "int8");
    assert.match(await shared.locator("#notes").textContent(), /^Sentence 2 is empty, so the answer means little\./);
    await compare(shared, [" ", "\n"]);
    assert.match(await shared.locator("#notes").textContent(), /^Both sentences are empty/);
  });

  test("truncates a pair of 10,000 words and says so", async () => {
    await loaded(shared, "int8", "fp32");
    await compare(shared, ["word ".repeat(10_000), SAME[1]]);
    await assertColumn(shared, "int8");
    const [length] = numbers(await shared.locator("#notes").textContent());
    assert.equal(length, await shared.evaluate(() => window.bert8.int8.info.maxLength));
    assert.equal(numbers(await part(shared, "int8", "tokens").textContent())[0], length);
  });

  test("answers with INT8 while FP32 is loading, then adds FP32", async () => {
    const page = await open({ query: "?int8=models/model.int8.onnx&fp32=/broken/held.onnx&tokenizer=models/tokenizer.json" });
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

  test("keeps the texts in the fragment, which no server sees, over a reload", async () => {
    const page = await open({ url: `${site.origin}/rte/` });
    await loaded(page, "int8");
    assert.equal(await page.evaluate(() => location.hash), "", "nothing is kept before the visitor writes");
    const texts = ["Is a & b = c? 100 % “sure” #1", "Zwölf\nBoxkämpfer"];
    await page.fill("#sentence1", texts[0]);
    await page.fill("#sentence2", texts[1]);
    await page.waitForFunction(() => decodeURIComponent(location.hash).includes("Zwölf"));
    await page.reload();
    await loaded(page, "int8");
    assert.deepEqual([await page.inputValue("#sentence1"), await page.inputValue("#sentence2")], texts);
    assert.deepEqual(page.log.requests.filter((url) => /sure|Zw/.test(decodeURIComponent(url))), []);
    await page.fill("#sentence1", "word ".repeat(4000));
    await page.waitForFunction(() => location.hash === "");
    assert.deepEqual(page.log.errors, []);
    await page.context().close();
  });

  test("a megabyte of text is cut before it stops the page, and the page says so", async () => {
    const page = await open({ url: `${site.origin}/rte/` });
    await loaded(page, "int8");
    const length = await page.evaluate(() => {
      const box = document.getElementById("sentence1");
      box.focus();
      box.select();
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", "lorem ipsum ".repeat(100_000));
      box.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
      return box.value.length;
    });
    assert.equal(length, 50_000);
    assert.match(await page.locator("#cut").textContent(), /^The text was longer than 50,000 characters/);
    await page.fill("#sentence1", "💥".repeat(600_000));
    assert.equal(await page.evaluate(() => document.getElementById("sentence1").value.length), 50_000);
    await page.fill("#sentence1", "short");
    assert.equal(await page.locator("#cut").textContent(), "");
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
    assert.equal((await compared).int8.labelId, earlier[0].labelId, "answers despite the change");
    const later = await page.evaluate(ask, SAME);
    ["int8", "fp32"].forEach((key, model) => {
      assert.equal(earlier[model].labelId, later[model].labelId);
      earlier[model].logits.forEach((logit, label) => {
        const difference = Math.abs(logit - later[model].logits[label]);
        assert.ok(difference <= TOLERANCE[key], `${key}: logit ${label} differs by ${difference}`);
      });
    });
    assert.match(await part(page, "int8", "facts").textContent(), /simd128/);
    assert.deepEqual(page.log.errors, []);
    await page.context().close();
  });

  test("on a phone, the first answer comes into view", async () => {
    const page = await open({ viewport: { width: 390, height: 700 }, reducedMotion: "reduce", url: `${site.origin}/rte/` });
    await loaded(page, "int8", "fp32");
    await page.fill("#sentence1", SAME[0]);
    const isInView = () => part(page, "int8", "verdict").evaluate((verdict) => {
      const { top, bottom, height } = verdict.getBoundingClientRect();
      return height > 0 && top >= 0 && bottom <= innerHeight;
    });
    await page.locator("#compare").scrollIntoViewIfNeeded();
    assert.ok(!(await isInView()));
    await page.click("#compare");
    await answered(page);
    assert.ok(await isInView());
    await page.evaluate(() => scrollTo(0, 0));
    await page.selectOption("#backend", "simd128");
    await page.waitForFunction(() => window.bert8.fp32.info.backend === "simd128");
    await answered(page);
    assert.equal(await page.evaluate(() => scrollY), 0, "only if the visitor asks");
    await page.context().close();
  });

  test("on a desktop, whole answers come into view, and the sentences stay", async () => {
    const page = await open({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
    await loaded(page, "int8", "fp32");
    await compare(page, SAME);
    const edges = (selector) => page.locator(selector).evaluate((element) => element.getBoundingClientRect().toJSON());
    const [cards, button] = [await edges("#cards"), await edges("#compare")];
    assert.ok(cards.top >= 0 && cards.bottom <= 800, JSON.stringify(cards));
    assert.ok(button.top >= 0, JSON.stringify(button));
    await page.context().close();
  });

  test("boxes have edges, which forced colours show", async () => {
    const edge = (page, selector) => page.locator(selector).first().evaluate((box) => {
      const { borderTopWidth, borderTopStyle } = getComputedStyle(box);
      return `${borderTopWidth} ${borderTopStyle}`;
    });
    const page = await open({ forcedColors: "active", url: `${site.origin}/duplicates/` });
    await loaded(page, "int8", "fp32");
    await compare(page, ["", ""]);
    for (const box of [".panel", ".note", ".figure"]) assert.equal(await edge(page, box), "1px solid", box);
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
