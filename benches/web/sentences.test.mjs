import assert from "node:assert/strict";
import { test } from "node:test";
import { Sentences } from "./sentences.js";

const TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##ing", "Bob", "naïve", "one", "two", "three", "four"];
const tokenizer = { model: { vocab: Object.fromEntries(TOKENS.map((token, id) => [token, id])) } };

test("a pair has the requested number of tokens and the ids of its words", () => {
  const sentences = new Sentences(tokenizer, 1);
  for (const tokens of [5, 8, 53]) {
    const { a, b, ids, types } = sentences.pair(tokens);
    assert.equal(ids.length, tokens);
    const [first, second] = [a.split(" "), b.split(" ")];
    assert.ok(first.length - second.length === 0 || first.length - second.length === 1);
    assert.deepEqual(ids.map((id) => TOKENS[id]), ["[CLS]", ...first, "[SEP]", ...second, "[SEP]"]);
    assert.deepEqual(types, [...Array(first.length + 2).fill(0), ...Array(second.length + 1).fill(1)]);
    for (const word of [...first, ...second]) assert.match(word, /^(one|two|three|four)$/);
  }
});

test("the seed determines the words", () => {
  const pairs = (seed) => new Sentences(tokenizer, seed).pairs(3, 20);
  assert.deepEqual(pairs(1), pairs(1));
  assert.notDeepEqual(pairs(1), pairs(2));
});

test("lengths of mixed pairs reach both bounds and stay within", () => {
  const lengths = new Sentences(tokenizer, 1).mixed(200, 6, 9).map(({ ids }) => ids.length);
  assert.deepEqual([...new Set(lengths)].sort(), [6, 7, 8, 9]);
});

test("a tokenizer without words is refused", () => {
  assert.throws(() => new Sentences({ model: { vocab: { "[CLS]": 0 } } }, 1), /no words/);
});
