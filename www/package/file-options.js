// @ts-check
// Turns what callers say about files into what can be posted to a worker.

/** @import { Files } from "./load-classifier.js" */

import { tagOf } from "./inputs.js";

// For how many milliseconds a download may stand still.
const STALL_MS = 30_000;

const HASH = /^sha256-[A-Za-z0-9+/]{43}=$/;

/**
 * Returns the options of `load` that say how to obtain its files.
 * @param {{ integrity?: unknown, cache?: unknown, stallMs?: unknown }} options
 * @returns {Pick<Files, "integrity" | "cache" | "stallMs">}
 * @throws {TypeError} if an option has a wrong type
 */
export function toFileOptions({ integrity, cache = false, stallMs = STALL_MS }) {
  if (typeof cache !== "boolean") throw new TypeError("load(): cache must be true or false");
  if (typeof stallMs !== "number" || !(stallMs > 0 && stallMs < 2 ** 31)) {
    throw new TypeError(`load(): stallMs must be a number of milliseconds, not ${String(stallMs)}`);
  }
  const hashes = typeof integrity === "object" && integrity !== null ? { ...integrity } : { model: integrity };
  for (const [file, hash] of Object.entries(hashes)) {
    if (!["model", "tokenizer"].includes(file)) throw new TypeError(`load(): integrity is for a model and a tokenizer, not ${file}`);
    if (hash !== undefined && !(typeof hash === "string" && HASH.test(hash))) {
      throw new TypeError(`load(): the integrity of the ${file} must be "sha256-" and a SHA-256 in base64, not ${String(hash)}`);
    }
  }
  return { integrity: /** @type {Files["integrity"]} */ (hashes), cache, stallMs };
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
