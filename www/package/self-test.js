// @ts-check
// The entry point of the self-test. self-test.d.ts has its types and documentation.

/** @import * as api from "./self-test.js" */
/** @import { Client } from "./client.js" */

import { pickBackends } from "./backend.js";
import { checkOptions, checkWorker } from "./checks.js";
import { connectInline } from "./inline-client.js";
import { toModule } from "./load.js";
import { BUILD } from "./pkg/build.js";
import { connectWorker } from "./worker-client.js";

// Bundlers recognize these expressions.
const FILES = {
  model: new URL("./self-test/model.int8.onnx", import.meta.url).href,
  tokenizer: new URL("./self-test/tokenizer.json", import.meta.url).href,
};

/** @type {typeof api.selfTest} */
export async function selfTest(options) {
  const { backend = "auto", worker, module } = checkOptions("selfTest()", options, { backend: true, worker: true, module: true });
  checkWorker("selfTest()", worker);
  const compiled = await toModule(module);
  const kernels = [];
  for (const candidate of pickBackends(backend)) {
    const client = typeof Worker === "undefined" ? connectInline() : connectWorker(worker);
    try {
      const args = { build: BUILD, backends: [candidate], module: compiled, ...FILES };
      kernels.push(...(await client.request("selfTest", args)));
    } finally {
      client.close(new Error("the self-test is over"));
    }
  }
  return { ok: kernels.every(({ ok }) => ok), kernels };
}
