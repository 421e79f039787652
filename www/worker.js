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
  async load({ backend, kernel, model, tokenizer, maxLength }, context) {
    const start = performance.now();
    // Pieces of the model wait until the package is there to take them; those of a download as copies.
    const waiting = [];
    let file;
    const take = (piece) => (file ? file.push(piece) : waiting.push(piece === model ? piece : piece.slice()));
    const modelIn = obtain(model, "model", context, take);
    const packageIn = instantiate(backend).then((wasm) => {
      file = new wasm.WasmModelFile();
      for (const piece of waiting.splice(0)) file.keep(piece);
      return wasm;
    });
    const pieces = [];
    const tokenizerIn = obtain(tokenizer, "tokenizer", context, (piece) => pieces.push(piece.slice()));
    const words = Promise.all([packageIn, tokenizerIn]).then(async ([wasm]) => {
      const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
      return new wasm.WasmTokenizer(bytes, nameOf(tokenizer, "tokenizer"));
    });
    const [wasm, size, read] = await Promise.all([packageIn, modelIn, words]);
    context.signal.throwIfAborted();
    context.onProgress({ stage: "prepare", file: "model", loaded: size, total: size });
    classifier = new wasm.WasmClassifier(file, nameOf(model, "model"), read, maxLength, kernel);
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

/** Gives `take` the bytes that `source` is or that its URL leads to, piece by piece; resolves to how many these are. */
async function obtain(source, file, context, take) {
  if (typeof source === "string") return download(source, file, context, take);
  take(source);
  return source.length;
}

/** What to call `source` in messages. */
function nameOf(source, file) {
  return typeof source === "string" ? source : `the given ${file}`;
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
