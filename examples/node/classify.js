// node classify.js MODEL TOKENIZER FIRST SECOND
import { readFile } from "node:fs/promises";
import { load } from "bert8/inline";

const [model, tokenizer, first, second] = process.argv.slice(2);
const classifier = await load({ model: await readFile(model), tokenizer: await readFile(tokenizer) });
const { label, labelId, probabilities } = await classifier.classify(first, second);
console.log(`${label}, ${(100 * probabilities[labelId]).toFixed(1)} %`);
