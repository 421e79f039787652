// @ts-check
// A module worker that is one more thread of a memory.
// It receives { backend, module, memory, number, stopped } once. It posts { crashed: true } if its WebAssembly code crashes, and
// { crashed: false } if that does not start.

/** @import { Backend } from "./bert8.js" */

import { joinBuild } from "./wasm.js";

/**
 * @param {MessageEvent<{
 *   backend: Backend, module: WebAssembly.Module, memory: WebAssembly.Memory,
 *   number: number, stopped: number
 * }>} event `number` is the thread's number; `stopped` the address of what tells the other threads of a crash
 */
onmessage = async ({ data: { backend, module, memory, number, stopped } }) => {
  let started = false;
  try {
    const { runPoolWorker } = await joinBuild(backend, module, memory);
    started = true;
    runPoolWorker(number);
  } catch {
    if (started) Atomics.store(new Int32Array(memory.buffer), stopped >> 2, 1);
    postMessage({ crashed: started });
  }
};
