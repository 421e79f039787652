// The page says when a text is not in the language of a model that knows only one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isForeign, onlyLanguage } from "../../www/site/page/models/language.js";

const known = (tokens) => ({ tokens, unknown: 0 });

test("texts in other letters, and of unknown tokens, are foreign", () => {
  assert.equal(onlyLanguage("en"), "English only.");
  for (const texts of [["What a day!"], ["Café, naïve", "Straße"], ["2 + 2 = 4"], [""]]) assert.equal(isForeign(texts, known(9)), false, texts.join());
  for (const texts of [["Какой день!"], ["你好吗朋友", "day"], ["🙂🙂🙂 ok"]]) assert.equal(isForeign(texts, known(9)), true, texts.join());
  // Between the marks are 3 tokens of the text, and 3 of the two texts.
  assert.equal(isForeign(["⌬ ⌬ x"], { tokens: 5, unknown: 2 }), true);
  assert.equal(isForeign(["⌬ x x"], { tokens: 5, unknown: 1 }), false);
  assert.equal(isForeign(["⌬ ⌬", "x"], { tokens: 6, unknown: 2 }), true);
  assert.equal(isForeign(["⌬", "x"], { tokens: 5, unknown: 1 }), false);
});
