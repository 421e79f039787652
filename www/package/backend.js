// @ts-check
// Chooses between the two WebAssembly builds: one uses relaxed SIMD, the other only SIMD128.

/** @import { Backend } from "./bert8.js" */

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

// One minimal module per build. A browser that accepts the module can run the build.
const PROBES = {
  // (module (func (param v128 v128 v128) (result v128)
  //   local.get 0  local.get 1  local.get 2
  //   i32x4.relaxed_dot_i8x16_i7x16_add_s))
  "relaxed-simd": [
    ...HEADER,
    0x01, 0x08, 0x01, 0x60, 0x03, 0x7b, 0x7b, 0x7b, 0x01, 0x7b, // type section
    0x03, 0x02, 0x01, 0x00, // function section
    0x0a, 0x0d, 0x01, 0x0b, 0x00, // code section: one body, no locals
    0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfd, 0x93, 0x02, 0x0b,
  ],
  // (module (func (param v128 v128) (result v128)
  //   local.get 0  local.get 1
  //   i32x4.dot_i16x8_s))
  simd128: [
    ...HEADER,
    0x01, 0x07, 0x01, 0x60, 0x02, 0x7b, 0x7b, 0x01, 0x7b, // type section
    0x03, 0x02, 0x01, 0x00, // function section
    0x0a, 0x0b, 0x01, 0x09, 0x00, // code section: one body, no locals
    0x20, 0x00, 0x20, 0x01, 0xfd, 0xba, 0x01, 0x0b,
  ],
};

/** The names of the builds, fastest first. */
export const BACKENDS = /** @type {Backend[]} */ (Object.keys(PROBES));

/** @type {(name: string) => name is Backend} */
const isBackend = (name) => Object.hasOwn(PROBES, name);

/**
 * Returns whether this browser can run a build.
 * @param {Backend} backend
 */
export function isSupported(backend) {
  return typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(PROBES[backend]));
}

/**
 * Returns the builds to try, in this order. "auto" stands for all that this browser supports, fastest first.
 * @param {string} wanted "auto" or the name of a build
 * @returns {Backend[]} at least one
 * @throws {Error} if the name is unknown or this browser cannot run the build; the message says what to do
 */
export function pickBackends(wanted = "auto") {
  if (wanted !== "auto" && !isBackend(wanted)) {
    throw new Error(`unknown backend ${JSON.stringify(wanted)}: use "auto", "relaxed-simd" or "simd128"`);
  }
  if (!isSupported("simd128")) {
    throw new Error("this browser has no WebAssembly SIMD, which bert8 needs: use a current Chrome, Edge, Firefox or Safari");
  }
  if (wanted === "auto") return BACKENDS.filter(isSupported);
  if (!isSupported(wanted)) {
    throw new Error(`this browser has no WebAssembly relaxed SIMD: use backend "auto" or "simd128"`);
  }
  return [wanted];
}
