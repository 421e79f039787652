// The modules of the page's own data that need no browser: pace, the table of answers, plots, downloads.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AnswerTable } from "../../www/site/page/data/answer-table.js";
import { Pace, remaining } from "../../www/site/page/timing/pace.js";
import { SIDE, niceStep, plots } from "../../www/site/page/data/plot-data.js";
import { isData } from "../../www/site/page/shared/paths.js";
import { writeRows, writeSummary } from "../../www/site/page/data/write.js";

const NAMES = { int8: "INT8", fp32: "FP32" };
const TWO = { labels: ["no", "yes"], problem: "single-label", texts: "pair", threshold: null };

/** Returns the answer of a model with two classes. */
const decision = (yes, ms = 1, tokens = 5) => ({
  logits: [0, yes], probabilities: [1 - yes, yes], labelId: Number(yes > 0.5), labelIds: [], tokens, truncated: false, inferMs: ms, tokenizeMs: 0,
});

/** Returns a table of pairs: `[probability of INT8, of FP32, label]`. */
function tableOf(rows, { info = TWO, names = NAMES } = {}) {
  const fetch = (start, end) => rows.slice(start, end).map(([, , target], i) => ({ line: start + i + 2, texts: [`first ${start + i}`, "a \"second\", text"], label: target, target }));
  const table = new AnswerTable(info, names, rows.length, fetch);
  const keys = Object.keys(names);
  table.add(Object.fromEntries(keys.map((key, i) => [key, rows.map((row) => decision(row[i], 1 + 3 * i))])));
  return table;
}

describe("the pace", () => {
  test("is that of the last seconds, so that a pause is forgotten", () => {
    const pace = new Pace(0);
    assert.equal(pace.rate, 0);
    for (let second = 1; second <= 5; second++) pace.mark(second * 10, second * 1000);
    assert.equal(pace.rate, 10);
    // The tab slept for an hour.
    for (let second = 1; second <= 15; second++) pace.mark(50 + second * 20, 3_605_000 + second * 1000);
    assert.equal(pace.rate, 20);
  });

  test("says the rest in words", () => {
    const said = [0.2, 42, 100, 3600, 360_000].map(remaining);
    assert.deepEqual(said, ["about a second left", "about 42 seconds left", "about 2 minutes left", "about 60 minutes left", "about 100 hours left"]);
    assert.equal(remaining(Infinity), "");
  });
});

describe("the table of answers", () => {
  const table = tableOf([[0.9, 0.8, 1], [0.4, 0.6, 1], [0.7, 0.3, 1], [0.2, 0.15, null], [0.8, 0.99, 0]]);

  test("knows flips, and right and wrong answers", () => {
    assert.deepEqual(table.counts(), { all: 5, flips: 2, "int8-wrong": 2, "fp32-wrong": 2, worse: 1, better: 1 });
    assert.equal(table.list({ filter: "flips", order: "file", search: "" }), 2);
    const [worse, better] = table.listed(0, 9);
    assert.deepEqual([worse.line, worse.flip, worse.label, worse.int8.text, worse.int8.right, worse.fp32.right], [3, true, "yes", "no", false, true]);
    assert.equal(better.at, 2);
    assert.equal(table.row(3, { line: 5, texts: [], label: "-1", target: null }).int8.right, null);
  });

  test("searches texts and sorts by difference", () => {
    assert.equal(table.list({ filter: "all", order: "file", search: " FIRST 3 " }), 1);
    assert.equal(table.listed(0, 1)[0].at, 3);
    table.list({ filter: "all", order: "difference", search: "" });
    assert.deepEqual(table.listed(0, 9).map(({ at }) => at), [2, 1, 4, 0, 3]);
  });

  test("knows rates and the ratio of the times", () => {
    assert.deepEqual([table.rate("int8"), table.rate("fp32")], [1000, 250]);
    assert.deepEqual(table.speedup(), { ratio: 4, low: 4, high: 4 });
  });

  test("names several labels, one label and scores", () => {
    const shown = (info, answer, target) => {
      const table = new AnswerTable(info, { int8: "INT8" }, 1, () => [{ line: 1, texts: ["a"], label: null, target }]);
      table.add({ int8: [{ ...decision(0), labelId: null, ...answer }] });
      return [table.row(0, { line: 1, texts: ["a"], label: null, target }), table];
    };
    const tags = { labels: ["joy", "fear", "anger"], problem: "multi-label", texts: "single", threshold: 0.5 };
    const [row] = shown(tags, { logits: [1, 2, -1], probabilities: [0.7, 0.9, 0.2], labelIds: [0, 1] }, [true, false, false]);
    assert.deepEqual([row.int8.text, row.label, row.int8.right, row.flip], ["joy, fear", "joy", false, false]);
    assert.equal(Math.fround(row.int8.value), Math.fround(0.9));
    const [none] = shown({ ...tags, labels: ["toxic"] }, { logits: [-1], probabilities: [0.3] }, [false]);
    assert.deepEqual([none.int8.text, none.label, none.int8.right], ["not toxic", "not toxic", true]);
    const [score, table] = shown({ ...tags, labels: ["LABEL_0"], problem: "regression" }, { logits: [2.5], probabilities: [] }, 3);
    assert.deepEqual([score.int8.text, score.label, score.int8.right, table.valueName], ["2.500", "3", null, "score"]);
  });
});

