// One interface for all engines. `open(spec)` resolves to a contender with `run(pair, { warmup, runs })` and `close()`. `run`
// resolves to `{ ms, logits, tokens }`, where `ms` is the median time from token ids to logits. A contender with `lengths` runs
// only pairs of so many tokens.

import { load } from "/bert8/bert8.js";
import { Remote } from "./remote.js";
import { median } from "./stats.js";

const ENGINES = {
  async bert8({ model, tokenizer, backend, threads }) {
    const classifier = await load({ model, tokenizer, backend, threads });
    if (classifier.info.threads.count !== threads) throw new Error(`bert8 runs on one thread: ${classifier.info.threads.reason}`);
    return {
      info: classifier.info,
      classifier,
      async run({ a, b }, options) {
        const { timing, logits, tokens } = await classifier.classify(a, b, options);
        return { ms: timing.inferMs, logits, tokens };
      },
      close: () => classifier.dispose(),
    };
  },

  async "onnxruntime-web"({ model, threads }) {
    const remote = new Remote("/bench/ort-worker.js");
    await remote.call("open", { model, threads });
    return {
      info: null,
      run: runner(remote),
      close: () => remote.close(),
    };
  },

  async "LiteRT.js"({ files, threads }) {
    const remote = new Remote("/bench/litert-worker.js");
    await remote.call("open", { files, threads });
    return {
      info: null,
      lengths: Object.keys(files).map(Number),
      run: runner(remote),
      close: () => remote.close(),
    };
  },
};

/** Returns the `run` of a contender whose worker does not tokenize. */
function runner(remote) {
  return async ({ ids, types }, options) => {
    const { durations, logits, tokens } = await remote.call("run", { ids, types, ...options });
    return { ms: median(durations), logits, tokens };
  };
}

/** Loads the model of `spec` in a new worker. */
export async function open(spec) {
  const contender = await ENGINES[spec.engine](spec);
  return { name: spec.name, ...contender };
}
