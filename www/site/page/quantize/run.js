// @ts-check
// Has a worker quantize (worker.js).

import { endWorker } from "../../end-worker.js";

/** @import { Found } from "../shared/paths.js" */
/** @import { Choices, Options } from "./choices.js" */

/**
 * What to quantize, beside the options.
 * @typedef {object} Inputs
 * @property {Found[]} files those of the model, and the texts
 * @property {string} model the path of the ONNX file or of the model's folder
 * @property {string} texts the path of the texts
 * @property {"auto" | number} threads
 * @property {string} modelName for the report, as are the names of the files that are written, and the command line
 * @property {string} outputName
 * @property {string} reportName
 * @property {string} command
 *
 * @typedef {Inputs & Options} Job
 *
 * How INT8 compares with FP32.
 * @typedef {object} Check
 * @property {number} texts
 * @property {boolean} held_back whether calibration did not see them
 * @property {number | null} sqnr_db null without noise
 * @property {number | null} agreement null for scores
 *
 * The damage of the parts of a model.
 * @typedef {object} Sensitivity
 * @property {number | null} sqnr_db that of the logits with every part in INT8; null without noise
 * @property {{ pattern: string, sqnr_db: number | null, added_bytes: number } | null} best_ignored the part that helps most if it stays in FP32
 *
 * What there is to say about the result.
 * @typedef {object} Summary
 * @property {"single" | "pair"} texts
 * @property {number} samples the number of texts that calibrated
 * @property {number} distinct
 * @property {number} int8Bytes
 * @property {number} fp32Bytes
 * @property {number} memoryBytes
 * @property {Check | null} check
 * @property {"single-label" | "multi-label" | "regression"} answers what the model answers with
 * @property {number} labels how many it has
 * @property {Sensitivity | null} sensitivity null if it was not measured
 * @property {string | null} problem why the INT8 model should not be used
 * @property {string[]} notes
 *
 * @typedef {object} Result
 * @property {Uint8Array<ArrayBuffer>} int8 the ONNX file
 * @property {Uint8Array<ArrayBuffer>} fp32 the ONNX file to compare with
 * @property {Uint8Array<ArrayBuffer>} tokenizer the tokenizer.json
 * @property {string} report JSON
 * @property {string} html the report as a page
 * @property {Summary} summary
 * @property {number} threads
 * @property {number} ms how long it took
 *
 * @typedef {object} Step
 * @property {string} stage
 * @property {number} done
 * @property {number} total
 */

/** Why a model was not quantized. */
export class Refusal extends Error {
  /**
   * @param {string} message
   * @param {keyof Choices | undefined} choice the choice that may have to be another, if there is one
   */
  constructor(message, choice) {
    super(message);
    this.choice = choice;
  }
}

/**
 * Quantizes. The result is that of `bert8 quantize`. Rejects with the reason if it fails, which may be a `Refusal`, and after `signal`
 * has aborted, which ends the worker.
 * @param {Job} job
 * @param {(step: Step) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<Result>}
 */
export function quantize(job, onProgress, signal) {
  const { promise, resolve, reject } = /** @type {PromiseWithResolvers<Result>} */ (Promise.withResolvers());
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "bert8-quantizer" });
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  worker.onmessage = ({ data }) => {
    if (data.result) resolve(data.result);
    else if (data.error) reject(new Refusal(data.error, data.choice));
    else onProgress(data);
  };
  worker.onmessageerror = () => reject(new Error("the quantizer sent a message that could not be read; try again"));
  worker.onerror = (event) => {
    event.preventDefault?.();
    reject(new Error(`the quantizer did not start or crashed (${event.message ?? "its script could not be loaded"}); check the connection, then try again`));
  };
  worker.postMessage(job);
  return promise.finally(() => {
    signal.removeEventListener("abort", onAbort);
    if (signal.aborted) worker.terminate();
    else endWorker(worker);
  });
}
