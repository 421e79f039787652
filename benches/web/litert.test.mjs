import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { tfliteFiles } from "./litert.mjs";
import { measuredLengths, plan } from "./settings.mjs";

const LENGTHS = { demo: [32, 53], "bert-base": [128] };

/** Calls `use` with a folder of empty files. */
function withFiles(names, use) {
  const folder = mkdtempSync(join(tmpdir(), "litert-"));
  try {
    for (const name of names) writeFileSync(join(folder, name), "");
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("files are found by model, type and length; those that are missing are named", () => {
  const names = ["demo.int8.53.tflite", "demo.int8.512.tflite", "bert-base.fp32.128.tflite", "notes.txt"];
  const { files, missing } = withFiles(names, (folder) => tfliteFiles(folder, LENGTHS));
  assert.deepEqual(files, {
    demo: { int8: { 53: "/tflite/demo.int8.53.tflite" } },
    "bert-base": { fp32: { 128: "/tflite/bert-base.fp32.128.tflite" } },
  });
  assert.deepEqual(missing, ["demo.fp32.32.tflite", "demo.fp32.53.tflite", "demo.int8.32.tflite", "bert-base.int8.128.tflite"]);
});

test("an error names the folder and every file that is missing", () => {
  const find = (folder) => tfliteFiles(folder, LENGTHS);
  for (const names of [[], ["demo.int8.8.tflite"]]) {
    withFiles(names, (folder) => {
      const says = (error) => [folder, "demo.fp32.32.tflite", "bert-base.int8.128.tflite", "docs/benchmarks.md"].every((part) => error.message.includes(part));
      assert.throws(() => find(folder), says);
    });
  }
  assert.throws(() => find("no-such-folder"), /no-such-folder: this is not a folder/);
  assert.throws(() => find(fileURLToPath(import.meta.url)), /this is not a folder/);
});

test("a name that no run uses is an error, so that no file is silently left out", () => {
  for (const wrong of ["demo.int8.tflite", "demo.int4.53.tflite", "bert.int8.53.tflite", "demo.int8.053.tflite"]) {
    withFiles(["demo.int8.53.tflite", wrong], (folder) => {
      assert.throws(() => tfliteFiles(folder, LENGTHS), (error) => error.message.includes(wrong) && /demo or bert-base/.test(error.message), wrong);
    });
  }
});

test("a run measures the lengths of its plan, and more by number of threads", () => {
  const lengths = (threads) => measuredLengths(plan({ quick: true, browser: "chromium", threads }));
  assert.deepEqual(lengths(1), { demo: [32, 53, 128], "bert-base": [32, 128] });
  assert.deepEqual(lengths(2), { demo: [32, 53, 128], "bert-base": [16, 32, 128] });
});
