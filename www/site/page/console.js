// @ts-check
import { load } from "../bert8.js";
import { models } from "./models/models.js";
import { alone, race } from "./timing/race.js";

/** @import { Classification, Classifier } from "../bert8.js" */
/** @import { Model } from "./models/model.js" */

/** Defines `window.bert8`, for the browser's console: the API and the page's two models. */
export function setUpConsole() {
  /** @type {any} */ (window).bert8 = {
    load,
    get int8() {
      return models.int8.classifier;
    },
    get fp32() {
      return models.fp32.classifier;
    },
    /**
     * Loads both models if that is still to be done, then classifies and times the text or pair with each.
     * @param {[string] | [string, string]} texts
     */
    async compare(...texts) {
      for (;;) {
        await Promise.all(models.all.map(ready));
        const answers = await alone(() => bothAnswers(texts));
        if (answers) return answers;
      }
    },
  };
  console.info('bert8: try  await bert8.compare("How old are you?", "What is your age?")  or  await bert8.int8.classify(text)');
}

/**
 * Resolves once the model is loaded. Rejects with the error if loading fails.
 * @param {Model} model
 * @returns {Promise<void>}
 */
function ready(model) {
  if (model.state === "offered") models.load(model);
  return new Promise((resolve, reject) => {
    const look = () => {
      if (model.state === "ready") resolve();
      else if (model.state === "failed") reject(model.error);
      else if (models.choice && model.state === "absent") reject(new Error("compare() needs two models, and one is on the page"));
      else model.addEventListener("change", look, { once: true });
    };
    look();
  });
}

/**
 * Resolves to undefined if a model is reloaded before both have answered.
 * @param {[string] | [string, string]} texts
 */
async function bothAnswers(texts) {
  const { int8, fp32 } = models;
  const [first, second] = [int8.classifier, fp32.classifier];
  if (!first || !second) return undefined;
  const wanted = () => first === int8.classifier && second === fp32.classifier;
  const entrant = (/** @type {Classifier} */ classifier) => () =>
    texts.length === 1 ? classifier.classify(texts[0]) : classifier.classify(...texts);
  /** @type {Record<string, Classification>} */
  const answers = {};
  try {
    const entrants = { int8: entrant(first), fp32: entrant(second) };
    const result = await race(entrants, { wanted, onAnswer: (key, answer) => (answers[key] = answer) });
    if (!result) return undefined;
    for (const [key, { infer, tokenizeMs, runs }] of Object.entries(result.times)) {
      answers[key].timing = { tokenizeMs, inferMs: infer.median, runs };
    }
    return { ...answers, speedup: result.speedup?.ratio ?? null };
  } catch (error) {
    if (wanted()) throw error;
  }
}
