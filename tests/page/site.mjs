// Serves the built site from a sub-folder, with the headers of `bert8 serve`. Other paths simulate failures.

import { readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { DIST } from "../../tools/web/built.mjs";
import { HEADERS, TYPES, listen, send, sendFile } from "../../tools/web/server.mjs";

const FOLDER = "/some/folder/";
const INT8 = join(DIST, "models/model.int8.onnx");
const FP32 = join(DIST, "models/model.fp32.onnx");

// Replacements of the WebAssembly module, by the folder that the site is served from. Two trap as Rust panics do; one is a
// regression model.
const TRAP = `throw new WebAssembly.RuntimeError("unreachable");`;
const COMMON = `
  export default async () => {};
  export class WasmModelFile { push() {} keep() {} }
  export class WasmTokenizer {}`;
const info = (labels) =>
  `info = { precision: "int8", kernel: "stub", modelBytes: 1, memoryBytes: 1, layers: 1, hidden: 1, maxLength: 9, labels: ${labels} };`;
const STUBS = {
  "/trap-in-classify/": `${COMMON}
    export class WasmClassifier {
      ${info('["0", "1"]')}
      classify() { ${TRAP} }
    }`,
  "/score/": `${COMMON}
    export class WasmClassifier {
      ${info('["LABEL_0"]')}
      constructor(model, name) { this.score = name.includes("int8") ? -1.25 : -1; }
      classify() {
        const timing = { tokenizeMs: 1, inferMs: 1, runs: 1 };
        const { score } = this;
        return { label: null, labelId: null, probabilities: [], score, logits: [score], tokens: 5, truncated: false, timing };
      }
    }`,
  "/trap-in-load/": `${COMMON}
    export class WasmClassifier {
      constructor() { ${TRAP} }
    }`,
};

// The site's page with one more script, which comes first.
const ENGINE_JS = fileURLToPath(new URL("engine.js", import.meta.url));
const enginePage = () =>
  readFileSync(join(DIST, "index.html"), "utf8").replace("<script", '<script type="module" src="engine.js"></script>\n  <script');

/**
 * Starts the server. `onPost` receives each message that a page posts. Resolves to the server's `origin`, the page's `url`,
 * `release()`, which answers the requests for /broken/held.onnx, and `close()`.
 */
export async function startSite({ onPost = () => {} } = {}) {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  let attempts = 0;

  // Sends the first 100,000 of `size` bytes.
  const sendStart = (response, size, then = () => {}) => {
    response.writeHead(200, { ...HEADERS, "content-type": "application/octet-stream", "content-length": size });
    response.write(Buffer.alloc(100_000), then);
  };
  const broken = {
    "404.onnx": (response) => send(response, 404, "text/plain", "not here"),
    "page.onnx": (response) => send(response, 200, TYPES[".html"], "<!doctype html><title>Sign in</title>"),
    "short.onnx": (response) => sendStart(response, 5_000_000, () => setTimeout(() => response.destroy(), 50)),
    "huge.onnx": (response) => sendStart(response, 5_000_000_000),
    "foreign.onnx": (response) => sendFile(response, process.env.BERT8_FOREIGN_INT8),
    "once.onnx": (response) => (attempts++ === 0 ? send(response, 503, "text/plain", "later") : sendFile(response, INT8)),
    "held.onnx": (response) => released.then(() => sendFile(response, FP32)),
  };

  const { origin, close } = await listen(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    if (request.method === "POST") {
      onPost(await json(request));
      return send(response, 200, "text/plain", "");
    }
    if (path.startsWith("/broken/")) return (broken[path.slice("/broken/".length)] ?? broken["404.onnx"])(response);
    const folder = [FOLDER, ...Object.keys(STUBS)].find((folder) => path.startsWith(folder));
    if (!folder) return broken["404.onnx"](response);
    const file = normalize(path.slice(folder.length) || "index.html");
    if (STUBS[folder] && /^pkg\/.*\/bert8\.js$/.test(file)) return send(response, 200, TYPES[".js"], STUBS[folder]);
    if (file === "engine.html") return send(response, 200, TYPES[".html"], enginePage());
    sendFile(response, file === "engine.js" ? ENGINE_JS : join(DIST, file));
  });
  return { origin, url: origin + FOLDER, release, close };
}
