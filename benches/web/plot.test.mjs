import assert from "node:assert/strict";
import { test } from "node:test";
import { apart, escape, logTicks, plot, scale } from "./plot.mjs";

test("text is escaped", () => {
  assert.equal(escape(`a < b & "c's" > d`), "a &lt; b &amp; &quot;c&apos;s&quot; &gt; d");
  assert.equal(escape(8), "8");
});

test("scales", () => {
  const linear = scale([0, 10], [100, 0], false);
  assert.deepEqual([0, 5, 10].map(linear), [100, 50, 0]);
  const logarithmic = scale([8, 512], [0, 60], true);
  assert.deepEqual([8, 64, 512].map((value) => Math.round(logarithmic(value))), [0, 30, 60]);
});

test("logarithmic ticks enclose the values", () => {
  assert.deepEqual(logTicks(3, 40), [2, 5, 10, 20, 50]);
  assert.deepEqual(logTicks(0.15, 1), [0.1, 0.2, 0.5, 1]);
  assert.deepEqual(logTicks(10, 11), [10, 20]);
});

test("labels move apart and keep their order", () => {
  assert.deepEqual(apart([30, 10, 12], 10), [30, 10, 20]);
  assert.deepEqual(apart([5, 5, 5], 10), [5, 15, 25]);
});

test("a plot has a line and a label for each series", () => {
  const points = [[8, 1], [512, 9]];
  const svg = plot({
    title: "a <title>",
    x: { label: "tokens", ticks: [8, 64, 512] },
    y: { label: "ms", ticks: [1, 10], log: true, format: String },
    series: [{ name: "one", points }, { name: "R&D", points }],
  });
  assert.equal(svg.match(/<polyline/g).length, 2);
  assert.equal(svg.match(/<circle/g).length, 4);
  assert.match(svg, /<title>a &lt;title&gt;<\/title>/);
  assert.match(svg, />R&amp;D</);
  assert.match(svg, /prefers-color-scheme: dark/);
  assert.doesNotMatch(svg, /NaN|undefined/);
});
