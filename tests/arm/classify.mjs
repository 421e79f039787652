// Classifies the golden pairs with one WebAssembly build of bert8, and runs the self-test on each of its kernels. The argument is the
// build's folder; the output is JSON.

import { start } from "./build.mjs";
import { PAIRS, model, tokenizer } from "./golden.mjs";

const wasm = await start(process.argv[2]);

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
