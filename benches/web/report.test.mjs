import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, describe } from "./agreement.mjs";
import { row } from "./derive.mjs";
import { NAMES } from "./models.mjs";
import { latencyPlot, peakPlot } from "./plots.mjs";
import { report } from "./report.mjs";
import { judge } from "./targets.mjs";

const { INT8, FP32, ORT_FP32, DYNAMIC, SHARED, LITERT_FP32, LITERT_INT8 } = NAMES;
const config = { title: "BERT", num_hidden_layers: 12, hidden_size: 768, intermediate_size: 3072 };

/** Returns results of one host on which INT8 takes one millisecond per token. LiteRT.js has a file for 128 tokens only. */
function results({ kernel = "relaxed-dot-u8", dynamic = true, litert = false } = {}) {
  const rounds = (tokens) => ({
    [INT8]: [tokens, tokens, 9 * tokens],
    [FP32]: [5 * tokens],
    [ORT_FP32]: [6 * tokens],
    [SHARED]: [3.5 * tokens],
    ...(dynamic && { [DYNAMIC]: [3 * tokens] }),
    ...(litert && tokens === 128 && { [LITERT_FP32]: [5.5 * tokens], [LITERT_INT8]: [2 * tokens] }),
  });
  const measured = {
    infos: Object.fromEntries(Object.keys(rounds(128)).map((name) => [name, name === INT8 ? { kernel } : null])),
    rounds: { 53: rounds(53), 128: rounds(128) },
    batches: {
      mixed: { count: 64, least: 8, most: 128, batch: [640], single: [640] },
      short: { count: 64, least: 6, most: 31, batch: [100], single: [150] },
    },
    loading: { times: { [INT8]: [500], [SHARED]: [1000] }, info: { memoryBytes: 150e6, modelBytes: 100e6 } },
  };
  const peaks = { "relaxed-dot": 100, "i16-dot": 40, "relaxed-madd": 28, madd: null };
  return {
    date: "2000-01-01T00:00:00Z",
    quick: false,
    processor: "a processor",
    versions: { bert8: "1", "onnxruntime-web": "2", ...(litert && { "LiteRT.js": "4" }), browser: "Chromium 3" },
    configs: { demo: config, "bert-base": config },
    hosts: [{ name: "default", title: "this processor", args: [], peaks, models: { demo: measured, "bert-base": measured } }],
  };
}

test("ratios compare medians with the best of onnxruntime-web", () => {
  const found = row(results(), "default", "bert-base", 128);
  assert.deepEqual([found.ort, found.fp32, found.baseline], [3, 5, 1.2]);
  assert.ok(Math.abs(found.share - 11.173625856 / 12.8) < 1e-9);
  assert.equal(row(results({ dynamic: false }), "default", "bert-base", 128).ort, 3.5);
  assert.ok(row(results({ kernel: "simd128-i16" }), "default", "bert-base", 128).share > 2);
  assert.equal(row(results(), "simd128", "bert-base", 128), undefined);
  assert.equal(row(results(), "default", "bert-base", 8), undefined);
});

test("targets are met, missed or not measured", () => {
  const verdict = (part) => judge(results()).find(({ name }) => name.includes(part)).verdict;
  assert.equal(verdict("128 tokens: ORT-web"), "met");
  assert.equal(verdict("share of the peak"), "met");
  assert.equal(verdict("512 tokens"), "not measured");
  assert.equal(verdict("SIMD128"), "not measured");
  assert.equal(verdict("first answer"), "met");
  assert.equal(verdict("wasm memory"), "missed");
  assert.equal(verdict("under 32 tokens"), "met");
});

test("the targets of the byte dot product are not judged if it is not used", () => {
  const judged = judge(results({ kernel: "relaxed-pairs" }));
  for (const { name, verdict } of judged.filter(({ name }) => name.startsWith("VNNI"))) assert.equal(verdict, "not measured", name);
  assert.ok(judged.some(({ verdict }) => verdict === "met"));
});

test("the report and the plots have no missing numbers", () => {
  for (const made of [results(), results({ dynamic: false }), results({ kernel: "unfused" }), results({ litert: true })]) {
    const text = report(made);
    assert.match(text, /128 +128\.0 +640\.0 +768\.0/);
    for (const output of [text, latencyPlot(made), peakPlot(made)]) assert.doesNotMatch(output, /NaN|undefined|Infinity|null/);
  }
});

test("LiteRT.js has columns, a ratio and lines of its own, and changes no other figure", () => {
  const made = results({ litert: true });
  assert.equal(row(made, "default", "bert-base", 128).litert, 2);
  assert.equal(row(made, "default", "bert-base", 53).litert, undefined);
  assert.equal(row(made, "default", "bert-base", 128).ort, 3, "its time is not onnxruntime-web's");
  assert.deepEqual(judge(made), judge(results()));
  const text = report(made);
  assert.match(text, /LiteRT\.js 4, Chromium 3/);
  assert.match(text, /LiteRT FP32 +LiteRT INT8 +ORT-web INT8 \/ ours +LiteRT INT8 \/ ours/);
  assert.match(text, /^128 .* 704\.0 +256\.0 +3\.00 +2\.00 /m);
  assert.match(text, /^53 .* - +- +3\.00 +- /m);
  assert.match(latencyPlot(made), /class="c6">LiteRT INT8</);
  for (const output of [report(results()), latencyPlot(results())]) assert.doesNotMatch(output, /LiteRT/);
});

test("contenders agree within the bounds of their comparison", () => {
  const logits = { [FP32]: [[1, 2]], [ORT_FP32]: [[1, 2.001]], [INT8]: [[1.1, 2.1]], [SHARED]: [[1.5, 1]] };
  const found = compare(logits);
  const ok = (of, to) => found.find((comparison) => comparison.of === of && comparison.to === to).ok;
  assert.ok(ok(FP32, ORT_FP32));
  assert.ok(ok(INT8, ORT_FP32));
  assert.ok(!ok(INT8, SHARED));
  assert.equal(found.some(({ of }) => of === DYNAMIC), false);
  assert.match(describe(found[0]), /^agrees: bert8 FP32 with ORT-web FP32/);
  const some = compare({ [ORT_FP32]: [[9, 9], [1, 2]], [LITERT_INT8]: [null, [1, 2.1]], [LITERT_FP32]: [null, null] });
  assert.deepEqual(some.map(({ of, ok }) => [of, ok]), [[LITERT_INT8, true]], "only pairs that both ran are compared");
  assert.equal(compare({ [ORT_FP32]: [[9, 9], [1, 2]], [LITERT_FP32]: [null, [1, 2.1]] })[0].ok, false);
  const silent = compare({ [FP32]: [[NaN, 0]], [ORT_FP32]: [[1, 2]] });
  assert.equal(silent[0].ok, false, "NaN does not agree");
});
