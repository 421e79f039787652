// Classifies the golden pairs with one WebAssembly build of bert8, and runs the self-test on each of its kernels. The argument is the
// build's folder; the output is JSON.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PAIRS, model, tokenizer } from "./golden.mjs";

const [folder] = process.argv.slice(2);

// Node 20 takes a .js file without a package.json for CommonJS. A data URL says that this one is a module.
const script = readFileSync(join(folder, "bert8.js"), "base64");
const wasm = await import(`data:text/javascript;base64,${script}`);
wasm.initSync({ module: readFileSync(join(folder, "bert8_bg.wasm")) });

const load = (settings) =>
  wasm.WasmClassifier.load(
    { kind: "model", name: "model.int8.onnx", bytes: model() },
    { kind: "tokenizer", name: "tokenizer.json", bytes: tokenizer() },
    settings,
    { signal: new AbortController().signal, onProgress() {}, stallMs: 1000 },
  );

const classifier = await load({});
const answers = PAIRS.map(({ pair: [a, b] }) => {
  const { logits, tokens, truncated } = classifier.classify(a, b);
  return { logits, tokens, truncated };
});
const selfTest = {};
for (const kernel of wasm.kernelNames()) selfTest[kernel] = (await load({ kernel })).hashSelfTest();
console.log(JSON.stringify({ kernel: classifier.info.kernel, answers, selfTest, selfTestHash: wasm.selfTestHash() }));
