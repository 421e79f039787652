// @ts-check
// Opens the files of a load, for WebAssembly to read: looks into the cache, and starts downloads before WebAssembly has started.

import { isOnDisk, readFile } from "./disk.js";
import { isSameVersion, keyOf, lengthOf, openCache, placeFor, storedAt } from "./cache.js";

/** @import { Place } from "./cache.js" */
/** @import { Name, Progress } from "./progress.js" */

/**
 * @typedef {string | Uint8Array | Blob} Source an absolute URL, or the bytes of a file
 *
 * A file, as src/web/file.rs reads it.
 * @typedef {object} File
 * @property {string} kind
 * @property {string} name the name in errors
 * @property {Uint8Array} [bytes]
 * @property {Promise<Opened>} [opened]
 * @property {(range?: string, ifRange?: string) => Promise<Opened>} [again]
 * @property {string} [integrity]
 * @property {number} [size]
 *
 * @typedef {object} Options
 * @property {string} [integrity] the hash that the file must have
 * @property {number} [size] the size that it must have
 * @property {boolean} [cache] whether to use Cache Storage
 * @property {number} stallMs
 * @property {AbortSignal} signal
 * @property {Progress} progress
 */

// Size of the buffer that chunks are read into.
const CHUNK_BYTES = 1 << 20;

/**
 * @param {string} kind what the file is for: "model", "tokenizer" or "manifest"
 * @param {Source} source
 * @param {Options} options
 * @returns {File}
 */
export function openFile(kind, source, options) {
  const { integrity, size, progress } = options;
  const file = /** @type {Name} */ (kind);
  const watch = (/** @type {number} */ ahead, /** @type {number | null} */ total) => progress.noteAhead(file, ahead, size ?? total);
  if (source instanceof Uint8Array) {
    progress.has(file, source.length);
    return { kind, name: `the given ${kind}`, bytes: source, integrity, size };
  }
  if (typeof source !== "string") {
    const opened = Promise.resolve(new Opened(new Response(source), { onAhead: (ahead) => watch(ahead, source.size) }));
    return { kind, name: `the given ${kind}`, opened, integrity, size: size ?? source.size };
  }
  if (isOnDisk(source)) {
    const opened = readFile(source).then((bytes) => new Opened(new Response(bytes)));
    opened.catch(() => {});
    return { kind, name: source, opened, integrity, size };
  }
  const cached = Boolean(options.cache) && /^https?:/.test(source);
  const storage = cached ? openCache() : Promise.resolve(undefined);
  /** @type {File["again"]} */
  const again = async (range, ifRange) => {
    const headers = range === undefined ? undefined : { range, ...(ifRange && { "if-range": ifRange }) };
    const opened = await download(source, headers, { ...options, onAhead: watch });
    const cache = range === undefined ? await storage : undefined;
    if (cache) opened.store = placeFor(cache, source, options, opened.response);
    return opened;
  };
  const opened = cached ? storage.then((cache) => (cache ? findOrDownload(cache, source, { ...options, onAhead: watch }, again) : again())) : again();
  // Whoever awaits it later gets the error.
  opened.catch(() => {});
  return { kind, name: source, opened, again, integrity, size };
}

/**
 * Finds a file in the cache, or downloads it. One load downloads a file; others of the same file wait for it.
 * @param {Cache} cache
 * @param {string} url
 * @param {Options & { onAhead: OnAhead }} options
 * @param {() => Promise<Opened>} again
 */
