// @ts-check
// The threads that compute together with the worker that owns a WebAssembly build. Each is a worker of its own, pool-worker.js.

/** @import { Backend, Threads } from "./bert8.js" */
/** @import { Started } from "./wasm.js" */

/**
 * Decides how many threads to use, the one that asks included.
 * @param {"auto" | number} wanted
 * @param {WebAssembly.Memory} memory
 * @returns {Threads}
 */
export function planThreads(wanted, memory) {
  if (wanted === 1) return { count: 1, reason: "asked for" };
  if (!canPost(memory)) return { count: 1, reason: "not cross-origin isolated" };
  if (wanted !== "auto") return { count: wanted, reason: "asked for" };
  const cores = navigator.hardwareConcurrency;
  return cores > 1 ? { count: Math.min(4, Math.max(2, cores >> 1)), reason: null } : { count: 1, reason: "one core" };
}

/**
 * Returns whether a memory can be posted to a worker.
 * @param {WebAssembly.Memory} memory
 */
function canPost(memory) {
  // WebKit may claim the first without the second.
  if (!globalThis.crossOriginIsolated || typeof SharedArrayBuffer !== "function") return false;
  const { port1 } = new MessageChannel();
  try {
    port1.postMessage(memory);
    return true;
  } catch {
    return false;
  } finally {
    port1.close();
  }
}

/**
 * The workers of a pool. They load their script from the start, and compute once there is a build. One whose script does not load, or that cannot start, is left out: the others do its share.
 *
 * A worker does not start while this one is busy, so the pool may be incomplete for a while. Nothing waits for it.
 */
export class Pool {
  /** The workers that run or start. Firefox would collect one that nothing refers to. */
  #workers = /** @type {Set<Worker>} */ (new Set());
  #threads;
  /** @type {Started | undefined} */
  #build;
  /** The address of an i32 that is 0 until the WebAssembly code of a worker crashes. */
  #stopped = 0;

  /**
   * @param {number} threads with the one that calls; at least 2
   * @param {() => void} onCrash called after the WebAssembly code of a worker has crashed
   */
  constructor(threads, onCrash) {
    this.#threads = threads;
    for (let number = 1; number < threads; number++) {
      const worker = new Worker(new URL("./pool-worker.js", import.meta.url), { type: "module", name: `bert8 thread ${number}` });
      this.#workers.add(worker);
      worker.onmessage = ({ data: { crashed } }) => (crashed ? onCrash() : this.#remove(worker));
      worker.onmessageerror = () => this.#remove(worker);
      worker.onerror = (event) => {
        event.preventDefault();
        this.#remove(worker);
      };
    }
  }

  /**
   * Lets the workers compute for a build.
   * @param {Started} build
   * @param {Backend} backend
   */
  start(build, backend) {
    const { wasm, module, memory } = build;
    this.#build = build;
    this.#stopped = wasm.startPool(this.#threads);
    let number = 1;
    for (const worker of this.#workers) worker.postMessage({ backend, module, memory, number: number++, stopped: this.#stopped });
  }

  /** Whether the WebAssembly code of a worker has crashed. */
  get crashed() {
    return this.#build !== undefined && Atomics.load(new Int32Array(this.#build.memory.buffer), this.#stopped >> 2) !== 0;
  }

  /** Lets all workers finish, which takes less time than to end them while they wait. Then ends them. */
  dismiss() {
    this.#build?.wasm.closePool();
    this.close();
  }

  /** Ends all workers. */
  close() {
    for (const worker of [...this.#workers]) this.#remove(worker);
  }

  /** @param {Worker} worker */
  #remove(worker) {
    worker.terminate();
    this.#workers.delete(worker);
  }
}
