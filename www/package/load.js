// @ts-check
// Checks what callers pass, whatever runs the model. bert8.d.ts has the types and the documentation.

/** @import * as api from "./bert8.js" */

import { pickBackends } from "./backend.js";
import { Client } from "./client.js";
import { toBlob, toFileOptions, toManifestUrl } from "./file-options.js";
import { tagOf, toSource, toTexts, toUrl } from "./inputs.js";
import { BUILD } from "./pkg/build.js";

// The largest number that fits into WebAssembly's 32-bit integers. Every model allows far fewer tokens.
const MAX_TOKENS = 2 ** 32 - 1;

// The longest delay of a timer.
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

const MAX_THREADS = 64;

// The options of each function. As records, because the compiler finds a name that is missing in a record.
/** @type {Record<keyof api.LoadSettings, true>} */
const SETTINGS = {
  cache: true, stallMs: true, backend: true, kernel: true, threads: true, worker: true, module: true, maxLength: true, threshold: true,
  signal: true, onProgress: true,
};
/** @type {Record<Exclude<keyof api.LoadOptions, keyof api.LoadSettings>, true>} */
const FILES = { model: true, tokenizer: true, integrity: true };
/** @type {Record<keyof api.ClassifyOptions, true>} */
const CLASSIFY = { runs: true, warmup: true, budgetMs: true, signal: true, timeoutMs: true };
/** @type {Record<keyof api.BatchOptions, true>} */
const BATCH = { onProgress: true, signal: true, timeoutMs: true };

/**
 * Loads a model behind the client that `connect` makes.
 * @param {(worker: api.LoadSettings["worker"]) => Client} connect
 * @param {unknown} source the URL of a manifest, or the options
 * @param {unknown} more the options of a load by a manifest
 * @returns {Promise<api.Classifier>}
 */
export async function loadWith(connect, source, more) {
  const manifest = isUrl(source) ? toManifestUrl(toUrl("manifest", source)) : undefined;
  const options = /** @type {api.LoadOptions | undefined} */ (manifest === undefined ? source : more);
  const { model, tokenizer, backend = "auto", kernel = "auto", threads = "auto", ...rest } = checkOptions("load()", options, { ...FILES, ...SETTINGS });
  const { worker, module, maxLength, threshold, signal, onProgress } = rest;
  if (manifest !== undefined) {
    const named = Object.keys(FILES).find((name) => options && name in options);
    if (named) throw new TypeError(`load(manifest, options): the manifest says what to load; leave out the option ${named}`);
  }
  const backends = pickBackends(backend);
  checkNumber("maxLength", maxLength, { integer: true, min: 1 });
  checkNumber("threshold", threshold, { integer: false, min: 0, max: 1 });
  if (threads !== "auto") checkNumber("threads", threads, { integer: true, min: 1, max: MAX_THREADS }, '"auto" or ');
  if (typeof kernel !== "string") throw new TypeError('load(): kernel must be "auto" or the name of a kernel');
  if (!(worker === undefined || typeof worker === "function" || isUrl(worker))) {
    throw new TypeError("load(): worker must be a URL or a function that returns a Worker");
  }
  const args = {
    build: BUILD,
    backends,
    module: await toModule(module),
    kernel,
    threads,
    ...toFileOptions(rest),
    manifest,
    model: manifest === undefined ? await toFile("model", model) : undefined,
    tokenizer: manifest === undefined ? await toFile("tokenizer", tokenizer) : undefined,
    maxLength: maxLength && Math.min(maxLength, MAX_TOKENS),
    threshold,
  };
  signal?.throwIfAborted();
  const sources = [args.module, args.model, args.tokenizer];
  const transfer = sources.flatMap((source) => (source instanceof Uint8Array ? [source.buffer] : []));
  const client = connect(worker);
  try {
    return makeClassifier(client, await client.request("load", args, { signal, onProgress, transfer }));
  } catch (error) {
    client.close(error);
    throw error;
  }
}

/**
 * Returns a Blob, an absolute URL or a copy of the bytes.
 * @param {string} name the option, for error messages
 * @param {unknown} value
 */
async function toFile(name, value) {
  return (await toBlob(name, value)) ?? toSource(name, value);
}

/** @param {unknown} value */
const isUrl = (value) => typeof value === "string" || tagOf(value) === "URL";

/**
 * Returns a compiled module as it is, and an absolute URL or a copy of the bytes otherwise.
 * @param {api.LoadSettings["module"]} module
 */
