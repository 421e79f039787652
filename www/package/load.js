// @ts-check
// Loads a model, whatever runs it. bert8.d.ts has the types and the documentation.

/** @import * as api from "./bert8.js" */
/** @import { Client } from "./client.js" */

import { pickBackends } from "./backend.js";
import { checkNumber, checkOptions, checkWorker } from "./checks.js";
import { makeClassifier } from "./classifier.js";
import { toBlob, toFileOptions, toManifestUrl } from "./file-options.js";
import { isUrl, tagOf, toSource, toUrl } from "./inputs.js";
import { BUILD } from "./pkg/build.js";
import { Session } from "./session.js";

// The largest number that fits into WebAssembly's 32-bit integers. Every model allows far fewer tokens.
const MAX_TOKENS = 2 ** 32 - 1;

const MAX_THREADS = 64;

// The options. As records, because the compiler finds a name that is missing in a record.
/** @type {Record<keyof api.LoadSettings, true>} */
const SETTINGS = {
  cache: true, stallMs: true, backend: true, kernel: true, threads: true, worker: true, module: true, maxLength: true, threshold: true,
  restart: true, signal: true, onProgress: true,
};
/** @type {Record<Exclude<keyof api.LoadOptions, keyof api.LoadSettings>, true>} */
const FILES = { model: true, tokenizer: true, integrity: true, size: true };

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
  const { worker, module, maxLength, threshold, restart = true, signal, onProgress } = rest;
  if (manifest !== undefined) {
    const named = Object.keys(FILES).find((name) => options && name in options);
    if (named) throw new TypeError(`load(manifest, options): the manifest says what to load; leave out the option ${named}`);
  }
  const backends = pickBackends(backend);
  checkNumber("maxLength", maxLength, { integer: true, min: 1 });
  checkNumber("threshold", threshold, { integer: false, min: 0, max: 1 });
  if (threads !== "auto") checkNumber("threads", threads, { integer: true, min: 1, max: MAX_THREADS }, '"auto" or ');
  if (typeof kernel !== "string") throw new TypeError('load(): kernel must be "auto" or the name of a kernel');
  if (typeof restart !== "boolean") throw new TypeError("load(): restart must be true or false");
  checkWorker("load()", worker);
  const args = {
    build: BUILD,
    backends,
    module: await toModule(module),
    kernel,
    threads,
    ...toFileOptions(rest),
    manifest,
    model: manifest === undefined ? await toFile("model", model, restart) : undefined,
    tokenizer: manifest === undefined ? await toFile("tokenizer", tokenizer, restart) : undefined,
    maxLength: maxLength && Math.min(maxLength, MAX_TOKENS),
    threshold,
  };
  signal?.throwIfAborted();
  const session = new Session(() => connect(worker), args, restart);
  return makeClassifier(session, await session.load({ signal, onProgress, transfer: restart ? [] : buffersOf(args) }));
}

/**
 * Returns a Blob, an absolute URL or a copy of the bytes.
 * @param {string} name the option, for error messages
 * @param {unknown} value
 * @param {boolean} keep whether bytes are to be kept, which a Blob does outside of JavaScript's memory
 */
async function toFile(name, value, keep) {
  const file = (await toBlob(name, value)) ?? toSource(name, value);
  return keep && file instanceof Uint8Array ? new Blob([file]) : file;
}

/**
 * Returns the buffers among the values of an object.
 * @param {object} values
 */
function buffersOf(values) {
  return Object.values(values).flatMap((value) => (value instanceof Uint8Array ? [value.buffer] : []));
}

/**
 * Returns a compiled module as it is, and an absolute URL or a copy of the bytes otherwise.
 * @param {api.LoadSettings["module"]} module
 */
export async function toModule(module) {
  if (module === undefined) return undefined;
  if (tagOf(module) === "WebAssembly.Module") return /** @type {WebAssembly.Module} */ (module);
  const file = await toFile("module", module, false);
  return file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file;
}
