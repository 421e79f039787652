// A crash of WebAssembly code ends one worker: the call that crashed says so, and the next one is answered by a new worker.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";
import { SUITE_TIMEOUT, open, site } from "./visit.mjs";

// The run with additional arguments for Chromium would only repeat these tests.
const skip = EXTRA_ARGS.length > 0 && "BERT8_CHROMIUM_ARGS is set";

const MODEL = `${site.origin}/crash-on-demand/models/model.int8.onnx`;
const AGAIN = "the next call loads the model again";

/** Opens a page whose model crashes if the text says so. `window.load` loads it; `window.said` resolves to a label or a message. */
async function visit(entry = "bert8") {
  const page = await open({ url: `${site.origin}/crash-on-demand/blank.html` });
  await page.evaluate(async (entry) => {
    const { load } = await import(`./${entry}.js`);
    window.load = (options) => load({ model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json", ...options });
    window.said = (promise) => promise.then(({ label }) => label, ({ name, message }) => `${name}: ${message}`);
  }, entry);
  return page;
}

for (const entry of ["bert8", "inline"]) {
  describe(`crashes of ${entry}`, { skip, timeout: SUITE_TIMEOUT }, () => {
    test("the call says what happened; calls that waited and later ones are answered", async () => {
      const page = await visit(entry);
      const said = await page.evaluate(async () => {
        const classifier = await window.load();
        const calls = ["hello", "trap", "hello", "panic", "memory", "stack", "hello"];
        const together = await Promise.all(calls.map((text) => window.said(classifier.classify(text))));
        return [...together, await window.said(classifier.classify("hello"))];
      });
      const crash = (why) => `Error: bert8 crashed while it ran ${MODEL} (${why}); ${AGAIN}`;
      assert.deepEqual(said, [
        "sports",
        crash("unreachable"),
        "sports",
        crash("panicked at src/lib.rs:1:2: index out of bounds"),
        `Error: bert8 ran out of memory while it ran ${MODEL}, which this browser does not let grow further; close other tabs or load a smaller model; ${AGAIN}`,
        crash("Maximum call stack size exceeded"),
        "sports",
        "sports",
      ]);
      // A worker that has crashed ends a moment later.
      for (let tries = 0; page.workers().length > 1 && tries < 200; tries++) await page.waitForTimeout(50);
      if (entry === "bert8") assert.equal(page.workers().length, 1);
      await page.context().close();
    });

    test("a batch that is cut by a crash rejects", async () => {
      const page = await visit(entry);
      const said = await page.evaluate(async () => {
        const classifier = await window.load();
        const batch = classifier.classifyBatch(["hello", "hello", "trap", "hello"]);
        const waiting = classifier.classify("hello");
        return [await window.said(batch), await window.said(waiting)];
      });
      assert.deepEqual(said, [`Error: bert8 crashed while it ran ${MODEL} (unreachable); ${AGAIN}`, "sports"]);
      await page.context().close();
    });

    test("bytes are kept for the restart, whatever becomes of the caller's buffer", async () => {
      const page = await visit(entry);
      const said = await page.evaluate(async () => {
        const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
        const [model, tokenizer] = await Promise.all(["models/model.int8.onnx", "models/tokenizer.json"].map(bytes));
        const classifier = await window.load({ model, tokenizer });
        structuredClone(model.buffer, { transfer: [model.buffer] });
        return [await window.said(classifier.classify("trap")), await window.said(classifier.classify("hello"))];
      });
      assert.deepEqual(said, [`Error: bert8 crashed while it ran the given model (unreachable); ${AGAIN}`, "sports"]);
      await page.context().close();
    });

    test("with restart: false, later calls reject with the same message", async () => {
      const page = await visit(entry);
      const said = await page.evaluate(async () => {
        const classifier = await window.load({ restart: false });
        const calls = ["trap", "hello"].map((text) => window.said(classifier.classify(text)));
        return [...(await Promise.all(calls)), await window.said(classifier.classify("hello")), await window.said(window.load({ restart: 1 }))];
      });
      const crash = `Error: bert8 crashed while it ran ${MODEL} (unreachable); load the model again`;
      assert.deepEqual(said, [crash, crash, crash, "TypeError: load(): restart must be true or false"]);
      await page.context().close();
    });

    test("a restart that fails rejects the call that needed it, and the next call tries again", async () => {
      const page = await visit(entry);
      await page.evaluate(async () => {
        window.classifier = await window.load();
        await window.said(window.classifier.classify("trap"));
      });
      await page.context().setOffline(true);
      const failed = await page.evaluate(() => window.said(window.classifier.classify("hello")));
      assert.match(failed, /^Error: .*\/crash-on-demand\//);
      await page.context().setOffline(false);
      assert.equal(await page.evaluate(() => window.said(window.classifier.classify("hello"))), "sports");
      await page.context().close();
    });

    test("calls are withdrawn while the model is loaded again, and so is the classifier", async () => {
      const page = await visit(entry);
      const said = await page.evaluate(async () => {
        const classifier = await window.load();
        await window.said(classifier.classify("trap"));
        const controller = new AbortController();
        const withdrawn = window.said(classifier.classify("hello", { signal: controller.signal }));
        const disposed = window.said(classifier.classify("hello"));
        await Promise.resolve();
        controller.abort(new RangeError("not now"));
        classifier.dispose();
        return [await withdrawn, await disposed, await window.said(classifier.classify("hello"))];
      });
      const disposed = "Error: this classifier has been disposed; load() a new one";
      assert.deepEqual(said, ["RangeError: not now", disposed, disposed]);
      for (let tries = 0; page.workers().length > 0 && tries < 200; tries++) await page.waitForTimeout(50);
      assert.equal(page.workers().length, 0);
      await page.context().close();
    });
  });
}

describe("crashes", { skip, timeout: SUITE_TIMEOUT }, () => {
  test("a worker that goes on with a call that was withdrawn is ended, and the next call is answered", async () => {
    const page = await visit();
    const said = await page.evaluate(async () => {
      const classifier = await window.load();
      return Promise.all([
        window.said(classifier.classify("forever", { timeoutMs: 200 })),
        window.said(classifier.classify("hello")),
        window.said(classifier.classify("hello", { timeoutMs: 300 })),
      ]);
    });
    const late = (ms) => `TimeoutError: no answer within ${ms} ms (timeoutMs)`;
    assert.deepEqual(said, [late(200), "sports", late(300)]);
    await page.context().close();
  });

  test("a panic of the real module says where and why", async () => {
    const page = await open({ url: `${site.origin}/some/folder/blank.html` });
    const message = await page.evaluate(async () => {
      const { bindings } = await import("./pkg/bert8.js");
      const wasm = bindings();
      const memory = new WebAssembly.Memory({ initial: 64, maximum: 4096, shared: true });
      await wasm.init({ module_or_path: "pkg/simd128/bert8_bg.wasm", memory });
      try {
        return wasm.startPool(0);
      } catch ({ message }) {
        return message;
      }
    });
    assert.match(message, /^panicked at src\/kernels\/threads\/pool\.rs:\d+:\d+:\nthe thread that uses the pool is one of its threads$/);
    await page.context().close();
  });
});
