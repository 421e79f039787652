// Measures how fast this processor can multiply and accumulate in WebAssembly at best: in a loop over ten accumulators that stay
// in registers. Operands come from the L1 cache, at changing addresses, so that no compiler can hoist their loads.

const LANES = { byte: 16, short: 8, float: 4 };
const SIMD = 0xfd;

// The instructions of each kind. They take two operands and the accumulator from the stack, in this order.
const KINDS = {
  "relaxed-dot": { macs: LANES.byte, multiplyAdd: [SIMD, 0x93, 0x02] }, // i32x4.relaxed_dot_i8x16_i7x16_add_s
  // i16x8.relaxed_dot_i8x16_i7x16_s and i32x4.extadd_pairwise_i16x8_s, i32x4.add
  "relaxed-pairs": { macs: LANES.byte, multiply: [SIMD, 0x92, 0x02, SIMD, 0x7e], add: [SIMD, 0xae, 0x01] },
  "i16-dot": { macs: LANES.short, multiply: [SIMD, 0xba, 0x01], add: [SIMD, 0xae, 0x01] }, // i32x4.dot_i16x8_s, i32x4.add
  "relaxed-madd": { macs: LANES.float, multiplyAdd: [SIMD, 0x85, 0x02] }, // f32x4.relaxed_madd
  madd: { macs: LANES.float, multiply: [SIMD, 0xe6, 0x01], add: [SIMD, 0xe4, 0x01] }, // f32x4.mul, f32x4.add
};

/** The kinds of peaks. */
export const PEAKS = Object.keys(KINDS);

const LOADED = 5; // operands that are loaded from memory
const KEPT = 2; // operands that stay in registers
const UNROLL = 4;

const I32 = 0x7f;
const V128 = 0x7b;
const COUNT = 0; // the parameter: the number of iterations
const ADDRESS = 1;
const OPERAND = 2;
const FIRST_KEPT = 3;
const FIRST_SUM = FIRST_KEPT + KEPT;
const SUMS = LOADED * KEPT;

const get = (local) => [0x20, local];
const set = (local) => [0x21, local];
const constant = (value) => [0x41, value];
const load = (offset) => [SIMD, 0x00, 4, ...unsigned(offset)];

function unsigned(value) {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >> 7)];
}

function step({ multiplyAdd, multiply, add }, sum, kept) {
  const operands = [...get(OPERAND), ...get(kept)];
  if (multiplyAdd) return [...operands, ...get(sum), ...multiplyAdd, ...set(sum)];
  return [...operands, ...multiply, ...get(sum), ...add, ...set(sum)];
}

function body(kind) {
  const code = [];
  for (let kept = 0; kept < KEPT; kept++) code.push(...constant(0), ...load(4096 + 16 * kept), ...set(FIRST_KEPT + kept));
  code.push(0x03, 0x40); // loop
  code.push(...get(COUNT), ...constant(15), 0x71, ...constant(6), 0x74, ...set(ADDRESS)); // and, shl
  for (let at = 0; at < UNROLL * LOADED; at++) {
    code.push(...get(ADDRESS), ...load(16 * at), ...set(OPERAND));
    for (let kept = 0; kept < KEPT; kept++) {
      code.push(...step(kind, FIRST_SUM + (at % LOADED) * KEPT + kept, FIRST_KEPT + kept));
    }
  }
  code.push(...get(COUNT), ...constant(1), 0x6b, 0x22, COUNT, 0x0d, 0, 0x0b); // sub, tee, br_if, end
  code.push(...get(FIRST_SUM));
  for (let sum = 1; sum < SUMS; sum++) code.push(...get(FIRST_SUM + sum), SIMD, 0x51); // xor
  code.push(SIMD, 0x1b, 0, 0x0b); // i32x4.extract_lane 0, end
  const locals = [2, 1, I32, 1 + KEPT + SUMS, V128];
  return [...locals, ...code];
}

/** Returns the bytes of a WebAssembly module that exports `run(count)`, the loop of the kind `name`. */
export function peakModule(name) {
  const section = (id, content) => [id, ...unsigned(content.length), ...content];
  const code = body(KINDS[name]);
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 1, I32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [1, 3, ...new TextEncoder().encode("run"), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

/** Returns the number of multiply-accumulates in one iteration. */
export const macsPerIteration = (name) => KINDS[name].macs * UNROLL * SUMS;

/** Resolves to the best of several tries in GMAC/s, or null if the engine lacks the instruction. */
export async function measurePeak(name, { tries = 5, milliseconds = 120 } = {}) {
  const bytes = peakModule(name);
  if (!WebAssembly.validate(bytes)) return null;
  const { run } = (await WebAssembly.instantiate(bytes)).instance.exports;
  const time = (count) => {
    const start = performance.now();
    run(count);
    return performance.now() - start;
  };
  let count = 1000;
  // Warm up: the engine replaces its first, slow code only between two calls.
  for (const begin = performance.now(); performance.now() - begin < 400; ) {
    if (time(count) < milliseconds / 2) count *= 2;
    await new Promise((resolve) => setTimeout(resolve));
  }
  const best = Math.min(...Array.from({ length: tries }, () => time(count)));
  return (macsPerIteration(name) * count) / best / 1e6;
}
