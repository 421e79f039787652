// @ts-check
// Answers the requests of a client (client.js) with an engine.
// It receives { id, operation, args }, { abort: id } and { close: true }.
// It posts { id, begun: true }, { id, progress }, { id, result }, { id, error: { name, message } }, { crash: message }, which ends all,
// and { closed: true }.

/** @import { StartPool } from "./engine.js" */

/**
 * @typedef {object} Reply
 * @property {number} [id]
 * @property {boolean} [begun]
 * @property {any} [progress]
 * @property {any} [result]
 * @property {{ name?: string, message: string }} [error]
 * @property {string} [crash]
 * @property {boolean} [closed]
 */

import { Crash } from "./crash.js";
import { Engine, nextTask } from "./engine.js";

export class Host {
  #post;
  #engine;
  /** @type {Map<number, AbortController>} the requests that wait or run, by id */
  #running = new Map();
  /** The turn of the last request. */
  #lastTurn = Promise.resolve();

  /**
   * @param {(reply: Reply) => void} post
   * @param {StartPool} [startPool] starts the other threads; without it, this thread computes everything
   */
  constructor(post, startPool) {
    this.#post = post;
    this.#engine = new Engine((error) => this.crash(error), startPool);
  }

  /**
   * Takes a message from the client.
   * @param {{ id: number, operation: string, args: any, abort?: number, close?: boolean } | any} message
   */
  async receive({ id, operation, args, abort, close }) {
    if (abort) return this.#running.get(abort)?.abort();
    if (close) {
      for (const controller of this.#running.values()) controller.abort();
      await this.#engine.close();
      return this.#post({ closed: true });
    }
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      await this.#turn();
      controller.signal.throwIfAborted();
      this.#post({ id, begun: true });
      const onProgress = (/** @type {unknown} */ progress) => this.#post({ id, progress });
      this.#post({ id, result: await this.#engine.run(operation, args, { signal: controller.signal, onProgress }) });
    } catch (error) {
      if (error instanceof Crash) return this.#post({ crash: error.message });
      const { name, message } = error instanceof Error || error instanceof DOMException ? error : { name: undefined, message: String(error) };
      this.#post({ id, error: { name, message } });
    } finally {
      this.#running.delete(id);
    }
  }

  /**
   * Resolves after the request before has begun and the messages that have arrived meanwhile have been handled, so that a request
   * that was withdrawn while it waited never begins.
   */
  #turn() {
    return (this.#lastTurn = this.#lastTurn.then(nextTask));
  }

  /**
   * Reports a crash that belongs to no request.
   * @param {unknown} error
   */
  crash(error) {
    this.#post({ crash: this.#engine.crash(error).message });
  }
}
