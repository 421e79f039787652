import assert from "node:assert/strict";
import { test } from "node:test";
import { alternate, canRun } from "./measure.js";

const OPTIONS = { budgetMs: 1000, least: 3, most: 6, shortMs: 100 };

/** Returns contenders that report the time `ms` and record each run in `calls`. */
function fakes(calls, ms) {
  const run = (name) => async (pair, options) => {
    calls.push({ name, pair, ...options });
    return { ms };
  };
  return ["a", "b"].map((name) => ({ name, run: run(name) }));
}

test("short runs repeat within a round; the number of rounds has a maximum", async () => {
  const calls = [];
  const times = await alternate(fakes(calls, 10), [1, 2], OPTIONS);
  assert.deepEqual(times, { a: Array(6).fill(10), b: Array(6).fill(10) });
  const timed = calls.slice(2);
  assert.ok(timed.every(({ warmup, runs }) => warmup === 1 && runs === 3));
  assert.deepEqual(timed.slice(0, 4).map(({ name, pair }) => name + pair), ["a1", "b1", "b2", "a2"]);
});

test("long runs happen once per round; the number of rounds fits the budget or is the minimum", async () => {
  const calls = [];
  assert.equal((await alternate(fakes(calls, 100), [1], OPTIONS)).a.length, 5);
  assert.ok(calls.slice(2).every(({ warmup, runs }) => warmup === 0 && runs === 1));
  assert.equal((await alternate(fakes([], 1000), [1], OPTIONS)).b.length, 3);
});

test("with blocks, every turn warms up for the length of a block and then runs for as long", async () => {
  const calls = [];
  const times = await alternate(fakes(calls, 10), [1], { ...OPTIONS, shortMs: 0, blockMs: 45 });
  assert.ok(calls.slice(2).every(({ warmup, runs }) => warmup === 5 && runs === 5));
  assert.equal(times.a.length, 5, "200 ms a round");
});

test("a contender with lengths runs only pairs of these", () => {
  const pair = { ids: [101, 7, 102] };
  assert.deepEqual([{}, { lengths: [3, 8] }, { lengths: [8] }].map((contender) => canRun(contender, pair)), [true, true, false]);
});
