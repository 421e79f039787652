// @ts-check
// Sends requests to a host (host.js) and matches its replies to them. It knows nothing about models, workers or pages.

/** @import { Reply } from "./host.js" */

/**
 * @typedef {object} Channel the way to a host
 * @property {(message: object, transfer: Transferable[]) => void} post
 * @property {() => void} end releases the host, after it has been told to close
 *
 * @typedef {object} RequestOptions
 * @property {AbortSignal} [signal]
 * @property {number} [timeoutMs]
 * @property {(progress: any) => void} [onProgress]
 * @property {Transferable[]} [transfer]
 *
 * @typedef {object} Request a request that waits for its reply
 * @property {(result: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 * @property {((progress: any) => void) | undefined} onProgress
 * @property {() => void} release ends its timer and stops listening to its abort signal
 */

export class Client {
  #channel;
  /** @type {Map<number, Request>} */
  #pending = new Map();
  #lastId = 0;
  #closed = false;
  /** @type {unknown} the rejection reason of requests after `close` */
  #reason;

  /** @param {Channel} channel */
  constructor(channel) {
    this.#channel = channel;
  }

  /**
   * Runs an operation in the host. If `signal` aborts, the promise rejects at once with the signal's reason, and after
   * `timeoutMs` with a `TimeoutError`. The host drops a request that it has not begun, and stops others as soon as it reads the
   * abort message.
   * @param {string} operation
   * @param {object} args
   * @param {RequestOptions} [options]
   * @returns {Promise<any>}
   */
  request(operation, args, { signal, timeoutMs, onProgress, transfer = [] } = {}) {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw this.#reason;
      signal?.throwIfAborted();
      const id = ++this.#lastId;
      const withdraw = (/** @type {unknown} */ reason) => {
        this.#channel.post({ abort: id }, []);
        this.#take(id)?.reject(reason);
      };
      const onAbort = () => withdraw(signal?.reason);
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => withdraw(timeout(timeoutMs)), timeoutMs);
      const release = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      this.#pending.set(id, { resolve, reject, onProgress, release });
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
   * Ends the host soon. Pending and later requests reject with `reason`.
   * @param {unknown} reason
   */
  close(reason) {
    if (this.#closed) return;
    this.#closed = true;
    this.#reason = reason;
    this.#channel.post({ close: true }, []);
    this.#channel.end();
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(reason);
  }

  /**
   * Takes a message from the host.
   * @param {Reply} message
   */
  receive({ id = 0, progress, result, error, crash }) {
    if (this.#closed) return;
    if (crash) this.close(new Error(crash));
    else if (progress) this.#pending.get(id)?.onProgress?.(progress);
    else if (error) this.#take(id)?.reject(toError(error));
    else this.#take(id)?.resolve(result);
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

/** @param {number} ms */
function timeout(ms) {
  return new DOMException(`no answer within ${ms} ms (timeoutMs)`, "TimeoutError");
}

/** @param {NonNullable<Reply["error"]>} error */
function toError({ name, message }) {
  return name === "AbortError" ? new DOMException(message, name) : new Error(message);
}
