// A small model to quantize, and texts for it.

import { fileURLToPath } from "node:url";

const golden = (name) => fileURLToPath(new URL(`../golden/${name}`, import.meta.url));

/** The files of a model of two layers that reads pairs. */
export const GOLDEN = { model: golden("model.fp32.onnx"), int8: golden("model.int8.onnx"), tokenizer: golden("tokenizer.json") };

const SUBJECTS = ["the cat", "a dog", "he", "she", "they", "the company", "a bank", "the mayor", "the old judge", "a new court"];
const REST = ["sat at home", "ran to the river", "said not today", "rose by 3 %", "fell in rain", "was in the city", "is by the bank", "ran on"];

/** Returns a TSV file with so many different pairs. */
export function textsOf(count) {
  const sentence = (at) => `${SUBJECTS[at % SUBJECTS.length]} ${REST[Math.floor(at / SUBJECTS.length) % REST.length]}${at % 3 ? "." : " !"}`;
  const rows = Array.from({ length: count }, (_, at) => `${sentence(at)}\t${sentence(at * 3 + 1)} ${at % 10} ${Math.floor(at / 10)}`.replaceAll(/(\d)(?=\d)/g, "$1 "));
  return ["sentence1\tsentence2", ...rows, ""].join("\n");
}
