// Runs in the page under test, before the page's own script. Compares the first pair in the page, evaluates two pairs there as data,
// asks the API about all pairs in the address, runs one of them many times on threads, quantizes a small model, and posts the answers
// to the server.

import { load } from "./bert8.js";
import { quantize } from "./page/quantize/run.js";
import { selfTest } from "./self-test.js";

const { pairs, stressRuns, toQuantize } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const errors = [];
addEventListener("error", ({ message }) => errors.push(message));
addEventListener("unhandledrejection", ({ reason }) => errors.push(String(reason)));
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
  errors.push(`${violatedDirective}: ${blockedURI}`);
});

const find = (selector) => document.querySelector(selector);

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** The page's summary after it has compared the first pair, and the errors so far. */
async function askPage() {
  await until(() => window.bert8?.int8 && window.bert8?.fp32);
  pairs[0].forEach((sentence, at) => (find(`#sentence${at + 1}`).value = sentence));
  find("#compare").click();
  await until(() => find("#summary").textContent && find("#results[aria-busy=false]"));
  const { textContent: summary } = find("#summary");
  const data = await askAboutData();
  for (const classifier of [window.bert8.int8, window.bert8.fp32]) classifier.dispose(); // frees their memory
  return { summary, data, errors };
}

/** What the page shows of an evaluation on two pairs. */
async function askAboutData() {
  const transfer = new DataTransfer();
  transfer.items.add(new File(["label\tsentence1\tsentence2\n1\tA dog.\tA hound.\n0\tA cat.\tA car.\n"], "pairs.tsv"));
  find("#data-file").files = transfer.files;
  find("#data-file").dispatchEvent(new Event("change"));
  await until(() => find("#data .rows button") || find("#data [role=alert]"));
  const { innerText } = find("#data-view");
  return { text: innerText, plots: document.querySelectorAll("#data svg").length, rows: document.querySelectorAll("#data .rows button").length };
}

/** The answers of both models on each backend, and on several threads where the browser allows them. */
async function askApi() {
  const found = [];
  for (const options of [{ threads: 1 }, { threads: 3 }, { threads: 1, backend: "simd128" }]) {
    for (const key of ["int8", "fp32"]) {
      const files = { model: `models/model.${key}.onnx`, tokenizer: "models/tokenizer.json" };
      const classifier = await load({ ...files, ...options });
      found.push({ key, info: classifier.info, answers: await classifier.classifyBatch(pairs) });
      classifier.dispose();
    }
  }
  return { found, isolated: globalThis.crossOriginIsolated && typeof SharedArrayBuffer === "function" };
}

/** The logits of a pair after one run and after many runs on three threads, each of which joins them about fifty times. */
async function stress() {
  const classifier = await load({ model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json", threads: 3 });
  const logits = async (options) => (await classifier.classify(...pairs[0], options)).logits;
  const found = [await logits({}), await logits({ runs: stressRuns })];
  classifier.dispose();
  return found;
}

/** The hash of the INT8 file of a small model, quantized on several threads where the browser allows them. */
async function hashOfQuantized({ files, texts, job }) {
  const given = [{ path: job.texts, file: new File([texts], job.texts) }];
  for (const path of files) given.push({ path, file: new File([await (await fetch(`golden/${path}`)).arrayBuffer()], path) });
  const { int8 } = await quantize({ ...job, files: given, threads: "auto" }, () => {}, new AbortController().signal);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", int8));
  return `sha256-${btoa(String.fromCharCode(...digest))}`;
}

async function report() {
  try {
    return {
      page: await askPage(), api: await askApi(), stress: await stress(), selfTest: await selfTest(), quantized: await hashOfQuantized(toQuantize),
    };
  } catch (error) {
    return { error: `${error}\n${error.stack}` };
  }
}

report().then((message) => fetch("said", { method: "POST", body: JSON.stringify(message) }));
