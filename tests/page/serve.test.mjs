// The site as `bert8 serve` sends it: the page works, and the test server sends the same headers.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { CLI, DIST } from "../../tools/web/built.mjs";
import { skipWithoutCli } from "./native.mjs";
import { SAME, SUITE_TIMEOUT, assertColumn, compare, loaded, open, site } from "./visit.mjs";

// Headers of the connection, and those that follow from compression and file dates, which the test server lacks.
const IGNORED = ["connection", "keep-alive", "date", "accept-ranges", "last-modified", "vary", "content-encoding", "content-length", "etag"];

const FILES = [
  "",
  "style.css",
  "icon.svg",
  "bert8.js",
  "worker.js",
  "pkg/relaxed/bert8_bg.wasm",
  "models/models.json",
  "models/examples.tsv",
  "models/tokenizer.json",
  "models/model.int8.onnx",
];

/** Loads the page and compares a pair. Returns the headers of each file, by its path relative to `url`. */
async function visit(url) {
  const page = await open({ url });
  await loaded(page, "int8", "fp32");
  await compare(page, SAME);
  await assertColumn(page, "int8");
  await assertColumn(page, "fp32");
  const headers = {};
  // Only the first response for each file: a later one may come from the cache.
  for (const response of page.log.responses) headers[response.url().slice(url.length).split("?")[0]] ??= await response.allHeaders();
  const { errors, foreign } = page.log;
  await page.context().close();
  assert.deepEqual({ errors, foreign }, { errors: [], foreign: [] });
  return headers;
}

const compared = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => !IGNORED.includes(name)));

describe("bert8 serve", { skip: skipWithoutCli(), timeout: SUITE_TIMEOUT }, () => {
  let server;
  let url;

  before(async () => {
    server = spawn(CLI, ["serve", DIST, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(createInterface(server.stdout), "line");
    url = /http:\S+/.exec(line)[0];
  });

  after(() => server.kill());

  test("the page compares, and the test server sends the same headers", async () => {
    const served = await visit(url);
    const tested = await visit(site.url);
    for (const file of FILES) {
      assert.deepEqual(compared(served[file]), compared(tested[file]), file);
      assert.match(served[file]["content-security-policy"], /frame-ancestors 'none'/);
    }
    for (const file of ["tokenizer.json", "model.int8.onnx", "model.fp32.onnx"]) {
      assert.equal(served[`models/${file}`]["content-encoding"], "br", "compressed files are used");
    }
  });

  test("a browser's request for the rest of a compressed file is answered from the file itself", async () => {
    const page = await open({ url });
    const found = await page.evaluate(async () => {
      const { headers, status } = await fetch("models/model.int8.onnx", { headers: { range: "bytes=1000-" }, cache: "no-store" });
      return { status, range: headers.get("content-range"), encoding: headers.get("content-encoding") };
    });
    const { size } = statSync(join(DIST, "models/model.int8.onnx"));
    assert.deepEqual(found, { status: 206, range: `bytes 1000-${size - 1}/${size}`, encoding: null });
    await page.context().close();
  });
});
