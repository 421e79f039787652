// The functions that run.mjs calls in the page, as `bench`.

import { open } from "./contenders.js";
import { alternate, batches, canRun } from "./measure.js";
import { Remote } from "./remote.js";

let contenders = [];
const contender = (name) => contenders.find((candidate) => candidate.name === name);

async function logitsOf({ name, run }, pair) {
  const { logits, tokens } = await run(pair, { warmup: 0, runs: 1 });
  if (tokens !== pair.ids.length) throw new Error(`${name} counts ${tokens} tokens instead of ${pair.ids.length}`);
  return logits;
}

globalThis.bench = {
  /** Loads `specs`, one after the other. Resolves to the description of each contender, by name. */
  async open(specs) {
    for (const spec of specs) contenders.push(await open(spec));
    return Object.fromEntries(contenders.map(({ name, info }) => [name, info]));
  },

  close() {
    for (const { close } of contenders) close();
    contenders = [];
  },

  /** Resolves to each contender's logits for `pairs`, by name; null for a pair that it cannot run. */
  async logits(pairs) {
    const all = {};
    for (const contender of contenders) {
      const list = (all[contender.name] = []);
      for (const pair of pairs) list.push(canRun(contender, pair) ? await logitsOf(contender, pair) : null);
    }
    return all;
  },

  /** Times the contenders that can run `pairs`, which are of one length. */
  time: (pairs, options) => alternate(contenders.filter((contender) => canRun(contender, pairs[0])), pairs, options),

  batches: (name, pairs, repeats) => batches(contender(name).classifier, pairs, repeats),

  /** Loads a contender and runs it once. Resolves to the total time in milliseconds, the logits and its description. */
  async firstAnswer(spec, pair) {
    const start = performance.now();
    const fresh = await open(spec);
    const { logits } = await fresh.run(pair, { warmup: 0, runs: 1 });
    const ms = performance.now() - start;
    fresh.close();
    return { ms, logits, info: fresh.info };
  },

  /** Resolves to the processor's arithmetic peaks in GMAC/s (10⁹ multiply-accumulates per second), by kind. */
  async peaks() {
    const remote = new Remote("/bench/peak-worker.js");
    const peaks = await remote.call("measure");
    remote.close();
    return peaks;
  },
};
