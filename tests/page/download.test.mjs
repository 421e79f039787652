// Downloads of models that are cut off, stand still, change, are compressed or are not what was expected; and all other sources.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { INT8, IN_HALF_GZIPPED, TOKENIZER, hashOf, startFiles, visitFiles } from "./file-server.mjs";
import { SUITE_TIMEOUT } from "./visit.mjs";

const { browser, server, page } = await visitFiles();
const elsewhere = await startFiles();
after(() => elsewhere.close());

/** Loads a model, with a tokenizer that is always there. Resolves to what happened. */
function load(model, options = {}) {
  return page.evaluate(
    async ([model, options]) => {
      const { load } = await import("/site/bert8.js");
      const reports = [];
      const onProgress = (report) => reports.push(report);
      try {
        const classifier = await load({ model, tokenizer: "/tokenizer.json", threads: 1, ...options, onProgress });
        const { logits } = await classifier.classify("He left.", "He went away.");
        classifier.dispose();
        return { logits, reports };
      } catch (error) {
        return { error: error.message, reports };
      }
    },
    [model, options],
  );
}

const integrity = hashOf(INT8);
const expected = (await load("/model.onnx")).logits;
const requestsFor = (name, { requests } = server) => requests.filter((request) => request.name === name);

function assertLoaded({ error, logits, reports }) {
  assert.equal(error, undefined);
  assert.deepEqual(logits, expected);
  for (const { loaded, total, share } of reports) {
    assert.ok(total === null || loaded <= total, `${loaded} of ${total}`);
    assert.ok(share === null || (share >= 0 && share <= 1), `${share}`);
  }
  const last = reports.findLast(({ stage, file }) => stage === "download" && file === "model");
  if (last) assert.equal(last.loaded, INT8.length);
  const { all, ...end } = reports.at(-1);
  assert.equal(all.loaded, all.total);
  assert.deepEqual(end, { stage: "prepare", file: "model", loaded: INT8.length, total: INT8.length, share: 1 });
}

