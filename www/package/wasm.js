// @ts-check
// Obtains the module of a WebAssembly build and starts it with a new memory.

/** @import { Backend } from "./bert8.js" */

import { isOnDisk, readFile } from "./disk.js";
import { messageOf } from "./message-of.js";
import { bindings } from "./pkg/bert8.js";
import { BUILD, BYTES } from "./pkg/build.js";
import { Progress } from "./progress.js";

/**
 * @typedef {ReturnType<typeof bindings>} Wasm the JavaScript interface of a build
 * @typedef {object} Started a build that runs
 * @property {Backend} backend
 * @property {Wasm} wasm
 * @property {WebAssembly.Module} module
 * @property {WebAssembly.Memory} memory the one it uses
 */

// Bundlers recognize these expressions. Functions, because some hosts have no import.meta.url.
/** @type {Record<Backend, () => URL>} */
const URLS = {
  "relaxed-simd": () => new URL("./pkg/relaxed/bert8_bg.wasm", import.meta.url),
  simd128: () => new URL("./pkg/simd128/bert8_bg.wasm", import.meta.url),
};

const PAGES_PER_MIB = 16;

// A little more than the builds ask for. build.sh compares.
const INITIAL_PAGES = 40;

// Some systems, such as iOS, refuse large maxima.
const MAXIMA_MIB = [4096, 2048, 1024, 512, 256];

/** What to do about files of several builds of bert8. */
export const MIXED = "reload the page without its cache; if that does not help, deploy all files of one version together";

/** A file that is not deployed. */
class MissingError extends Error {}

/**
 * Starts the first of `backends` whose module is there, or the given module, with `memory`. A build without threads makes its own
 * memory instead.
 * @param {Backend[]} backends not empty
 * @param {WebAssembly.Module | Uint8Array<ArrayBuffer> | string | undefined} given a module, its bytes or its URL
 * @param {WebAssembly.Memory} memory
 * @param {Progress} [progress] is told how much of the module has arrived
 * @returns {Promise<Started>}
 */
export async function startBuild(backends, given, memory, progress = new Progress(() => {})) {
  const { backend, module } = given === undefined ? await firstOf(backends, progress) : await checked(given, backends);
  return { backend, ...(await start(module, bindings(), memory)) };
}

/**
 * Starts a module at an address of the site that has a script of its own, with `memory`, or with its own memory if it has no threads.
 * @template {Initialize} Interface
 * @param {URL} url
 * @param {Interface} wasm the new interface that its script returns
 * @param {WebAssembly.Memory} memory
 */
export async function startModule(url, wasm, memory) {
  const { module } = await checked(versioned(url), ["simd128"]);
  return start(module, wasm, memory);
}

/**
 * @typedef {object} Initialize
 * @property {(options: { module_or_path: WebAssembly.Module, memory: WebAssembly.Memory }) => Promise<{ memory: WebAssembly.Memory }>} init
 */

/**
 * @template {Initialize} Interface
 * @param {WebAssembly.Module} module
 * @param {Interface} wasm
 * @param {WebAssembly.Memory} memory
 */
async function start(module, wasm, memory) {
  const exports = await wasm.init({ module_or_path: module, memory });
  return { wasm, module, memory: exports.memory };
}

/**
 * Compiles the first build whose file is there.
 * @param {Backend[]} backends
 * @param {Progress} progress
 * @returns {Promise<{ backend: Backend, module: WebAssembly.Module }>}
 */
async function firstOf([backend, ...others], progress) {
  progress.expect("program", BYTES[backend]);
  try {
    let size = BYTES[backend];
    const found = await checked(versioned(URLS[backend]()), [backend], (share, total) => {
      size = total ?? size;
      progress.noteAhead("program", Math.round(share * size), size);
    });
    progress.has("program", size);
    return found;
  } catch (error) {
    if (!(error instanceof MissingError) || others.length === 0) throw error;
    console.warn(`bert8: ${error.message}; trying ${others[0]}`);
    return firstOf(others, progress).catch(() => {
      throw error;
    });
  }
}

/**
 * Returns a URL that differs for each build, so that no cache answers with the file of another one. Next.js makes the URL relative.
 * @param {URL} url
 */
