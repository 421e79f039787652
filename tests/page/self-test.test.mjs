// The self-test: every kernel of this browser has the hash that the native command expects.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import { CLI } from "../../tools/web/built.mjs";
import { skipWithoutCli } from "./native.mjs";
import { SUITE_TIMEOUT, open, site } from "./visit.mjs";

const NAMES = /^(scalar|simd128-i16|relaxed-pairs|relaxed-dot-[su]8)$/;

describe("the self-test", { timeout: SUITE_TIMEOUT }, () => {
  test("every kernel passes, with the hash of the native command", { skip: skipWithoutCli() }, async () => {
    const expected = JSON.parse(execFileSync(CLI, ["self-test", "--json"], { encoding: "utf8" }));
    const page = await open({ url: `${site.origin}/some/folder/blank.html` });
    const { ok, kernels } = await page.evaluate(async () => (await import("./self-test.js")).selfTest());
    assert.deepEqual([...new Set(kernels.map(({ backend }) => backend))], ["relaxed-simd", "simd128"]);
    for (const { kernel, hash, ok } of kernels) {
      assert.match(kernel, NAMES);
      assert.deepEqual({ hash, ok }, { hash: expected[0].hash, ok: true }, kernel);
    }
    assert.ok(ok && kernels.length >= 5);
    for (let tries = 0; page.workers().length > 0 && tries < 200; tries++) await page.waitForTimeout(50);
    assert.equal(page.workers().length, 0);
    await page.context().close();
  });

  test("options are checked", async () => {
    const page = await open({ url: `${site.origin}/some/folder/blank.html` });
    const messages = await page.evaluate(async () => {
      const { selfTest } = await import("./self-test.js");
      const message = (options) => selfTest(options).then(() => "passed", ({ message }) => message);
      return [await message(null), await message({ threads: 2 }), await message({ worker: 7 }), await message({ backend: "turbo" })];
    });
    assert.deepEqual(messages, [
      "selfTest(): the options must be an object, not null",
      'selfTest() has no option "threads"; its options are backend, worker, module',
      "selfTest(): worker must be a URL or a function that returns a Worker",
      'unknown backend "turbo": use "auto", "relaxed-simd" or "simd128"',
    ]);
    await page.context().close();
  });
});
