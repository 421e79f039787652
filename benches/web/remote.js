// Calls functions in a worker. The page uses `Remote`, the worker `serve`.

export class Remote {
  #worker;
  #pending = new Map();
  #lastId = 0;

  constructor(url) {
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.onmessage = ({ data: { id, result, error } }) => {
      const { resolve, reject } = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      for (const { reject } of this.#pending.values()) reject(new Error(`${url}: ${event.message || "cannot be loaded"}`));
      this.#pending.clear();
    };
  }

  /** Runs an operation in the worker. Resolves to its result. */
  call(operation, args) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ id, operation, args });
    });
  }

  close() {
    this.#worker.terminate();
  }
}

/** Makes the functions of `operations` callable, by name. */
export function serve(operations) {
  globalThis.onmessage = async ({ data: { id, operation, args } }) => {
    try {
      postMessage({ id, result: await operations[operation](args) });
    } catch (error) {
      postMessage({ id, error: String(error?.message ?? error) });
    }
  };
}
