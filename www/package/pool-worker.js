// @ts-check
// A module worker that is one more thread of a memory.
// It receives { module, memory, number, stopped } once. It posts { crash: message } if its WebAssembly code crashes, and {} if that
// does not start.

import { messageOf } from "./message-of.js";
import { bindings } from "./pkg/bert8.js";

// The layers need far less. A multiple of 64 KiB.
const STACK_BYTES = 512 << 10;

/**
 * @param {MessageEvent<{ module: WebAssembly.Module, memory: WebAssembly.Memory, number: number, stopped: number }>} event
 *   `number` is the thread's number; `stopped` the address of what tells the other threads of a crash
 */
onmessage = ({ data: { module, memory, number, stopped } }) => {
  let started = false;
  try {
    const wasm = bindings();
    wasm.initSync({ module, memory, thread_stack_size: STACK_BYTES });
    started = true;
    wasm.runPoolWorker(number);
  } catch (error) {
    if (!started) return postMessage({});
    Atomics.store(new Int32Array(memory.buffer), stopped >> 2, 1);
    postMessage({ crash: messageOf(error) });
  }
};
