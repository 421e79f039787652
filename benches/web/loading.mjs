// Times loading.

import { openPage } from "./open-page.mjs";
import { Sentences } from "./sentences.js";
import { FIRST_ANSWER_TOKENS, SEED, SETTLE_MS } from "./settings.mjs";
import { median } from "./stats.js";

/** Returns the pair whose answer ends the measurement. */
export const firstPair = (model) => new Sentences(model.vocabulary, SEED).pair(FIRST_ANSWER_TOKENS);

/**
 * Times each contender of `specs` from the start of loading to the first answer, in turns, `loads` times each, each time in a new
 * process. Resolves to `times` in milliseconds and `answers`, logits, by contender, and `info`, bert8's description of its model.
 */
export async function firstAnswers({ browser, origin, specs, pair, loads, say }) {
  const [times, answers] = [0, 1].map(() => Object.fromEntries(specs.map(({ name }) => [name, []])));
  let info;
  for (let at = 0; at < loads; at++) {
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
