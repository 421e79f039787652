import { load } from "./bert8/bert8.js";

const pair = ["The museum opens at nine in the morning.", "The museum opens at 9 a.m."];
const show = (id, { label, logits }) => (document.getElementById(id).value = `${label} ${logits.join(" ")}`);

const classifier = await load({ model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json" });
show("page", await classifier.classify(...pair));
for (const id of ["offscreen", "service-worker"]) show(id, await chrome.runtime.sendMessage({ to: "service-worker", id, pair }));
