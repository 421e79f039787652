import module from "bert8/simd128.wasm";
import { load } from "bert8/inline";
import model from "model.int8.onnx";
import pairs from "pairs.json";
import tokenizer from "tokenizer.json";

export default {
  async fetch() {
    const classifier = await load({ module, model, tokenizer });
    return Response.json({ info: classifier.info, answers: await classifier.classifyBatch(pairs) });
  },
};
