// `window.bert8`, the API in the browser's console and in other pages.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OTHER, SAME, SUITE_TIMEOUT, loaded, open, site } from "./visit.mjs";

// One page with both models loaded, for the tests that do not break it.
const shared = await open();

function assertAnswer(answer) {
  assert.equal(answer.problem, "single-label");
  assert.equal(typeof answer.label, "string");
  assert.deepEqual([answer.labels, answer.score], [[], null]);
  assert.ok(answer.labelId === 0 || answer.labelId === 1);
  assert.equal(answer.logits.length, 2);
  assert.ok(Math.abs(answer.probabilities.reduce((sum, p) => sum + p) - 1) < 1e-4);
  assert.ok(Number.isInteger(answer.tokens) && answer.tokens > 2);
  assert.equal(answer.truncated, false);
  for (const value of [...answer.logits, answer.timing.tokenizeMs, answer.timing.inferMs]) assert.ok(Number.isFinite(value));
  assert.ok(answer.timing.runs >= 1);
}

describe("window.bert8", { timeout: SUITE_TIMEOUT }, () => {
  test("describes the page's models", async () => {
    await loaded(shared, "int8", "fp32");
    const infos = await shared.evaluate(() => [window.bert8.int8.info, window.bert8.fp32.info]);
    assert.deepEqual(infos.map(({ precision }) => precision), ["int8", "fp32"]);
    for (const info of infos) {
      assert.match(info.backend, /^(relaxed-simd|simd128)$/);
      assert.equal(info.labels.length, 2);
      assert.deepEqual([info.problem, info.threshold], ["single-label", null]);
      for (const name of ["modelBytes", "memoryBytes", "layers", "hidden", "maxLength", "loadMs"]) assert.ok(info[name] > 0, name);
    }
    assert.ok(infos[0].modelBytes < infos[1].modelBytes);
  });

  test("compare returns the answers of both models and the speed-up", async () => {
    await loaded(shared, "int8", "fp32");
    const result = await shared.evaluate(([a, b]) => window.bert8.compare(a, b), SAME);
    assert.deepEqual(Object.keys(result).sort(), ["fp32", "int8", "speedup"]);
    assertAnswer(result.int8);
    assertAnswer(result.fp32);
    assert.ok(Number.isFinite(result.speedup) && result.speedup > 0);
  });

  test("load copies the given bytes; batches report progress and can be aborted; calls after dispose reject", async () => {
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
      await attempt(classifier.classify());
      await attempt(classifier.classify("a", null));
      await attempt(classifier.classify(["a", "b"], "c"));
      await attempt(classifier.classifyBatch("a"));
      await attempt(classifier.classifyBatch([["a", "b"], "c", ["d"]]));
      await attempt(classifier.classify("a", "b", { runs: 0 }));
      await attempt(classifier.rerank("a"));
      await attempt(classifier.rerank(["a"], ["b"]));
      await attempt(classifier.rerank("a", ["b", 7]));
      await attempt(classifier.rerank("a", ["b"]));
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
      // The pooler adds its FP32 products in another order if there are several rows.
      alone.logits.forEach((logit, i) => assert.ok(Math.abs(logit - outcome.batch[0].logits[i]) <= 1e-6));
    }
    assert.deepEqual(outcome.steps, [{ done: 3, total: 3 }]);
    assert.equal(outcome.stopped, "AbortError");
    assert.ok(outcome.left > 0);
    assert.deepEqual(outcome.failures, [
      "classify() needs one string, or two for a pair",
      "classify() needs one string, or two for a pair",
      "classify() needs one string, or two for a pair",
      "classifyBatch(inputs) needs an array; each input is a string or a pair of strings",
      "classifyBatch(inputs): inputs[2] must be a string or a pair of strings",
      "runs must be a whole number of at least 1, not 0",
      "rerank(query, texts): texts must be an array of strings",
      "rerank(query, texts): query must be a string",
      "rerank(query, texts): texts[1] must be a string",
      "the given model has 2 outputs; reranking needs a model whose only output is a score",
      "this classifier has been disposed; load() a new one",
    ]);
  });

  test("one text is another input than a pair with an empty second, in batches too", async () => {
    await loaded(shared, "int8", "fp32");
    const answers = await shared.evaluate(async () => {
      // The FP32 file does not say how many texts the model reads.
      const { fp32 } = window.bert8;
      const alone = [await fp32.classify("It is raining."), await fp32.classify("It is raining.", "")];
      return [...alone, ...(await fp32.classifyBatch(["It is raining.", ["It is raining.", ""]]))];
    });
    const tokens = answers.map((answer) => answer.tokens);
    assert.deepEqual(tokens, [tokens[0], tokens[0] + 1, tokens[0], tokens[0] + 1]);
    const repeated = await shared.evaluate(() => window.bert8.fp32.classify("It is raining.", { runs: 2 }));
    const refused = await shared.evaluate(() => window.bert8.int8.classify("It is raining.").catch((error) => error.message));
    assert.match(refused, /model\.int8\.onnx reads a pair of texts at a time, but was given one text$/);
    assert.deepEqual([repeated.tokens, repeated.timing.runs], [tokens[0], 2]);
  });

  test("rerank sorts by score, keeps the order of equal scores, reports progress and can be aborted", async () => {
    const page = await open({ url: `${site.origin}/ranker/` });
    await loaded(page, "int8");
    const outcome = await page.evaluate(async () => {
      const { int8 } = window.bert8;
      const steps = [];
      const ranked = await int8.rerank("q", ["four", "a", "seven77", "five5", "b"], { onProgress: ({ done }) => steps.push(done) });
      const stopped = await int8
        .rerank("q", Array(9).fill("a"), { signal: AbortSignal.abort() })
        .catch((error) => error.name);
      return { ranked, steps, stopped, none: await int8.rerank("q", []) };
    });
    assert.deepEqual(outcome.ranked.map(({ index }) => index), [2, 3, 0, 1, 4]);
    const { timing, ...best } = outcome.ranked[0];
    assert.deepEqual(best, { index: 2, score: 7, logit: 7, tokens: 7, truncated: false });
    assert.equal(timing.runs, 1);
    assert.deepEqual([outcome.steps, outcome.stopped, outcome.none], [[2, 4, 5], "AbortError", []]);
    await page.context().close();
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
        await attempt({ model: "m.onnx", tokenizer: "t.json", threshold: 1.5 }),
        await attempt({ model: "models/none.onnx", tokenizer: "models/tokenizer.json" }),
        await attempt({ model: new Uint8Array(64), tokenizer: "models/tokenizer.json" }),
        await attempt({ model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json", threshold: 0.3 }),
      ];
    });
    const folder = new URL(".", shared.url()).href;
    assert.deepEqual(messages.slice(0, 7), [
      "load() needs a model: a URL, a Blob, a Response, an ArrayBuffer or a view of one",
      "load() needs a tokenizer: a URL, a Blob, a Response, an ArrayBuffer or a view of one",
      "load() needs a model: a URL, a Blob, a Response, an ArrayBuffer or a view of one",
      'unknown backend "gpu": use "auto", "relaxed-simd" or "simd128"',
      "maxLength must be a whole number of at least 1, not -1",
      "threshold must be a number from 0 to 1, not 1.5",
      `${folder}models/none.onnx: the server answered 404 Not Found; is the file there?`,
    ]);
    // Rust words the rest of this one.
    assert.match(messages[7], /^the given model: ./);
    assert.equal(messages[8], `${folder}models/model.int8.onnx is a single-label model; a threshold is only for multi-label models`);
  });
});
