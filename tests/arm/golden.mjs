// The files of tests/golden, and a few of the pairs that tests/common/golden.rs lists for them.

import { readFileSync } from "node:fs";

const read = (name) => readFileSync(new URL(`../golden/${name}`, import.meta.url));

export const model = () => read("model.int8.onnx");
export const tokenizer = () => read("tokenizer.json");

/** The committed answer for each pair of tests/common/golden.rs. */
export const expected = () => JSON.parse(read("expected.json"));

/** Pairs, each with its index in tests/common/golden.rs. */
export const PAIRS = [
  { index: 0, pair: ["The cat sat at home.", "A cat was at home."] },
  { index: 3, pair: ["", ""] },
  {
    index: 6,
    pair: [
      "The mayor of the old city said the new bank was not in the river",
      "He ran home to the dog and the cat, and she ran to the river by the bank today",
    ],
  },
  { index: 7, pair: ["a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5 6 7 8 9", "a a a a a a a a a a a a"] },
];
