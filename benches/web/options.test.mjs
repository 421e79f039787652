import assert from "node:assert/strict";
import { test } from "node:test";
import { readOptions } from "./options.mjs";

const read = (...args) => readOptions(args, 4);

test("without arguments, a full run on one thread in Chromium, without LiteRT.js", () => {
  assert.deepEqual(read(), { quick: false, publish: false, browser: "chromium", threads: 1 });
});

test("arguments are read", () => {
  const found = read("--quick", "--publish", "--browser", "firefox", "--threads", "4", "--litert", "a/b");
  assert.deepEqual(found, { quick: true, publish: true, browser: "firefox", threads: 4, litert: "a/b" });
});

test("wrong arguments are named", () => {
  for (const threads of ["0", "5", "1.5", "two", ""]) assert.throws(() => read(`--threads=${threads}`), /from 1 to 4, the processors/, threads);
  assert.throws(() => read("--litert"), /--litert/);
  assert.throws(() => read("--fast"), /--fast/);
  assert.throws(() => read("a-folder"), /a-folder/);
});
