// @ts-check
// Asks the worker that holds the data (worker.js).

/** @import { Operations } from "./types.js" */

/**
 * @template {keyof Operations} Name
 * @typedef {Parameters<Operations[Name]>[0]} Arguments
 */

/**
 * @typedef {object} Pending
 * @property {(result: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 */

export class DataWorker {
  /** @type {Worker | undefined} */
  #worker;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  #lastId = 0;

  /**
   * Asks for an operation. Rejects if it fails, or after `stop`.
   * @template {keyof Operations} Name
   * @param {Name} operation
   * @param {Arguments<Name>} args
   * @returns {Promise<ReturnType<Operations[Name]>>}
   */
  ask(operation, args) {
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject });
      worker.postMessage({ id, operation, args });
    });
  }

  /**
   * Ends the worker, which loses its data; the next request starts another. What is pending rejects with `reason`.
   * @param {Error} reason
   */
  stop(reason) {
    this.#worker?.terminate();
    this.#worker = undefined;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(reason);
  }

  #start() {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "bert8-data" });
    worker.onmessage = ({ data: { id, result, error, crashed } }) => {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) pending?.resolve(result);
      else pending?.reject(new Error(error));
      if (crashed) this.stop(new Error(error));
    };
    worker.onerror = (event) => {
      event.preventDefault?.();
      this.stop(new Error(`the worker for data did not start or crashed (${event.message ?? "its script could not be loaded"}); check the connection, then try again`));
    };
    return worker;
  }
}
