// Numbers with their units, as the page shows them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { duration, milliseconds, range, seconds, size } from "../../www/site/page/shared/format.js";

const plain = (text) => text.replaceAll("\u00a0", " ");

test("measured times are seconds, and minutes from one minute on", () => {
  assert.deepEqual([80, 8_360, 59_949, 60_000, 119_700, 233_900, 4_000_000].map(seconds).map(plain), [
    "0.1 s", "8.4 s", "59.9 s", "1 min 0 s", "2 min 0 s", "3 min 54 s", "66 min 40 s",
  ]);
});

test("estimated times are rounded", () => {
  assert.deepEqual([0, 12_000, 200_000].map(duration).map(plain), ["about 5 s", "about 15 s", "about 3 min"]);
});

test("sizes are kilobytes where megabytes would be zero", () => {
  assert.deepEqual([0, 1, 4_608, 99_999, 100_000, 23_829_232].map(size), ["0 kB", "1 kB", "5 kB", "100 kB", "0.1 MB", "23.8 MB"]);
});

test("a range has its unit once, and is one value if both ends look the same", () => {
  assert.deepEqual([[2.14, 2.44], [2.141, 2.142], [0.001, 0.5]].map(([low, high]) => plain(range(low, high, milliseconds))), [
    "2.14 to 2.44 ms", "2.14 ms", "< 0.01 to 0.5 ms",
  ]);
});