async function findOrDownload(cache, url, options, again) {
  const { integrity, signal, onAhead } = options;
  const { key } = keyOf(url, integrity);
  const match = () => cache.match(key).catch(() => undefined);
  const stored = await match();
  if (stored && (integrity !== undefined || (await isCurrent(stored, url, options)))) return new Opened(stored, { cached: true, onAhead });
  const release = await lock(`bert8 ${key}`, signal);
  try {
    // Another load may have stored it meanwhile.
    const newer = await match();
    if (newer && (integrity !== undefined || !stored || storedAt(newer) !== storedAt(stored))) {
      release();
      return new Opened(newer, { cached: true, onAhead });
    }
    const opened = await again();
    opened.release = release;
    return opened;
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * Returns whether the server still has the stored version of a file. Without a connection, it counts as current.
 * @param {Response} stored
 * @param {string} url
 * @param {Options} options
 */
async function isCurrent(stored, url, { signal, stallMs }) {
  try {
    const current = await fetchInTime(url, { method: "HEAD", cache: "no-cache" }, signal, stallMs);
    return current.response.ok && isSameVersion(stored, current.response);
  } catch {
    return !signal.aborted;
  }
}

/**
 * Waits for a lock. Resolves to a function that releases it. Where there are no locks, nothing waits.
 * @param {string} name
 * @param {AbortSignal} signal
 * @returns {Promise<() => void>}
 */
function lock(name, signal) {
  const free = () => {};
  return new Promise((resolve, reject) => {
    const held = () => new Promise((release) => resolve(() => release(undefined)));
    const request = globalThis.navigator?.locks?.request(name, { signal }, held);
    if (!request) return resolve(free);
    request.catch(() => (signal.aborted ? reject(signal.reason) : resolve(free)));
  });
}

/**
 * Starts a download.
 * @param {string} url
 * @param {Record<string, string> | undefined} headers those that ask for a part
 * @param {Options & { onAhead: OnAhead }} options
 */
async function download(url, headers, { signal, stallMs, onAhead }) {
  // For a part, browsers ask servers for the file as it is. Their own caches may hold a compressed form of it.
  const { response, close } = await fetchInTime(url, headers ? { headers, cache: "no-store" } : {}, signal, stallMs);
  // What a part adds is for WebAssembly to count.
  return new Opened(response, { close, onAhead: headers ? undefined : onAhead });
}

/**
 * Fetches `url`. Rejects if the server does not answer in time.
 * @param {string} url
 * @param {RequestInit} init
 * @param {AbortSignal} signal
 * @param {number} stallMs
 */
async function fetchInTime(url, init, signal, stallMs) {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  const close = () => {
    signal.removeEventListener("abort", onAbort);
    controller.abort();
  };
  const late = new Error(`no answer for ${stallMs / 1000} seconds`);
  const timer = setTimeout(() => controller.abort(late), stallMs);
  try {
    return { response: await fetch(url, { ...init, signal: controller.signal }), close };
  } catch (error) {
    signal.removeEventListener("abort", onAbort);
    const { location } = globalThis;
    const foreign = location && new URL(url).origin !== location.origin && error instanceof TypeError;
    throw foreign ? new Error(`${error.message}; a server of another origin must allow this page to read the file (CORS)`) : error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Called with the number of bytes that were read ahead, and the file's size if the response tells.
 * @typedef {(ahead: number, total: number | null) => void} OnAhead
 */

/** A response whose body is read ahead until WebAssembly takes it. */
class Opened {
  /** @type {Place | undefined} where to store the file */
  store;
  release = () => {};
  /** @type {ReadableStreamDefaultReader | ReadableStreamBYOBReader | undefined} */
  #reader;
  #byob = false;
  /** @type {Uint8Array[]} */
  #chunks = [];
  /** @type {Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>> | undefined} the read that has begun */
  #pending;
  #taken = false;
  #done = false;
  /** @type {unknown} */
  #error;
  #onAhead;

  /**
   * @param {Response} response
   * @param {{ cached?: boolean, close?: () => void, onAhead?: OnAhead }} [options] `close` ends the download
   */
  constructor(response, { cached = false, close = () => {}, onAhead = () => {} } = {}) {
    this.response = response;
    this.#onAhead = onAhead;
    this.cached = cached;
    this.end = close;
    if (response.ok && response.body) this.#open(response.body);
    this.#readAhead();
  }

  /** @param {ReadableStream} body */
  #open(body) {
    try {
      this.#reader = body.getReader({ mode: "byob" });
      this.#byob = true;
    } catch {
      this.#reader = body.getReader();
    }
  }

  async #readAhead() {
    let buffer = new ArrayBuffer(CHUNK_BYTES);
    let ahead = 0;
    const total = lengthOf(this.response);
    this.#onAhead(0, total);
    try {
      while (this.#reader && !this.#done) {
        this.#pending = this.#reader.read(new Uint8Array(buffer));
        const { done, value } = await this.#pending;
        if (this.#taken) return;
        this.#pending = undefined;
        this.#done = done;
        if (value && !done) {
          this.#chunks.push(this.#byob ? value.slice() : value);
          this.#onAhead((ahead += value.length), total);
        }
        if (done && this.#reader) this.#onAhead(ahead, ahead);
        if (value && this.#byob) buffer = value.buffer;
      }
    } catch (error) {
      if (this.#taken) return;
      this.#pending = undefined;
      this.#error = error ?? new Error("the body cannot be read");
    }
  }

  /** Stops reading ahead. Returns what was read, the read that has begun, and the reader of the rest. */
  take() {
    this.#taken = true;
    return {
      chunks: this.#chunks,
      pending: this.#pending,
      reader: this.#reader,
      byob: this.#byob,
      done: this.#done,
      error: this.#error,
    };
  }

  /** Ends the download. */
  close() {
    this.#taken = true;
    this.end();
    this.#reader?.cancel().catch(() => {});
  }
}
