// @ts-check
// Holds one WebAssembly classifier and runs the operations of its client. It knows nothing about messages and workers.

/** @import { Backend, ClassifyOptions, Threads } from "./bert8.js" */
/** @import { Files, Settings } from "./load-classifier.js" */
/** @import { Pool } from "./pool.js" */
/** @import { Wasm } from "./wasm.js" */

/**
 * @typedef {[first: string, second?: string]} Texts one text or a pair
 * @typedef {{ signal: AbortSignal, onProgress: (progress: any) => void }} Context
 *
 * @typedef {object} Start
 * @property {Backend[]} backends the builds to try, in this order
 * @property {WebAssembly.Module | Uint8Array<ArrayBuffer> | string} [module] the build, its bytes or its URL
 * @property {string} build the build of the scripts that ask
 * @property {"auto" | number} threads
 * @typedef {Start & Files & Settings} LoadArguments
 *
 * @typedef {(threads: number, onCrash: (error: unknown) => void) => Pool} StartPool
 */

import { Crash, describeCrash, isCrash } from "./crash.js";
import { loadClassifier } from "./load-classifier.js";
import { messageOf } from "./message-of.js";
import { BUILD } from "./pkg/build.js";
import { Progress } from "./progress.js";
import { testKernels } from "./test-kernels.js";
import { planThreads } from "./threads.js";
import { MIXED, makeMemory, startBuild } from "./wasm.js";

export class Engine {
  #onCrash;
  #startPool;

  /** @type {InstanceType<Wasm["WasmClassifier"]> | undefined} */
  #classifier;

  /** @type {Pool | undefined} the other threads, if there are any */
  #pool;

  /** @type {WebAssembly.Memory | undefined} the memory of the build that runs */
  #memory;

  /** What the engine does, for the message of a crash. */
  #doing = "while it started";

  /** @type {Error | undefined} what every operation throws after a crash and after `close` */
  #ended;

  /**
   * @param {(error: unknown) => void} onCrash called with the error after another thread has crashed
   * @param {StartPool} [startPool] starts the other threads; without it, this thread computes everything
   */
  constructor(onCrash, startPool) {
    this.#onCrash = onCrash;
    this.#startPool = startPool;
  }

  /**
   * Runs an operation: "load", then "classify", "classifyBatch" and "rerank"; or "selfTest" alone.
   * @param {string} operation
   * @param {any} args
   * @param {Context} context
   */
  async run(operation, args, context) {
    if (this.#ended) throw this.#ended;
    try {
      switch (operation) {
        case "load": return await this.#load(args, context);
        case "classify": return this.#classify(args);
        case "classifyBatch": return await this.#classifyBatch(args, context);
        case "rerank": return await this.#rerank(args, context);
        case "selfTest": return await this.#selfTest(args, context);
        default: throw new Error(`bert8 has no operation ${operation}; ${MIXED}`);
      }
    } catch (error) {
      if (!isCrash(error)) throw error;
      throw this.crash((await this.#pool?.crash()) ?? error);
    }
  }

  /** Ends the other threads and lets the memory go. Resolves when the threads have ended. */
  async close() {
    const pool = this.#ended ? undefined : this.#pool;
    this.#classifier = this.#memory = this.#pool = undefined;
    this.#ended ??= new Error("this classifier has been disposed");
    await pool?.dismiss();
  }

  /**
   * Ends the engine after a crash. Returns what operations throw from now on.
   * @param {unknown} error what the WebAssembly code threw
   */
  crash(error) {
    if (!(this.#ended instanceof Crash)) {
      this.#ended = new Crash(describeCrash(error, this.#doing, this.#memory));
      this.#pool?.close();
    }
    return this.#ended;
  }

  /**
   * @param {LoadArguments} args
   * @param {Context} context
   */
  async #load({ backends, module, build, threads: wanted, ...files }, context) {
    checkBuild(build);
    const start = performance.now();
    const name = files.manifest ?? (typeof files.model === "string" ? files.model : "the given model");
    this.#doing = `while it loaded ${name}`;
    const { classifier, backend, threads } = await loadClassifier((progress) => this.#start(backends, module, wanted, progress), files, context);
    this.#classifier = classifier;
    this.#doing = `while it ran ${name}`;
    return { ...classifier.info, backend, threads, loadMs: performance.now() - start };
  }

  /**
   * @param {Omit<Start, "threads"> & { model: string, tokenizer: string }} args
   * @param {Context} context
   */
  async #selfTest({ backends, module, build, ...files }, { signal }) {
    checkBuild(build);
    this.#doing = "in its self-test";
    const progress = new Progress(() => {});
    return testKernels(await this.#start(backends, module, 1, progress), files, { signal, progress });
  }

  get #loaded() {
    if (!this.#classifier) throw new Error("no model is loaded");
    return this.#classifier;
  }

  /** @param {{ texts: Texts, options: ClassifyOptions }} args */
  #classify({ texts: [first, second], options }) {
    return this.#loaded.classify(first, second, options);
  }

  /**
   * Classifies inputs in steps. Progress is reported and abort messages are read only between two steps.
   * @param {{ inputs: Texts[] }} args
   * @param {Context} context
   */
  async #classifyBatch({ inputs }, { signal, onProgress }) {
    const results = [];
    const count = this.#loaded.stepInputs;
    while (results.length < inputs.length) {
      signal.throwIfAborted();
      results.push(...this.#loaded.classifyBatch(inputs.slice(results.length, results.length + count)));
      onProgress({ done: results.length, total: inputs.length });
      await nextTask();
    }
    return results;
  }

  /**
   * @param {{ query: string, texts: string[] }} args
   * @param {Context} context
   */
  async #rerank({ query, texts }, context) {
    this.#loaded.checkReranker();
    const answers = await this.#classifyBatch({ inputs: texts.map((text) => [query, text]) }, context);
    const order = this.#loaded.rank(Float32Array.from(answers, ({ logits: [logit] }) => logit));
    return Array.from(order, (index) => {
      const { score, logits: [logit], tokens, truncated, timing } = answers[index];
      return { index, score, logit, tokens, truncated, timing };
    });
  }

  /**
   * Loads and starts a WebAssembly build and, at the same time, its threads.
   * @param {Backend[]} backends
   * @param {LoadArguments["module"]} module
   * @param {"auto" | number} wanted the number of threads
   * @param {Progress} progress
   * @returns {Promise<{ wasm: Wasm, backend: Backend, threads: Threads }>}
   */
  async #start(backends, module, wanted, progress) {
    try {
      const shared = makeMemory();
      /** @type {Threads} */
      let threads = this.#startPool ? planThreads(wanted, shared) : { count: 1, reason: "inline" };
      if (threads.count > 1) this.#pool = this.#startPool?.(threads.count, this.#onCrash);
      const build = await startBuild(backends, module, shared, progress);
      this.#memory = build.memory;
      if (this.#pool && build.memory !== shared) {
        threads = { count: 1, reason: "no shared memory" };
        this.#pool.close();
        this.#pool = undefined;
      }
      this.#pool?.start(build);
      return { wasm: build.wasm, backend: build.backend, threads };
    } catch (error) {
      if (isCrash(error)) throw error;
      throw new Error(`bert8 did not start: ${messageOf(error)}`);
    }
  }
}

/** @param {string} build the build of the scripts that ask */
function checkBuild(build) {
  if (build !== BUILD) throw new Error(`bert8's scripts are of two builds (${build} and ${BUILD}); ${MIXED}`);
}

/**
 * Resolves after the messages that have arrived so far, such as an abort, have been handled.
 * @returns {Promise<void>}
 */
export function nextTask() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
