// The calling side of worker.js: one promise per request id. Knows nothing of models or pages.

export class WorkerClient {
  #worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "bert8" });
  #pending = new Map();
  #lastId = 0;
  #closed = null; // the Error that every later request gets

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
   * Runs `operation` in the worker. Rejects with the signal's reason as soon as `signal` aborts; the worker
   * then stops at its next chance.
   */
  request(operation, args, { signal, onProgress, transfer = [] } = {}) {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw this.#closed;
      signal?.throwIfAborted();
      const id = ++this.#lastId;
      const onAbort = () => {
        this.#worker.postMessage({ abort: id });
        this.#take(id).reject(signal.reason);
      };
      this.#worker.postMessage({ id, operation, args }, transfer);
      this.#pending.set(id, { resolve, reject, onProgress, forget: () => signal?.removeEventListener("abort", onAbort) });
      signal?.addEventListener("abort", onAbort);
    });
  }

  /** Ends the worker; requests under way and later ones reject with `error`. */
  close(error) {
    if (this.#closed) return;
    this.#closed = error;
    this.#worker.terminate();
    for (const id of [...this.#pending.keys()]) this.#take(id).reject(error);
  }

  #take(id) {
    const request = this.#pending.get(id);
    this.#pending.delete(id);
    request?.forget();
    return request;
  }

  #receive({ id, progress, result, error, crash }) {
    if (crash) this.close(new Error(crash));
    else if (progress) this.#pending.get(id)?.onProgress?.(progress);
    else if (error) this.#take(id)?.reject(revive(error));
    else this.#take(id)?.resolve(result);
  }
}

function revive({ name, message }) {
  return name === "AbortError" ? new DOMException(message, name) : new Error(message);
}
