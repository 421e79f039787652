import assert from "node:assert/strict";
import { test } from "node:test";
import { byThreads, gainOfTwo, litertRatio, ortRatio, serialShare, threadRows } from "./derive-threads.mjs";
import { NAMES, onThreads } from "./models.mjs";
import { threadsPlot } from "./plots.mjs";
import { reportThreads } from "./report-threads.mjs";
import { threadCounts } from "./settings.mjs";

const { INT8, FP32, ORT_FP32, DYNAMIC, SHARED, LITERT_INT8 } = NAMES;
const COUNTS = [1, 2, 4];

/** Times of contenders of which a quarter, or half for onnxruntime-web, does not shrink with more threads. */
const times = Object.fromEntries(
  [[INT8, 100, 0.25], [FP32, 400, 0.25], [ORT_FP32, 500, 0.5], [SHARED, 300, 0.5], [DYNAMIC, 350, 0.5]].flatMap(([name, ms, serial]) =>
    COUNTS.map((count) => [onThreads(name, count), [ms * (serial + (1 - serial) / count)]]),
  ),
);
const measured = { rounds: { 128: times }, batches: times, loading: times };
const results = { configs: { "bert-base": { title: "BERT" } }, threads: { counts: COUNTS, models: { "bert-base": measured } } };

test("numbers of threads double up to the last", () => {
  assert.deepEqual([1, 2, 3, 4, 6, 8].map(threadCounts), [[1], [1, 2], [1, 2, 3], [1, 2, 4], [1, 2, 4, 6], [1, 2, 4, 8]]);
});

test("the serial share is fitted", () => {
  assert.ok(Math.abs(serialShare(byThreads(times, INT8, COUNTS)) - 0.25) < 1e-9);
  assert.ok(Math.abs(serialShare({ 1: 10, 2: 5 })) < 1e-9);
  assert.ok(Math.abs(serialShare({ 1: 10, 2: 10 }) - 1) < 1e-9);
});

test("speedups compare with one thread, ratios the same number of threads", () => {
  const row = threadRows(results.threads, "bert-base", 128).find(({ name, threads }) => name === INT8 && threads === 2);
  assert.deepEqual(row, { name: INT8, threads: 2, ms: 62.5, speedup: 1.6, efficiency: 0.8 });
  assert.equal(gainOfTwo(times, INT8, COUNTS), 1.6);
  assert.equal(gainOfTwo(times, INT8, [1]), null);
  assert.equal(ortRatio(times, 1), 3);
  assert.equal(ortRatio(times, 2), 225 / 62.5);
  assert.equal(ortRatio(times, 3), null);
  assert.equal(litertRatio(times, 1), null);
});

test("LiteRT.js has its own rows and ratio", () => {
  const more = { ...times, ...Object.fromEntries(COUNTS.map((count) => [onThreads(LITERT_INT8, count), [200 / count]])) };
  assert.equal(litertRatio(more, 1), 2);
  assert.equal(litertRatio(more, 2), 1.6);
  assert.equal(ortRatio(more, 1), 3);
  const made = { ...results, threads: { counts: COUNTS, models: { "bert-base": { ...measured, rounds: { 128: more } } } } };
  const text = reportThreads(made);
  assert.match(text, /LiteRT INT8 +2 +100\.0 +2\.00 +100 %/);
  assert.match(text, /LiteRT INT8 \/ ours: 2\.00 on 1, 1\.60 on 2, /);
  assert.match(threadsPlot(made), /LiteRT INT8/);
  for (const output of [reportThreads(results), threadsPlot(results)]) assert.doesNotMatch(output, /LiteRT/);
});

test("the report and the plot have no missing numbers", () => {
  const text = reportThreads(results);
  assert.match(text, /bert8 INT8 +2 +62\.5 +1\.60 +80 %/);
  assert.match(text, /serial share: bert8 INT8 25\.0 %/);
  for (const output of [text, threadsPlot(results)]) assert.doesNotMatch(output, /NaN|undefined|Infinity|null/);
});
