// Damages files, in the same way for the same seed.

import { random } from "../../benches/web/sentences.js";

/** The file's start has the nodes of the graph; the weights come after them. */
const GRAPH_BYTES = 1 << 16;

/** How many bytes of a file change, and how many at its start they are among. `chance` is from 0 to 1. */
const DAMAGE = {
  "one percent": ({ length }) => ({ count: Math.floor(length / 100), among: length }),
  "a few bytes": ({ length }, chance) => ({ count: 1 + Math.floor(100 * chance), among: length }),
  "the graph": ({ length }, chance) => ({ count: 1 + Math.floor(4 * chance), among: Math.min(length, GRAPH_BYTES) }),
};

/** The names of the kinds of damage. */
export const KINDS = Object.keys(DAMAGE);

/** Changes bytes of `bytes` as the kind of damage says. */
export function damage(bytes, kind, seed) {
  const next = random(seed);
  const { count, among } = DAMAGE[kind](bytes, next());
  for (let changed = 0; changed < count; changed++) bytes[Math.floor(among * next())] ^= 1 + Math.floor(255 * next());
}
