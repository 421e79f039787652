// What the page asks the visitor for, in the words that fit the loaded models.

import { byId, setText } from "./dom.js";

const RUN_HERE = "An INT8 BERT model answers next to the FP32 model it was made from. Both run in this tab.";

/** The task of models that tell whether two sentences mean the same. */
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
/** The task of models that do not say how many texts they read. */
export const UNKNOWN = {
  ...PAIR,
  texts: null,
  title: "One or two texts",
  names: ["Text 1", "Text 2 (optional)"],
  input: "input",
  several: "inputs",
  call: SINGLE.call,
};

const SAME = /^(equivalent|paraphrase|duplicate|is_duplicate|same[ _-]meaning)$/i;

/** Returns whether a model tells paraphrases (label 1) from other pairs (label 0). Only its label names say so. */
export const isParaphrase = ({ problem, texts, labels }) =>
  problem === "single-label" && texts !== "single" && labels.length === 2 && SAME.test(labels[1]);

/** Returns the task of a model with this description. */
export function taskOf(info) {
  if (isParaphrase(info)) return PARAPHRASE;
  return { single: SINGLE, pair: PAIR }[info.texts] ?? UNKNOWN;
}

/** Returns the texts to classify, given those in both boxes. */
export function textsFor(task, first, second) {
  return task.texts === "single" || (task.texts === null && second.trim() === "") ? [first] : [first, second];
}

/** Puts the words of the task and of the demo, if its description fits, on the page. Shows one box or two. */
export function showTask(task, demo) {
  const two = task.texts !== "single";
  setText(byId("intro"), [demo?.description, RUN_HERE].filter(Boolean).join(" "));
  setText(byId("pair-title"), task.title);
  task.names.forEach((name, i) => setText(byId(`sentence${i + 1}-label`), name));
  for (const id of ["second", "swap"]) byId(id).hidden = !two;
  byId("example-field").hidden = !demo?.examples;
  setText(byId("compare"), task.ask);
  setText(byId("swap-what"), ` ${task.all}`);
  setText(byId("stale"), `The ${task.all} ${two ? "have" : "has"} changed since these answers. ${task.ask} again to update them.`);
  setText(byId("call"), `await ${task.call}`);
}
