// @ts-check
// How much memory quantizing takes at most, and whether a tab may have as much.

/** @import { ThreadChoice } from "../models/thread-picker.js" */
/** @import { Model } from "./files.js" */

import { planThreads } from "../../threads.js";
import { grantedBytes, makeMemory } from "../../wasm.js";

/** The program itself, the tokenizer and what calibration collects of a small model. */
const BASE_BYTES = 300e6;

/** The weights are there several times: as in the file, as read, in the models that run, and as INT8. */
const WEIGHTS = 6;

/** The first bytes of a safetensors file, which describe its first tensors. */
const HEADER_BYTES = 4096;

/** What one more thread needs. */
const THREAD_BYTES = 100e6;

/**
 * Returns the size of a model's weights in FP32, in bytes.
 * @param {Model} model
 */
export async function fp32BytesOf({ bytes, files }) {
  const tensors = files.find(({ path }) => /\.safetensors$/i.test(path));
  const start = await tensors?.file.slice(0, HEADER_BYTES).text().catch(() => "");
  return start && /"dtype" ?: ?"B?F16"/.test(start) ? 2 * bytes : bytes;
}

/**
 * Returns how many bytes quantizing takes, rounded up.
 * @param {number} weights the size of the weights in FP32, in bytes
 * @param {number} texts the size of the texts in bytes
 * @param {number} threads
 */
export const neededBytes = (weights, texts, threads) => BASE_BYTES + WEIGHTS * weights + 4 * texts + (threads - 1) * THREAD_BYTES;

/**
 * Returns the number of threads that will quantize.
 * @param {ThreadChoice} wanted
 */
export const threadsOf = (wanted) => planThreads(wanted, makeMemory()).count;

/**
 * Says how much memory quantizing takes, and whether that may be too much.
 * @param {number} needed
 * @returns {{ text: string, refused: boolean }} refused if the browser does not grant as much
 */
export function memoryText(needed) {
  const granted = grantedBytes();
  const text = `Quantizing takes up to ${gigabytes(needed)} of memory, in this tab alone.`;
  if (needed > granted) return { text: `${text} This browser grants ${gigabytes(granted)} at most. Use another browser, or run bert8 quantize.`, refused: true };
  // In GB. Browsers round it and report 8 at most.
  const { deviceMemory } = /** @type {any} */ (navigator);
  if (deviceMemory !== undefined && needed > (deviceMemory * 2 ** 30) / 2) {
    return { text: `${text} That is much of what this device has: close other tabs and programs first. If memory runs out, nothing on this page is lost.`, refused: false };
  }
  return { text, refused: false };
}

const gigabytes = (/** @type {number} */ bytes) => `${(Math.ceil(bytes / 1e8) / 10).toFixed(1)}\u00a0GB`;
