// @ts-check
// The threads that compute together with the worker that owns a WebAssembly build. Each is a worker of its own, pool-worker.js
// unless the owner has another one.

/**
 * A build that runs.
 * @typedef {object} Build
 * @property {{ startPool: (threads: number) => number, closePool: () => void }} wasm
 * @property {WebAssembly.Module} module
 * @property {WebAssembly.Memory} memory
 */

import { startWorker } from "./start-worker.js";

// For how many milliseconds to wait for the message of a worker that has crashed.
const CRASH_MS = 1000;

/**
 * The workers of a pool. They load their script from the start, and compute once there is a build. One whose script does not load,
 * or that cannot start, is left out: the others do its share.
 *
 * A worker does not start while this one is busy, so the pool may be incomplete for a while. Nothing waits for it.
 */
export class Pool {
  /** The workers that run or start. Firefox would collect one that nothing refers to. */
  #workers = /** @type {Set<Worker>} */ (new Set());
  #threads;
  /** @type {Build | undefined} */
  #build;
  /** The address of an i32 that is 0 until the WebAssembly code of a worker crashes. */
  #stopped = 0;
  /** @type {(error: unknown) => void} */
  #reportCrash = () => {};
  /** Called when no worker is left. */
  #onEmpty = () => {};
  /** Resolves to what the code of a worker threw when it crashed. */
  #crash = new Promise((resolve) => (this.#reportCrash = resolve));

  /**
   * @param {number} threads with the one that calls; at least 2
   * @param {(error: unknown) => void} onCrash called after the WebAssembly code of a worker has crashed
   * @param {() => Worker} [create] starts a worker
   */
  constructor(threads, onCrash, create = createWorker) {
    this.#threads = threads;
    for (let number = 1; number < threads; number++) {
      const worker = started(create);
      if (!worker) return;
      this.#workers.add(worker);
      worker.onmessage = ({ data: { crash } }) => {
        if (crash === undefined) return this.#remove(worker);
        this.#reportCrash(crash);
        onCrash(crash);
      };
      worker.onmessageerror = () => this.#remove(worker);
      worker.onerror = (event) => {
        event.preventDefault();
        this.#remove(worker);
      };
    }
  }

  /**
   * Lets the workers compute for a build.
   * @param {Build} build
   */
  start(build) {
    const { wasm, module, memory } = build;
    this.#build = build;
    this.#stopped = wasm.startPool(this.#threads);
    let number = 1;
    for (const worker of this.#workers) worker.postMessage({ module, memory, number: number++, stopped: this.#stopped });
  }

  /** Resolves to what the WebAssembly code of a worker threw if it has crashed, and to undefined otherwise. */
  async crash() {
    if (!this.#build || Atomics.load(new Int32Array(this.#build.memory.buffer), this.#stopped >> 2) === 0) return undefined;
    // The message may still be under way.
    const late = new Promise((resolve) => setTimeout(() => resolve("in one of its threads"), CRASH_MS));
    return Promise.race([this.#crash, late]);
  }

  /**
   * Lets all workers finish, which takes less time than to end them while they wait, and ends each when it has. Resolves when none is
   * left.
   */
  async dismiss() {
    if (!this.#build) return this.close();
    this.#build.wasm.closePool();
    if (this.#workers.size > 0) await new Promise((resolve) => (this.#onEmpty = () => resolve(undefined)));
  }

  /** Ends all workers. */
  close() {
    for (const worker of [...this.#workers]) this.#remove(worker);
  }

  /** @param {Worker} worker */
  #remove(worker) {
    worker.terminate();
    this.#workers.delete(worker);
    if (this.#workers.size === 0) this.#onEmpty();
  }
}

// Bundlers recognize this expression, and only with a constant name.
const createWorker = () => startWorker(() => new Worker(new URL("./pool-worker.js", import.meta.url), { type: "module", name: "bert8-thread" })).worker;

/**
 * Starts a worker, or returns undefined if that is forbidden here.
 * @param {() => Worker} create
 */
function started(create) {
  try {
    return create();
  } catch {
    return undefined;
  }
}
