// A server that misbehaves as told, for the tests of downloads, and a page on it that loads models.

import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { after } from "node:test";
import { constants, gunzipSync, gzipSync } from "node:zlib";
import { DIST } from "../../tools/web/built.mjs";
import { launch } from "../../tools/web/chromium.mjs";
import { TYPES, listen, send, sendFile } from "../../tools/web/server.mjs";

export const INT8 = readFileSync(join(DIST, "models/model.int8.onnx"));
export const TOKENIZER = readFileSync(join(DIST, "models/tokenizer.json"));
const GZIPPED = gzipSync(INT8, { level: 1 });
/** How much of the model is in the first half of its compressed form. */
export const IN_HALF_GZIPPED = gunzipSync(GZIPPED.subarray(0, GZIPPED.length >> 1), { finishFlush: constants.Z_SYNC_FLUSH }).length;

/** The hash of bytes, as `load` takes it. */
export const hashOf = (bytes) => `sha256-${createHash("sha256").update(bytes).digest("base64")}`;

const CORS = { "access-control-allow-origin": "*" };
const TAG = '"version-1"';
const TAG_OF_GZIPPED = '"version-1-gzip"';

/** Sends `bytes`, or the first `count` of them, after which the connection breaks or, if `then` is "stall", nothing comes. */
function sendBytes(response, status, headers, bytes, { count = bytes.length, then = "break" } = {}) {
  response.writeHead(status, { "content-type": "application/octet-stream", "content-length": bytes.length, ...headers });
  if (count === bytes.length) return response.end(bytes);
  // What has been written must arrive before the connection breaks.
  response.write(bytes.subarray(0, count), () => then === "break" && setTimeout(() => response.destroy(), 300));
}

/** Answers a request for the rest of the file. */
function sendRest(request, response, headers = {}, bytes = INT8) {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range)[1]);
  const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
  sendBytes(response, 206, { etag: TAG, "content-range": range, ...headers }, bytes.subarray(start));
}

/** Sends the compressed model, only half of it to the first request; the rest is that of `bytes`. */
function sendHalfGzipped(request, response, attempt, bytes) {
  const headers = { ...CORS, "access-control-expose-headers": "content-range" };
  if (request.headers.range) return sendRest(request, response, headers, bytes);
  const count = attempt === 0 ? GZIPPED.length >> 1 : GZIPPED.length;
  sendBytes(response, 200, { "content-encoding": "gzip", etag: TAG_OF_GZIPPED, ...headers }, GZIPPED, { count });
}

const HALF = INT8.length >> 1;
const flipped = Buffer.from(INT8);
flipped[HALF] ^= 1;

// By file name: answers the request number `attempt`, from 0 on.
const FILES = {
  "model.onnx": (request, response) => sendBytes(response, 200, { etag: TAG }, INT8),
  "flipped.onnx": (request, response) => sendBytes(response, 200, { etag: TAG }, flipped),
  "tokenizer.json": (request, response) => sendBytes(response, 200, { etag: TAG }, TOKENIZER),
  // The same, without anything that names a version.
  "anonymous.onnx": (request, response) => sendBytes(response, 200, {}, INT8),
  // Breaks at half, and can go on.
  "half.onnx": (request, response, attempt) =>
    attempt === 0 ? sendBytes(response, 200, { etag: TAG }, INT8, { count: HALF }) : sendRest(request, response),
  // Breaks at half, and only has the whole file then.
  "half-whole.onnx": (request, response, attempt) =>
    sendBytes(response, 200, { etag: TAG }, INT8, { count: attempt === 0 ? HALF : INT8.length }),
  // Breaks at half, and nothing names the version.
  "half-anonymous.onnx": (request, response, attempt) =>
    sendBytes(response, 200, {}, INT8, { count: attempt === 0 ? HALF : INT8.length }),
  // Breaks at half, and then has another version, whatever was asked for.
  "half-changed.onnx": (request, response, attempt) => {
    if (attempt === 0) return sendBytes(response, 200, { etag: TAG }, INT8, { count: HALF });
    if (request.headers.range) return sendRest(request, response, { etag: '"version-2"' });
    sendBytes(response, 200, { etag: '"version-2"' }, INT8);
  },
  "always-breaks.onnx": (request, response) => sendBytes(response, 200, {}, INT8, { count: 100_000 }),
  // Stands still at half, and can go on.
  "stalls.onnx": (request, response, attempt) =>
    attempt === 0 ? sendBytes(response, 200, { etag: TAG }, INT8, { count: HALF, then: "stall" }) : sendRest(request, response),
  "silent.onnx": () => {},
  "busy.onnx": (request, response, attempt) =>
    attempt < 2 ? send(response, [503, 429][attempt], "text/plain", "later", CORS) : sendBytes(response, 200, {}, INT8),
  "private.onnx": (request, response) => send(response, 401, "text/plain", "who are you?", CORS),
  // Compressed, as a content delivery network sends it: with the length of what is sent.
  "gzipped.onnx": (request, response) => sendBytes(response, 200, { "content-encoding": "gzip", etag: TAG, ...CORS }, GZIPPED),
  // Compressed as well, but breaks at half, and then has the rest as it is, as all servers have for browsers, which ask for it so.
  "gzipped-half.onnx": (request, response, attempt) => sendHalfGzipped(request, response, attempt, INT8),
  // The same, but the rest is that of another version.
  "gzipped-spliced.onnx": (request, response, attempt) => sendHalfGzipped(request, response, attempt, flipped),
  // From another origin: the tag is exposed, and so is the range.
  "half-elsewhere.onnx": (request, response, attempt) => {
    const headers = { ...CORS, "access-control-expose-headers": "etag, content-range", "access-control-allow-headers": "range, if-range" };
    if (request.method === "OPTIONS") return send(response, 204, "text/plain", "", headers);
    if (attempt === 0) return sendBytes(response, 200, { etag: TAG, ...headers }, INT8, { count: HALF });
    sendRest(request, response, headers);
  },
  "forbidden-elsewhere.onnx": (request, response) => sendBytes(response, 200, {}, INT8),
};

/**
 * Starts a server. Resolves to its `origin`, to `requests`, which lists what was asked for as `{ name, method, range, ifRange, encoding }`, to
 * `files`, where more files can be put, and to `close()`.
 */
export async function startFiles() {
  const requests = [];
  const files = { ...FILES };
  const { origin, close } = await listen((request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    if (path === "/page.html") return send(response, 200, TYPES[".html"], "<!doctype html><title>files</title>", {});
    if (path.startsWith("/site/")) return sendFile(response, join(DIST, path.slice("/site/".length)), {});
    const name = path.slice(1);
    const file = files[name];
    if (!file) return send(response, 404, "text/plain", "not here", CORS);
    const attempt = requests.filter((earlier) => earlier.name === name && earlier.method === "GET").length;
    const { method, headers } = request;
    requests.push({ name, method, range: headers.range, ifRange: headers["if-range"], encoding: headers["accept-encoding"] });
    file(request, response, attempt);
  });
  return { origin, requests, files, close };
}

/** Starts the server and opens its page in a new browser. Both are closed after the last test. */
export async function visitFiles() {
  const browser = await launch();
  const server = await startFiles();
  after(async () => {
    await browser.close();
    server.close();
  });
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${server.origin}/page.html`);
  return { browser, server, page };
}
