// @ts-check
// Decides how many threads compute an answer.

/** @import { Threads } from "./bert8.js" */

/**
 * Decides how many threads to use, the one that asks included.
 * @param {"auto" | number} wanted
 * @param {WebAssembly.Memory} memory
 * @returns {Threads}
 */
export function planThreads(wanted, memory) {
  if (wanted === 1) return { count: 1, reason: "asked for" };
  if (!canPost(memory)) return { count: 1, reason: "not cross-origin isolated" };
  if (wanted !== "auto") return { count: wanted, reason: "asked for" };
  const cores = navigator.hardwareConcurrency;
  return cores > 1 ? { count: Math.min(4, Math.max(2, cores >> 1)), reason: null } : { count: 1, reason: "one core" };
}

/**
 * Returns whether a memory can be posted to a worker.
 * @param {WebAssembly.Memory} memory
 */
function canPost(memory) {
  // WebKit may claim the first without the second.
  if (!globalThis.crossOriginIsolated || typeof SharedArrayBuffer !== "function") return false;
  const { port1 } = new MessageChannel();
  try {
    port1.postMessage(memory);
    return true;
  } catch {
    return false;
  } finally {
    port1.close();
  }
}
