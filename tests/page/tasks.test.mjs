// The page with models for other tasks than its own: one text or two, one label or several, a score.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  SAME, SUITE_TIMEOUT, bars, card, classify, compare, fitsNarrow, loaded, open, part, photograph, said, site, verdict, visible,
} from "./visit.mjs";

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
    assert.deepEqual(await bars(page, "int8"), ["joy 88.1 %", "love 73.1 %", "surprise 62.2 %", "neutral 26.9 %", "sadness 11.9 %"]);
    assert.equal(await card(page, "int8").locator(".applies").count(), 3);
    assert.equal(await part(page, "int8", "bars-hint").innerText(), "The 5 most probable of 7 labels. A label applies from 50.0\u00a0% on.");
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
