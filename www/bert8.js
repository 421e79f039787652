// The public API; types and documentation are in bert8.d.ts.

import { pickBackend } from "./backend.js";
import { WorkerClient } from "./worker-client.js";

// What WebAssembly takes as a number; models allow far fewer.
const MOST_TOKENS = 2 ** 32 - 1;

export async function load({ model, tokenizer, backend = "auto", kernel = "auto", maxLength, signal, onProgress } = {}) {
  const chosen = pickBackend(backend);
  checkNumber("maxLength", maxLength, { integer: true, least: 1 });
  if (typeof kernel !== "string") throw new TypeError('load(): kernel is "auto" or a kernel\'s name');
  const args = {
    backend: chosen,
    kernel,
    model: source("model", model),
    tokenizer: source("tokenizer", tokenizer),
    maxLength: maxLength && Math.min(maxLength, MOST_TOKENS),
  };
  signal?.throwIfAborted();
  const transfer = [args.model, args.tokenizer].filter((part) => part instanceof Uint8Array).map((bytes) => bytes.buffer);
  const client = new WorkerClient();
  try {
    return new Classifier(client, await client.request("load", args, { signal, onProgress, transfer }));
  } catch (error) {
    client.close(error);
    throw error;
  }
}

class Classifier {
  #client;

  constructor(client, info) {
    this.#client = client;
    this.info = Object.freeze(info);
  }

  async classify(a, b, { runs, warmup, budgetMs } = {}) {
    checkPair([a, b], "classify(sentence1, sentence2)");
    checkNumber("runs", runs, { integer: true, least: 1 });
    checkNumber("warmup", warmup, { integer: true, least: 0 });
    checkNumber("budgetMs", budgetMs, { integer: false, least: 0 });
    const given = Object.entries({ runs, warmup, budgetMs }).filter(([, value]) => value !== undefined);
    return this.#client.request("classify", { a, b, options: Object.fromEntries(given) });
  }

  async classifyBatch(pairs, { signal, onProgress } = {}) {
    if (!Array.isArray(pairs)) throw new TypeError("classifyBatch(pairs) takes an array of [sentence1, sentence2] pairs");
    pairs.forEach((pair, i) => checkPair(pair, `classifyBatch(pairs): pairs[${i}]`));
    return this.#client.request("classifyBatch", { pairs }, { signal, onProgress });
  }

  dispose() {
    this.#client.close(new Error("this classifier has been disposed; load() a new one"));
  }
}

/** A URL becomes absolute; bytes are copied, so that the caller's buffer is not detached. */
function source(name, value) {
  if (value instanceof ArrayBuffer) return new Uint8Array(value).slice();
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if ((typeof value === "string" && value !== "") || value instanceof URL) {
    try {
      return new URL(value, globalThis.document?.baseURI ?? globalThis.location?.href).href;
    } catch {
      throw new TypeError(`load(): ${name} is not a URL: ${value}`);
    }
  }
  throw new TypeError(`load() needs a ${name}: a URL, an ArrayBuffer or a Uint8Array`);
}

function checkPair(pair, where) {
  if (Array.isArray(pair) && pair.length === 2 && pair.every((sentence) => typeof sentence === "string")) return;
  throw new TypeError(`${where} needs two strings`);
}

function checkNumber(name, value, { integer, least }) {
  if (value === undefined) return;
  if ((integer ? Number.isSafeInteger(value) : Number.isFinite(value)) && value >= least) return;
  throw new TypeError(`${name} must be ${integer ? "a whole number" : "a number"} of at least ${least}, not ${String(value)}`);
}
