// @ts-check
// Starts workers, also those whose script is on another origin.

import { absolute } from "./inputs.js";

/**
 * @typedef {object} StartedWorker
 * @property {Worker} worker
 * @property {string | undefined} url the address of its script; undefined if that is unknown
 */

/**
 * Starts the worker that `create` makes. The browser refuses to start a script of another origin; a small script of this origin
 * then imports it.
 * @param {() => Worker} create evaluates `new Worker(…)`
 * @returns {StartedWorker}
 */
export function startWorker(create) {
  const found = argumentsOf(create);
  if (!found) return { worker: create(), url: undefined };
  return startScript(found.url, found.options);
}

/**
 * Starts the script at `url` as a worker.
 * @param {string} url
 * @param {WorkerOptions} options
 * @returns {StartedWorker}
 */
export function startScript(url, options) {
  if (!isForeign(url)) {
    try {
      return { worker: new Worker(url, options), url };
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "SecurityError")) throw error;
    }
  }
  const code = options.type === "module" ? `import ${JSON.stringify(url)};` : `importScripts(${JSON.stringify(url)});`;
  // Sandboxed frames, whose origin is opaque, start no module from a blob.
  if (globalThis.origin === "null") return { worker: new Worker(`data:text/javascript,${encodeURIComponent(code)}`, options), url };
  const blob = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return { worker: new Worker(blob, options), url };
  } finally {
    // The worker has begun to read it.
    URL.revokeObjectURL(blob);
  }
}

/**
 * Returns the URL and the options that `create` passes to `new Worker`, without a worker being started; undefined if that cannot
 * be found out. Bundlers replace the URL, and only in the complete expression, so this is how to learn it.
 * @param {() => Worker} create
 * @returns {{ url: string, options: WorkerOptions } | undefined}
 */
function argumentsOf(create) {
  const { Worker } = globalThis;
  /** @type {{ url: string, options: WorkerOptions } | undefined} */
  let found;
  const StandIn = function (/** @type {string | URL} */ url, /** @type {WorkerOptions} */ options = {}) {
    found = { url: absolute(url), options };
  };
  try {
    globalThis.Worker = /** @type {any} */ (StandIn);
    create();
  } catch {
    found = undefined;
  } finally {
    if (globalThis.Worker !== Worker) globalThis.Worker = Worker;
  }
  return found;
}

/** @param {string} url */
function isForeign(url) {
  const { protocol, origin } = new URL(url);
  return protocol !== "blob:" && protocol !== "data:" && origin !== globalThis.origin;
}
