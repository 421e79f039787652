// A document without a window. It may start workers, so several threads can compute, and it lives on while the service worker sleeps.
import { load } from "./bert8/bert8.js";

const loading = load({ model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json" });

chrome.runtime.onMessage.addListener(({ to, pair }, sender, reply) => {
  if (to !== "offscreen") return false;
  loading.then((classifier) => classifier.classify(...pair)).then(reply);
  return true; // the reply comes later
});
