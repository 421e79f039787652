// @ts-check
// Starts a WebAssembly build: in the worker that owns it, with a new memory; in a pool worker, with that memory.

/** @import { Backend } from "./bert8.js" */

/**
 * @typedef {typeof import("./pkg/relaxed/bert8.js")} Wasm the JavaScript interface of a WebAssembly build
 * @typedef {object} Started a build that runs
 * @property {Wasm} wasm
 * @property {WebAssembly.Module} module
 * @property {WebAssembly.Memory} memory the one it uses
 */

/** @type {Record<Backend, { script: () => Promise<Wasm>, module: URL }>} */
const BUILDS = {
  "relaxed-simd": {
    script: () => import("./pkg/relaxed/bert8.js"),
    module: new URL("./pkg/relaxed/bert8_bg.wasm", import.meta.url),
  },
  simd128: {
    script: () => import("./pkg/simd128/bert8.js"),
    module: new URL("./pkg/simd128/bert8_bg.wasm", import.meta.url),
  },
};

const PAGES_PER_MIB = 16;

// A little more than the builds ask for. build.sh compares.
const INITIAL_PAGES = 40;

// Some systems, such as iOS, refuse large maxima.
const MAXIMA_MIB = [4096, 2048, 1024, 512, 256];

// The layers need far less. A multiple of 64 KiB.
const POOL_STACK_BYTES = 512 << 10;

/**
 * Loads a build and starts it with `memory`. A build without threads makes its own memory instead.
 * @param {Backend} backend
 * @param {WebAssembly.Memory} memory
 * @returns {Promise<Started>}
 */
export async function startBuild(backend, memory) {
  const { script, module: url } = BUILDS[backend];
  const [wasm, module] = await Promise.all([script(), compile(url)]);
  const exports = await wasm.default({ module_or_path: module, memory });
  return { wasm, module, memory: exports.memory };
}

/**
 * Starts a build for one more thread of a memory.
 * @param {Backend} backend
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Memory} memory
 */
export async function joinBuild(backend, module, memory) {
  const wasm = await BUILDS[backend].script();
  wasm.initSync({ module, memory, thread_stack_size: POOL_STACK_BYTES });
  return wasm;
}

/** @param {URL} url */
async function compile(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText} for ${url.href}`);
  // Compiling while the bytes arrive needs the right content type.
  if (response.headers.get("content-type") === "application/wasm") return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

/**
 * Makes a memory that threads can share, with the largest maximum that the browser grants.
 * @throws {Error} if it grants none
 */
export function makeMemory() {
  for (const mib of MAXIMA_MIB) {
    try {
      return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: mib * PAGES_PER_MIB, shared: true });
    } catch {
      // the next one
    }
  }
  throw new Error(`the browser does not grant a memory of ${MAXIMA_MIB.at(-1)} MiB; close other tabs and try again`);
}
