// @ts-check
// Runs the self-test on every kernel of a WebAssembly build.

/** @import { Backend } from "./bert8.js" */
/** @import { Progress } from "./progress.js" */
/** @import { Wasm } from "./wasm.js" */
/** @import { KernelTest } from "./self-test.js" */

import { isCrash } from "./crash.js";
import { openFile } from "./open-file.js";

const STALL_MS = 30_000;

/**
 * @param {{ wasm: Wasm, backend: Backend }} build
 * @param {{ model: string, tokenizer: string }} files the URLs of the model of the self-test
 * @param {{ signal: AbortSignal, progress: Progress }} context
 * @returns {Promise<KernelTest[]>}
 */
export async function testKernels({ wasm, backend }, { model, tokenizer }, { signal, progress }) {
  const options = { stallMs: STALL_MS, signal, progress };
  const expected = wasm.selfTestHash();
  const found = [];
  for (const kernel of wasm.kernelNames()) {
    const files = /** @type {const} */ ([openFile("model", model, options), openFile("tokenizer", tokenizer, options)]);
    try {
      const classifier = await wasm.WasmClassifier.load(...files, { kernel }, { onProgress() {}, ...options });
      const hash = classifier.hashSelfTest();
      classifier.free();
      found.push({ backend, kernel, hash, ok: hash === expected });
    } catch (error) {
      if (isCrash(error) || !/computes wrong results/.test(String(error))) throw error;
      found.push({ backend, kernel, hash: null, ok: false });
    }
  }
  return found;
}
