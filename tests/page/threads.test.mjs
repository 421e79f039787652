// Several threads: the same answers with any number of them, and what can go wrong.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SUITE_TIMEOUT, open, site } from "./visit.mjs";

const LONG = "the company said that profit rose in march because it sold more to its customers in the north ".repeat(4);
const PAIRS = [
  ["He left.", "He went away."],
  [LONG, `${LONG} and in the south`],
  ["", "Nothing was said before."],
];

/** How often one test runs a pair on threads. With 20,000 runs, the threads join a million times. */
const STRESS_RUNS = Number(process.env.BERT8_STRESS_RUNS ?? 300);

/** Opens an empty page in a folder of the site. `window.load(key, options)` loads one of the demo models. */
async function visit(folder = "/some/folder/") {
  const page = await open({ url: `${site.origin}${folder}blank.html` });
  await page.evaluate(() => {
    window.load = async (key, options) => {
      const { load } = await import("./bert8.js");
      return load({ model: `models/model.${key}.onnx`, tokenizer: "models/tokenizer.json", ...options });
    };
    window.messageOf = (promise) => promise.then(() => "no error", ({ name, message }) => `${name}: ${message}`);
  });
  return page;
}

/** Loads a model, classifies all pairs and disposes of it. */
const answers = (page, key, options) =>
  page.evaluate(
    async ([key, options, pairs]) => {
      const classifier = await window.load(key, options);
      const one = [];
      for (const [first, second] of pairs) one.push((await classifier.classify(first, second)).logits);
      const batch = (await classifier.classifyBatch(pairs)).map(({ logits }) => logits);
      classifier.dispose();
      return { threads: classifier.info.threads, one, batch };
    },
    [key, options, PAIRS],
  );

const isOneAnswer = ({ one, batch }) => one.length === PAIRS.length && [...one, ...batch].flat().every(Number.isFinite);

