// @ts-check
// Sends requests to a host (host.js) and matches its replies to them. It knows nothing about models, workers or pages.

/** @import { Reply } from "./host.js" */

import { Crash } from "./crash.js";

/**
 * @typedef {object} Channel the way to a host
 * @property {(message: object, transfer: Transferable[]) => void} post
 * @property {() => void} end releases the host, after it has been told to close
 *
 * @typedef {object} RequestOptions
 * @property {AbortSignal} [signal]
 * @property {(progress: any) => void} [onProgress]
 * @property {Transferable[]} [transfer]
 * @property {number} [stopMs] for how many milliseconds the host may go on after the signal has aborted; then it is ended
 *
 * @typedef {object} Request a request that waits for its reply
 * @property {(result: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 * @property {((progress: any) => void) | undefined} onProgress
 * @property {boolean} begun
 * @property {() => void} release stops listening to its abort signal
 */

/** The rejection of a request that had not begun when the host crashed. */
export class NotBegun extends Crash {}

export class Client {
  #channel;
  /** @type {Map<number, Request>} */
  #pending = new Map();
  /** @type {Map<number, ReturnType<typeof setTimeout>>} ends the host unless it stops a withdrawn request, by the request's id */
  #stopping = new Map();
  #lastId = 0;
  #closed = false;
  /** @type {unknown} the rejection reason of requests after `close` */
  #reason;

  /** @param {Channel} channel */
  constructor(channel) {
    this.#channel = channel;
  }

  /** Whether the host has crashed. */
  get crashed() {
    return this.#reason instanceof Crash;
  }

  /**
   * Runs an operation in the host. If `signal` aborts, the promise rejects at once with the signal's reason. The host drops a
   * request that it has not begun, and stops others as soon as it reads the abort message.
   * @param {string} operation
   * @param {object} args
   * @param {RequestOptions} [options]
   * @returns {Promise<any>}
   */
  request(operation, args, { signal, onProgress, transfer = [], stopMs } = {}) {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw this.#reason;
      signal?.throwIfAborted();
      const id = ++this.#lastId;
      const onAbort = () => {
        this.#channel.post({ abort: id }, []);
        const request = this.#take(id);
        if (request?.begun && stopMs !== undefined) this.#stopWithin(stopMs, id);
        request?.reject(signal?.reason);
      };
      const release = () => signal?.removeEventListener("abort", onAbort);
      this.#pending.set(id, { resolve, reject, onProgress, begun: false, release });
      signal?.addEventListener("abort", onAbort);
      try {
        this.#channel.post({ id, operation, args }, transfer);
      } catch (error) {
        this.#take(id);
        throw error;
      }
    });
  }

  /**
   * Ends the host soon. Pending and later requests reject with `reason`. If that is a crash, pending ones that have not begun reject
   * with `NotBegun`.
   * @param {unknown} reason
   */
  close(reason) {
    if (this.#closed) return;
    this.#closed = true;
    this.#reason = reason;
    this.#channel.post({ close: true }, []);
    this.#channel.end();
    for (const timer of this.#stopping.values()) clearTimeout(timer);
    for (const [id, { begun }] of [...this.#pending]) {
      this.#take(id)?.reject(reason instanceof Crash && !begun ? new NotBegun(reason.message) : reason);
    }
  }

  /**
   * Takes a message from the host.
   * @param {Reply} message
   */
  receive({ id = 0, begun, progress, result, error, crash }) {
    if (this.#closed) return;
    const request = this.#pending.get(id);
    if (crash) return this.close(new Crash(crash));
    if (begun) return request && (request.begun = true);
    if (progress) return request?.onProgress?.(progress);
    clearTimeout(this.#stopping.get(id));
    this.#stopping.delete(id);
    this.#take(id);
    if (error) request?.reject(toError(error));
    else request?.resolve(result);
  }

  /**
   * Ends the host unless it ends a request in time.
   * @param {number} ms
   * @param {number} id
   */
  #stopWithin(ms, id) {
    const end = () => this.close(new Crash(`a call that was withdrawn went on for ${ms / 1000} seconds, so its worker was ended`));
    this.#stopping.set(id, setTimeout(end, ms));
  }

  /**
   * Removes and returns a pending request, if it still is pending.
   * @param {number} id
   */
  #take(id) {
    const request = this.#pending.get(id);
    this.#pending.delete(id);
    request?.release();
    return request;
  }
}

/** @param {NonNullable<Reply["error"]>} error */
function toError({ name, message }) {
  return name === "AbortError" ? new DOMException(message, name) : new Error(message);
}
