// @ts-check
// Turns answers into words and bars. All words come from the model's labels.

import { sameMeaningId } from "../models/task.js";
import { percent, score } from "../shared/format.js";

/** @import { Classification, ClassifierInfo, Score } from "../../bert8.js" */

/** How many bars are always in sight. */
export const MOST_BARS = 5;

/**
 * A probability to show. `label` is for screen readers; `applies` is whether a label of several applies.
 * @typedef {{ name: string, label: string, value: number, applies: boolean }} Bar
 */

/**
 * Returns whether the answer is a number on a scale without known ends.
 * @param {Classification} answer
 * @returns {answer is Score}
 */
export const isScore = (answer) => answer.problem === "regression";

/**
 * Returns whether `info` is of a model with one label that applies or not.
 * @param {Pick<ClassifierInfo, "problem" | "labels">} info
 */
const isDecision = ({ problem, labels }) => problem === "multi-label" && labels.length === 1;

/**
 * Returns the answer in words.
 * @param {Classification} answer
 * @param {ClassifierInfo} info
 */
export function verdict(answer, info) {
  if (isScore(answer)) return `Score ${score(answer.score)}`;
  const same = sameMeaningId(info);
  if (same !== null) return `Same meaning: ${answer.labelId === same ? "yes" : "no"}`;
  if (answer.problem === "single-label") return answer.label;
  if (isDecision(info)) return `${info.labels[0]}: ${answer.labels.length > 0 ? "yes" : "no"}`;
  return answer.labels.map(({ name }) => name).join(", ") || "No label applies";
}

/**
 * Returns the probability of every label, the highest first. A score has none.
 * @param {Classification} answer
 * @param {ClassifierInfo} info
 * @returns {Bar[]}
 */
export function bars(answer, info) {
  const applying = new Set(answer.labels.map(({ id }) => id));
  return answer.probabilities
    .map((value, id) => {
      const label = `Probability of ${info.labels[id]}`;
      return { name: isDecision(info) ? label : info.labels[id], label, value, applies: applying.has(id) };
    })
    .sort((a, b) => b.value - a.value);
}

/**
 * Returns a sentence about what the bars mean, or an empty text.
 * @param {ClassifierInfo} info
 */
export function barsHint(info) {
  if (info.problem !== "multi-label" || info.threshold === null) return "";
  return `${isDecision(info) ? "The answer is yes" : "A label applies"} from ${percent(info.threshold)} on.`;
}

/**
 * Returns whether both answers choose the same label or labels. They must be of models with the same labels.
 * @param {Classification} one
 * @param {Classification} other
 */
export function agree(one, other) {
  const ids = (/** @type {Classification} */ { labels }) => labels.map(({ id }) => id).join();
  return one.labelId === other.labelId && ids(one) === ids(other);
}

/**
 * Returns what an example's label says, in words, or undefined if the labels have no such meaning.
 * @param {number} label
 * @param {ClassifierInfo} info
 */
export function keyText(label, info) {
  const same = sameMeaningId(info);
  if (same !== null) return `same meaning, ${label === same ? "yes" : "no"}`;
  if (isDecision(info)) return `${info.labels[0]}, ${label === 1 ? "yes" : "no"}`;
  return info.problem === "single-label" ? info.labels[label] : undefined;
}

/**
 * Returns whether the answer agrees with an example's label.
 * @param {Classification} answer
 * @param {ClassifierInfo} info
 * @param {number} label
 */
export const agrees = (answer, info, label) => (isDecision(info) ? answer.labels.length : answer.labelId) === label;
