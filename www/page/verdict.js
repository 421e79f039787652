// How an answer reads. A model with two labels is taken for a paraphrase classifier: label 1 is "same meaning".

import { score } from "./format.js";

export const isScore = (answer) => answer.label === null;
const isParaphrase = (answer) => answer.probabilities.length === 2;

export function verdict(answer) {
  if (isScore(answer)) return `Score ${score(answer.score)}`;
  return isParaphrase(answer) ? `Same meaning: ${answer.labelId === 1 ? "yes" : "no"}` : answer.label;
}

/** The probability to show, and what it is a probability of; undefined for a score. */
export function probability(answer) {
  if (isScore(answer)) return undefined;
  return isParaphrase(answer)
    ? { of: "Probability of same meaning", value: answer.probabilities[1] }
    : { of: `Probability of ${answer.label}`, value: answer.probabilities[answer.labelId] };
}

/** Whether the answer is the key's; undefined where the labels mean something else. */
export function agrees(answer, sameMeaning) {
  return isParaphrase(answer) ? (answer.labelId === 1) === sameMeaning : undefined;
}
