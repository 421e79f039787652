// Runs one model in LiteRT.js, on the processor. A .tflite file is for inputs of one length.

import { serve } from "./remote.js";

const WASM = "/litert/core/wasm/";

let liteRt;
let files;
let threads;
let loaded = { tokens: null, model: null };

serve({
  /** `options.files` are URLs by length in tokens. Loads none of them. */
  async open(options) {
    ({ files, threads } = options);
    // What LiteRT.js loads its script with; a worker that is a module has none.
    globalThis.importScripts = (url) => (0, eval)(textOf(url));
    const script = threads > 1 ? "litert_wasm_threaded_internal.js" : "litert_wasm_internal.js";
    globalThis.Module = { locateFile: (file) => `${WASM}${file}`, mainScriptUrlOrBlob: `${WASM}${script}` };
    liteRt = await importCore();
    await liteRt.loadLiteRt(WASM, { threads: threads > 1 });
  },

  /** Loads the file for the length of `ids` first, if another one or none is loaded. */
  async run({ ids, types, warmup, runs }) {
    const model = await modelFor(ids.length);
    const tensor = (values) => new liteRt.Tensor(Int32Array.from(values), [1, values.length]);
    const inputs = { input_ids: tensor(ids), attention_mask: tensor(ids.map(() => 1)), token_type_ids: tensor(types) };
    const durations = [];
    let logits;
    for (let run = -warmup; run < runs; run++) {
      const start = performance.now();
      const [output] = Object.values(await model.run(inputs));
      if (run >= 0) durations.push(performance.now() - start);
      logits = [...output.toTypedArray()];
      output.delete();
    }
    Object.values(inputs).forEach((input) => input.delete());
    return { durations, logits, tokens: ids.length };
  },
});

/** Imports LiteRT.js. It names its other package without a path, and workers have no import maps. */
async function importCore() {
  const source = textOf("/litert/core/dist/index.js").replace('"@litertjs/wasm-utils"', `"${location.origin}/litert/wasm-utils/dist/index.js"`);
  return import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
}

/** Keeps only one model, because WebAssembly's memory is limited. */
async function modelFor(tokens) {
  if (loaded.tokens !== tokens) {
    loaded.model?.delete();
    loaded = { tokens, model: await liteRt.loadAndCompile(files[tokens], { accelerator: "wasm", cpuOptions: { numThreads: threads } }) };
  }
  return loaded.model;
}

function textOf(url) {
  const request = new XMLHttpRequest();
  request.open("GET", url, false);
  request.send();
  if (request.status !== 200) throw new Error(`${url}: ${request.status}`);
  return request.responseText;
}
