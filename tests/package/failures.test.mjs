// What load() says if the package's files are not there, not allowed, or do not belong together.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { TYPES, send } from "../../tools/web/server.mjs";
import { stamp } from "../../tools/package/stamp.mjs";
import { CORS, ISOLATED, MODELS, PACKAGE, sendPage, serveFolder, skip, theBrowser } from "./harness.mjs";

const wasm = (variant) => readFileSync(join(PACKAGE, "pkg", variant, "bert8_bg.wasm"));
const { BUILD } = await import(join(PACKAGE, "pkg/build.js"));

/** Defines `attempt`, which loads a model and resolves to a line about the outcome. */
const scriptOf = (origin) => `
  import { load } from "${origin}bert8.js";
  const files = { model: "${MODELS}/model.int8.onnx", tokenizer: "${MODELS}/tokenizer.json" };
  window.files = files;
  window.load = load;
  window.attempt = (options) => load({ ...files, ...options }).then(
    async (classifier) => {
      const { logits } = await classifier.classify("He left.", "He went away.");
      classifier.dispose();
      return \`\${classifier.info.backend} \${logits.length}\`;
    },
    ({ name, message }) => \`\${name}: \${message}\`,
  );`;

/**
 * Serves the package, with \`changes\` to single files, and opens a page that uses it. A change gets the response and returns
 * nothing. Calls \`use\` with the page and the addresses of the page's and the package's server, without their last slash.
 */
async function visitChanged({ changes = {}, page: pageHeaders = {}, headers = {}, foreign = false }, use) {
  const change = (path, response) => {
    const made = changes[path.slice(1)];
    made?.(response);
    return Boolean(made);
  };
  const server = await serveFolder(PACKAGE, headers, change);
  const host = await serveFolder(PACKAGE, headers, (path, response) =>
    path === "/page.html" ? sendPage(response, scriptOf(foreign ? server : host), pageHeaders) : change(path, response));
  const page = await (await theBrowser()).newPage();
  const logged = [];
  page.on("console", (message) => logged.push(message.text()));
  try {
    await page.goto(`${host}page.html`);
    await page.waitForFunction(() => window.attempt);
    return await use(page, { origin: (foreign ? server : host).slice(0, -1), logged });
  } finally {
    await page.close();
  }
}

const missing = (response) => send(response, 404, "text/plain", "not here", CORS);
const fallback = (response) => send(response, 200, TYPES[".html"], "<!doctype html><title>App</title>", CORS);
const attempt = (page, options = {}) => page.evaluate((options) => window.attempt(options), options);
const NOT_STARTED = "Error: the bert8 worker did not start: ";

describe("a worker that does not start", { skip, timeout: 120_000 }, () => {
  const cases = [
    ["its script is missing", { changes: { "worker.js": missing } },
      "the server answered 404 Not Found for ORIGIN/worker.js; deploy this file; if a bundler has left it out"],
    ["a module that it imports is missing", { changes: { "pkg/bert8.js": missing } }, "the server answered 404 Not Found for ORIGIN/pkg/bert8.js; deploy"],
    ["a single-page app answers with its page", { changes: { "worker.js": fallback } },
      "the server sent a web page instead of the script ORIGIN/worker.js; deploy this file"],
    ["wrong content type", { changes: { "worker.js": (response) => send(response, 200, "text/plain", "//") } },
      'the server sends ORIGIN/worker.js with the content type "text/plain"; it must be text/javascript'],
    ["the embedder policy is missing", { page: ISOLATED },
      "this page is cross-origin isolated, but ORIGIN/worker.js is sent without the header cross-origin-embedder-policy: require-corp"],
    ["the page's policy forbids workers", { page: { "content-security-policy": "worker-src 'none'" } },
      "the Content Security Policy of the page (worker-src) forbids ORIGIN/worker.js; allow it there"],
    ["another origin without CORS", { foreign: true, changes: { "worker.js": (response) => send(response, 200, TYPES[".js"], "//", {}) }, headers: CORS },
      "ORIGIN/worker.js cannot be fetched (Failed to fetch); its server must allow this origin (access-control-allow-origin)"],
    ["another origin, and a policy without blob:", { foreign: true, headers: CORS, page: { "content-security-policy": "worker-src 'self'" } },
      "the Content Security Policy of the page (worker-src) forbids blob: URLs, which a script of another origin (ORIGIN/worker.js) needs; allow it there, or host the files of bert8 on the page's own origin"],
  ];
  for (const [what, how, reason] of cases) {
    test(what, () =>
      visitChanged(how, async (page, { origin }) => {
        const message = await attempt(page);
        const wanted = NOT_STARTED + reason.replaceAll("ORIGIN", origin);
        assert.equal(message.slice(0, wanted.length), wanted);
      }));
  }

  test("there is no Worker", () =>
    visitChanged({}, async (page) => {
      await page.evaluate(() => delete window.Worker);
      assert.match(await attempt(page), /^Error: bert8 needs a Web Worker, which does not exist here .*"bert8\/inline" instead$/);
    }));

  test("another origin with CORS works", () => visitChanged({ foreign: true, headers: CORS }, async (page) => assert.equal(await attempt(page), "relaxed-simd 2")));

  test("a sandboxed frame works", () =>
    visitChanged({ headers: CORS }, async (page, { origin }) => {
      const line = await page.evaluate(async (script) => {
        const frame = document.createElement("iframe");
        frame.sandbox = "allow-scripts";
        frame.srcdoc = `<script type="module">${script}; parent.postMessage(await window.attempt(), "*");</` + "script>";
        const said = new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data)));
        document.body.append(frame);
        return said;
      }, scriptOf(`${origin}/`));
      assert.equal(line, "relaxed-simd 2");
    }));
});

