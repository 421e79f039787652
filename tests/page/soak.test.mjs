// A page that classifies again and again, and loads and disposes again and again, keeps the memory that it has early on, and its
// answers.
//
// ./build.sh soak runs long. BERT8_SOAK_CALLS is the number of classifications, BERT8_SOAK_LOADS that of loads.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";
import { skipUnless } from "../../tools/web/skip.mjs";
import { SUITE_TIMEOUT, open, site } from "./visit.mjs";

const CALLS = Number(process.env.BERT8_SOAK_CALLS ?? 2000);
const LOADS = Number(process.env.BERT8_SOAK_LOADS ?? 20);

/** How often the memory is read in the course of a test. */
const SAMPLES = 20;

/**
 * By how much the memory may be larger at the end: a share, and megabytes. Garbage is not collected at once, and engines keep some
 * memory that they do not use.
 */
const SHARE = 0.05;
const MARGIN = 16;

const TEXT = "the company said that profit rose in march because it sold more to its customers in the north ";
const PAIRS = [
  ["He left.", "He went away."],
  ["The museum opens at nine in the morning.", "The museum opens at 9 a.m."],
  ["", "Nothing was said before."],
  ["東京 Zürich 12,345.67", "a b c d e f g h i j k l m n o p q r s t u v w x y z"],
  [TEXT, "Profit rose in March."],
  [TEXT.repeat(2), TEXT],
];

/** Opens an empty page of the site. `window.bert8` has `load()`, which loads the INT8 demo model, and the pairs. */
async function visit() {
  const page = await open({ url: `${site.origin}/some/folder/blank.html` });
  await page.evaluate(async (pairs) => {
    const { load } = await import("./bert8.js");
    window.bert8 = { pairs, load: () => load({ model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json" }) };
  }, PAIRS);
  return page;
}

/**
 * Watches the processes of a page: `memory()` resolves to their memory in megabytes, files apart, `workers()` to the number of their
 * workers that run. Playwright may list workers that have ended.
 */
async function watch(page) {
  const session = await page.context().browser().newBrowserCDPSession();
  const renderers = async () => {
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => `/proc/${id}`);
  };
  const memory = async () => {
    const kilobytes = (await renderers()).flatMap((process) => {
      const status = readFileSync(`${process}/status`, "utf8");
      return [...status.matchAll(/^Rss(?:Anon|Shmem):\s*(\d+) kB$/gm)].map(([, number]) => Number(number));
    });
    return kilobytes.reduce((sum, number) => sum + number, 0) / 1024;
  };
  const isWorker = (thread) => {
    try {
      return readFileSync(`${thread}/comm`, "utf8").startsWith("DedicatedWorker");
    } catch {
      return false; // it has ended
    }
  };
  const workers = async () => {
    const threads = (await renderers()).flatMap((process) => readdirSync(`${process}/task`).map((id) => `${process}/task/${id}`));
    return threads.filter(isWorker).length;
  };
  return { memory, workers };
}

/**
 * Does `total` things, which `work(count)` does `count` of, and reads the memory now and then. Fails if there is more of it at the end
 * than early on. The smallest of several samples counts, because browsers free the memory of a worker some time after its end.
 */
async function assertFlat(what, total, memory, work) {
  const samples = [];
  const say = (done) => console.error(`${String(done).padStart(7)} ${what}: ${samples.at(-1).toFixed(1)} MB`);
  for (let part = 0, done = 0; part < SAMPLES; part++) {
    const until = Math.round((total * (part + 1)) / SAMPLES);
    await work(until - done);
    done = until;
    samples.push(await memory());
    if (part % 2 === 1 || part === 0) say(done);
  }
  // The first tenth is for compilers, caches and pools.
  const early = Math.min(...samples.slice(2, 8));
  const late = Math.min(...samples.slice(-6));
  assert.ok(late <= early * (1 + SHARE) + MARGIN, `${what}: ${early.toFixed(1)} MB early on, ${late.toFixed(1)} MB at the end: ${samples}`);
}

// The run with additional arguments for Chromium would only repeat these tests.
const skip = EXTRA_ARGS.length > 0 ? "BERT8_CHROMIUM_ARGS is set" : skipUnless(existsSync("/proc/self/status"), "memory is read from /proc, which is not here");

describe("a long visit", { skip, timeout: SUITE_TIMEOUT + CALLS * 100 + LOADS * 10_000 }, () => {
  test(`${CALLS} classifications: the same memory and the same answers`, async () => {
    const page = await visit();
    await page.evaluate(async () => {
      window.bert8.classifier = await window.bert8.load();
      window.bert8.answer = async (at) => (await window.bert8.classifier.classify(...window.bert8.pairs[at])).logits.join();
      window.bert8.expected = await Promise.all(window.bert8.pairs.map((_, at) => window.bert8.answer(at)));
    });
    const { memory } = await watch(page);
    await assertFlat("classifications", CALLS, memory, async (count) => {
      const different = await page.evaluate(async (count) => {
        let different = 0;
        for (let call = 0; call < count; call++) {
          const at = call % window.bert8.pairs.length;
          if ((await window.bert8.answer(at)) !== window.bert8.expected[at]) different++;
        }
        return different;
      }, count);
      assert.equal(different, 0, "every answer is as it was at first");
    });
    await page.context().close();
  });

  test(`${LOADS} times loaded and disposed of: the same memory, and no worker is left`, async () => {
    const page = await visit();
    const { memory, workers } = await watch(page);
    await assertFlat("loads", LOADS, memory, async (count) => {
      await page.evaluate(async (count) => {
        for (let load = 0; load < count; load++) {
          const classifier = await window.bert8.load();
          await classifier.classify(...window.bert8.pairs[0]);
          classifier.dispose();
        }
      }, count);
      for (let tries = 0; (await workers()) > 0 && tries < 2000; tries++) await page.waitForTimeout(50);
      assert.equal(await workers(), 0);
    });
    await page.context().close();
  });
});
