// The models that the site comes with, and what the page says about each.

import { isParaphrase } from "./task.js";

const TEXTS = ["id", "name", "description", "int8", "fp32", "tokenizer", "examples"];
const OPTIONAL = ["description", "examples"];

/**
 * Downloads the list of demos. Resolves to an array of `{ id, name, description, problem, texts, labels, int8, fp32,
 * tokenizer, examples }`: the files are relative to the page, and `problem`, `texts` and `labels` are those of the models.
 */
export async function fetchDemos(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`.trimEnd());
  return checked(await response.json());
}

function checked(demos) {
  if (!Array.isArray(demos) || demos.length === 0) throw new Error("it is not a list of models");
  demos.forEach((demo, i) => {
    const wrong =
      TEXTS.find((name) => typeof demo?.[name] !== "string" && !(OPTIONAL.includes(name) && demo?.[name] === undefined)) ??
      (Array.isArray(demo.labels) ? undefined : "labels");
    if (wrong) throw new Error(`its model ${i + 1} has no “${wrong}”`);
  });
  return demos;
}

/** Returns whether the demo's description and examples fit a model, given the model's `info`. */
export function fits(demo, info) {
  if (isParaphrase(demo)) return isParaphrase(info);
  return demo.problem === info.problem && demo.labels.join("\0") === info.labels.join("\0");
}
