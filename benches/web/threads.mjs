// Measures the contenders by number of threads, in one browser.

import { compare, describe, sameAnswers } from "./agreement.mjs";
import { firstAnswers, firstPair } from "./loading.mjs";
import { NAMES, contenders, onThreads } from "./models.mjs";
import { openPage } from "./open-page.mjs";
import { Sentences } from "./sentences.js";
import { BATCHES, SEED, THREAD_LENGTHS, THREAD_ROUNDS, threadCounts } from "./settings.mjs";
import { median } from "./stats.js";

/**
 * Measures `models` on 1 to `plan.threads` threads. Resolves to `{ counts, models }`; by model, `rounds` by length, `batches` and
 * `loading`, each with times in milliseconds by contender, which `onThreads` names. Throws if contenders disagree.
 */
export async function measureThreads({ browser, origin, models, plan, say }) {
  const counts = threadCounts(plan.threads);
  const results = {};
  for (const [name, model] of Object.entries(models)) {
    say(`${counts.join(", ")} threads: ${model.title}`);
    const specs = contenders(model, "auto").flatMap((spec) => counts.map((threads) => ({ ...spec, name: onThreads(spec.name, threads), threads })));
    const ours = (count) => specs.find((spec) => spec.name === onThreads(NAMES.INT8, count));
    const { times: loading } = await firstAnswers({
      browser, origin, specs: [ours(1), ours(plan.threads)], pair: firstPair(model), loads: plan.loads, say,
    });
    const page = await openPage(browser, origin);
    await page.evaluate((specs) => bench.open(specs), specs);
    const sentences = new Sentences(model.vocabulary, SEED);
    await agree({ page, pairs: THREAD_LENGTHS[name].map((tokens) => sentences.pair(tokens)), counts, say });
    const rounds = {};
    for (const tokens of THREAD_LENGTHS[name]) {
      const pairs = sentences.pairs(THREAD_ROUNDS.most, tokens);
      rounds[tokens] = await page.evaluate(([pairs, options]) => bench.time(pairs, options), [pairs, THREAD_ROUNDS]);
      const medians = Object.entries(rounds[tokens]).map(([contender, times]) => `${contender} ${median(times).toFixed(1)}`);
      say(`  ${tokens} tokens, ms: ${medians.join("; ")}`);
    }
    const batches = await timeBatches({ page, sentences, counts, repeats: plan.batchRepeats });
    await page.context().close();
    results[name] = { rounds, batches, loading };
  }
  return { counts, models: results };
}

/** Throws if contenders disagree, or if bert8's logits are not the same bits on any number of threads. */
async function agree({ page, pairs, counts, say }) {
  const logits = await page.evaluate((pairs) => bench.logits(pairs), pairs);
  for (const name of [NAMES.INT8, NAMES.FP32]) {
    const [one, ...more] = counts.map((count) => JSON.stringify(logits[onThreads(name, count)]));
    if (more.some((other) => other !== one)) throw new Error(`the logits of ${name} depend on the number of threads`);
  }
  for (const count of counts) {
    const byName = Object.fromEntries(Object.values(NAMES).map((name) => [name, logits[onThreads(name, count)]]));
    const comparisons = compare(byName);
    comparisons.forEach((comparison) => say(`  ${onThreads(describe(comparison), count)}`));
    if (!comparisons.every(({ ok }) => ok)) throw new Error(`the contenders disagree on ${count} threads; nothing was timed`);
  }
}

/** Times bert8's INT8 on mixed pairs as one batch, in turns. */
async function timeBatches({ page, sentences, counts, repeats }) {
  const { count, least, most } = BATCHES.mixed;
  const pairs = sentences.mixed(count, least, most);
  const names = counts.map((threads) => onThreads(NAMES.INT8, threads));
  const times = Object.fromEntries(names.map((name) => [name, []]));
  let expected;
  for (let at = 0; at < Math.max(3, repeats); at++) {
    for (const name of names) {
      const { logits, batch } = await page.evaluate((args) => bench.batches(...args), [name, pairs, 1]);
      expected ??= logits.batch;
      if (!sameAnswers(logits.batch, expected)) throw new Error("a batch answers differently on another number of threads");
      times[name].push(...batch);
    }
  }
  return times;
}
