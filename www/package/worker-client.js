// @ts-check
// Sends requests to worker.js and matches its replies to them. It knows nothing about models or pages.

/**
 * @typedef {object} Request a request that waits for its reply
 * @property {(result: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 * @property {((progress: any) => void) | undefined} onProgress
 * @property {() => void} unlisten stops listening to the request's abort signal
 */

// For how many milliseconds a worker that is closed may end its threads itself. Browsers end a thread that waits in WebAssembly
// much later.
const GRACE_MS = 100;

export class WorkerClient {
  #worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "bert8" });
  /** @type {Map<number, Request>} */
  #pending = new Map();
  #lastId = 0;
  #closed = false;
  /** @type {unknown} the rejection reason of requests after `close` */
  #reason;

  constructor() {
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onmessageerror = () => this.close(new Error("the bert8 worker sent a message that could not be read"));
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const why = event.message || "worker.js could not be loaded";
      this.close(new Error(`the bert8 worker crashed (${why}); load the model again`));
    };
  }

  /**
   * Runs an operation in the worker. If `signal` aborts, the promise rejects at once with the signal's reason; the worker
   * stops as soon as it reads the abort message.
   * @param {string} operation
   * @param {object} args
   * @param {{ signal?: AbortSignal, onProgress?: (progress: any) => void, transfer?: Transferable[] }} [options]
   * @returns {Promise<any>}
   */
  request(operation, args, { signal, onProgress, transfer = [] } = {}) {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw this.#reason;
      signal?.throwIfAborted();
      const id = ++this.#lastId;
      const onAbort = () => {
        this.#worker.postMessage({ abort: id });
        this.#take(id)?.reject(signal?.reason);
      };
      this.#worker.postMessage({ id, operation, args }, transfer);
      this.#pending.set(id, { resolve, reject, onProgress, unlisten: () => signal?.removeEventListener("abort", onAbort) });
      signal?.addEventListener("abort", onAbort);
    });
  }

  /**
   * Ends the worker soon. Pending and later requests reject with `reason`.
   * @param {unknown} reason
   */
  close(reason) {
    if (this.#closed) return;
    this.#closed = true;
    this.#reason = reason;
    this.#worker.onmessage = null;
    this.#worker.postMessage({ close: true });
    setTimeout(() => this.#worker.terminate(), GRACE_MS);
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(reason);
  }

  /**
   * Removes and returns a pending request, if it still is pending.
   * @param {number} id
   */
  #take(id) {
    const request = this.#pending.get(id);
    this.#pending.delete(id);
    request?.unlisten();
    return request;
  }

  /** @param {{ id: number, progress?: unknown, result?: unknown, error?: ErrorMessage, crash?: string }} message */
  #receive({ id, progress, result, error, crash }) {
    if (crash) this.close(new Error(crash));
    else if (progress) this.#pending.get(id)?.onProgress?.(progress);
    else if (error) this.#take(id)?.reject(toError(error));
    else this.#take(id)?.resolve(result);
  }
}

/** @typedef {{ name?: string, message: string }} ErrorMessage an error in the form that the worker posts */

/** @param {ErrorMessage} error */
function toError({ name, message }) {
  return name === "AbortError" ? new DOMException(message, name) : new Error(message);
}
