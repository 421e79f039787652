// A service worker cannot start workers, so the model runs in it. Or it asks the offscreen document.
import { load } from "./bert8/inline.js";

let loading;

chrome.runtime.onMessage.addListener(({ to, id, pair }, sender, reply) => {
  if (to !== "service-worker") return false;
  (id === "offscreen" ? askOffscreen(pair) : classify(pair)).then(reply);
  return true; // the reply comes later
});

async function classify(pair) {
  loading ??= load({ model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json" });
  return (await loading).classify(...pair);
}

async function askOffscreen(pair) {
  const options = { url: "offscreen.html", reasons: ["WORKERS"], justification: "runs a text classifier" };
  if (!(await chrome.offscreen.hasDocument())) await chrome.offscreen.createDocument(options);
  return chrome.runtime.sendMessage({ to: "offscreen", pair });
}
