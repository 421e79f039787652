// @ts-check
// A module worker that holds one WebAssembly classifier.
// It receives { id, operation, args }, { abort: id } and { close: true }.
// It posts { id, progress }, { id, result }, { id, error: { name, message } } and { crash: message }.

/** @import { Backend, ClassifyOptions } from "./bert8.js" */
/** @import { Files, Settings } from "./load-classifier.js" */

/**
 * @typedef {[first: string, second?: string]} Texts one text or a pair
 * @typedef {{ signal: AbortSignal, onProgress: (progress: any) => void }} Context
 */

import { loadClassifier } from "./load-classifier.js";
// What that imports, so that all scripts load at the same time.
import "./cache.js";
import "./open-file.js";
import { Pool, planThreads } from "./pool.js";
import { makeMemory, startBuild } from "./wasm.js";

// The message of the error that WebAssembly throws if its memory cannot grow.
const OUT_OF_MEMORY = "out of memory";

// Some allocations trap instead. After a trap, a memory that cannot grow by so many pages of 64 KiB (64 MiB) counts as the cause.
const MARGIN_PAGES = 1024;

/** @type {import("./pkg/relaxed/bert8.js").WasmClassifier} */
let classifier;

/** @type {Pool | undefined} the other threads, if there are any */
let pool;

/** @type {WebAssembly.Memory | undefined} the memory of the build that runs */
let memory;

/** @type {string | null} the error message of every request after a trap */
let crashed = null;

/** @type {Map<number, AbortController>} the requests under way, by id */
const running = new Map();

const operations = {
  /**
   * @param {{ backend: Backend, threads: "auto" | number } & Files & Settings} args
   * @param {Context} context
   */
  async load({ backend, threads: wanted, ...args }, context) {
    const start = performance.now();
    const loaded = await loadClassifier(() => startThreads(backend, wanted), args, context);
    classifier = loaded.classifier;
    return { ...classifier.info, backend, threads: loaded.threads, loadMs: performance.now() - start };
  },

  /** @param {{ texts: Texts, options: ClassifyOptions }} args */
  classify: ({ texts: [first, second], options }) => classifier.classify(first, second, options),

  /**
   * @param {{ inputs: Texts[] }} args
   * @param {Context} context
   */
  classifyBatch: ({ inputs }, context) => classifyInSteps(inputs, context),

  /**
   * @param {{ query: string, texts: string[] }} args
   * @param {Context} context
   */
  async rerank({ query, texts }, context) {
    classifier.checkReranker();
    const answers = await classifyInSteps(texts.map((text) => [query, text]), context);
    const order = classifier.rank(Float32Array.from(answers, ({ logits: [logit] }) => logit));
    return Array.from(order, (index) => {
      const { score, logits: [logit], tokens, truncated, timing } = answers[index];
      return { index, score, logit, tokens, truncated, timing };
    });
  },
};

/**
 * Classifies inputs in steps. Progress is reported and abort messages are read only between two steps.
 * @param {Texts[]} inputs
 * @param {Context} context
 */
async function classifyInSteps(inputs, { signal, onProgress }) {
  const results = [];
  const count = classifier.stepInputs;
  while (results.length < inputs.length) {
    signal.throwIfAborted();
    results.push(...classifier.classifyBatch(inputs.slice(results.length, results.length + count)));
    onProgress({ done: results.length, total: inputs.length });
    await nextTask();
  }
  return results;
}

onmessage = async ({ data: { id, operation, args, abort, close } }) => {
  // WorkerClient then ends this worker. In Chromium, one that closes itself would stay.
  if (close) return crashed ? undefined : pool?.dismiss();
  if (abort) return running.get(abort)?.abort();
  const controller = new AbortController();
  running.set(id, controller);
  const onProgress = (/** @type {unknown} */ progress) => postMessage({ id, progress });
  try {
    if (crashed) throw new Error(crashed);
    const run = operations[/** @type {keyof typeof operations} */ (operation)];
    const result = await run(args, { signal: controller.signal, onProgress });
    postMessage({ id, result });
  } catch (error) {
    if (isTrap(error)) {
      crashed = crashMessage(error);
      pool?.close();
    }
    const name = error instanceof Error ? error.name : undefined;
    postMessage({ id, error: { name, message: isTrap(error) ? crashed : messageOf(error) } });
  } finally {
    running.delete(id);
  }
};

// Errors outside of any request.
onunhandledrejection = (event) => {
  event.preventDefault();
  postMessage({ crash: crashMessage(event.reason) });
};
onerror = (message, source, line, column, error) => {
  postMessage({ crash: crashMessage(error ?? message) });
  return true;
};

/**
 * Loads and starts a WebAssembly build and, at the same time, its threads.
 * @param {Backend} backend
 * @param {"auto" | number} wanted the number of threads
 */
async function startThreads(backend, wanted) {
  try {
    const shared = makeMemory();
    let threads = planThreads(wanted, shared);
    if (threads.count > 1) pool = new Pool(threads.count, () => postMessage({ crash: crashMessage() }));
    const build = await startBuild(backend, shared);
    memory = build.memory;
    if (pool && memory !== shared) {
      threads = { count: 1, reason: "no shared memory" };
      pool.close();
      pool = undefined;
    }
    pool?.start(build, backend);
    return { wasm: build.wasm, threads };
  } catch (error) {
    throw new Error(`the ${backend} build of bert8 did not start: ${messageOf(error)}`);
  }
}

/**
 * Returns whether an error leaves the WebAssembly instance in an unknown state: a Rust panic, an exhausted stack, or a memory
 * that could not grow.
 * @param {unknown} error
 */
function isTrap(error) {
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError || messageOf(error) === OUT_OF_MEMORY;
}

/** Returns whether the memory can grow. Grows it, so call this only after a crash. */
function canGrow() {
  try {
    memory?.grow(MARGIN_PAGES);
    return true;
  } catch {
    return false;
  }
}

/** @param {unknown} [error] nothing if another thread has crashed */
function crashMessage(error) {
  if (messageOf(error) === OUT_OF_MEMORY || !canGrow()) {
    return "bert8 ran out of memory, which this browser does not let grow further; close other tabs, then load the model again, or a smaller one";
  }
  if (pool?.crashed) return "bert8 crashed inside WebAssembly (in one of its threads); load the model again";
  return `bert8 crashed inside WebAssembly (${messageOf(error)}); load the model again`;
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Resolves after the messages that have arrived so far, such as an abort, have been handled.
 * @returns {Promise<void>}
 */
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