describe("the plots", () => {
  test("count every row once", () => {
    const rows = Array.from({ length: 500 }, (_, at) => [(at % 101) / 100, (at % 97) / 96, at % 2]);
    const { scatter, differences, latency, value } = plots(tableOf(rows));
    assert.equal(value, "probability of yes");
    const sum = (bins) => bins.reduce((sum, { rows }) => sum + rows, 0);
    assert.deepEqual([sum(scatter.bins), sum(differences), sum(latency)], [500, 500, 500]);
    const dots = (path) => path.match(/M/g)?.length ?? 0;
    assert.equal(dots(scatter.same) + dots(scatter.flips), 500);
    assert.equal(dots(scatter.flips), scatter.bins.reduce((sum, { flips }) => sum + flips, 0));
    for (const [, x, y] of scatter.same.matchAll(/M([\d.]+) ([\d.]+)h0/g)) assert.ok(x >= 0 && x <= SIDE && y >= 0 && y <= SIDE);
    const middle = differences[(differences.length - 1) / 2];
    assert.ok(middle.low < 0 && middle.high > 0, "the middle bin holds 0");
    assert.deepEqual(latency[0].fp32, { median: 4, low: 4, high: 4 });
  });

  test("hold equal answers, one row and one model", () => {
    const equal = plots(tableOf([[0.5, 0.5, 1]]));
    assert.equal(equal.differences.find(({ low, high }) => low < 0 && high > 0).rows, 1);
    assert.doesNotMatch(JSON.stringify(equal), /NaN|Infinity/);
    const alone = plots(tableOf([[0.5, 0, 1]], { names: { int8: "INT8" } }));
    assert.deepEqual([alone.scatter, alone.differences, alone.latency.length], [null, null, 1]);
  });

  test("have round steps", () => {
    assert.deepEqual([0.011, 0.3, 1, 3, 60].map(niceStep), [0.02, 0.5, 1, 5, 100]);
  });
});

test("a dropped file is data or belongs to a model, by its name", () => {
  for (const path of ["dev.tsv", "MRPC/Dev.CSV", "rows.jsonl", "pairs.json", "texts.txt", "x.ndjson"]) assert.ok(isData(path), path);
  const others = ["model.onnx", "model/tokenizer.json", "tokenizer_config.json", "config.json", "manifest.json", "vocab.txt", "a/merges.txt", "vocab.json", "added_tokens.json", "special_tokens_map.json", "model.safetensors", "README.md"];
  for (const path of others) assert.ok(!isData(path), path);
});

describe("downloads", () => {
  const report = {
    rows: 2, labelled: 2, skipped: 0, problem: "single-label", rows_per_second: 10, accuracy: 0.5, agreement: 0.5, flips: 1,
    intervals: { accuracy: [0.25, 0.75], agreement: [0, 1] }, baseline: { accuracy: 1, rows_per_second: 5, intervals: { accuracy: [0.75, 1] } },
    changes: { accuracy: { value: -0.5, interval: [-1, 0] } },
  };

  test("the results are those of bert8 eval, and a table", async () => {
    assert.deepEqual(JSON.parse(await writeSummary(report, ["int8", "fp32"], "summary.json").text()), report);
    const lines = (await writeSummary(report, ["int8", "fp32"], "summary.csv").text()).split("\r\n");
    assert.deepEqual(lines.slice(0, 3), [
      "metric,int8,low,high,fp32,fp32_low,fp32_high,difference,difference_low,difference_high",
      "accuracy,0.5,0.25,0.75,1,0.75,1,-0.5,-1,0",
      "rows,2,,,,,,,,",
    ]);
    assert.ok(lines.includes("rows_per_second,10,,,5,,,,,") && lines.includes("agreement,0.5,0,1,,,,,,"));
    for (const line of lines.slice(0, -1)) assert.equal(line.split(",").length, 10, line);
  });

  test("rows keep quotes and commas", async () => {
    const table = tableOf([[0.9, 0.8, 1], [0.4, 0.6, 1]]);
    const lines = (await writeRows(table, "rows.csv").text()).split("\r\n");
    assert.equal(lines[0], "line,sentence1,sentence2,label,int8,int8_value,int8_ms,fp32,fp32_value,fp32_ms,flip,tokens");
    assert.match(lines[1], /^2,first 0,"a ""second"", text",yes,yes,0\.8999\d*,1,yes,0\.8\d*,4,0,5$/);
    const rows = JSON.parse(await writeRows(table, "rows.json").text());
    assert.equal(rows.length, 2);
    assert.deepEqual([rows[1].sentence2, rows[1].flip, rows[1].int8.answer, rows[1].int8.right], ['a "second", text', true, "no", false]);
    assert.deepEqual(rows[1].int8.logits, [0, Math.fround(0.4)]);
  });
});
