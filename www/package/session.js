// @ts-check
// The calls of one classifier: sends them to a client, and connects a new one after a crash.

/** @import { Client, RequestOptions } from "./client.js" */
/** @import { CallOptions } from "./bert8.js" */

import { NotBegun } from "./client.js";
import { Crash } from "./crash.js";
import { limit, until } from "./limit.js";

// For how many milliseconds a call that was withdrawn may go on before its worker is ended.
const STOP_MS = 5000;

// How often a call is passed on that had not begun when other calls crashed.
const MOST_CRASHES = 100;

export class Session {
  #connect;
  #args;
  #restart;
  /** @type {Client | undefined} */
  #client;
  /** @type {Promise<Client> | undefined} settles when a new client has loaded the model */
  #starting;
  /** @type {unknown} the rejection reason of calls after `close` */
  #reason;

  /**
   * @param {() => Client} connect
   * @param {object} args of the operation "load"; posted again after a crash
   * @param {boolean} restart whether to load the model again after a crash
   */
  constructor(connect, args, restart) {
    this.#connect = connect;
    this.#args = args;
    this.#restart = restart;
  }

  /**
   * Loads the model. Resolves to its description.
   * @param {RequestOptions} options
   */
  async load(options) {
    const client = this.#connect();
    try {
      const info = await client.request("load", this.#args, options);
      this.#client = client;
      return info;
    } catch (error) {
      client.close(error);
      throw error;
    }
  }

  /**
   * Runs an operation. If a call that began earlier crashes, this one runs after the restart.
   * @param {string} operation
   * @param {object} args
   * @param {CallOptions & { onProgress?: (progress: any) => void }} [options]
   */
  async request(operation, args, { signal, timeoutMs, onProgress } = {}) {
    const { signal: limits, release } = limit(signal, timeoutMs);
    try {
      for (let crashes = 0; ; crashes++) {
        const client = await this.#ready(limits);
        try {
          return await client.request(operation, args, { signal: limits, onProgress, stopMs: this.#restart ? STOP_MS : undefined });
        } catch (error) {
          if (!(error instanceof NotBegun && this.#restart && crashes < MOST_CRASHES)) throw this.#advised(error);
        }
      }
    } finally {
      release();
    }
  }

  /**
   * Ends the classifier. Pending and later calls reject with `reason`.
   * @param {unknown} reason
   */
  close(reason) {
    this.#reason ??= reason;
    this.#client?.close(reason);
  }

  /**
   * Returns the client, or a new one if it has crashed.
   * @param {AbortSignal} signal
   */
  #ready(signal) {
    signal.throwIfAborted();
    if (this.#reason !== undefined) throw this.#reason;
    const client = /** @type {Client} */ (this.#client);
    if (!(this.#restart && client.crashed)) return client;
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return until(this.#starting, signal);
  }

  async #start() {
    const client = this.#connect();
    try {
      await client.request("load", this.#args);
      if (this.#reason !== undefined) throw this.#reason;
      return (this.#client = client);
    } catch (error) {
      client.close(error);
      throw error;
    }
  }

  /**
   * Adds to a crash what happens next.
   * @param {unknown} error
   */
  #advised(error) {
    if (!(error instanceof Crash)) return error;
    return new Error(`${error.message}; ${this.#restart ? "the next call loads the model again" : "load the model again"}`);
  }
}
