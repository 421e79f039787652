// Files that load() keeps in Cache Storage.

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { INT8, TOKENIZER, hashOf, visitFiles } from "./file-server.mjs";
import { SUITE_TIMEOUT } from "./visit.mjs";

const { browser, server, page } = await visitFiles();

const integrity = { model: hashOf(INT8), tokenizer: hashOf(TOKENIZER) };

/** Loads models at the same time, on some page. Resolves to what happened to each. */
function load(models, options = {}, on = page) {
  return on.evaluate(
    async ([models, options]) => {
      const { load } = await import("/site/bert8.js");
      return Promise.all(
        models.map(async (model) => {
          try {
            const classifier = await load({ model, tokenizer: "/tokenizer.json", cache: true, threads: 1, ...options });
            const { logits } = await classifier.classify("He left.", "He went away.");
            // Ends the worker, but not before what it has loaded is stored.
            setTimeout(() => classifier.dispose(), 1000);
            return logits;
          } catch (error) {
            return error.message;
          }
        }),
      );
    },
    [models, options],
  );
}

const list = () =>
  page.evaluate(async () => {
    const { cache } = await import("/site/bert8.js");
    const files = (await cache.list()).map(({ url, stored, ...file }) => ({ name: new URL(url).pathname, ...file, dated: stored <= new Date() }));
    return files.sort((a, b) => (a.name < b.name ? -1 : 1));
  });

/** Waits until `count` files are stored. */
async function stored(count) {
  await page.waitForFunction(async (count) => (await (await import("/site/bert8.js")).cache.list()).length === count, count);
  return list();
}

const [expected] = await load(["/model.onnx"], { cache: false });
const asked = () => server.requests.map(({ name, method }) => `${method} ${name}`).sort();

beforeEach(async () => {
  await page.evaluate(async () => (await import("/site/bert8.js")).cache.delete());
  server.requests.length = 0;
});

describe("the cache", { timeout: SUITE_TIMEOUT }, () => {
  test("files whose hashes are known are asked for once", async () => {
    assert.deepEqual(await load(["/model.onnx"], { integrity }), [expected]);
    assert.deepEqual(await stored(2), [
      { name: "/model.onnx", integrity: integrity.model, bytes: INT8.length, dated: true },
      { name: "/tokenizer.json", integrity: integrity.tokenizer, bytes: TOKENIZER.length, dated: true },
    ]);
    assert.deepEqual(asked(), ["GET model.onnx", "GET tokenizer.json"]);
    assert.deepEqual(await load(["/model.onnx"], { integrity }), [expected]);
    assert.deepEqual(asked(), ["GET model.onnx", "GET tokenizer.json"], "nothing more");
  });

  test("without hashes, only the version is asked for; an unnamed version is downloaded again", async () => {
    await load(["/model.onnx"]);
    await stored(2);
    assert.deepEqual(await load(["/model.onnx"]), [expected]);
    assert.deepEqual(asked(), ["GET model.onnx", "GET tokenizer.json", "HEAD model.onnx", "HEAD tokenizer.json"]);
    await load(["/anonymous.onnx"]);
    await stored(3);
    assert.deepEqual(await load(["/anonymous.onnx"]), [expected]);
    assert.equal(asked().filter((request) => request === "GET anonymous.onnx").length, 2);
  });

  test("a new version replaces the old one", async () => {
    await load(["/flipped.onnx"]);
    await stored(2);
    server.files["flipped.onnx"] = (request, response) => {
      response.writeHead(200, { etag: '"version-2"', "content-length": INT8.length });
      response.end(request.method === "HEAD" ? undefined : INT8);
    };
    assert.deepEqual(await load(["/flipped.onnx"], { integrity: { model: integrity.model } }), [expected]);
    await page.waitForTimeout(300);
    assert.deepEqual((await stored(2)).find(({ name }) => name === "/flipped.onnx").integrity, integrity.model);
  });

  test("two loads at the same time share one download, even from a server that names no version", async () => {
    assert.deepEqual(await load(["/anonymous.onnx", "/anonymous.onnx"]), [expected, expected]);
    assert.deepEqual(asked().filter((request) => request.startsWith("GET")), ["GET anonymous.onnx", "GET tokenizer.json"]);
  });

  test("a file that is not the expected one, or is cut off, is not kept", async () => {
    server.files["bad.onnx"] = (request, response) => response.end(TOKENIZER);
    const [error] = await load(["/bad.onnx"], { integrity });
    assert.match(error, /bad\.onnx: the file is not the expected one/);
    const [cutOff] = await load(["/always-breaks.onnx"]);
    assert.match(cutOff, /cut off/);
    await page.waitForTimeout(300);
    assert.ok((await list()).every(({ name }) => name === "/tokenizer.json"));
  });

  test("a download that goes on where it was cut off is kept whole", async () => {
    assert.deepEqual(await load(["/half.onnx"], { integrity }), [expected]);
    await stored(2);
    server.requests.length = 0;
    assert.deepEqual(await load(["/half.onnx"], { integrity }), [expected]);
    assert.deepEqual(asked(), []);
  });

  test("without a connection, what is kept loads", async () => {
    await load(["/model.onnx"]);
    await stored(2);
    await page.route("**/*.{onnx,json}", (route) => route.abort());
    assert.deepEqual(await load(["/model.onnx"]), [expected]);
    await page.unroute("**/*.{onnx,json}");
  });

  test("storage that is full or forbidden costs the cache, not the answer", async () => {
    for (const prepare of ["full", "late", "forbidden", "none"]) {
      const context = await browser.newContext();
      // Workers take scripts, not the page's changes.
      await context.route("**/site/{bert8,worker}.js", async (route) => {
        const response = await route.fetch();
        const change = {
          full: `Cache.prototype.put = async () => { throw new DOMException("full", "QuotaExceededError"); };`,
          late: `Cache.prototype.put = async (key, response) => {
            const reader = response.body.getReader();
            for (let bytes = 0; bytes < 3e6;) bytes += (await reader.read()).value.length;
            reader.cancel();
            throw new DOMException("full", "QuotaExceededError");
          };`,
          forbidden: `Object.defineProperty(globalThis, "caches", { get() { throw new DOMException("no", "SecurityError"); } });`,
          none: `Object.defineProperty(globalThis, "caches", { value: undefined });`,
        }[prepare];
        await route.fulfill({ response, body: change + (await response.text()) });
      });
      const other = await context.newPage();
      await other.goto(`${server.origin}/page.html`);
      assert.deepEqual(await load(["/model.onnx"], { integrity }, other), [expected], prepare);
      const kept = await other.evaluate(async () => (await import("/site/bert8.js")).cache.list());
      assert.deepEqual(kept, [], prepare);
      await context.close();
    }
  });

  test("one file is deleted, or all", async () => {
    await load(["/model.onnx"], { integrity });
    await stored(2);
    const counts = await page.evaluate(async () => {
      const { cache } = await import("/site/bert8.js");
      return [await cache.delete("/none.onnx"), await cache.delete("/model.onnx"), await cache.delete(), await cache.delete()];
    });
    assert.deepEqual(counts, [0, 1, 1, 0]);
  });
});