function versioned({ href }) {
  const url = new URL(href, globalThis.location?.href);
  if (/^https?:$/.test(url.protocol)) url.searchParams.set("build", BUILD);
  return url.href;
}

/**
 * Compiles a module. Checks that it belongs to this build of bert8 and to one of `backends`.
 * @param {WebAssembly.Module | Uint8Array<ArrayBuffer> | string} source
 * @param {Backend[]} backends
 * @param {OnShare} [onShare]
 */
async function checked(source, backends, onShare = () => {}) {
  const name = typeof source === "string" ? source : "the given `module`";
  const module = await compile(source, name, backends[0], onShare);
  const [stamp] = WebAssembly.Module.customSections(module, "bert8");
  if (!stamp) throw new Error(`${name} is not a WebAssembly module of bert8`);
  const [backend, build] = new TextDecoder().decode(stamp).split(" ");
  if (build !== BUILD) {
    throw new Error(`${name} belongs to another build of bert8 (${build}) than its scripts (${BUILD}); ${MIXED}`);
  }
  const known = backends.find((known) => known === backend);
  if (!known) throw new Error(`${name} is the ${backend} build, which is not the backend asked for or does not run here`);
  return { backend: known, module };
}

/**
 * @param {WebAssembly.Module | Uint8Array<ArrayBuffer> | string} source
 * @param {string} name
 * @param {Backend} backend
 * @param {OnShare} onShare
 */
async function compile(source, name, backend, onShare) {
  if (source instanceof WebAssembly.Module) return source;
  try {
    if (typeof source !== "string") return await WebAssembly.compile(source);
    if (isOnDisk(source)) return await WebAssembly.compile(await readFile(source));
    const response = await fetchModule(source);
    // A copy, because browsers keep compiled code only of a response that they have made themselves.
    watch(response.clone(), BYTES[backend], onShare);
    // Compiling while the bytes arrive needs the right content type.
    if (response.headers.get("content-type") === "application/wasm") return await WebAssembly.compileStreaming(response);
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    const advice = /unsafe-eval/.test(error.message) ? "; allow 'wasm-unsafe-eval' in the script-src of the page's Content Security Policy" : "";
    throw new Error(`${name}: ${error.message}${advice}`);
  }
}

/**
 * Called with the share of a module that has arrived, and with the bytes that the server sends for it, which may be compressed.
 * @typedef {(share: number, total: number | null) => void} OnShare
 */

/**
 * @param {Response} response
 * @param {number} size the module's size
 * @param {OnShare} onShare
 */
async function watch({ body, headers }, size, onShare) {
  const length = headers.get("content-length");
  const reader = body?.getReader();
  let loaded = 0;
  try {
    for (let read = await reader?.read(); read?.value; read = await reader?.read()) {
      loaded += read.value.length;
      onShare(Math.min(loaded / size, 1), length === null ? null : Number(length));
    }
  } catch {
    // Compiling fails too, and says why.
  }
}

/** @param {string} url */
async function fetchModule(url) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new Error(`${url} cannot be fetched (${messageOf(error)}); check the connection, the connect-src of the page's policy and, on another origin, access-control-allow-origin`);
  }
  const { ok, status, statusText, headers } = response;
  if ([403, 404, 410].includes(status)) throw new MissingError(`the server answered ${status} ${statusText} for ${url}; deploy this file`);
  if (!ok) throw new Error(`the server answered ${status} ${statusText} for ${url}; try again later`);
  if (headers.get("content-type")?.startsWith("text/html")) {
    throw new MissingError(`the server sent a web page instead of ${url}; deploy this file`);
  }
  return response;
}

/**
 * Makes a memory that threads can share, with the largest maximum that the browser grants.
 * @throws {Error} if it grants none
 */
export const makeMemory = () => largestMemory().memory;

/** Returns how much memory the browser grants to one build at most, in bytes. It need not be free. */
export const grantedBytes = () => largestMemory().mib * 2 ** 20;

function largestMemory() {
  for (const mib of MAXIMA_MIB) {
    try {
      return { mib, memory: new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: mib * PAGES_PER_MIB, shared: true }) };
    } catch {
      // the next one
    }
  }
  throw new Error(`the browser does not grant a memory of ${MAXIMA_MIB.at(-1)} MiB; close other tabs and try again`);
}
