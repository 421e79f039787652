// @ts-check
// Which of the page's models take part in an evaluation.

/** @import { Classifier } from "../../bert8.js" */
/** @import { ModelInfo, ModelKey, Names } from "./types.js" */

import { models } from "../models/models.js";

/**
 * @typedef {object} Entrants
 * @property {Names} names INT8 first
 * @property {Partial<Record<ModelKey, Classifier>>} classifiers
 * @property {ModelInfo | undefined} info what they read and answer; undefined if no model is ready
 * @property {string | null} note why another model takes no part
 */

/**
 * Returns the models that are ready: both if they are a pair, otherwise the first.
 * @returns {Entrants}
 */
export function entrants() {
  const { mismatch, ready } = models;
  const found = ready.flatMap(({ key, classifier }, i) => (classifier ? [{ key, name: models.nameOf(ready[i]), classifier }] : []));
  const chosen = mismatch ? found.slice(0, 1) : found;
  const info = chosen[0]?.classifier.info;
  const offered = models.all.find(({ state }) => state === "offered");
  const alone = `Only ${chosen[0]?.name} is evaluated`;
  return {
    names: Object.fromEntries(chosen.map(({ key, name }) => [key, name])),
    classifiers: Object.fromEntries(chosen.map(({ key, classifier }) => [key, classifier])),
    info: info && { labels: info.labels, problem: info.problem, texts: info.texts, threshold: info.threshold },
    note: mismatch ? `${alone}, because the two models are no pair. ${mismatch}` : offered ? `${alone}. Load ${models.nameOf(offered)} above to compare.` : null,
  };
}

/** Returns the names of the models that are still loading. */
export const loadingNames = () => models.all.filter(({ state }) => ["waiting", "loading"].includes(state)).map((model) => models.nameOf(model));

/** Returns the states of both models, to notice a change. */
export const statesOfModels = () => models.all.map(({ key, state }) => `${key} ${state}`).join();
