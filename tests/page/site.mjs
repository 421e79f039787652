// Serves the built site from a sub-folder, with the headers of `bert8 serve`. Other paths simulate failures.

import { readFileSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { DIST } from "../../tools/web/built.mjs";
import { HEADERS, TYPES, listen, send, sendFile } from "../../tools/web/server.mjs";
import { damage } from "./damage.mjs";

const FOLDER = "/some/folder/";
const INT8 = join(DIST, "models/model.int8.onnx");
const FP32 = join(DIST, "models/model.fp32.onnx");

// Replacements of the WebAssembly module, by the folder that the site is served from. Two trap as Rust panics do; the
// others are models for other tasks than the page's own.
const TRAP = `throw new WebAssembly.RuntimeError("unreachable");`;
const COMMON = `
  const init = async () => ({ memory: new WebAssembly.Memory({ initial: 1 }) });
  class Stub {
    static async load(model) {
      return new this(model.name);
    }
  }
  export const bindings = () => ({ init, WasmClassifier });`;
const info = (more) =>
  `info = { precision: "int8", kernel: "stub", modelBytes: 1, memoryBytes: 1, layers: 1, hidden: 1, maxLength: 9, threshold: null,
    ...${JSON.stringify(more)} };`;
// A model that answers every text with the same logits, in the precision that its file is named after. The logits of FP32 are
// those of INT8 plus `apart`. A file called "other" has the labels `otherLabels`.
const model = ({ labels, problem, texts, threshold = null, otherLabels = labels }, int8, apart) => `${COMMON}
    const sigmoid = (logit) => 1 / (1 + Math.exp(-logit));
    class WasmClassifier extends Stub {
      ${info({ labels, problem, texts, threshold })}
      constructor(name) {
        super();
        if (!name.includes("int8")) this.info.precision = "fp32";
        if (name.includes("other")) this.info.labels = ${JSON.stringify(otherLabels)};
        this.logits = ${JSON.stringify(int8)}.map((logit) => (name.includes("int8") ? logit : logit + ${apart}));
      }
      classify(first, second) {
        if (this.info.texts && (second === undefined) !== (this.info.texts === "single")) throw new Error("wrong number of texts");
        const { logits, info: { labels: names, problem, threshold } } = this;
        const sum = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
        const [probabilities, labelId] = {
          "single-label": [logits.map((logit) => Math.exp(logit) / sum), logits.indexOf(Math.max(...logits))],
          "multi-label": [logits.map(sigmoid), null],
          regression: [[], null],
        }[problem];
        const labels = problem !== "multi-label" ? [] : names
          .map((name, id) => ({ id, name, probability: probabilities[id] }))
          .filter(({ probability }) => probability >= threshold);
        const score = logits.length > 1 ? null : (probabilities[0] ?? logits[0]);
        const timing = { tokenizeMs: 1, inferMs: 1, runs: 1 };
        const label = names[labelId] ?? null;
        return { problem, label, labelId, labels, probabilities, score, logits, tokens: 5, truncated: false, timing };
      }
    }`;
const TAGS = ["anger", "fear", "joy", "love", "neutral", "sadness", "surprise"];
const STUBS = {
  "/trap-in-classify/": `${COMMON}
    class WasmClassifier extends Stub {
      ${info({ labels: ["not_equivalent", "equivalent"], problem: "single-label", texts: "pair" })}
      classify() { ${TRAP} }
    }`,
  "/score/": model({ labels: ["LABEL_0"], problem: "regression", texts: "pair" }, [-1.25], 0.25),
  "/tags/": model({ labels: TAGS, problem: "multi-label", texts: "single", threshold: 0.5 }, [-4, -3, 2, 1, -1, -2, 0.5], -0.25),
  "/decision/": model({ labels: ["toxic"], problem: "multi-label", texts: "single", threshold: 0.8 }, [1], 1),
  "/topics/": model({ labels: ["politics", "sports", "weather"], problem: "single-label", texts: null }, [0, 2, 1], 0),
  "/rte/": model({ labels: ["entailment", "not_entailment"], problem: "single-label", texts: "pair", otherLabels: ["no", "yes"] }, [1, 2], 0),
  "/duplicates/": model({ labels: ["duplicate", "different question"], problem: "single-label", texts: "pair" }, [3, 1], 0),
  "/many/": model({ labels: Array.from({ length: 77 }, (_, id) => `intent ${id}`), problem: "single-label", texts: "single" }, Array.from({ length: 77 }, (_, id) => id / 20), 0),
  // Scores a pair by the length of its second text.
  "/ranker/": `${COMMON}
    class WasmClassifier extends Stub {
      ${info({ labels: ["relevance"], problem: "regression", texts: "pair" })}
      stepInputs = 2;
      checkReranker() {}
      rank(logits) {
        return Uint32Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a]);
      }
      classifyBatch(inputs) {
        const timing = { tokenizeMs: 1, inferMs: 1, runs: 1 };
        return inputs.map(([, { length }]) => ({ score: length, logits: [length], tokens: length, truncated: false, timing }));
      }
    }`,
  // Answers a text, unless the text says how to crash.
  "/crash-on-demand/": `${COMMON}
    const crashes = {
      trap() { ${TRAP} },
      panic() { throw new Error("panicked at src/lib.rs:1:2:\\nindex out of bounds"); },
      memory() { throw new Error("out of memory"); },
      stack() { crashes.stack(); },
      forever() { for (;;); },
    };
    class WasmClassifier extends Stub {
      ${info({ labels: ["politics", "sports"], problem: "single-label", texts: "single" })}
      stepInputs = 1;
      classify(text) {
        crashes[text]?.();
        return { problem: "single-label", label: "sports", labelId: 1 };
      }
      classifyBatch(inputs) {
        return inputs.map(([text]) => this.classify(text));
      }
    }`,
  "/trap-in-load/": `${COMMON}
    class WasmClassifier extends Stub {
      constructor() { super(); ${TRAP} }
    }`,
};

/** Replaces `from` in the site's file, where it must occur. */
const changed = (file, from, to) => {
  const text = readFileSync(join(DIST, file), "utf8");
  if (!text.includes(from)) throw new Error(`${file} does not contain ${from}`);
  return text.replace(from, to);
};

/** Returns where the code section of a WebAssembly module starts. */
function startOfCode(bytes) {
  const CODE = 10;
  for (let at = 8; ; ) {
    const id = bytes[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      size |= (bytes[at] & 0x7f) << shift;
      if (bytes[at++] < 0x80) break;
    }
    if (id === CODE) return at;
    at += size;
  }
}

/** Replaces the three bytes at each of `places` by unreachable, nop, nop, except where the module would be invalid. */
function trapAt(bytes, places) {
  const original = places.map((at) => bytes.subarray(at, at + 3).toString("hex"));
  for (const at of places) bytes.set([0x00, 0x01, 0x01], at);
  if (WebAssembly.validate(bytes)) return;
  places.forEach((at, i) => bytes.write(original[i], at, "hex"));
  if (places.length === 1) return;
  const middle = places.length >> 1;
  trapAt(bytes, places.slice(0, middle));
  trapAt(bytes, places.slice(middle));
}

// The integer products of the SIMD128 build trap: i32x4.dot_i16x8_s becomes unreachable. The same bytes also occur inside other
// instructions, so the next one must be a likely one, a local or another vector instruction, and the module must stay valid.
function trappingModule() {
  const bytes = readFileSync(join(DIST, "pkg/simd128/bert8_bg.wasm"));
  const next = [0x20, 0x21, 0x22, 0xfd];
  const places = [];
  for (let at = startOfCode(bytes); (at = bytes.indexOf("fdba01", at, "hex")) >= 0; at += 3) {
    if (next.includes(bytes[at + 3])) places.push(at);
  }
  trapAt(bytes, places);
  return bytes;
}

// Files that are different from the site's, by the folder that the site is served from. `undefined` means missing.
const CHANGES = {
  "/no-pool-worker/": { "pool-worker.js": () => undefined },
  // Threads crash in the middle of their first product.
  "/trap-in-thread/": {
    "pool-worker.js": () =>
      changed("pool-worker.js", "initSync({ module,", 'initSync({ module: await WebAssembly.compileStreaming(fetch("trap.wasm")),')
        .replace(/^ *onmessage = /m, "onmessage = async "),
    "trap.wasm": trappingModule,
  },
  // The memory cannot grow beyond 8 MiB.
  "/small-memory/": {
    "worker.js": () => changed("worker.js", "MAXIMA_MIB = [4096,", "MAXIMA_MIB = [8,"),
    "wasm.js": () => changed("wasm.js", "MAXIMA_MIB = [4096,", "MAXIMA_MIB = [8,"),
  },
  // Quantizing needs more memory than there is.
  "/quantizer-out-of-memory/": {
    "pkg/quantizer/bert8.js": () => `
      class WasmQuantizer {
        addFile() {}
        quantize() { throw new Error("out of memory"); }
      }
      const init = async () => ({ memory: new WebAssembly.Memory({ initial: 1 }) });
      export const bindings = () => ({ init, WasmQuantizer });`,
  },
  // The browser grants 256 MiB, as some phones do.
  "/phone-memory/": { "worker.js": () => changed("worker.js", "MAXIMA_MIB = [4096,", "MAXIMA_MIB = [256,") },
  // Nothing is cross-origin isolated.
  "/not-isolated/": {},
};
const { "cross-origin-opener-policy": _, "cross-origin-embedder-policy": __, ...NOT_ISOLATED } = HEADERS;

const VUE = fileURLToPath(new URL("node_modules/@vue/reactivity/dist/reactivity.esm-browser.prod.js", import.meta.url));

/** Sends a copy of a demo model that is damaged: /damaged/KIND/SEED/FILE. */
function sendDamaged(response, kind, seed, file) {
  const bytes = readFileSync(join(DIST, "models", file));
  damage(bytes, kind, Number(seed));
  response.writeHead(200, { ...HEADERS, "content-type": "application/octet-stream", "content-length": bytes.length });
  response.end(bytes);
}

const GOLDEN = fileURLToPath(new URL("../golden", import.meta.url));

// The site's page with one more script, which comes first.
const ENGINE_JS = fileURLToPath(new URL("visiting-engine.js", import.meta.url));
const enginePage = () =>
  readFileSync(join(DIST, "index.html"), "utf8").replace("<script", '<script type="module" src="visiting-engine.js"></script>\n  <script');

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
    "once.onnx": (response) => (attempts++ < 3 ? send(response, 503, "text/plain", "later") : sendFile(response, INT8)),
    "held.onnx": (response) => released.then(() => sendFile(response, FP32)),
  };

  const { origin, close } = await listen(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    if (request.method === "POST") {
      onPost(await json(request));
      return send(response, 200, "text/plain", "");
    }
    if (path.startsWith("/broken/")) return (broken[path.slice("/broken/".length)] ?? broken["404.onnx"])(response);
    if (path.startsWith("/damaged/")) return sendDamaged(response, ...path.split("/").slice(2));
    const folder = [FOLDER, ...Object.keys(STUBS), ...Object.keys(CHANGES)].find((folder) => path.startsWith(folder));
    if (!folder) return broken["404.onnx"](response);
    const headers = folder === "/not-isolated/" ? NOT_ISOLATED : HEADERS;
    const file = normalize(path.slice(folder.length) || "index.html");
    if (STUBS[folder] && file === "pkg/bert8.js") return send(response, 200, TYPES[".js"], STUBS[folder]);
    if (file === "blank.html") return send(response, 200, TYPES[".html"], "<!doctype html><title>blank</title>", headers);
    const change = CHANGES[folder]?.[file];
    if (change) {
      const body = change();
      return body ? send(response, 200, TYPES[extname(file)], body) : broken["404.onnx"](response);
    }
    if (file === "vue.js") return sendFile(response, VUE, headers);
    if (file.startsWith("golden/")) return sendFile(response, join(GOLDEN, file.slice("golden/".length)), headers);
    if (file === "engine.html") return send(response, 200, TYPES[".html"], enginePage());
    sendFile(response, file === "visiting-engine.js" ? ENGINE_JS : join(DIST, file), headers);
  });
  return { origin, url: origin + FOLDER, release, close };
}
