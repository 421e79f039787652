// The built site in Firefox and WebKit: the API gives the answers of the native command, and the page compares.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";
import { ENGINES, open } from "../../tools/web/engines.mjs";
import { skipUnless } from "../../tools/web/skip.mjs";
import { PAIRS, assertAgrees, expectedAnswers, skipWithoutCli } from "./native.mjs";
import { GOLDEN_JOB } from "./quantizing.mjs";
import { startSite } from "./site.mjs";

/** Milliseconds for a browser to start and answer. */
const BROWSER_TIMEOUT = 400_000;
const TIMEOUT = BROWSER_TIMEOUT + 20_000;

/** How often visiting-engine.js runs a pair on threads. With 20,000 runs, the threads join a million times. */
const STRESS_RUNS = Number(process.env.BERT8_STRESS_RUNS ?? 300);

/** What visiting-engine.js reports from a browser. */
async function ask(engine) {
  let tell;
  const told = new Promise((resolve) => (tell = resolve));
  const site = await startSite({ onPost: tell });
  const { files, texts, job } = GOLDEN_JOB;
  const toQuantize = { files: Object.keys(files), texts, job };
  const given = encodeURIComponent(JSON.stringify({ pairs: PAIRS, stressRuns: STRESS_RUNS, toQuantize }));
  const browser = open(engine, `${site.url}engine.html#${given}`, BROWSER_TIMEOUT);
  try {
    return await Promise.race([told, browser.ended]);
  } finally {
    browser.stop();
    site.close();
  }
}

// The run with additional arguments for Chromium would only repeat these tests.
const skip = EXTRA_ARGS.length > 0 ? "BERT8_CHROMIUM_ARGS is for Chromium only" : skipWithoutCli();

describe("the site in other engines", { skip, timeout: 2 * TIMEOUT }, () => {
  let expected;

  before(() => {
    expected = expectedAnswers();
  });

  for (const engine of ENGINES) {
    // Optional in CI too: not every system has packages of these browsers.
    const missing = !skip && skipUnless(engine.command, `page tests in ${engine.name}: it is not installed`, { optional: true });
    test(engine.name, { skip: missing, timeout: TIMEOUT }, async () => {
      const said = await ask(engine);
      assert.equal(said.error, undefined);
      const { found, isolated } = said.api;
      assert.deepEqual(found.map(({ key, info }) => `${key} ${info.precision}`), Array(3).fill(["int8 int8", "fp32 fp32"]).flat());
      for (const { key, answers } of found) assertAgrees(key, answers, expected);
      const kernels = found.filter(({ key }) => key === "int8").map(({ info }) => info.kernel);
      assert.match(kernels[0], /^(relaxed-dot-[us]8|relaxed-pairs|simd128-i16)$/);
      assert.equal(kernels[2], "simd128-i16");
      const several = isolated ? { count: 3, reason: "asked for" } : { count: 1, reason: "not cross-origin isolated" };
      const one = { count: 1, reason: "asked for" };
      assert.deepEqual(found.map(({ info }) => info.threads), [one, one, several, several, one, one]);
      const logits = found.map(({ answers }) => answers.map(({ logits }) => logits));
      assert.deepEqual(logits.slice(2, 4), logits.slice(0, 2), "any number of threads gives the same bits");
      assert.deepEqual(said.stress[1], said.stress[0], "many runs on threads answer the same");
      assert.ok(said.selfTest.ok, JSON.stringify(said.selfTest));
      assert.equal(said.quantized, GOLDEN_JOB.integrity, "quantizing writes the bytes that it writes everywhere");
      assert.match(said.page.summary, /INT8 is [\d.]+× as fast|The times are too noisy to compare/);
      assert.match(said.page.data.text, /pairs\.tsv 2 pairs[^]*The models agree on [\d.]+\s%[^]*Accuracy/);
      assert.deepEqual([said.page.data.plots, said.page.data.rows], [3, 2]);
      assert.deepEqual(said.page.errors, []);
    });
  }
});
