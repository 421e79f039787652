// @ts-check
// The public API. bert8.d.ts has its types and documentation.

/** @import * as api from "./bert8.js" */

import { pickBackend } from "./backend.js";
import { toBlob, toFileOptions, toManifestUrl } from "./file-options.js";
import { WorkerClient } from "./worker-client.js";

export { cache } from "./cache.js";

// The largest number that fits into WebAssembly's 32-bit integers. Every model allows far fewer tokens.
const MAX_TOKENS = 2 ** 32 - 1;

const MAX_THREADS = 64;

/** @type {typeof api.load} */
export async function load(/** @type {any} */ source, /** @type {any} */ more) {
  // load(manifest, options)
  const manifest = typeof source === "string" || source instanceof URL ? toManifestUrl(toUrl("manifest", source)) : undefined;
  /** @type {Partial<api.LoadOptions>} called from plain JavaScript, they may be missing */
  const options = (manifest === undefined ? source : more) ?? {};
  const { model, tokenizer, backend = "auto", kernel = "auto", threads = "auto", ...rest } = options;
  if (manifest !== undefined) {
    const named = ["model", "tokenizer", "integrity"].find((name) => name in options);
    if (named) throw new TypeError(`load(manifest, options): the manifest says what to load; leave out the option ${named}`);
  }
  const { maxLength, threshold, signal, onProgress } = rest;
  const chosen = pickBackend(backend);
  checkNumber("maxLength", maxLength, { integer: true, min: 1 });
  checkNumber("threshold", threshold, { integer: false, min: 0, max: 1 });
  if (threads !== "auto") checkNumber("threads", threads, { integer: true, min: 1, max: MAX_THREADS }, '"auto" or ');
  if (typeof kernel !== "string") throw new TypeError('load(): kernel must be "auto" or the name of a kernel');
  const args = {
    backend: chosen,
    kernel,
    threads,
    ...toFileOptions(rest),
    manifest,
    model: manifest === undefined ? await toSource("model", model) : undefined,
    tokenizer: manifest === undefined ? await toSource("tokenizer", tokenizer) : undefined,
    maxLength: maxLength && Math.min(maxLength, MAX_TOKENS),
    threshold,
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
  async classify(/** @type {unknown} */ first, /** @type {unknown} */ second, /** @type {api.ClassifyOptions} */ options = {}) {
    // classify(text, options)
    if (isOptions(second)) [second, options] = [undefined, second];
    const texts = toTexts(second === undefined ? first : [first, second]);
    if (!texts) throw new TypeError("classify() needs one string, or two for a pair");
    const { runs, warmup, budgetMs } = options;
    checkNumber("runs", runs, { integer: true, min: 1 });
    checkNumber("warmup", warmup, { integer: true, min: 0 });
    checkNumber("budgetMs", budgetMs, { integer: false, min: 0 });
    const given = Object.entries({ runs, warmup, budgetMs }).filter(([, value]) => value !== undefined);
    return this.#client.request("classify", { texts, options: Object.fromEntries(given) });
  }

  /** @type {api.Classifier["classifyBatch"]} */
  async classifyBatch(inputs, { signal, onProgress } = {}) {
    const wanted = "a string or a pair of strings";
    if (!Array.isArray(inputs)) throw new TypeError(`classifyBatch(inputs) needs an array; each input is ${wanted}`);
    const texts = Array.from(inputs, (input, i) => {
      const texts = toTexts(input);
      if (!texts) throw new TypeError(`classifyBatch(inputs): inputs[${i}] must be ${wanted}`);
      return texts;
    });
    return this.#client.request("classifyBatch", { inputs: texts }, { signal, onProgress });
  }

  /** @type {api.Classifier["rerank"]} */
  async rerank(query, texts, { signal, onProgress } = {}) {
    if (typeof query !== "string") throw new TypeError("rerank(query, texts): query must be a string");
    if (!Array.isArray(texts)) throw new TypeError("rerank(query, texts): texts must be an array of strings");
    const wrong = texts.findIndex((text) => typeof text !== "string");
    if (wrong >= 0) throw new TypeError(`rerank(query, texts): texts[${wrong}] must be a string`);
    return this.#client.request("rerank", { query, texts }, { signal, onProgress });
  }

  dispose() {
    this.#client.close(new Error("this classifier has been disposed; load() a new one"));
  }
}

/**
 * Returns an absolute URL, a Blob, or a copy of the bytes. The copy is transferred to the worker; the caller's buffer stays usable.
 * @param {string} name the option, for error messages
 * @param {unknown} value
 * @throws {TypeError} if the value is none of what can be loaded
 */
async function toSource(name, value) {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  const tag = Object.prototype.toString.call(value);
  if (tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]") return new Uint8Array(/** @type {ArrayBuffer} */ (value)).slice();
  return (await toBlob(name, value)) ?? toUrl(name, value);
}

/**
 * Returns an absolute URL.
 * @param {string} name the option, for error messages
 * @param {unknown} value
 * @throws {TypeError} if the value is not one
 */
function toUrl(name, value) {
  if ((typeof value === "string" && value !== "") || Object.prototype.toString.call(value) === "[object URL]") {
    try {
      return new URL(/** @type {string} */ (value), globalThis.document?.baseURI ?? globalThis.location?.href).href;
    } catch {
      throw new TypeError(`load(): ${name} is not a valid URL: ${value}`);
    }
  }
  throw new TypeError(`load() needs a ${name}: a URL, a Blob, a Response, an ArrayBuffer or a view of one`);
}

/**
 * Returns the one or two texts of an input, or undefined if it is neither a string nor an array of two.
 * @param {unknown} input
 * @returns {[string] | [string, string] | undefined}
 */
function toTexts(input) {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input) || input.length !== 2) return undefined;
  const [first, second] = input;
  return typeof first === "string" && typeof second === "string" ? [first, second] : undefined;
}

/**
 * @param {unknown} value
 * @returns {value is api.ClassifyOptions}
 */
function isOptions(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {string} name the option, for error messages
 * @param {unknown} value
 * @param {{ integer: boolean, min: number, max?: number }} range
 * @param {string} [otherwise] what else the option may be, for error messages
 * @throws {TypeError} if `value` is neither undefined nor a finite number in the range
 */
function checkNumber(name, value, { integer, min, max = Infinity }, otherwise = "") {
  if (value === undefined) return;
  if (typeof value === "number" && (integer ? Number.isSafeInteger(value) : Number.isFinite(value)) && value >= min && value <= max) return;
  const range = max < Infinity ? `from ${min} to ${max}` : `of at least ${min}`;
  throw new TypeError(`${name} must be ${otherwise}${integer ? "a whole number" : "a number"} ${range}, not ${String(value)}`);
}
