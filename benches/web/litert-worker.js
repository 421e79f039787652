// Runs one model in LiteRT.js, on the processor. A .tflite file is for inputs of one length.

import { serve } from "./remote.js";

const WASM = "/litert/core/wasm/";

let liteRt;
let files;
let threads;
let loaded = null;

serve({
  /** `options.files` are URLs by length in tokens. Loads none of them. */
  async open(options) {
    ({ files, threads } = options);
    // What LiteRT.js loads its script with; a worker that is a module has none.
    globalThis.importScripts = (url) => (0, eval)(textOf(url));
    // Threads load their script again, from where it cannot know.
    globalThis.Module = { locateFile: (file) => `${WASM}${file}`, mainScriptUrlOrBlob: `${WASM}litert_wasm_threaded_internal.js` };
    liteRt = await importCore();
    await liteRt.loadLiteRt(WASM, { threads: threads > 1 });
  },

  /** Loads the file for the length of `ids` first, if another one or none is loaded. */
  async run(args) {
    const file = files[args.ids.length];
    try {
      return await run(await load(file), args);
    } catch (error) {
      throw new Error(`${file}: ${error?.message ?? error}`);
    }
  },
});

async function run(model, { ids, types, warmup, runs }) {
  const tensor = (values) => new liteRt.Tensor(Int32Array.from(values), [1, values.length]);
  const inputs = { input_ids: tensor(ids), attention_mask: tensor(ids.map(() => 1)), token_type_ids: tensor(types) };
  const durations = [];
  let logits;
  for (let at = -warmup; at < runs; at++) {
    const start = performance.now();
    const [output] = Object.values(await model.run(inputs));
    if (at >= 0) durations.push(performance.now() - start);
    logits = [...output.toTypedArray()];
    output.delete();
  }
  Object.values(inputs).forEach((input) => input.delete());
  return { durations, logits, tokens: ids.length };
}

/** Imports LiteRT.js. It names its other package without a path, and workers have no import maps. */
async function importCore() {
  const source = textOf("/litert/core/dist/index.js").replace('"@litertjs/wasm-utils"', `"${location.origin}/litert/wasm-utils/dist/index.js"`);
  return import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
}

/** Keeps only one model, because WebAssembly's memory is limited. */
async function load(file) {
  if (loaded?.file !== file) {
    loaded?.model.delete();
    loaded = null;
    loaded = { file, model: await liteRt.loadAndCompile(file, { accelerator: "wasm", cpuOptions: { numThreads: threads } }) };
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
