// Turns answers into words and bars.

import { percent, score } from "./format.js";
import { isParaphrase } from "./task.js";

const MOST_BARS = 5;

/** Returns whether the answer is a number on a scale without known ends. */
export const isScore = (answer) => answer.problem === "regression";

/** Returns whether `info` is of a model with one label that applies or not. */
const isDecision = ({ problem, labels }) => problem === "multi-label" && labels.length === 1;

export function verdict(answer, info) {
  if (isScore(answer)) return `Score ${score(answer.score)}`;
  if (isParaphrase(info)) return `Same meaning: ${answer.labelId === 1 ? "yes" : "no"}`;
  if (answer.problem === "single-label") return answer.label;
  if (isDecision(info)) return `${info.labels[0]}: ${answer.labels.length > 0 ? "yes" : "no"}`;
  return answer.labels.map(({ name }) => name).join(", ") || "No label applies";
}

/**
 * Returns the probabilities to show, at most five, the highest first: `{ name, label, value, applies }`. A score has none.
 */
export function bars(answer, info) {
  if (isScore(answer)) return [];
  if (isParaphrase(info)) {
    const name = "Probability of same meaning";
    return [{ name, label: name, value: answer.probabilities[1], applies: false }];
  }
  const applying = new Set(answer.labels.map(({ id }) => id));
  return answer.probabilities
    .map((value, id) => {
      const label = `Probability of ${info.labels[id]}`;
      return { name: isDecision(info) ? label : info.labels[id], label, value, applies: applying.has(id) };
    })
    .sort((a, b) => b.value - a.value)
    .slice(0, MOST_BARS);
}

/** Returns a sentence about what the bars mean, or an empty text. */
export function barsHint(answer, info) {
  const left = answer.probabilities.length - MOST_BARS;
  const more = left > 0 ? `The ${MOST_BARS} most probable of ${answer.probabilities.length} labels.` : "";
  const subject = isDecision(info) ? "The answer is yes" : "A label applies";
  const rule = answer.problem === "multi-label" ? `${subject} from ${percent(info.threshold)} on.` : "";
  return [more, rule].filter(Boolean).join(" ");
}

/** Returns whether both answers choose the same label or labels. */
export function agree(one, other) {
  const ids = ({ labels }) => labels.map(({ id }) => id).join();
  return one.labelId === other.labelId && ids(one) === ids(other);
}

/** Returns what an example's label says, in words, or undefined if the labels have no such meaning. */
export function keyText(label, info) {
  const decision = isParaphrase(info) ? "same meaning" : isDecision(info) && info.labels[0];
  if (decision) return `${decision}, ${label === 1 ? "yes" : "no"}`;
  return info.problem === "single-label" ? info.labels[label] : undefined;
}

/** Returns whether the answer agrees with an example's label. */
export const agrees = (answer, info, label) => (isDecision(info) ? answer.labels.length : answer.labelId) === label;
