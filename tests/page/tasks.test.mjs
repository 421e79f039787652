// The page with models for other tasks than its own: one text or two, one label or several, a score.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { DIST } from "../../tools/web/built.mjs";
import {
  SAME, SUITE_TIMEOUT, answered, bars, card, classify, compare, fitsNarrow, loaded, open, part, photograph, said, site, verdict, visible,
} from "./visit.mjs";

/** The first example of the demo. */
const DEMO = readFileSync(join(DIST, "models/examples.tsv"), "utf8").split("\n")[1].split("\t").slice(1, 3);

async function visit(task) {
  const page = await open({ url: `${site.origin}/${task}/` });
  await loaded(page, "int8", "fp32");
  return page;
}

/** Nothing on the page is about sentence pairs, and everything fits a narrow screen. */
async function assertNeutral(page) {
  assert.doesNotMatch(await visible(page), /same meaning|sentence/i);
  assert.ok(await page.locator("#example").isHidden());
  assert.ok(await fitsNarrow(page));
  assert.deepEqual(page.log.errors, []);
}

describe("other tasks", { timeout: SUITE_TIMEOUT }, () => {
  test("one text with several labels: one box, the five most probable labels, those that apply in the verdict", async () => {
    const page = await visit("tags");
    assert.equal(await page.locator("#pair-title").textContent(), "One text");
    assert.equal(await page.inputValue("#sentence1"), "", "no example of two sentences");
    for (const id of ["sentence2", "swap"]) assert.ok(await page.locator(`#${id}`).isHidden(), id);
    assert.equal(await page.getByLabel("Text", { exact: true }).count(), 1);
    await classify(page, "What a day!");
    assert.equal(await verdict(page, "int8"), "INT8: joy, love, surprise");
    const probable = ["joy 88.1 %", "love 73.1 %", "surprise 62.2 %", "neutral 26.9 %", "sadness 11.9 %"];
    assert.deepEqual(await bars(page, "int8"), probable, "the five most probable labels");
    await card(page, "int8").getByText("The other 2 of 7 labels").click();
    assert.deepEqual(await bars(page, "int8"), [...probable, "fear 4.7 %", "anger 1.8 %"], "every label");
    assert.equal(await card(page, "int8").locator(".applies").count(), 3);
    assert.equal(await part(page, "int8", "bars-hint").innerText(), "A label applies from 50.0\u00a0% on.");
    assert.match(await page.locator("#summary").textContent(), /The models agree/);
    await assertNeutral(page);
    await photograph(page, "tags");
    await page.fill("#sentence1", "What a night!");
    assert.equal(await said(page), "The text has changed since these answers. Classify again to update them.");
    await classify(page, " ");
    assert.equal(await page.locator("#notes").textContent(), "The text is empty, so the answer means little.");
    await page.context().close();
  });

  test("one label with a threshold is a decision", async () => {
    const page = await visit("decision");
    await classify(page, "You are a fool.");
    assert.equal(await verdict(page, "int8"), "INT8: toxic: no");
    assert.equal(await verdict(page, "fp32"), "FP32: toxic: yes");
    assert.deepEqual(await bars(page, "fp32"), ["Probability of toxic 88.1 %"]);
    assert.equal(await part(page, "fp32", "bars-hint").innerText(), "The answer is yes from 80.0\u00a0% on.");
    assert.match(await page.locator("#summary").textContent(), /The models disagree/);
    await assertNeutral(page);
    await page.context().close();
  });

  test("two labels are no paraphrases: the words and both bars are those of the model's labels", async () => {
    const page = await visit("rte");
    assert.equal(await page.inputValue("#sentence1"), "", "no example of the demo");
    await compare(page, SAME);
    for (const key of ["int8", "fp32"]) {
      assert.equal(await verdict(page, key), `${key.toUpperCase()}: not_entailment`);
      assert.deepEqual(await bars(page, key), ["not_entailment 73.1 %", "entailment 26.9 %"]);
    }
    assert.equal(await page.locator("#answer-key").textContent(), "");
    await assertNeutral(page);
    await page.context().close();
  });

  test("a model of duplicates in the other order tells the same meaning, and has no examples and no key of the demo", async () => {
    const page = await visit("duplicates");
    await compare(page, SAME);
    assert.equal(await verdict(page, "int8"), "INT8: Same meaning: yes");
    assert.deepEqual(await bars(page, "int8"), ["duplicate 88.1 %", "different question 11.9 %"]);
    assert.ok(await page.locator("#example").isHidden());
    await page.fill("#sentence1", DEMO[0]);
    await page.fill("#sentence2", DEMO[1]);
    await page.click("#compare");
    await answered(page);
    assert.equal(await page.locator("#answer-key").textContent(), "");
    await page.context().close();
  });

  test("a label set of 77 shows five bars, and all on request", async () => {
    const page = await visit("many");
    await classify(page, "Where is my card?");
    assert.equal((await bars(page, "int8")).length, 5);
    await card(page, "int8").getByText("The other 72 of 77 labels").press("Enter");
    assert.equal((await bars(page, "int8")).length, 77);
    await assertNeutral(page);
    await page.context().close();
  });

  test("models with different labels are no pair: both answer, and nothing is compared", async () => {
    const page = await open({ url: `${site.origin}/rte/`, query: "?int8=models/a.int8.onnx&fp32=models/other.onnx" });
    await loaded(page, "int8", "fp32");
    await compare(page, SAME);
    assert.equal(await verdict(page, "int8"), "INT8: not_entailment");
    assert.equal(await verdict(page, "fp32"), "FP32: yes");
    assert.equal(await page.locator("#summary").textContent(), "");
    assert.equal(
      await page.locator("#notes").textContent(),
      "These two models are no pair, so nothing is compared. Their labels differ: entailment, not_entailment against no, yes.",
    );
    await photograph(page, "no-pair");
    await page.context().close();
  });

  test("cards are titled by what the files are, and show their names", async () => {
    const title = (page, key) => Promise.all(["name", "tag"].map((name) => part(page, key, name).textContent()));
    const url = `${site.origin}/rte/`;
    const alone = await open({ url, query: "?int8=models/x.int8.onnx" });
    await loaded(alone, "int8");
    assert.deepEqual(await title(alone, "int8"), ["INT8", "8-bit integers · x.int8.onnx"]);
    assert.ok(await card(alone, "fp32").isHidden());
    assert.deepEqual(alone.log.requests.filter((request) => request.includes("fp32")), [], "no FP32");
    await compare(alone, SAME);
    assert.equal(await verdict(alone, "int8"), "INT8: not_entailment");
    assert.equal(await alone.locator("#notes").textContent(), "");
    await alone.context().close();

    const misnamed = await open({ url, query: "?int8=models/float.onnx" });
    await loaded(misnamed, "fp32");
    assert.deepEqual(await title(misnamed, "fp32"), ["FP32", "32-bit floating point · float.onnx"]);
    assert.ok(await card(misnamed, "int8").isHidden());
    await misnamed.context().close();

    const twice = await open({ url, query: "?int8=models/a.int8.onnx&fp32=models/b.int8.onnx" });
    await loaded(twice, "int8", "fp32");
    assert.deepEqual(await title(twice, "fp32"), ["INT8", "8-bit integers · b.int8.onnx"]);
    await compare(twice, SAME);
    assert.equal(await verdict(twice, "fp32"), "INT8 (b.int8.onnx): not_entailment");
    assert.match(await twice.locator("#summary").textContent(), /^INT8 \(a\.int8\.onnx\) is |^The times are too noisy/);
    await twice.context().close();
  });

  test("a model that does not say how many texts it reads takes one or two", async () => {
    const page = await visit("topics");
    assert.equal(await page.getByLabel("Text 2 (optional)").count(), 1);
    await classify(page, "It will rain.");
    assert.equal(await verdict(page, "int8"), "INT8: sports");
    assert.deepEqual(await bars(page, "int8"), ["sports 66.5 %", "weather 24.5 %", "politics 9.0 %"]);
    assert.equal(await page.locator("#notes").textContent(), "");
    await compare(page, SAME);
    assert.equal(await verdict(page, "int8"), "INT8: sports");
    await assertNeutral(page);
    await photograph(page, "topics");
    await page.context().close();
  });

  test("a regression model's answer is a score on a scale, not a probability", async () => {
    const page = await visit("score");
    await compare(page, SAME);
    assert.equal(await verdict(page, "int8"), "INT8: Score -1.250");
    assert.equal(await verdict(page, "fp32"), "FP32: Score -1.000");
    for (const [key, now] of [["int8", "-1.25"], ["fp32", "-1"]]) {
      assert.ok(await part(page, key, "infer").isVisible());
      assert.deepEqual(await bars(page, key), []);
      const scale = card(page, key).getByRole("meter", { name: "Score" });
      const values = await Promise.all(["min", "max", "now"].map((name) => scale.getAttribute(`aria-value${name}`)));
      assert.deepEqual(values, ["-2", "0", now]);
    }
    assert.match(await page.locator("#summary").textContent(), /The scores are 0\.250 apart/);
    assert.equal(await page.locator("#answer-key").textContent(), "");
    await assertNeutral(page);
    await photograph(page, "score");
    await page.context().close();
  });
});