async function toModule(module) {
  if (module === undefined) return undefined;
  if (tagOf(module) === "WebAssembly.Module") return /** @type {WebAssembly.Module} */ (module);
  const file = await toFile("module", module);
  return file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file;
}

/**
 * Returns the classifier behind a client. Its methods do not need `this`, so that it works behind the proxies of Vue and others.
 * @param {Client} client has loaded the model
 * @param {api.ClassifierInfo} info
 * @returns {api.Classifier}
 */
function makeClassifier(client, info) {
  /** @type {Pick<api.Classifier, "classify" | "classifyBatch" | "rerank" | "dispose">} */
  const methods = {
    async classify(/** @type {unknown} */ first, /** @type {unknown} */ second = undefined, /** @type {api.ClassifyOptions} */ options = {}) {
      // classify(text, options)
      if (isOptions(second)) [second, options] = [undefined, second];
      const texts = toTexts(second === undefined ? first : [first, second]);
      if (!texts) throw new TypeError("classify() needs one string, or two for a pair");
      const { runs, warmup, budgetMs, ...rest } = checkOptions("classify()", options, CLASSIFY);
      checkNumber("runs", runs, { integer: true, min: 1 });
      checkNumber("warmup", warmup, { integer: true, min: 0 });
      checkNumber("budgetMs", budgetMs, { integer: false, min: 0 });
      const given = Object.entries({ runs, warmup, budgetMs }).filter(([, value]) => value !== undefined);
      return client.request("classify", { texts, options: Object.fromEntries(given) }, checkCall("classify()", rest));
    },

    async classifyBatch(inputs, options) {
      const wanted = "a string or a pair of strings";
      if (!Array.isArray(inputs)) throw new TypeError(`classifyBatch(inputs) needs an array; each input is ${wanted}`);
      const texts = Array.from(inputs, (input, i) => {
        const texts = toTexts(input);
        if (!texts) throw new TypeError(`classifyBatch(inputs): inputs[${i}] must be ${wanted}`);
        return texts;
      });
      return client.request("classifyBatch", { inputs: texts }, checkCall("classifyBatch()", checkOptions("classifyBatch()", options, BATCH)));
    },

    async rerank(query, texts, options) {
      if (typeof query !== "string") throw new TypeError("rerank(query, texts): query must be a string");
      if (!Array.isArray(texts)) throw new TypeError("rerank(query, texts): texts must be an array of strings");
      const copy = Array.from(texts, (text, i) => {
        if (typeof text !== "string") throw new TypeError(`rerank(query, texts): texts[${i}] must be a string`);
        return text;
      });
      return client.request("rerank", { query, texts: copy }, checkCall("rerank()", checkOptions("rerank()", options, BATCH)));
    },

    dispose() {
      client.close(new Error("this classifier has been disposed; load() a new one"));
    },
  };
  const { asyncDispose } = Symbol;
  const disposal = asyncDispose && { [asyncDispose]: async () => methods.dispose() };
  return Object.freeze(/** @type {api.Classifier} */ ({ info: Object.freeze(info), ...methods, ...disposal }));
}

/**
 * Returns the options, or none if they are undefined.
 * @template {object} T
 * @param {string} caller for error messages
 * @param {T | undefined} options
 * @param {Record<string, true>} known the names that they may have
 * @returns {Partial<T>}
 * @throws {TypeError} if they are not an object, or if there is an unknown one
 */
function checkOptions(caller, options, known) {
  if (options === undefined) return {};
  if (!isOptions(options)) throw new TypeError(`${caller}: the options must be an object, not ${options === null ? "null" : typeof options}`);
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined) {
    throw new TypeError(`${caller} has no option ${JSON.stringify(unknown)}; its options are ${Object.keys(known).join(", ")}`);
  }
  return options;
}

/**
 * Returns the options that every call has.
 * @param {string} caller for error messages
 * @param {api.BatchOptions} options
 */
function checkCall(caller, { signal, timeoutMs, onProgress }) {
  checkNumber("timeoutMs", timeoutMs, { integer: false, min: 0, max: MAX_TIMEOUT_MS });
  if (signal !== undefined && typeof signal?.throwIfAborted !== "function") {
    throw new TypeError(`${caller}: signal must be an AbortSignal`);
  }
  if (onProgress !== undefined && typeof onProgress !== "function") throw new TypeError(`${caller}: onProgress must be a function`);
  return { signal, timeoutMs, onProgress };
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
