// The performance targets of bert8.

import { batchGain, hostOf, loadingShare, row, rows } from "./derive.mjs";
import { byThreads, gainOfTwo, ortRatio, serialShare } from "./derive-threads.mjs";
import { NAMES } from "./models.mjs";

const atLeast = (bound) => ({ text: `at least ${bound}`, met: (value) => value >= bound });
const atMost = (bound) => ({ text: `at most ${bound}`, met: (value) => value <= bound });
const above = (bound) => ({ text: `above ${bound}`, met: (value) => value > bound });

const base = "bert-base";
const at = (host, model, tokens, figure) => (results) => row(results, host, model, tokens)?.[figure];
// Only if a kernel uses the byte dot product of the processor.
const onVnni = (model, tokens, figure) => (results) => {
  const { kernel } = hostOf(results, "default")?.models[model]?.infos[NAMES.INT8] ?? {};
  return kernel?.startsWith("relaxed-dot") ? row(results, "default", model, tokens)?.[figure] : null;
};
const onDefault = (figure) => (results) => {
  const measured = hostOf(results, "default")?.models[base];
  return measured && figure(measured);
};

/** Returns the lowest ratio of onnxruntime-web's FP32 time to bert8's. */
function weakestBaseline(results) {
  const all = results.hosts.flatMap((host) => Object.keys(host.models).flatMap((model) => rows(results, host, model)));
  return Math.min(...all.map(({ baseline }) => baseline));
}

// What `figure` returns for the times of a model by number of threads, if two were measured.
const onTwo = (model, figure) => ({ threads }) => (threads?.counts.includes(2) ? figure(threads.models[model], threads.counts) : null);
const gain = (model, tokens, name) => onTwo(model, ({ rounds }, counts) => gainOfTwo(rounds[tokens], name, counts));
const loadingOnTwo = ({ loading }, counts) => 1 / gainOfTwo(loading, NAMES.INT8, counts);
const batchOnTwo = ({ batches }, counts) => gainOfTwo(batches, NAMES.INT8, counts);
const serial = ({ rounds }, counts) => serialShare(byThreads(rounds[128], NAMES.INT8, counts));
const ortKept = ({ rounds }) => ortRatio(rounds[128], 2) / ortRatio(rounds[128], 1);

// WebAssembly memory never shrinks, so its size after loading is also its peak.
const memoryShare = ({ loading: { info } }) => info.memoryBytes / info.modelBytes;

// Two medians of the same work differ by one or two percent on a quiet machine.
const SAME = 0.98;

const TARGETS = [
  ["VNNI, BERT-base, 128 tokens: ORT-web's best INT8 / ours", atLeast(2.6), onVnni(base, 128, "ort")],
  ["VNNI, BERT-base, 128 tokens: our FP32 / our INT8", atLeast(4.5), onVnni(base, 128, "fp32")],
  ["VNNI, BERT-base, 128 tokens: share of the peak", atLeast(0.8), onVnni(base, 128, "share")],
  ["VNNI, BERT-base, 16 tokens: ORT-web's best INT8 / ours", atLeast(2.5), onVnni(base, 16, "ort")],
  ["VNNI, BERT-base, 32 tokens: ORT-web's best INT8 / ours", atLeast(2.5), onVnni(base, 32, "ort")],
  ["VNNI, BERT-base, 512 tokens: ORT-web's best INT8 / ours", atLeast(2.2), onVnni(base, 512, "ort")],
  ["without AVX-VNNI, BERT-base, 128 tokens: ORT-web's best INT8 / ours", atLeast(1.2), at("no-vnni", base, 128, "ort")],
  ["without AVX-VNNI, BERT-base, 128 tokens: our FP32 / our INT8", atLeast(2), at("no-vnni", base, 128, "fp32")],
  ["SIMD128, BERT-base, 128 tokens: ORT-web's best INT8 / ours", atLeast(1.2), at("simd128", base, 128, "ort")],
  ["SIMD128, BERT-base, 128 tokens: our FP32 / our INT8", atLeast(2), at("simd128", base, 128, "fp32")],
  ["VNNI, demo model, 53 tokens: our FP32 / our INT8", atLeast(3.5), onVnni("demo", 53, "fp32")],
  ["ORT-web's FP32 / ours, where it is lowest", atLeast(SAME), weakestBaseline],
  ["64 mixed pairs: one at a time / as a batch", atLeast(SAME), onDefault(({ batches }) => batchGain(batches.mixed))],
  ["64 pairs under 32 tokens: one at a time / as a batch", above(1), onDefault(({ batches }) => batchGain(batches.short))],
  ["load to first answer: ours / ORT-web's best INT8", atMost(0.6), onDefault(({ loading }) => loadingShare(loading))],
  ["BERT-base INT8, 128 tokens: 1 thread / 2 threads", atLeast(1.85), gain(base, 128, NAMES.INT8)],
  ["BERT-base INT8, 16 tokens: 1 thread / 2 threads", atLeast(1.6), gain(base, 16, NAMES.INT8)],
  ["demo model INT8, 53 tokens: 1 thread / 2 threads", atLeast(1.6), gain("demo", 53, NAMES.INT8)],
  ["BERT-base FP32, 128 tokens: 1 thread / 2 threads", atLeast(1.85), gain(base, 128, NAMES.FP32)],
  ["BERT-base, 128 tokens: ORT-web's best INT8 / ours, on 2 threads / on 1", atLeast(SAME), onTwo(base, ortKept)],
  ["BERT-base INT8, load to first answer: 2 threads / 1 thread", atMost(0.8), onTwo(base, loadingOnTwo)],
  ["BERT-base INT8, 64 mixed pairs as a batch: 1 thread / 2 threads", atLeast(1.8), onTwo(base, batchOnTwo)],
  ["BERT-base INT8, 128 tokens: serial share", atMost(0.03), onTwo(base, serial)],
  ["wasm memory after loading / file", atMost(1.4), onDefault(memoryShare)],
  ["wasm memory at its peak while loading / file", atMost(2.3), onDefault(memoryShare)],
];

/** Returns `{ name, target, value, verdict }` for each target. The verdict is "met", "missed" or "not measured". */
export function judge(results) {
  return TARGETS.map(([name, { text, met }, figure]) => {
    const value = figure(results) ?? null;
    return { name, target: text, value, verdict: value === null ? "not measured" : met(value) ? "met" : "missed" };
  });
}