describe("a WebAssembly module that does not fit", { skip, timeout: 120_000 }, () => {
  const RELAXED = "pkg/relaxed/bert8_bg.wasm";
  const SIMD128 = "pkg/simd128/bert8_bg.wasm";
  const START = "Error: bert8 did not start: ";
  const sendWasm = (bytes) => (response) => send(response, 200, TYPES[".wasm"], bytes);

  for (const [what, answer] of [["missing", missing], ["a web page", fallback]]) {
    test(`relaxed SIMD is ${what}: SIMD128 is used, and the console says so`, () =>
      visitChanged({ changes: { [RELAXED]: answer } }, async (page, { logged }) => {
        assert.equal(await attempt(page), "simd128 2");
        assert.match(logged.join("\n"), /bert8: the server .* http.*\/pkg\/relaxed\/bert8_bg\.wasm.*; trying simd128/);
      }));
  }

  const old = (bytes) => stamp(bytes.subarray(0, bytes.length - `relaxed-simd ${BUILD}`.length - 8), "bert8", "relaxed-simd 000000000000");
  const cases = [
    ["both are missing", { changes: { [RELAXED]: missing, [SIMD128]: missing } }, `${START}the server answered 404 Not Found for ORIGIN/${RELAXED}?build=${BUILD}; deploy this file`],
    ["the one asked for is missing", { changes: { [SIMD128]: missing } }, `${START}the server answered 404 Not Found for ORIGIN/${SIMD128}?build=${BUILD}; deploy this file`, { backend: "simd128" }],
    ["the server fails", { changes: { [RELAXED]: (response) => send(response, 503, "text/plain", "") } }, `${START}the server answered 503 Service Unavailable for ORIGIN/${RELAXED}?build=${BUILD}; try again later`],
    ["another build", { changes: { [RELAXED]: sendWasm(old(wasm("relaxed"))) } },
      `${START}ORIGIN/${RELAXED}?build=${BUILD} belongs to another build of bert8 (000000000000) than its scripts (${BUILD}); reload the page without its cache`],
    ["scripts of two builds", { changes: { "pkg/build.js": twice() } }, "Error: bert8's scripts are of two builds (111111111111 and 222222222222); reload the page without its cache"],
    ["not WebAssembly", { changes: { [RELAXED]: sendWasm("something else") } }, `${START}ORIGIN/${RELAXED}?build=${BUILD}: WebAssembly.compileStreaming(): expected magic word`],
  ];
  for (const [what, how, reason, options] of cases) {
    test(what, () =>
      visitChanged(how, async (page, { origin }) => {
        const wanted = reason.replaceAll("ORIGIN", origin);
        assert.equal((await attempt(page, options)).slice(0, wanted.length), wanted);
      }));
  }

  test("the policy of the worker forbids WebAssembly", () =>
    visitChanged({ headers: { "content-security-policy": "script-src 'self'" } }, async (page) => {
      assert.match(await attempt(page), /^Error: bert8 did not start: http.*bert8_bg\.wasm\?build=\w+: .*; allow 'wasm-unsafe-eval' in the script-src of the page's Content Security Policy$/);
    }));

  test("no streaming without the right content type, but an answer", () =>
    visitChanged({ changes: { [RELAXED]: (response) => sendFileAs(response, RELAXED) } }, async (page) => assert.equal(await attempt(page), "relaxed-simd 2")));
});

/** Sends build.js with another build each time: first to the page, then to its worker. */
function twice() {
  let times = 0;
  return (response) => send(response, 200, TYPES[".js"], `export const BUILD = "${times++ === 0 ? "111111111111" : "222222222222"}", BYTES = {};`);
}

const sendFileAs = (response, file) => send(response, 200, "application/octet-stream", readFileSync(join(PACKAGE, file)));
