// @ts-check
// The files that load() keeps in Cache Storage, with `cache: true`. Each is stored under its URL and hash.

/** @import * as api from "./bert8.js" */

import { absolute } from "./inputs.js";

const NAME = "bert8";

// Stands in the key for a file whose hash is not known.
const NO_HASH = "none";

// Describe a stored file, beside headers of the server.
const HEADERS = { url: "x-bert8-url", integrity: "x-bert8-integrity", stored: "x-bert8-stored" };

/**
 * A place for a file, as src/web/store.rs reads it.
 * @typedef {object} Place
 * @property {Cache} cache
 * @property {string} key
 * @property {string} keyStart what the keys of all versions of the file start with
 * @property {Headers} headers
 */

/** Opens the cache; resolves to undefined if the browser has none or forbids it. */
export async function openCache() {
  try {
    return await globalThis.caches?.open(NAME);
  } catch {
    return undefined;
  }
}

/**
 * The key of a file, which must be a URL, and what the keys of all its versions start with.
 * @param {string} url
 * @param {string} [integrity]
 */
export function keyOf(url, integrity = NO_HASH) {
  const [address] = url.split("#");
  const keyStart = `${address}${address.includes("?") ? "&" : "?"}bert8-integrity=`;
  return { key: `${keyStart}${encodeURIComponent(integrity)}`, keyStart };
}

/**
 * The place for what a server has sent.
 * @param {Cache} cache
 * @param {string} url
 * @param {{ integrity?: string, size?: number }} known
 * @param {Response} response
 * @returns {Place}
 */
export function placeFor(cache, url, { integrity, size }, response) {
  const { headers: sent } = response;
  const headers = new Headers({ [HEADERS.url]: url, [HEADERS.integrity]: integrity ?? NO_HASH, [HEADERS.stored]: String(Date.now()) });
  for (const name of ["etag", "last-modified"]) {
    const value = sent.get(name);
    if (value !== null) headers.set(name, value);
  }
  const length = size ?? lengthOf(response);
  if (length !== null) headers.set("content-length", String(length));
  return { cache, ...keyOf(url, integrity), headers };
}

/**
 * The size of the file in a response, if the response tells.
 * @param {Response} response
 */
export function lengthOf({ headers, type }) {
  const length = headers.get("content-length");
  // The length of compressed data is not that of the file. An answer of another origin may hide that it is compressed.
  const tells = length !== null && type !== "cors" && !headers.has("content-encoding");
  return tells ? Number(length) : null;
}

/**
 * When a response was stored, in milliseconds.
 * @param {Response} response
 */
export const storedAt = ({ headers }) => Number(headers.get(HEADERS.stored));

/**
 * Returns whether a stored response is the version that a server has now, by the headers of the two. Without a validator, it may
 * be another one.
 * @param {Response} stored
 * @param {Response} current
 */
export function isSameVersion(stored, current) {
  const validator = ["etag", "last-modified"].find((name) => current.headers.has(name));
  return validator !== undefined && stored.headers.get(validator) === current.headers.get(validator);
}

/** @type {typeof api.cache} */
export const cache = {
  async list() {
    const storage = await openCache();
    const responses = storage ? await storage.matchAll() : [];
    return Promise.all(
      responses.map(async (response) => {
        const integrity = response.headers.get(HEADERS.integrity);
        return {
          url: response.headers.get(HEADERS.url) ?? "",
          integrity: integrity === NO_HASH ? null : integrity,
          bytes: Number(response.headers.get("content-length")) || (await response.blob()).size,
          stored: new Date(storedAt(response)),
        };
      }),
    );
  },

  async delete(url) {
    const storage = await openCache();
    if (!storage) return 0;
    const wanted = url === undefined ? undefined : absolute(url);
    let count = 0;
    for (const request of await storage.keys()) {
      if (wanted !== undefined && !request.url.startsWith(keyOf(wanted).keyStart)) continue;
      if (await storage.delete(request)) count++;
    }
    return count;
  },
};
