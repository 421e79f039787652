// @ts-check
// Turns what callers say about files into what can be posted to a worker.

/** @import { Files } from "./load-classifier.js" */

import { tagOf } from "./inputs.js";

// For how many milliseconds a download may stand still.
const STALL_MS = 30_000;

const HASH = /^sha256-[A-Za-z0-9+/]{43}=$/;

/**
 * Returns the options of `load` that say how to obtain its files.
 * @param {{ integrity?: unknown, size?: unknown, cache?: unknown, stallMs?: unknown }} options
 * @returns {Pick<Files, "integrity" | "size" | "cache" | "stallMs">}
 * @throws {TypeError} if an option has a wrong type
 */
export function toFileOptions({ integrity, size, cache = false, stallMs = STALL_MS }) {
  if (typeof cache !== "boolean") throw new TypeError("load(): cache must be true or false");
  if (typeof stallMs !== "number" || !(stallMs > 0 && stallMs < 2 ** 31)) {
    throw new TypeError(`load(): stallMs must be a number of milliseconds, not ${String(stallMs)}`);
  }
  const isHash = (/** @type {unknown} */ value) => typeof value === "string" && HASH.test(value);
  const isSize = (/** @type {unknown} */ value) => Number.isSafeInteger(value) && Number(value) >= 0;
  return {
    integrity: byFile("integrity", integrity, isHash, '"sha256-" and a SHA-256 in base64'),
    size: byFile("size", size, isSize, "a whole number of bytes"),
    cache,
    stallMs,
  };
}

/**
 * Returns an option that may have a value for each file. A value alone is that of the model.
 * @template T
 * @param {string} name the option
 * @param {unknown} option
 * @param {(value: unknown) => boolean} isRight
 * @param {string} wanted what a value must be, for error messages
 * @returns {{ model?: T, tokenizer?: T }}
 */
function byFile(name, option, isRight, wanted) {
  /** @type {Record<string, any>} */
  const values = typeof option === "object" && option !== null ? { ...option } : { model: option };
  for (const [file, value] of Object.entries(values)) {
    if (!["model", "tokenizer"].includes(file)) throw new TypeError(`load(): ${name} is for a model and a tokenizer, not ${file}`);
    if (value !== undefined && !isRight(value)) {
      throw new TypeError(`load(): the ${name} of the ${file} must be ${wanted}, not ${String(value)}`);
    }
  }
  return values;
}

/**
 * Returns the URL of a manifest. A URL that ends in "/" is that of its folder.
 * @param {string} url absolute
 */
export function toManifestUrl(url) {
  const address = new URL(url);
  if (address.pathname.endsWith("/")) address.pathname += "manifest.json";
  return address.href;
}

/**
 * Returns the bytes behind a Blob, a File or a Response, of any realm, as a Blob that can be posted to a worker; undefined for
 * any other value.
 * @param {string} name the option, for error messages
 * @param {unknown} value
 * @returns {Promise<Blob | undefined>}
 */
export async function toBlob(name, value) {
  const tag = tagOf(value);
  if (tag === "Blob" || tag === "File") return /** @type {Blob} */ (value);
  if (tag !== "Response") return undefined;
  const response = /** @type {Response} */ (value);
  if (!response.ok) throw new Error(`${response.url || name}: the server answered ${response.status} ${response.statusText}; is the file there?`);
  if (response.bodyUsed) throw new TypeError(`load(): the body of the ${name}'s response has been read already; pass a clone of it`);
  return response.blob();
}