describe("downloads", { timeout: SUITE_TIMEOUT }, () => {
  test("the bytes are right, whether or not the browser can read into a given buffer", async () => {
    assertLoaded(await load("/model.onnx", { integrity }));
    const plain = await browser.newContext();
    // Workers take the page's scripts, but not its changes, so the module is changed.
    await plain.route("**/open-file.js", async (route) => {
      const response = await route.fetch();
      const text = await response.text();
      assert.ok(text.includes('{ mode: "byob" }'));
      await route.fulfill({ response, body: text.replace('{ mode: "byob" }', '{ mode: "none" }') });
    });
    const other = await plain.newPage();
    await other.goto(`${server.origin}/page.html`);
    const logits = await other.evaluate(async (integrity) => {
      const { load } = await import("/site/bert8.js");
      const classifier = await load({ model: "/model.onnx", tokenizer: "/tokenizer.json", integrity, threads: 1 });
      return (await classifier.classify("He left.", "He went away.")).logits;
    }, integrity);
    assert.deepEqual(logits, expected);
    await plain.close();
  });

  test("one flipped bit is refused, and the error names the file and both hashes", async () => {
    const { error } = await load("/flipped.onnx", { integrity });
    assert.ok(error.startsWith(`${server.origin}/flipped.onnx: the file is not the expected one: its hash is sha256-`), error);
    assert.ok(error.includes(`but ${integrity} is expected`), error);
    assert.equal(requestsFor("flipped.onnx").length, 1, "another attempt would bring the same");
    const tokenizer = await load("/model.onnx", { integrity: { tokenizer: hashOf(INT8) } });
    assert.match(tokenizer.error, /tokenizer\.json: the file is not the expected one/);
    assertLoaded(await load("/model.onnx", { integrity: { model: integrity, tokenizer: hashOf(TOKENIZER) } }));
  });

  test("a download that breaks goes on where it was", async () => {
    assertLoaded(await load("/half.onnx", { integrity }));
    const [, second, ...rest] = requestsFor("half.onnx");
    const start = Number(/^bytes=(\d+)-$/.exec(second.range)[1]);
    assert.ok(start > 0 && start <= INT8.length / 2, second.range);
    assert.equal(second.ifRange, '"version-1"');
    assert.deepEqual(rest, []);
  });

  test("it begins again if the server does not go on, has another version, or does not name it", async () => {
    assertLoaded(await load("/half-whole.onnx", { integrity }));
    assertLoaded(await load("/half-anonymous.onnx"));
    assertLoaded(await load("/half-changed.onnx", { integrity }));
    const ranges = (name) => requestsFor(name).map(({ range }) => range !== undefined);
    assert.deepEqual(ranges("half-whole.onnx"), [false, true]);
    assert.deepEqual(ranges("half-anonymous.onnx"), [false, false]);
    assert.deepEqual(ranges("half-changed.onnx"), [false, true, false]);
  });

  test("a download that stands still is cut off and goes on; a silent server is given up", async () => {
    assertLoaded(await load("/stalls.onnx", { integrity, stallMs: 1000 }));
    assert.equal(requestsFor("stalls.onnx").length, 2);
    const { error } = await load("/silent.onnx", { stallMs: 500 });
    assert.match(error, /silent\.onnx: the download failed or was cut off \(no answer for 0\.5 seconds\); check the connection/);
    assert.equal(requestsFor("silent.onnx").length, 3);
  });

  test("after three attempts, the error says what is wrong", async () => {
    const { error } = await load("/always-breaks.onnx");
    assert.match(error, /always-breaks\.onnx: the download failed or was cut off \(network error\); check the connection and try again$/);
    assert.equal(requestsFor("always-breaks.onnx").length, 3);
  });

  test("a busy server is asked again; one that refuses is not", async () => {
    assertLoaded(await load("/busy.onnx"));
    assert.equal(requestsFor("busy.onnx").length, 3);
    const refused = await load("/private.onnx");
    assert.equal(refused.error, `${server.origin}/private.onnx: the server answered 401 Unauthorized; may this page read the file?`);
    assert.equal(requestsFor("private.onnx").length, 1);
  });

  test("compressed files load from this origin and from others, which hide that they are compressed", async () => {
    assertLoaded(await load("/gzipped.onnx", { integrity }));
    const other = await load(`${elsewhere.origin}/gzipped.onnx`, { integrity });
    assertLoaded(other);
  });

  test("the progress has a total from the start if the size is given, also of compressed files", async () => {
    for (const origin of ["", elsewhere.origin]) {
      const loaded = await load(`${origin}/gzipped.onnx`, { size: { model: INT8.length, tokenizer: TOKENIZER.length } });
      assertLoaded(loaded);
      const sizes = { model: INT8.length, tokenizer: TOKENIZER.length };
      for (const { file, total } of loaded.reports) if (file !== "program") assert.equal(total, sizes[file]);
      assert.notEqual(loaded.reports[0].all.total, null);
    }
  });

  test("a compressed download that breaks goes on with plain bytes, of which none has come before", async () => {
    for (const [origin, { requests }] of [["", server], [elsewhere.origin, elsewhere]]) {
      const loaded = await load(`${origin}/gzipped-half.onnx`, { integrity, size: INT8.length });
      assertLoaded(loaded);
      for (const { file, total } of loaded.reports) if (file === "model") assert.equal(total, INT8.length);
      const [first, second, ...rest] = requestsFor("gzipped-half.onnx", { requests });
      assert.match(first.encoding, /gzip/);
      assert.equal(second.encoding, "identity");
      assert.equal(second.ifRange, undefined, "the tag of the compressed form does not name the plain one");
      const start = Number(/^bytes=(\d+)-$/.exec(second.range)[1]);
      assert.ok(start > 0.9 * IN_HALF_GZIPPED && start <= IN_HALF_GZIPPED, `${start} of ${IN_HALF_GZIPPED}`);
      // Nor does the other server have to allow any header.
      assert.deepEqual(rest, []);
    }
  });

  test("without a hash, a compressed download starts again", async () => {
    server.requests.length = 0;
    assertLoaded(await load("/gzipped-half.onnx", { size: INT8.length }));
    assert.deepEqual(requestsFor("gzipped-half.onnx").map(({ range }) => range), [undefined, undefined]);
  });

  test("parts of two versions are replaced by the whole file", async () => {
    assertLoaded(await load("/gzipped-spliced.onnx", { integrity, size: INT8.length }));
    const ranges = requestsFor("gzipped-spliced.onnx").map(({ range }) => range !== undefined);
    assert.deepEqual(ranges, [false, true, false]);
  });

  test("a file of another size is refused before it is downloaded", async () => {
    const { error } = await load("/model.onnx", { size: INT8.length + 1 });
    const difference = `it has ${INT8.length} bytes, but ${INT8.length + 1} are expected`;
    assert.equal(error, `${server.origin}/model.onnx: the file is not the expected one: ${difference}; it is damaged or another version`);
  });

  test("a download from another origin goes on where it was, if that allows it", async () => {
    const asked = async (options) => {
      elsewhere.requests.length = 0;
      assertLoaded(await load(`${elsewhere.origin}/half-elsewhere.onnx`, options));
      return requestsFor("half-elsewhere.onnx", elsewhere).map(({ method, range, ifRange }) => [method, range !== undefined, ifRange]);
    };
    assert.deepEqual(await asked({}), [["GET", false, undefined], ["OPTIONS", false, undefined], ["GET", true, '"version-1"']]);
    assert.deepEqual(await asked({ integrity }), [["GET", false, undefined], ["GET", true, undefined]], "no header that it must allow");
  });

  test("a file of another origin that does not allow this page is an error that says so", async () => {
    const { error } = await load(`${elsewhere.origin}/forbidden-elsewhere.onnx`);
    assert.match(error, /forbidden-elsewhere\.onnx: the download failed .*\(CORS\)/);
  });

  test("an abort ends the download", async () => {
    const outcome = await page.evaluate(async () => {
      const { load } = await import("/site/bert8.js");
      const controller = new AbortController();
      const promise = load({ model: "/silent.onnx", tokenizer: "/tokenizer.json", signal: controller.signal });
      setTimeout(() => controller.abort(new Error("enough")), 300);
      return promise.then(() => "loaded", (error) => error.message);
    });
    assert.equal(outcome, "enough");
  });

  test("buffers, views, blobs, files and responses load, of this realm and of others", async () => {
    const loaded = await page.evaluate(async (integrity) => {
      const { load } = await import("/site/bert8.js");
      const frame = document.body.appendChild(document.createElement("iframe"));
      const { Uint8Array: Other, Blob: OtherBlob } = frame.contentWindow;
      const bytes = new Uint8Array(await (await fetch("/model.onnx")).arrayBuffer());
      const shifted = new Uint8Array(bytes.length + 3);
      shifted.set(bytes, 3);
      const tokenizer = await (await fetch("/tokenizer.json")).blob();
      const shared = new WebAssembly.Memory({ initial: Math.ceil(bytes.length / 65536), maximum: 4096, shared: true }).buffer;
      new Uint8Array(shared).set(bytes);
      const sources = {
        buffer: bytes.buffer,
        view: new DataView(shifted.buffer, 3),
        otherRealm: new Other(bytes),
        otherBuffer: new Other(bytes).buffer,
        shared: new Uint8Array(shared, 0, bytes.length),
        blob: new Blob([bytes]),
        otherBlob: new OtherBlob([bytes]),
        file: new File([bytes], "model.onnx"),
        response: await fetch("/model.onnx"),
        url: new URL("/model.onnx", location.href),
      };
      const logits = {};
      for (const [name, model] of Object.entries(sources)) {
        try {
          const classifier = await load({ model, tokenizer, integrity, threads: 1 });
          logits[name] = (await classifier.classify("He left.", "He went away.")).logits;
          classifier.dispose();
        } catch (error) {
          logits[name] = error.message;
        }
      }
      const failures = [];
      const attempt = (model, more) => load({ model, tokenizer, ...more }).catch((error) => failures.push(error.message));
      await attempt(sources.response);
      await attempt(await fetch("/none.onnx"));
      await attempt(new Blob([bytes.subarray(1)]), { integrity });
      await attempt(bytes.subarray(1), { integrity });
      await attempt("/model.onnx", { integrity: "sha256-abc" });
      await attempt("/model.onnx", { integrity: { modle: integrity } });
      await attempt(bytes, { size: 10 });
      await attempt("/model.onnx", { size: 1.5 });
      await attempt("/model.onnx", { size: { program: 1 } });
      await attempt("/model.onnx", { stallMs: 0 });
      await attempt("/model.onnx", { cache: "yes" });
      return { logits, failures };
    }, integrity);
    for (const [name, logits] of Object.entries(loaded.logits)) assert.deepEqual(logits, expected, name);
    const says = [
      /^load\(\): the body of the model's response has been read already; pass a clone of it$/,
      /none\.onnx: the server answered 404 Not Found; is the file there\?$/,
      /^the given model: the file is not the expected one/,
      /^the given model: the file is not the expected one/,
      /^load\(\): the integrity of the model must be "sha256-" and a SHA-256 in base64, not sha256-abc$/,
      /^load\(\): integrity is for a model and a tokenizer, not modle$/,
      /^the given model: the file is not the expected one: it has \d+ bytes, but 10 are expected/,
      /^load\(\): the size of the model must be a whole number of bytes, not 1\.5$/,
      /^load\(\): size is for a model and a tokenizer, not program$/,
      /^load\(\): stallMs must be a number of milliseconds, not 0$/,
      /^load\(\): cache must be true or false$/,
    ];
    assert.equal(loaded.failures.length, says.length, loaded.failures.join("\n"));
    loaded.failures.forEach((message, at) => assert.match(message, says[at]));
  });
});
