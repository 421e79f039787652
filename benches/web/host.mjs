// Measures everything in one browser.

import { compare, describe, sameAnswers } from "./agreement.mjs";
import { firstAnswers, firstPair } from "./loading.mjs";
import { NAMES, contenders } from "./models.mjs";
import { openPage } from "./open-page.mjs";
import { Sentences } from "./sentences.js";
import { BATCHES, SEED, agreementPairs } from "./settings.mjs";
import { median } from "./stats.js";

// The contenders whose loading is timed.
const LOADED = [NAMES.INT8, NAMES.SHARED, NAMES.DYNAMIC];

/**
 * Measures `models` on `host` according to `plan`; loading and batches only on the plan's first host. `say` prints a line.
 * Throws if contenders disagree.
 */
export async function measureHost({ browser, origin, host, models, plan, say }) {
  const peaks = [];
  const results = {};
  for (const [name, model] of Object.entries(models)) {
    say(`${host.title}: ${model.title}`);
    const first = host === plan.hosts[0];
    const specs = contenders(model, host.backend).filter(({ name }) => LOADED.includes(name));
    const loading = first ? await firstAnswers({ browser, origin, specs, pair: firstPair(model), loads: plan.loads, say }) : null;
    const page = await openPage(browser, origin);
    const measured = await measureModel({ page, host, name, model, plan, say, peaks, answers: loading?.answers });
    const batches = first ? await measureBatches({ page, model, plan, say }) : {};
    await page.context().close();
    results[name] = { loading: loading && { times: loading.times, info: loading.info }, batches, ...measured };
  }
  return { ...host, peaks: best(peaks), models: results };
}

async function measureModel({ page, host, name, model, plan, say, peaks, answers }) {
  const sentences = new Sentences(model.vocabulary, SEED);
  peaks.push(await page.evaluate(() => bench.peaks()));
  const infos = await page.evaluate((specs) => bench.open(specs), contenders(model, host.backend));
  say(`  bert8 runs ${infos[NAMES.INT8].kernel}, ${infos[NAMES.FP32].kernel}`);

  const agreement = await agree(page, sentences, plan.lengths[name]);
  agreement.forEach((comparison) => say(`  ${describe(comparison)}`));
  if (!agreement.every(({ ok }) => ok)) throw new Error(`the contenders disagree on the ${model.title}; no length was timed`);
  if (answers) await checkFirstAnswers({ page, model, answers });

  const rounds = {};
  for (const tokens of plan.lengths[name]) {
    const pairs = sentences.pairs(plan.rounds.most, tokens);
    rounds[tokens] = await page.evaluate(([pairs, options]) => bench.time(pairs, options), [pairs, plan.rounds]);
    const medians = Object.entries(rounds[tokens]).map(([contender, times]) => `${contender} ${median(times).toFixed(1)}`);
    say(`  ${tokens} tokens, ms: ${medians.join("; ")}`);
  }
  peaks.push(await page.evaluate(() => bench.peaks()));
  return { infos, agreement, rounds };
}

async function measureBatches({ page, model, plan, say }) {
  const sentences = new Sentences(model.vocabulary, SEED);
  const batches = {};
  for (const [kind, { count, least, most }] of Object.entries(BATCHES)) {
    const args = [NAMES.INT8, sentences.mixed(count, least, most), plan.batchRepeats];
    const { logits, ...times } = await page.evaluate((args) => bench.batches(...args), args);
    if (!sameAnswers(logits.batch, logits.single)) throw new Error(`on the ${model.title}, a batch answers differently from its pairs one by one`);
    batches[kind] = { count, least, most, ...times };
    const each = (way) => (median(times[way]) / count).toFixed(2);
    say(`  ${count} pairs of ${least} to ${most} tokens, ms a pair: ${each("batch")} as a batch, ${each("single")} one by one`);
  }
  return batches;
}

async function agree(page, sentences, lengths) {
  const pairs = lengths.flatMap((tokens) => sentences.pairs(agreementPairs(tokens), tokens));
  return compare(await page.evaluate((pairs) => bench.logits(pairs), pairs));
}

/** Throws if a contender's first answers differ from its later one, which is known to agree with the other contenders. */
async function checkFirstAnswers({ page, model, answers }) {
  const later = await page.evaluate((pairs) => bench.logits(pairs), [firstPair(model)]);
  for (const [name, list] of Object.entries(answers)) {
    if (!list.every((logits) => sameAnswers([logits], later[name]))) throw new Error(`the first answer of ${name} differs from a later one`);
  }
}

/** Returns the highest peak of each kind. */
function best(peaks) {
  const highest = (kind) => peaks.reduce((found, { [kind]: peak }) => (peak === null ? found : Math.max(found ?? 0, peak)), null);
  return Object.fromEntries(Object.keys(peaks[0]).map((kind) => [kind, highest(kind)]));
}
