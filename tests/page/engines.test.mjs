// The built site in the engines of other browsers: the API answers as the native command does, and the page compares.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { EXTRA_ARGS } from "./browser.mjs";
import { ENGINES, open } from "./engines.mjs";
import { PAIRS, SKIP, assertAgrees, expectedAnswers } from "./native.mjs";
import { startSite } from "./site.mjs";

/** Milliseconds for a browser to start and answer. */
const PATIENCE = 200_000;
const TIMEOUT = PATIENCE + 20_000;

/** What engine.html says in a browser. */
async function ask(engine) {
  let tell;
  const told = new Promise((resolve) => (tell = resolve));
  const site = await startSite({ said: tell });
  const browser = open(engine, `${site.url}engine.html#${encodeURIComponent(JSON.stringify(PAIRS))}`, PATIENCE);
  try {
    return await Promise.race([told, browser.ended]);
  } finally {
    browser.stop();
    site.close();
  }
}

const skip = SKIP || (EXTRA_ARGS.length > 0 && "the arguments are for Chromium");

describe("the site in other engines", { skip, timeout: 2 * TIMEOUT }, () => {
  let expected;

  before(() => {
    expected = expectedAnswers();
  });

  for (const engine of ENGINES) {
    test(engine.name, { skip: !engine.command && "not installed", timeout: TIMEOUT }, async () => {
      const said = await ask(engine);
      assert.equal(said.error, undefined);
      assert.deepEqual(said.api.map(({ key, info }) => `${key} ${info.precision}`), Array(2).fill(["int8 int8", "fp32 fp32"]).flat());
      for (const { key, answers } of said.api) assertAgrees(key, answers, expected);
      const kernels = said.api.filter(({ key }) => key === "int8").map(({ info }) => info.kernel);
      assert.match(kernels[0], /^(relaxed-dot-[us]8|relaxed-pairs|simd128-i16)$/);
      assert.equal(kernels[1], "simd128-i16");
      assert.match(said.page.summary, /INT8 is [\d.]+× as fast/);
      assert.deepEqual(said.page.errors, []);
    });
  }
});
