// Runs one model in onnxruntime-web.

import * as ort from "/ort/ort.wasm.min.mjs";
import { serve } from "./remote.js";

ort.env.wasm.wasmPaths = "/ort/";
ort.env.logLevel = "error";

let session;

serve({
  async open({ model, threads }) {
    // onnxruntime-web falls back to one thread without a word.
    if (threads > 1 && !crossOriginIsolated) throw new Error("onnxruntime-web runs on one thread: not cross-origin isolated");
    ort.env.wasm.numThreads = threads;
    const response = await fetch(model);
    if (!response.ok) throw new Error(`${model}: ${response.status}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
  },

  async run({ ids, types, warmup, runs }) {
    const tensor = (values) => new ort.Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
    const feeds = { input_ids: tensor(ids), attention_mask: tensor(ids.map(() => 1)), token_type_ids: tensor(types) };
    for (let run = 0; run < warmup; run++) await session.run(feeds);
    const durations = [];
    let outputs;
    for (let run = 0; run < runs; run++) {
      const start = performance.now();
      outputs = await session.run(feeds);
      durations.push(performance.now() - start);
    }
    return { durations, logits: [...outputs[session.outputNames[0]].data], tokens: ids.length };
  },
});
