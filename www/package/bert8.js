// @ts-check
// The public API. bert8.d.ts has its types and documentation.

/** @import * as api from "./bert8.js" */

import { pickBackend } from "./backend.js";
import { WorkerClient } from "./worker-client.js";

// The largest number that fits into WebAssembly's 32-bit integers. Every model allows far fewer tokens.
const MAX_TOKENS = 2 ** 32 - 1;

/** @type {typeof api.load} */
export async function load(options) {
  // Called from plain JavaScript, the options may be missing.
  const { model, tokenizer, backend = "auto", kernel = "auto", maxLength, signal, onProgress } = options ?? {};
  const chosen = pickBackend(backend);
  checkNumber("maxLength", maxLength, { integer: true, min: 1 });
  if (typeof kernel !== "string") throw new TypeError('load(): kernel must be "auto" or the name of a kernel');
  const args = {
    backend: chosen,
    kernel,
    model: toSource("model", model),
    tokenizer: toSource("tokenizer", tokenizer),
    maxLength: maxLength && Math.min(maxLength, MAX_TOKENS),
  };
  signal?.throwIfAborted();
  const transfer = [args.model, args.tokenizer].flatMap((source) => (source instanceof Uint8Array ? [source.buffer] : []));
  const client = new WorkerClient();
  try {
    return new Classifier(client, await client.request("load", args, { signal, onProgress, transfer }));
  } catch (error) {
    client.close(error);
    throw error;
  }
}

/** @implements {api.Classifier} */
class Classifier {
  #client;

  /**
   * @param {WorkerClient} client the worker that has loaded the model
   * @param {api.ClassifierInfo} info
   */
  constructor(client, info) {
    this.#client = client;
    this.info = Object.freeze(info);
  }

  /** @type {api.Classifier["classify"]} */
  async classify(sentence1, sentence2, { runs, warmup, budgetMs } = {}) {
    checkPair([sentence1, sentence2], "classify(sentence1, sentence2)");
    checkNumber("runs", runs, { integer: true, min: 1 });
    checkNumber("warmup", warmup, { integer: true, min: 0 });
    checkNumber("budgetMs", budgetMs, { integer: false, min: 0 });
    const given = Object.entries({ runs, warmup, budgetMs }).filter(([, value]) => value !== undefined);
    return this.#client.request("classify", { sentence1, sentence2, options: Object.fromEntries(given) });
  }

  /** @type {api.Classifier["classifyBatch"]} */
  async classifyBatch(pairs, { signal, onProgress } = {}) {
    if (!Array.isArray(pairs)) throw new TypeError("classifyBatch(pairs) needs an array of [sentence1, sentence2] pairs");
    pairs.forEach((pair, i) => checkPair(pair, `classifyBatch(pairs): pairs[${i}]`));
    return this.#client.request("classifyBatch", { pairs }, { signal, onProgress });
  }

  dispose() {
    this.#client.close(new Error("this classifier has been disposed; load() a new one"));
  }
}

/**
 * Returns an absolute URL, or a copy of the bytes. The copy is transferred to the worker; the caller's buffer stays usable.
 * @param {string} name the option, for error messages
 * @param {unknown} value
 * @throws {TypeError} if the value is neither a URL nor bytes
 */
function toSource(name, value) {
  if (value instanceof ArrayBuffer) return new Uint8Array(value).slice();
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if ((typeof value === "string" && value !== "") || value instanceof URL) {
    try {
      return new URL(value, globalThis.document?.baseURI ?? globalThis.location?.href).href;
    } catch {
      throw new TypeError(`load(): ${name} is not a valid URL: ${value}`);
    }
  }
  throw new TypeError(`load() needs a ${name}: a URL, an ArrayBuffer or a Uint8Array`);
}

/**
 * @param {unknown} pair
 * @param {string} where the call and argument, for error messages
 * @throws {TypeError} unless `pair` is an array of two strings
 */
function checkPair(pair, where) {
  if (Array.isArray(pair) && pair.length === 2 && pair.every((sentence) => typeof sentence === "string")) return;
  throw new TypeError(`${where} needs two strings`);
}

/**
 * @param {string} name the option, for error messages
 * @param {unknown} value
 * @param {{ integer: boolean, min: number }} range
 * @throws {TypeError} if `value` is neither undefined nor a finite number in the range
 */
function checkNumber(name, value, { integer, min }) {
  if (value === undefined) return;
  if (typeof value === "number" && (integer ? Number.isSafeInteger(value) : Number.isFinite(value)) && value >= min) return;
  throw new TypeError(`${name} must be ${integer ? "a whole number" : "a number"} of at least ${min}, not ${String(value)}`);
}
