// @ts-check
// Answers and labels in words.

/** @import { ModelInfo, Names } from "./types.js" */

/**
 * Names what a model has answered.
 * @param {ModelInfo} info
 * @param {number | string} decision a class id, or the ids of the labels that apply, joined by commas
 * @param {number} value the score, of a model that returns one
 */
export function answerText(info, decision, value) {
  if (info.problem === "regression") return value.toFixed(3);
  if (typeof decision === "number") return info.labels[decision];
  return namesOf(info, decision === "" ? [] : decision.split(",").map(Number));
}

/**
 * Names the right answer.
 * @param {ModelInfo} info
 * @param {number | boolean[]} target
 */
export function targetText(info, target) {
  if (Array.isArray(target)) return namesOf(info, idsOf(target));
  return info.problem === "single-label" ? info.labels[target] : String(target);
}

/**
 * Names the number that stands for an answer in plots; `AnswerTable.value` returns it.
 * @param {ModelInfo} info
 * @param {Names} names
 */
export function valueName({ problem, labels }, names) {
  if (problem === "regression") return "score";
  if (labels.length === 1) return `probability of ${labels[0]}`;
  if (problem === "single-label" && labels.length === 2) return `probability of ${labels[1]}`;
  return `probability of the label that ${names.fp32 ?? names.int8} finds most likely`;
}

/**
 * Returns the ids of the labels that apply.
 * @param {boolean[]} applies
 */
export const idsOf = (applies) => applies.flatMap((applies, id) => (applies ? [id] : []));

/**
 * @param {ModelInfo} info
 * @param {number[]} ids of the labels that apply
 */
function namesOf({ labels }, ids) {
  if (labels.length === 1) return ids.length > 0 ? labels[0] : `not ${labels[0]}`;
  return ids.map((id) => labels[id]).join(", ") || "none";
}
