// Models that are loaded by their manifest.json, which `bert8 manifest` has written.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { CLI } from "../../tools/web/built.mjs";
import { INT8, TOKENIZER, hashOf, visitFiles } from "./file-server.mjs";
import { SUITE_TIMEOUT } from "./visit.mjs";

const { server, page } = await visitFiles();

const folder = mkdtempSync(join(tmpdir(), "bert8-manifest-"));
writeFileSync(join(folder, "model int8.onnx"), INT8);
writeFileSync(join(folder, "tokenizer.json"), TOKENIZER);

after(() => rmSync(folder, { recursive: true }));

/** Loads a manifest. Resolves to what happened. */
const load = (manifest, options = {}) =>
  page.evaluate(
    async ([manifest, options]) => {
      const { load } = await import("/site/bert8.js");
      const reports = [];
      const onProgress = (report) => reports.push(report);
      try {
        const classifier = await load(manifest, { threads: 1, onProgress, ...options });
        const { logits } = await classifier.classify("He left.", "He went away.");
        setTimeout(() => classifier.dispose(), 1000);
        return { logits, reports, labels: classifier.info.labels, accuracy: classifier.info.accuracy };
      } catch (error) {
        return { error: error.message };
      }
    },
    [manifest, options],
  );

describe("manifests", { timeout: SUITE_TIMEOUT, skip: CLI ? false : "BERT8_CLI does not name the command" }, () => {
  test("the URL of a folder is enough, and its files are checked and kept", async () => {
    execFileSync(CLI, ["manifest", folder]);
    const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
    assert.deepEqual(manifest.model, { file: "model%20int8.onnx", bytes: INT8.length, integrity: hashOf(INT8) });
    assert.deepEqual(manifest.tokenizer, { file: "tokenizer.json", bytes: TOKENIZER.length, integrity: hashOf(TOKENIZER) });
    for (const name of ["manifest.json", "model int8.onnx", "tokenizer.json"]) {
      server.files[`folder/${encodeURI(name)}`] = (request, response) => response.end(readFileSync(join(folder, name)));
    }
    const found = await load("/folder/", { cache: true });
    assert.equal(found.error, undefined);
    assert.deepEqual(found.labels, manifest.labels);
    assert.deepEqual(found.accuracy, manifest.accuracy);
    assert.ok(found.reports.every(({ loaded, total }) => loaded <= total), "all sizes are known");
    await page.waitForFunction(async () => (await (await import("/site/bert8.js")).cache.list()).length === 3);
    server.requests.length = 0;
    const again = await load("/folder/manifest.json", { cache: true });
    assert.deepEqual(again.logits, found.logits);
    assert.deepEqual(server.requests.map(({ method, name }) => `${method} ${name}`).sort(), ["GET folder/manifest.json", "HEAD folder/manifest.json"]);
  });

  test("a file that has changed since is refused, by its hash or its size", async () => {
    const changed = (bytes) => (server.files["folder/model%20int8.onnx"] = (request, response) => response.end(bytes));
    const flipped = Buffer.from(INT8);
    flipped[1000] ^= 4;
    changed(flipped);
    assert.match((await load("/folder/")).error, /folder\/model%20int8\.onnx: the file is not the expected one/);
    changed(Buffer.concat([INT8, INT8]));
    assert.match((await load("/folder/")).error, /model%20int8\.onnx: the file is not the expected one: it has \d+ bytes, but \d+ are expected/);
  });

  test("a manifest that does not fit is an error that names it and the field", async () => {
    const good = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
    const says = async (value) => {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      server.files["bad/manifest.json"] = (request, response) => response.end(text);
      return (await load("/bad/")).error;
    };
    const name = `${server.origin}/bad/manifest.json`;
    assert.match(await says({ ...good, version: 2 }), new RegExp(`^${name}: \`version\` is 2, but this bert8 reads version 1`));
    assert.match(await says({ ...good, model: { ...good.model, integrity: "md5-" } }), /`model\.integrity` is "md5-", but must be/);
    assert.match(await says("<html>"), new RegExp(`^${name}: is not a manifest\\.json`));
    assert.match((await load("/none/")).error, /none\/manifest\.json: the server answered 404 Not Found/);
    assert.match((await load("/folder/", { model: "m.onnx" })).error, /the manifest says what to load; leave out the option model$/);
    assert.equal((await load("http://")).error, "load(): manifest is not a valid URL: http://");
  });
});
