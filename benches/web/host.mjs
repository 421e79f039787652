// Measures everything in one browser.

import { compare, describe, sameAnswers } from "./agreement.mjs";
import { NAMES, contenders } from "./models.mjs";
import { Sentences } from "./sentences.js";
import { BATCHES, FIRST_ANSWER_TOKENS, SEED, SETTLE_MS, agreementPairs } from "./settings.mjs";
import { median } from "./stats.js";

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
    const loading = first ? await firstAnswers({ browser, origin, host, model, plan, say }) : null;
    const page = await openPage(browser, origin);
    const measured = await measureModel({ page, host, name, model, plan, say, peaks, answers: loading?.answers });
    const batches = first ? await measureBatches({ page, model, plan, say }) : {};
    await page.context().close();
    results[name] = { loading: loading && { times: loading.times, info: loading.info }, batches, ...measured };
  }
  return { ...host, peaks: best(peaks), models: results };
}

/** Opens a page in its own process. */
async function openPage(browser, origin) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${origin}/bench/index.html`);
  await page.waitForFunction(() => globalThis.bench);
  return page;
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

const firstPair = (model) => new Sentences(model.vocabulary, SEED).pair(FIRST_ANSWER_TOKENS);

/** Times each INT8 contender from the start of loading to the first answer, in milliseconds, each time in a new process. */
async function firstAnswers({ browser, origin, host, model, plan, say }) {
  const pair = firstPair(model);
  const specs = contenders(model, host.backend).filter(({ name }) => ![NAMES.FP32, NAMES.ORT_FP32].includes(name));
  const [times, answers] = [0, 1].map(() => Object.fromEntries(specs.map(({ name }) => [name, []])));
  let info;
  for (let at = 0; at < plan.loads; at++) {
    for (const spec of specs) {
      const page = await openPage(browser, origin);
      await page.waitForTimeout(SETTLE_MS);
      const answer = await page.evaluate(([spec, pair]) => bench.firstAnswer(spec, pair), [spec, pair]);
      await page.context().close();
      times[spec.name].push(answer.ms);
      answers[spec.name].push(answer.logits);
      info = answer.info ?? info;
    }
  }
  const medians = Object.entries(times).map(([name, list]) => `${name} ${median(list).toFixed(0)}`);
  say(`  first answer, ms: ${medians.join("; ")}`);
  return { times, answers, info };
}

/** Returns the highest peak of each kind. */
function best(peaks) {
  const highest = (kind) => peaks.reduce((found, { [kind]: peak }) => (peak === null ? found : Math.max(found ?? 0, peak)), null);
  return Object.fromEntries(Object.keys(peaks[0]).map((kind) => [kind, highest(kind)]));
}
