// @ts-check
// Makes a worker one more thread of a memory: what pool-worker.js does.

import { messageOf } from "./message-of.js";

/**
 * @typedef {object} Interface the JavaScript interface of a build
 * @property {(options: { module: WebAssembly.Module, memory: WebAssembly.Memory, thread_stack_size: number }) => unknown} initSync
 * @property {(number: number) => void} runPoolWorker
 */

/**
 * Waits for { module, memory, number, stopped }, which comes once: `number` is the thread's number, `stopped` the address of what
 * tells the other threads of a crash. Posts { crash: message } if the WebAssembly code crashes, and {} if it does not start or when it
 * has ended.
 * @param {() => Interface} bindings returns a new interface
 * @param {number} stackBytes a multiple of 64 KiB
 */
export function becomeThread(bindings, stackBytes) {
  onmessage = ({ data: { module, memory, number, stopped } }) => {
    let started = false;
    try {
      const wasm = bindings();
      wasm.initSync({ module, memory, thread_stack_size: stackBytes });
      started = true;
      wasm.runPoolWorker(number);
      postMessage({});
    } catch (error) {
      if (!started) return postMessage({});
      Atomics.store(new Int32Array(memory.buffer), stopped >> 2, 1);
      postMessage({ crash: messageOf(error) });
    }
  };
}
