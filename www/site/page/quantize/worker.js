// @ts-check
// The worker that quantizes one model, so that the page's own thread stays free. It receives one job and posts
// { stage, done, total }, then { result } or { error, choice }, and { closed: true } when its threads have ended.

/** @import { Job, Result } from "./run.js" */

import { describeCrash, isCrash } from "../../crash.js";
import { bindings } from "../../pkg/quantizer/bert8.js";
import { Pool } from "../../pool.js";
import { planThreads } from "../../threads.js";
import { makeMemory, startModule } from "../../wasm.js";

const MODULE = new URL("../../pkg/quantizer/bert8_bg.wasm", import.meta.url);

/** What is done, for the message of a crash. */
let doing = "while the quantizer started";
/** @type {WebAssembly.Memory | undefined} */
let memory;
/** @type {Pool | undefined} */
let pool;

/**
 * Starts the module, and its threads if the browser allows them.
 * @param {"auto" | number} wanted how many threads
 */
async function start(wanted) {
  const shared = makeMemory();
  const { count } = planThreads(wanted, shared);
  // The threads load their script while the module is compiled.
  if (count > 1) pool = new Pool(count, crash, () => new Worker(new URL("./thread.js", import.meta.url), { type: "module", name: "bert8-thread" }));
  const build = await startModule(MODULE, bindings(), shared);
  memory = build.memory;
  if (memory !== shared) {
    pool?.close();
    pool = undefined;
  }
  pool?.start(build);
  return { wasm: build.wasm, threads: pool ? count : 1 };
}

/**
 * @param {Job} job
 * @returns {Promise<Result>}
 */
async function run({ files, threads: wanted, reportName, ...job }) {
  const began = performance.now();
  const { wasm, threads } = await start(wanted);
  doing = "while it quantized";
  const quantizer = new wasm.WasmQuantizer();
  for (const { path, file } of files) quantizer.addFile(path, new Uint8Array(await content(path, file)));
  const onProgress = (/** @type {string} */ stage, /** @type {number} */ done, /** @type {number} */ total) => postMessage({ stage, done, total });
  const quantized = quantizer.quantize(JSON.stringify(job), onProgress);
  const { report, summary } = quantized;
  // The module has copied them out of its memory.
  const [int8, fp32, tokenizer] = /** @type {Uint8Array<ArrayBuffer>[]} */ ([quantized.int8, quantized.fp32, quantized.tokenizer]);
  return { int8, fp32, tokenizer, report, html: quantized.html(reportName), summary, threads, ms: performance.now() - began };
}

/**
 * @param {string} path
 * @param {File} file
 */
async function content(path, file) {
  try {
    return await file.arrayBuffer();
  } catch (error) {
    throw new Error(`${path} can no longer be read (${error instanceof Error ? error.message : error}); give it again`);
  }
}

/** @param {unknown} error */
const crash = (error) => postMessage({ error: describeCrash(error, doing, memory).replace("load a smaller model", "quantize with bert8 quantize") });

onmessage = async ({ data }) => {
  try {
    const result = await run(data);
    postMessage({ result }, { transfer: [result.int8.buffer, result.fp32.buffer, result.tokenizer.buffer] });
  } catch (error) {
    if (isCrash(error)) return crash((await pool?.crash()) ?? error);
    const { message = String(error), choice } = /** @type {{ message?: string, choice?: string }} */ (error ?? {});
    postMessage({ error: message, choice });
  }
  await pool?.dismiss();
  postMessage({ closed: true });
};
