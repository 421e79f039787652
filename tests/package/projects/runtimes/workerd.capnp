using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = (
    compatibilityDate = "2025-09-01",
    modules = [
      (name = "bundle.js", esModule = embed "bundle.js"),
      (name = "bert8/simd128.wasm", wasm = embed "node_modules/bert8/pkg/simd128/bert8_bg.wasm"),
      (name = "model.int8.onnx", data = embed "model.int8.onnx"),
      (name = "pairs.json", json = embed "pairs.json"),
      (name = "tokenizer.json", data = embed "tokenizer.json"),
    ],
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
