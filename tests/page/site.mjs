// Serves dist/ from a sub-folder, as `bert8 serve` would, and next to it the ways in which a server can fail.

import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { HEADERS, TYPES, send, sendFile } from "./static.mjs";

export const DIST = process.env.BERT8_DIST ?? fileURLToPath(new URL("../../dist", import.meta.url));
const FOLDER = "/some/folder/";
const INT8 = join(DIST, "models/model.int8.onnx");
const FP32 = join(DIST, "models/model.fp32.onnx");

// Stand-ins for the wasm package: two that trap the way Rust panics do, and a regression model.
const TRAP = `throw new WebAssembly.RuntimeError("unreachable");`;
const STAND_INS = {
  "/trap-in-classify/": `
    export default async () => {};
    export class WasmModelFile { push() {} keep() {} }
    export class WasmTokenizer {}
    export class WasmClassifier {
      info = { precision: "int8", kernel: "stub", modelBytes: 1, memoryBytes: 1, layers: 1, hidden: 1, maxLength: 9, labels: ["0", "1"] };
      classify() { ${TRAP} }
    }`,
  "/score/": `
    export default async () => {};
    export class WasmModelFile { push() {} keep() {} }
    export class WasmTokenizer {}
    export class WasmClassifier {
      info = { precision: "int8", kernel: "stub", modelBytes: 1, memoryBytes: 1, layers: 1, hidden: 1, maxLength: 9, labels: ["LABEL_0"] };
      constructor(model, name) { this.score = name.includes("int8") ? -1.25 : -1; }
      classify() {
        const timing = { tokenizeMs: 1, inferMs: 1, runs: 1 };
        const { score } = this;
        return { label: null, labelId: null, probabilities: [], score, logits: [score], tokens: 5, truncated: false, timing };
      }
    }`,
  "/trap-in-load/": `
    export default async () => {};
    export class WasmModelFile { push() {} keep() {} }
    export class WasmTokenizer {}
    export class WasmClassifier {
      constructor() { ${TRAP} }
    }`,
};

// Pages of the tests that stand beside the site's own.
const PAGES = { "engine.html": fileURLToPath(new URL("engine.html", import.meta.url)) };

/** `url` is the page's; `release()` lets /broken/held.onnx go. What pages send by POST goes to `said`. */
export async function startSite({ said = () => {} } = {}) {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  let attempts = 0;

  const broken = {
    "404.onnx": (response) => send(response, 404, "text/plain", "not here"),
    "page.onnx": (response) => send(response, 200, TYPES[".html"], "<!doctype html><title>Sign in</title>"),
    "short.onnx": (response) => {
      response.writeHead(200, { ...HEADERS, "Content-Type": "application/octet-stream", "Content-Length": 5_000_000 });
      response.write(Buffer.alloc(100_000), () => setTimeout(() => response.destroy(), 50));
    },
    "huge.onnx": (response) => {
      response.writeHead(200, { ...HEADERS, "Content-Type": "application/octet-stream", "Content-Length": 5_000_000_000 });
      response.write(Buffer.alloc(100_000));
    },
    "foreign.onnx": (response) => sendFile(response, process.env.BERT8_FOREIGN_INT8 ?? ""),
    "once.onnx": (response) => (attempts++ === 0 ? send(response, 503, "text/plain", "later") : sendFile(response, INT8)),
    "held.onnx": (response) => released.then(() => sendFile(response, FP32)),
  };

  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const mount = [FOLDER, ...Object.keys(STAND_INS)].find((folder) => path.startsWith(folder));
    if (request.method === "POST") {
      return json(request).then((message) => {
        said(message);
        send(response, 200, "text/plain", "");
      });
    }
    if (path.startsWith("/broken/")) return (broken[path.slice("/broken/".length)] ?? broken["404.onnx"])(response);
    if (!mount) return broken["404.onnx"](response);
    const file = normalize(path.slice(mount.length)) || "index.html";
    if (STAND_INS[mount] && /^pkg\/.*\/bert8\.js$/.test(file)) return send(response, 200, TYPES[".js"], STAND_INS[mount]);
    sendFile(response, PAGES[file] ?? join(DIST, file === "." ? "index.html" : file));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    url: origin + FOLDER,
    release,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
