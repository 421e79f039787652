// Prints random sentence pairs with words of a tokenizer.json, as TSV for calibration: node calibration.mjs TOKENIZER

import { readFileSync } from "node:fs";
import { Sentences } from "./sentences.js";

const COUNT = 64;
const LENGTHS = [8, 64];
const SEED = 1; // differs from the seed of the measured pairs

const sentences = new Sentences(JSON.parse(readFileSync(process.argv[2], "utf8")), SEED);
const lines = sentences.mixed(COUNT, ...LENGTHS).map(({ a, b }) => `${a}\t${b}`);
console.log(["sentence1\tsentence2", ...lines].join("\n"));
