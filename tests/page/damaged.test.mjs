// Copies of the demo models with changed bytes: each is refused by name, or answers and does not have the expected hash. None traps.
//
// ./build.sh damage makes many copies. BERT8_DAMAGED_COPIES is their number for each model and kind of damage.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { DIST } from "../../tools/web/built.mjs";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";
import { KINDS } from "./damage.mjs";
import { SAME, SUITE_TIMEOUT, open, site } from "./visit.mjs";

const COPIES = Number(process.env.BERT8_DAMAGED_COPIES ?? 5);

/** Milliseconds that a copy may take, which a busy machine needs less than. */
const PATIENCE = 240_000;

// The run with additional arguments for Chromium would only repeat these tests.
const skip = EXTRA_ARGS.length > 0 && "BERT8_CHROMIUM_ARGS is set";

/** Loads a model and classifies once. Resolves to the logits or to what the error says. */
const classify = (page, model, integrity) =>
  page.evaluate(
    async ({ model, integrity, pair, patience }) => {
      const { load } = await import("./bert8.js");
      let classifier, progress;
      try {
        const onProgress = (report) => (progress = report);
        const files = { model, tokenizer: "models/tokenizer.json", integrity };
        classifier = await load({ ...files, onProgress, signal: AbortSignal.timeout(patience) });
        return { logits: (await classifier.classify(...pair, { timeoutMs: patience })).logits };
      } catch ({ name, message }) {
        return { error: `${name}: ${message}`, progress };
      } finally {
        classifier?.dispose();
      }
    },
    { model, integrity, pair: SAME, patience: PATIENCE },
  );

/** What became of a copy: "answered", "refused" by name, or what must not happen. */
function outcomeOf({ logits, error, progress }, name) {
  if (logits) return logits.every(Number.isFinite) ? "answered" : `answered ${logits}`;
  const crashed = /crashed|ran out of memory|panicked/.test(error);
  return !crashed && error.startsWith("Error: ") && error.includes(name) ? "refused" : `${error}, after ${JSON.stringify(progress)}`;
}

describe("damaged copies of the demo models", { skip, timeout: SUITE_TIMEOUT + COPIES * PATIENCE }, () => {
  for (const name of ["model.int8.onnx", "model.fp32.onnx"]) {
    for (const kind of KINDS) {
      test(`${name}, damage to ${kind}`, async () => {
        const page = await open({ url: `${site.origin}/some/folder/blank.html` });
        const counts = { refused: 0, answered: 0 };
        const failures = [];
        const fail = (seed, found) => {
          failures.push(`copy ${seed}: ${found}`);
          console.error(`${name}, ${kind}, ${failures.at(-1)}`);
        };
        const whole = readFileSync(join(DIST, "models", name));
        const expected = `sha256-${createHash("sha256").update(whole).digest("base64")}`;
        for (let seed = 0; seed < COPIES; seed++) {
          const copy = `${site.origin}/damaged/${encodeURIComponent(kind)}/${seed}/${name}`;
          const outcome = outcomeOf(await classify(page, copy), name);
          if (outcome in counts) counts[outcome]++;
          else fail(seed, outcome);
          if (outcome === "answered") {
            const { error } = await classify(page, copy, expected);
            if (!error?.includes(`but ${expected} is expected`)) fail(seed, `with the whole file's hash: ${error ?? "answered"}`);
          }
          if ((seed + 1) % Math.max(5, Math.ceil(COPIES / 10)) === 0) {
            console.error(`${name}, ${kind}, ${seed + 1} copies: ${counts.refused} refused, ${counts.answered} answered, ${failures.length} failures`);
          }
        }
        assert.deepEqual(failures, []);
        await page.context().close();
      });
    }
  }
});
