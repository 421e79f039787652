// @ts-check
// Loads a classifier: opens its files while WebAssembly starts, which then reads them.

import { openFile } from "./open-file.js";
import { Progress } from "./progress.js";

/** @import { Source } from "./open-file.js" */
/** @import { Wasm } from "./wasm.js" */

/**
 * @typedef {object} Files what to load, in the form that is posted to a worker
 * @property {string} [manifest] the URL of a manifest, which names the other files
 * @property {Source} [model]
 * @property {Source} [tokenizer]
 * @property {{ model?: string, tokenizer?: string }} integrity
 * @property {{ model?: number, tokenizer?: number }} size
 * @property {boolean} cache
 * @property {number} stallMs
 *
 * @typedef {object} Settings
 * @property {string} kernel
 * @property {number} [maxLength]
 * @property {number} [threshold]
 */

/**
 * @template {{ wasm: Wasm }} Started
 * @param {(progress: Progress) => Promise<Started>} start starts WebAssembly
 * @param {Files & Settings} args
 * @param {{ signal: AbortSignal, onProgress: (progress: any) => void }} context
 */
export async function loadClassifier(start, { manifest, model, tokenizer, integrity, size, cache, stallMs, ...settings }, { signal, onProgress }) {
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  const progress = new Progress(onProgress);
  const context = { signal: stop.signal, onProgress: (/** @type {any} */ report) => progress.take(report), stallMs };
  const open = (/** @type {string} */ kind, /** @type {any} */ source, /** @type {{ integrity?: string, size?: number }} */ known) =>
    openFile(kind, source, { ...known, cache, stallMs, signal: stop.signal, progress });
  for (const file of /** @type {const} */ (["model", "tokenizer"])) progress.expect(file, size[file]);
  try {
    /** @type {import("./open-file.js").File[]} */
    let files = [];
    if (manifest === undefined) {
      const known = (/** @type {"model" | "tokenizer"} */ file) => ({ integrity: integrity[file], size: size[file] });
      files = [open("model", model, known("model")), open("tokenizer", tokenizer, known("tokenizer"))];
    }
    const list = manifest === undefined ? undefined : open("manifest", manifest, {});
    const started = await start(progress);
    if (list) {
      const named = await started.wasm.readManifest(list, context);
      files = ["model", "tokenizer"].map((kind) => {
        const { file, bytes, integrity } = named[kind];
        progress.expect(/** @type {import("./progress.js").Name} */ (kind), bytes);
        return open(kind, new URL(file, manifest).href, { integrity, size: bytes });
      });
    }
    const [modelFile, tokenizerFile] = files;
    return { ...started, classifier: await started.wasm.WasmClassifier.load(modelFile, tokenizerFile, settings, context) };
  } finally {
    // Ends what is still under way after an error.
    signal.removeEventListener("abort", onAbort);
    stop.abort();
  }
}
