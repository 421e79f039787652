// @ts-check
// Tells crashes of WebAssembly code from other errors, and words for them.

import { messageOf } from "./message-of.js";

// How src/web/mod.rs begins the error that a panic throws.
const PANIC = "panicked at ";

// The message of the error that WebAssembly throws if its memory cannot grow.
const OUT_OF_MEMORY = "out of memory";

// Some allocations trap instead. After a trap, a memory that cannot grow by so many pages of 64 KiB (64 MiB) counts as the cause.
const MARGIN_PAGES = 1024;

/** The end of an engine: its WebAssembly code has crashed, or its worker was ended. */
export class Crash extends Error {}

/**
 * Returns whether an error leaves the WebAssembly instance in an unknown state: a Rust panic, another trap, an exhausted stack, or
 * a memory that could not grow.
 * @param {unknown} error
 */
export function isCrash(error) {
  const message = messageOf(error);
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError || message === OUT_OF_MEMORY || message.startsWith(PANIC);
}

/**
 * @param {unknown} error what the code threw, or its message
 * @param {string} doing what it was doing, for instance "while it ran model.onnx"
 * @param {WebAssembly.Memory | undefined} memory
 */
export function describeCrash(error, doing, memory) {
  const message = messageOf(error);
  if (message === OUT_OF_MEMORY || !(message.startsWith(PANIC) || canGrow(memory))) {
    return `bert8 ran out of memory ${doing}, which this browser does not let grow further; close other tabs or load a smaller model`;
  }
  return `bert8 crashed ${doing} (${message.replaceAll(/\s+/g, " ")})`;
}

/**
 * Returns whether a memory can grow. Grows it, so call this only after a crash.
 * @param {WebAssembly.Memory | undefined} memory
 */
function canGrow(memory) {
  try {
    memory?.grow(MARGIN_PAGES);
    return true;
  } catch {
    return false;
  }
}
