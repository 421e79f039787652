// @ts-check
// What the page asks the visitor for, in the words that fit the loaded models.

/** @import { ClassifierInfo } from "../../bert8.js" */

/**
 * @typedef {object} Task
 * @property {"single" | "pair" | null} texts how many texts the model reads; null if it does not say
 * @property {string} title
 * @property {string[]} names the labels of the boxes
 * @property {string} all what the boxes hold together
 * @property {string} input one input
 * @property {string} several several inputs
 * @property {string} ask the button
 * @property {string} asking
 * @property {string} call an example for the console
 */

/**
 * The task of models that tell whether two sentences mean the same.
 * @type {Task}
 */
const PARAPHRASE = {
  texts: "pair",
  title: "Two sentences",
  names: ["Sentence 1", "Sentence 2"],
  all: "sentences",
  input: "pair",
  several: "pairs",
  ask: "Compare",
  asking: "Comparing…",
  call: 'bert8.compare("How old are you?", "What is your age?")',
};

const other = { ask: "Classify", asking: "Classifying…" };
/** @type {Task} */
const PAIR = {
  ...other,
  texts: "pair",
  title: "Two texts",
  names: ["Text 1", "Text 2"],
  all: "texts",
  input: "pair",
  several: "pairs",
  call: 'bert8.compare("It is raining.", "Take an umbrella.")',
};
/** @type {Task} */
const SINGLE = {
  ...other,
  texts: "single",
  title: "One text",
  names: ["Text"],
  all: "text",
  input: "text",
  several: "texts",
  call: 'bert8.compare("What a beautiful day!")',
};
/**
 * The task of models that do not say how many texts they read.
 * @type {Task}
 */
export const UNKNOWN = {
  ...PAIR,
  texts: null,
  title: "One or two texts",
  names: ["Text 1", "Text 2 (optional)"],
  input: "input",
  several: "inputs",
  call: SINGLE.call,
};

const SAME = ["equivalent", "paraphrase", "duplicate", "is duplicate", "same meaning", "same question"];
const DIFFERENT = ["different", "different meaning", "different question", ...SAME.flatMap((name) => [`not ${name}`, `non ${name}`])];

/**
 * Returns the id of the label that says that two texts mean the same, or null: only a model's label names say that it knows.
 * @param {Pick<ClassifierInfo, "problem" | "texts" | "labels">} info
 */
export function sameMeaningId({ problem, texts, labels }) {
  if (problem !== "single-label" || texts === "single" || labels.length !== 2) return null;
  const names = labels.map((label) => label.toLowerCase().replace(/[\s_-]+/g, " "));
  const id = names.findIndex((name) => SAME.includes(name));
  return id >= 0 && DIFFERENT.includes(names[1 - id]) ? id : null;
}

/**
 * Returns the task of a model with this description.
 * @param {Pick<ClassifierInfo, "problem" | "texts" | "labels">} info
 */
export function taskOf(info) {
  if (sameMeaningId(info) !== null) return PARAPHRASE;
  return info.texts === null ? UNKNOWN : { single: SINGLE, pair: PAIR }[info.texts];
}

/**
 * Returns the texts to classify, given those in both boxes.
 * @param {Pick<Task, "texts">} task
 * @param {string} first
 * @param {string} second
 * @returns {[string] | [string, string]}
 */
export function textsFor(task, first, second) {
  return task.texts === "single" || (task.texts === null && second.trim() === "") ? [first] : [first, second];
}
