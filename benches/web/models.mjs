// The measured models, and the files that each engine loads.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const read = (path) => JSON.parse(readFileSync(path, "utf8"));

/** Returns the models of the checkout at `root`, by name. `tflite` are the files that LiteRT.js runs, from `tfliteFiles`. */
export function models(root, tflite = {}) {
  const built = (file) => ({ path: join(root, "build", file), url: `/build/${file}` });
  const model = (title, folder, tokenizer, files) => ({
    title,
    config: read(join(folder, "config.json")),
    vocabulary: read(join(folder, "tokenizer.json")),
    tokenizer,
    files,
  });
  return {
    demo: model("demo model", join(root, "models/minilm-l6-mrpc"), "/bert8/models/tokenizer.json", {
      tflite: tflite.demo,
      fp32: built("models/model.fp32.onnx"),
      int8: built("models/model.int8.onnx"),
      dynamic: built("bench/demo.dynamic.onnx"),
    }),
    "bert-base": model("BERT-base", join(root, "build/bench/bert-base"), "/build/bench/bert-base/tokenizer.json", {
      tflite: tflite["bert-base"],
      fp32: built("bench/bert-base.fp32.onnx"),
      int8: built("bench/bert-base.int8.onnx"),
      dynamic: built("bench/bert-base.dynamic.onnx"),
    }),
  };
}

/**
 * The contenders' names. ORT-web is onnxruntime-web: `DYNAMIC` is its own quantization, `SHARED` runs bert8's INT8 file. LiteRT is
 * LiteRT.js, with its own quantization.
 */
export const NAMES = {
  INT8: "bert8 INT8",
  FP32: "bert8 FP32",
  ORT_FP32: "ORT-web FP32",
  DYNAMIC: "ORT-web INT8",
  SHARED: "ORT-web INT8, bert8's file",
  LITERT_FP32: "LiteRT FP32",
  LITERT_INT8: "LiteRT INT8",
};

/** Returns the name of a contender on `count` threads. */
export const onThreads = (name, count) => `${name}, ${count} thread${count === 1 ? "" : "s"}`;

/** Returns the specs of a model's contenders on one thread: onnxruntime's own quantization and LiteRT.js only if there are files. */
export function contenders({ files, tokenizer }, backend) {
  const bert8 = (name, file) => ({ name, engine: "bert8", model: file.url, tokenizer, backend, threads: 1 });
  const ort = (name, file) => ({ name, engine: "onnxruntime-web", model: file.url, threads: 1 });
  const litert = (name, urls) => (urls ? [{ name, engine: "LiteRT.js", files: urls, threads: 1 }] : []);
  return [
    bert8(NAMES.INT8, files.int8),
    bert8(NAMES.FP32, files.fp32),
    ort(NAMES.ORT_FP32, files.fp32),
    ort(NAMES.SHARED, files.int8),
    ...(existsSync(files.dynamic.path) ? [ort(NAMES.DYNAMIC, files.dynamic)] : []),
    ...litert(NAMES.LITERT_FP32, files.tflite?.fp32),
    ...litert(NAMES.LITERT_INT8, files.tflite?.int8),
  ];
}