describe("threads", { timeout: 2 * SUITE_TIMEOUT }, () => {
  for (const backend of ["relaxed-simd", "simd128"]) {
    for (const key of ["int8", "fp32"]) {
      test(`${key}, ${backend}: any number of threads gives the same bits`, async () => {
        const page = await visit();
        const expected = await answers(page, key, { backend, threads: 1 });
        assert.deepEqual(expected.threads, { count: 1, reason: "asked for" });
        assert.ok(isOneAnswer(expected));
        for (const count of [2, 3, 64]) {
          const { threads, ...found } = await answers(page, key, { backend, threads: count });
          assert.deepEqual(threads, { count, reason: "asked for" });
          assert.deepEqual(found, { one: expected.one, batch: expected.batch }, `${count} threads`);
        }
        await page.context().close();
      });
    }
  }

  test("many runs on three threads answer the same", async () => {
    const page = await visit();
    const [one, many] = await page.evaluate(
      async ([[first, second], runs]) => {
        const classifier = await window.load("int8", { threads: 3 });
        const found = [await classifier.classify(first, second), await classifier.classify(first, second, { runs })];
        classifier.dispose();
        return found.map(({ logits }) => logits);
      },
      [PAIRS[0], STRESS_RUNS],
    );
    assert.deepEqual(many, one);
    await page.context().close();
  });

  test("auto depends on the number of cores", async () => {
    const page = await visit();
    const cores = await page.evaluate(() => navigator.hardwareConcurrency);
    const { threads } = await answers(page, "int8", {});
    const expected = cores > 1 ? { count: Math.min(4, Math.max(2, cores >> 1)), reason: null } : { count: 1, reason: "one core" };
    assert.deepEqual(threads, expected);
    await page.context().close();
  });

  test("a page that is not isolated runs on one thread", async () => {
    const page = await visit("/not-isolated/");
    const expected = await answers(await visit(), "int8", { threads: 1 });
    for (const options of [{}, { threads: 2 }]) {
      const { threads, ...found } = await answers(page, "int8", options);
      assert.deepEqual(threads, { count: 1, reason: "not cross-origin isolated" });
      assert.deepEqual(found, { one: expected.one, batch: expected.batch });
    }
    assert.ok(page.log.requests.every((url) => !url.endsWith("/pool-worker.js")));
    await page.context().close();
  });

  test("a build that makes its own memory runs on one thread", async () => {
    const page = await visit("/topics/");
    const threads = await page.evaluate(async () => (await window.load("int8")).info.threads);
    const cores = await page.evaluate(() => navigator.hardwareConcurrency);
    assert.deepEqual(threads, { count: 1, reason: cores > 1 ? "no shared memory" : "one core" });
    await page.context().close();
  });

  test("threads whose script does not load are left out", async () => {
    const page = await visit("/no-pool-worker/");
    const expected = await answers(page, "int8", { threads: 1 });
    const { one, batch } = await answers(page, "int8", { threads: 3 });
    assert.deepEqual({ one, batch }, { one: expected.one, batch: expected.batch });
    await page.context().close();
  });

  test("a thread that crashes in the middle of a product: the call rejects, and so do later ones without a restart; the next load works", async () => {
    const page = await visit("/trap-in-thread/");
    const messages = await page.evaluate(async (text) => {
      const options = { backend: "simd128", kernel: "simd128-i16", threads: 2, restart: false };
      let classifier;
      const run = async () => {
        classifier = await window.load("int8", options);
        await classifier.classify(text, text, { runs: 1000 });
      };
      const first = await window.messageOf(run());
      const later = classifier ? await window.messageOf(classifier.classify("a", "b")) : first;
      const next = await window.load("int8", { ...options, threads: 1 });
      const { logits } = await next.classify("He left.", "He went away.");
      return { first, later, logits: logits.length };
    }, LONG);
    assert.match(messages.first, /^Error: bert8 crashed while it (ran|loaded) .*\/model\.int8\.onnx \(unreachable\)/);
    assert.equal(messages.later, messages.first);
    assert.equal(messages.logits, 2);
    await page.context().close();
  });

  test("dispose() in the middle of a run ends all workers, and the next load works", async () => {
    const page = await visit();
    const message = await page.evaluate(async (text) => {
      const classifier = await window.load("int8", { threads: 3 });
      const answer = window.messageOf(classifier.classify(text, text, { runs: 1_000_000 }));
      await new Promise((resolve) => setTimeout(resolve, 300));
      classifier.dispose();
      return answer;
    }, LONG);
    assert.equal(message, "Error: this classifier has been disposed; load() a new one");
    // Chromium lets code run on for two seconds: that of the worker, then that of its threads.
    for (let tries = 0; page.workers().length > 0 && tries < 200; tries++) await page.waitForTimeout(50);
    assert.deepEqual(page.workers().map((worker) => worker.url()), []);
    assert.ok(isOneAnswer(await answers(page, "int8", { threads: 3 })));
    await page.context().close();
  });

  test("two classifiers at once have threads of their own", async () => {
    const page = await visit();
    const expected = await answers(page, "int8", { threads: 1 });
    const [first, second] = await Promise.all([answers(page, "int8", { threads: 2 }), answers(page, "int8", { threads: 3 })]);
    assert.deepEqual([first.threads.count, second.threads.count], [2, 3]);
    for (const { one, batch } of [first, second]) assert.deepEqual({ one, batch }, { one: expected.one, batch: expected.batch });
    await page.context().close();
  });

  test("a memory that cannot grow is a clear error", async () => {
    const page = await visit("/small-memory/");
    for (const key of ["int8", "fp32"]) {
      const message = await page.evaluate((key) => window.messageOf(window.load(key)), key);
      assert.equal(
        message,
        `Error: bert8 ran out of memory while it loaded ${site.origin}/small-memory/models/model.${key}.onnx, which this browser does not let grow further; close other tabs or load a smaller model`,
      );
    }
    await page.context().close();
  });

  test("256 MB of memory suffice for the demo models", async () => {
    const page = await visit("/phone-memory/");
    for (const key of ["int8", "fp32"]) {
      const memoryBytes = await page.evaluate(async ([key, text]) => {
        const classifier = await window.load(key, { threads: 4 });
        await classifier.classifyBatch(Array(64).fill([text, text]));
        const { memoryBytes } = classifier.info;
        classifier.dispose();
        return memoryBytes;
      }, [key, LONG.repeat(3)]);
      assert.ok(memoryBytes <= 256 * 2 ** 20, `${key}: ${memoryBytes}`);
    }
    await page.context().close();
  });

  test("invalid numbers of threads are a TypeError", async () => {
    const page = await visit();
    for (const threads of [0, 65, 1.5, -1, NaN, "2", "all", null]) {
      const message = await page.evaluate((threads) => window.messageOf(window.load("int8", { threads })), threads);
      assert.equal(message, `TypeError: threads must be "auto" or a whole number from 1 to 64, not ${threads}`);
    }
    await page.context().close();
  });
});
