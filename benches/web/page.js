// What run.mjs calls inside the page, as `bench`.

import { open } from "./contenders.js";
import { alternate, batches } from "./measure.js";
import { Remote } from "./remote.js";

let contenders = [];
const contender = (name) => contenders.find((candidate) => candidate.name === name);

globalThis.bench = {
  /** Loads `specs`, one after the other; gives what each says about itself. */
  async open(specs) {
    for (const spec of specs) contenders.push(await open(spec));
    return Object.fromEntries(contenders.map(({ name, info }) => [name, info]));
  },

  close() {
    for (const { close } of contenders) close();
    contenders = [];
  },

  /** Every contender's logits for `pairs`, by name. */
  async logits(pairs) {
    const all = {};
    for (const { name, run } of contenders) {
      all[name] = [];
      for (const pair of pairs) {
        const { logits, tokens } = await run(pair, { warmup: 0, runs: 1 });
        if (tokens !== pair.ids.length) throw new Error(`${name} sees ${tokens} tokens where there are ${pair.ids.length}`);
        all[name].push(logits);
      }
    }
    return all;
  },

  time: (pairs, options) => alternate(contenders, pairs, options),

  batches: (name, pairs, repeats) => batches(contender(name).classifier, pairs, repeats),

  /** Milliseconds from nothing to the first answer, its logits, and what the contender says about itself. */
  async firstAnswer(spec, pair) {
    const start = performance.now();
    const fresh = await open(spec);
    const { logits } = await fresh.run(pair, { warmup: 0, runs: 1 });
    const ms = performance.now() - start;
    fresh.close();
    return { ms, logits, info: fresh.info };
  },

  /** What the processor can do, in 10⁹ multiplications with an addition a second. */
  async peaks() {
    const remote = new Remote("/bench/peak-worker.js");
    const peaks = await remote.call("measure");
    remote.close();
    return peaks;
  },
};
