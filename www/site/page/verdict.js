// Turns answers into words. A model with two labels is assumed to be a paraphrase classifier: label 1 means "same meaning".

import { score } from "./format.js";

export const isScore = (answer) => answer.label === null;
const isParaphrase = (answer) => answer.probabilities.length === 2;

export function verdict(answer) {
  if (isScore(answer)) return `Score ${score(answer.score)}`;
  return isParaphrase(answer) ? `Same meaning: ${answer.labelId === 1 ? "yes" : "no"}` : answer.label;
}

/** Returns the probability to show and its label, or undefined for a score. */
export function probability(answer) {
  if (isScore(answer)) return undefined;
  return isParaphrase(answer)
    ? { label: "Probability of same meaning", value: answer.probabilities[1] }
    : { label: `Probability of ${answer.label}`, value: answer.probabilities[answer.labelId] };
}

/** Returns whether the answer agrees with the answer key, or undefined if the labels mean something else. */
export function agrees(answer, sameMeaning) {
  return isParaphrase(answer) ? (answer.labelId === 1) === sameMeaning : undefined;
}
