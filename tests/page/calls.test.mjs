// Calls of a classifier, with and without a worker: what they accept, how they are withdrawn, and what holds the classifier.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";
import { OTHER, SAME, SUITE_TIMEOUT, open, site } from "./visit.mjs";

// The run with additional arguments for Chromium would only repeat these tests.
const skip = EXTRA_ARGS.length > 0 && "BERT8_CHROMIUM_ARGS is set";

for (const entry of ["bert8", "inline"]) {
  describe(`calls of ${entry}`, { skip, timeout: SUITE_TIMEOUT }, () => {
    let page;

    before(async () => {
      page = await open({ url: `${site.origin}/some/folder/blank.html` });
      await page.evaluate(async ([entry, pairs]) => {
        const { load } = await import(`./${entry}.js`);
        const files = { model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json" };
        window.bytes = async (url) => (await fetch(url)).arrayBuffer();
        window.load = (options) => load({ ...files, ...options });
        window.said = (promise) => promise.then(() => "answered", ({ name, message }) => `${name}: ${message}`);
        window.classifier = await window.load();
        window.long = [pairs[0][0].repeat(40), pairs[1][1].repeat(40)];
      }, [entry, [SAME, OTHER]]);
    });
    after(() => page.context().close());

    test("a call that waits is withdrawn by its signal or after timeoutMs, and never begins", async () => {
      const outcome = await page.evaluate(async ([a, b]) => {
        const { classifier, long, said } = window;
        const forever = { runs: 1_000_000_000 };
        const controller = new AbortController();
        const busy = classifier.classify(...long, { runs: 3 });
        const withdrawn = [
          said(classifier.classify(...long, { ...forever, signal: controller.signal })),
          said(classifier.classify(...long, { ...forever, timeoutMs: 0 })),
          said(classifier.classify(...long, { ...forever, signal: AbortSignal.abort(new Error("not at all")) })),
        ];
        controller.abort(new RangeError("not now"));
        await new Promise((resolve) => setTimeout(resolve));
        const last = await classifier.classify(a, b, { timeoutMs: 60_000, signal: controller.signal }).catch(({ message }) => message);
        const { tokens } = await classifier.classify(a, b, { timeoutMs: 60_000, signal: new AbortController().signal });
        return { withdrawn: await Promise.all(withdrawn), runs: (await busy).timing.runs, last, tokens };
      }, SAME);
      const [aborted, timedOut, never] = outcome.withdrawn;
      assert.equal(aborted, "RangeError: not now");
      if (entry === "bert8") assert.equal(timedOut, "TimeoutError: no answer within 0 ms (timeoutMs)");
      assert.equal(never, "Error: not at all");
      assert.deepEqual([outcome.runs, outcome.last], [3, "not now"]);
      assert.ok(outcome.tokens > 2);
    });

    test("a batch stops after timeoutMs, and the next call is answered", async () => {
      const said = await page.evaluate(async ([a, b]) => {
        const { classifier, said } = window;
        const stopped = await said(classifier.classifyBatch(Array(20_000).fill([a, b]), { timeoutMs: 300 }));
        return [stopped, await said(classifier.classify(a, b))];
      }, SAME);
      assert.deepEqual(said, ["TimeoutError: no answer within 300 ms (timeoutMs)", "answered"]);
    });

    test("options and inputs of a wrong type are a TypeError", async () => {
      const messages = await page.evaluate(async ([a, b]) => {
        const { classifier, said } = window;
        const sparse = [[a, b], [a, b], [a, b]];
        delete sparse[1];
        const calls = [
          classifier.classify(a, b, null),
          classifier.classify(a, b, "fast"),
          classifier.classify(a, b, { timeoutMs: -1 }),
          classifier.classify(a, b, { timeoutMs: 2 ** 31 }),
          classifier.classify(a, b, { signal: {} }),
          classifier.classifyBatch([[a, b]], null),
          classifier.classifyBatch([[a, b]], { onProgress: 7 }),
          classifier.classifyBatch(sparse),
          classifier.classifyBatch(Array(3)),
          classifier.classifyBatch([Array(2)]),
          classifier.classifyBatch([[a, b, undefined]]),
          classifier.classifyBatch({ length: 1, 0: a }),
          classifier.rerank(a, Array(1)),
          classifier.rerank(a, [], null),
          window.load(null).then(() => classifier.classify(a, b)),
          window.load({ worker: 7 }),
          window.load({ module: 7 }),
          window.load({ kernal: "scalar" }),
          window.load({ constructor: undefined }),
          classifier.classify(a, b, { run: 3 }),
          classifier.classifyBatch([[a, b]], { runs: 3 }),
          classifier.rerank(a, [b], { signals: [] }),
        ];
        return Promise.all(calls.map(said));
      }, SAME);
      const LOAD =
        "model, tokenizer, integrity, size, cache, stallMs, backend, kernel, threads, worker, module, maxLength, threshold, restart, signal, onProgress";
      const BATCH = "TypeError: classifyBatch(inputs): inputs";
      const WANTED = "must be a string or a pair of strings";
      const TIMEOUT = "TypeError: timeoutMs must be a number from 0 to 2147483647, not";
      assert.deepEqual(messages, [
        "TypeError: classify(): the options must be an object, not null",
        "TypeError: classify(): the options must be an object, not string",
        `${TIMEOUT} -1`,
        `${TIMEOUT} 2147483648`,
        "TypeError: classify(): signal must be an AbortSignal",
        "TypeError: classifyBatch(): the options must be an object, not null",
        "TypeError: classifyBatch(): onProgress must be a function",
        `${BATCH}[1] ${WANTED}`,
        `${BATCH}[0] ${WANTED}`,
        `${BATCH}[0] ${WANTED}`,
        `${BATCH}[0] ${WANTED}`,
        "TypeError: classifyBatch(inputs) needs an array; each input is a string or a pair of strings",
        "TypeError: rerank(query, texts): texts[0] must be a string",
        "TypeError: rerank(): the options must be an object, not null",
        "answered", // `load` of this test spreads its options
        "TypeError: load(): worker must be a URL or a function that returns a Worker",
        "TypeError: load() needs a module: a URL, a Blob, a Response, an ArrayBuffer or a view of one",
        `TypeError: load() has no option "kernal"; its options are ${LOAD}`,
        `TypeError: load() has no option "constructor"; its options are ${LOAD}`,
        'TypeError: classify() has no option "run"; its options are runs, warmup, budgetMs, signal, timeoutMs',
        'TypeError: classifyBatch() has no option "runs"; its options are onProgress, signal, timeoutMs',
        'TypeError: rerank() has no option "signals"; its options are onProgress, signal, timeoutMs',
      ]);
    });

    test("Vue's reactive objects and other proxies may hold the classifier and the texts", async () => {
      const outcome = await page.evaluate(async (pair) => {
        const { reactive, ref } = await import("./vue.js");
        const { classifier } = window;
        const expected = (await classifier.classify(...pair)).logits;
        const proxy = new Proxy(classifier, {});
        const { classify } = classifier;
        const answers = [
          await ref(classifier).value.classify(...pair),
          await reactive({ classifier }).classifier.classify(...pair),
          await proxy.classify(...pair),
          await classify(...pair),
          ...(await classifier.classifyBatch(reactive([pair, pair]))),
          ...(await classifier.classifyBatch(new Proxy([pair], {}))),
        ];
        const refused = await window.said(classifier.rerank(pair[0], reactive([pair[1]])));
        return { expected, found: answers.map(({ logits }) => logits), frozen: Object.isFrozen(classifier), refused };
      }, SAME);
      for (const logits of outcome.found) assert.deepEqual(logits, outcome.expected);
      assert.equal(outcome.found.length, 7);
      assert.ok(outcome.frozen);
      assert.match(outcome.refused, /^Error: .*model\.int8\.onnx/);
    });

    test("bytes may be of another realm, shared, or any view; a module may be given in each form", async () => {
      const outcome = await page.evaluate(async (pair) => {
        const { bytes, classifier } = window;
        const expected = (await classifier.classify(...pair)).logits;
        const { contentWindow: other } = document.body.appendChild(document.createElement("iframe"));
        const [model, tokenizer] = [await bytes("models/model.int8.onnx"), await bytes("models/tokenizer.json")];
        const module = await bytes("pkg/simd128/bert8_bg.wasm");
        const copyInto = (buffer, from, offset = 0) => {
          new Uint8Array(buffer).set(new Uint8Array(from), offset);
          return buffer;
        };
        const shared = copyInto(new SharedArrayBuffer(model.byteLength), model);
        const padded = copyInto(new ArrayBuffer(tokenizer.byteLength + 8), tokenizer, 8);
        const forms = [
          { model: copyInto(new other.ArrayBuffer(model.byteLength), model), tokenizer: new other.Uint8Array(copyInto(new other.ArrayBuffer(tokenizer.byteLength), tokenizer)) },
          { model: shared, tokenizer: new DataView(padded, 8), module },
          { model: new Uint8Array(shared), tokenizer, module: await WebAssembly.compile(module), threads: 1 },
          { model, tokenizer, module: new other.URL("pkg/simd128/bert8_bg.wasm", location.href) },
        ];
        const found = [];
        for (const form of forms) {
          const { info, classify, dispose } = await window.load(form);
          found.push([info.backend, (await classify(...pair)).logits]);
          dispose();
        }
        const wrong = [
          await window.said(window.load({ module: model })),
          await window.said(window.load({ module, backend: "relaxed-simd" })),
        ];
        return { expected, found, wrong };
      }, SAME);
      assert.deepEqual(outcome.found.map(([backend]) => backend), ["relaxed-simd", "simd128", "simd128", "simd128"]);
      assert.deepEqual(outcome.found[0][1], outcome.expected);
      const [notWasm, notAskedFor] = outcome.wrong;
      assert.match(notWasm, /^Error: bert8 did not start: the given `module`: .*magic word/);
      assert.equal(notAskedFor, "Error: bert8 did not start: the given `module` is the simd128 build, which is not the backend asked for or does not run here");
    });

    test("await using disposes of the classifier", async () => {
      const messages = await page.evaluate(async (pair) => {
        const classifier = await window.load();
        if (!Symbol.asyncDispose) return null;
        await classifier[Symbol.asyncDispose]();
        await classifier[Symbol.asyncDispose]();
        return window.said(classifier.classify(...pair));
      }, SAME);
      if (messages !== null) assert.equal(messages, "Error: this classifier has been disposed; load() a new one");
    });
  });
}

describe("the option worker", { skip, timeout: SUITE_TIMEOUT }, () => {
  test("takes a URL or a function; a function must return a Worker", async () => {
    const page = await open({ url: `${site.origin}/some/folder/blank.html` });
    const outcome = await page.evaluate(async (pair) => {
      const { load } = await import("./bert8.js");
      const files = { model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json" };
      const attempt = (worker) =>
        load({ ...files, worker }).then(async ({ classify, dispose }) => {
          const { logits } = await classify(...pair);
          dispose();
          return logits.length;
        }, ({ name, message }) => `${name}: ${message}`);
      return [
        await attempt("worker.js"),
        await attempt(new URL("worker.js", location.href)),
        await attempt(() => new Worker("worker.js", { type: "module" })),
        await attempt(() => {}),
        await attempt("nowhere/worker.js"),
        await attempt(() => new Worker("nowhere/worker.js", { type: "module" })),
      ];
    }, SAME);
    assert.deepEqual(outcome.slice(0, 4), [2, 2, 2, "TypeError: load(): the function `worker` must return a Worker"]);
    assert.match(outcome[4], /^Error: the bert8 worker did not start: the server answered 404 Not Found for http.*\/nowhere\/worker\.js; /);
    assert.equal(outcome[5], "Error: the bert8 worker did not start: its script could not be loaded; check what `worker` returns");
    await page.context().close();
  });
});
