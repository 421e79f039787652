// Module worker around one wasm classifier. Messages in: { id, operation, args } and { abort: id };
// out: { id, progress }, { id, result }, { id, error: { name, message } } and { crash: message }.

import { download } from "./download.js";

const PACKAGES = {
  "relaxed-simd": () => import("./pkg/relaxed/bert8.js"),
  simd128: () => import("./pkg/simd128/bert8.js"),
};

// Pairs between two chances to report progress and to be aborted: INT8 takes many together.
const BATCH = { int8: 32, fp32: 1 };

let classifier;
let broken = null; // what every request is told once the wasm instance has trapped
const running = new Map(); // request id → AbortController

const operations = {
  async load({ backend, kernel, model, tokenizer, maxLength }, { signal, onProgress }) {
    const start = performance.now();
    const context = { signal, onProgress };
    const downloading = obtain(model, "model", context);
    const words = Promise.all([instantiate(backend), obtain(tokenizer, "tokenizer", context)]).then(
      async ([wasm, { pieces, name }]) => {
        const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
        return { wasm, tokenizer: new wasm.WasmTokenizer(bytes, name) };
      },
    );
    const [file, ready] = await Promise.all([downloading, words]);
    signal.throwIfAborted();
    const size = file.pieces.reduce((sum, piece) => sum + piece.length, 0);
    onProgress({ stage: "prepare", file: "model", loaded: size, total: size });
    classifier = new ready.wasm.WasmClassifier(file.pieces, file.name, ready.tokenizer, maxLength, kernel);
    return { ...classifier.info, backend, loadMs: performance.now() - start };
  },

  classify: ({ a, b, options }) => classifier.classify(a, b, options),

  async classifyBatch({ pairs }, { signal, onProgress }) {
    const results = [];
    const size = BATCH[classifier.info.precision];
    while (results.length < pairs.length) {
      signal.throwIfAborted();
      const batch = pairs.slice(results.length, results.length + size);
      results.push(...classifier.classifyBatch(batch.flat()));
      onProgress({ done: results.length, total: pairs.length });
      await nextTask();
    }
    return results;
  },
};

onmessage = async ({ data: { id, operation, args, abort } }) => {
  if (abort) return running.get(abort)?.abort();
  const controller = new AbortController();
  running.set(id, controller);
  const onProgress = (progress) => postMessage({ id, progress });
  try {
    if (broken) throw new Error(broken);
    const result = await operations[operation](args, { signal: controller.signal, onProgress });
    postMessage({ id, result });
  } catch (error) {
    if (isTrap(error)) broken = crashMessage(error);
    postMessage({ id, error: { name: error?.name, message: isTrap(error) ? broken : String(error?.message ?? error) } });
  } finally {
    running.delete(id);
  }
};

// What goes wrong outside of any request.
onunhandledrejection = (event) => crash(event, event.reason);
onerror = (message, source, line, column, error) => {
  postMessage({ crash: crashMessage(error ?? message) });
  return true;
};

function crash(event, error) {
  event.preventDefault();
  postMessage({ crash: crashMessage(error) });
}

/** The bytes that `source` is or that its URL leads to, in pieces, and what to call them in messages. */
async function obtain(source, file, context) {
  if (typeof source !== "string") return { pieces: [source], name: `the given ${file}` };
  return { pieces: await download(source, file, context), name: source };
}

async function instantiate(backend) {
  try {
    const wasm = await PACKAGES[backend]();
    await wasm.default();
    return wasm;
  } catch (error) {
    throw new Error(`the ${backend} build of bert8 did not start: ${error?.message ?? error}`);
  }
}

/** Rust panics and exhausted stacks leave the wasm instance in an unknown state. */
function isTrap(error) {
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
}

function crashMessage(error) {
  return `bert8 crashed inside WebAssembly (${error?.message ?? error}); load the model again`;
}

/** Lets queued messages, an abort among them, be handled. */
function nextTask() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
