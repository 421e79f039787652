import assert from "node:assert/strict";
import { test } from "node:test";
import { sameAnswers } from "./agreement.mjs";

test("answers are the same if there are as many and all are finite and equal up to rounding", () => {
  const answers = [[1, -2], [0.5, 3]];
  assert.ok(sameAnswers(answers, [[1.00001, -2], [0.5, 3]]));
  assert.ok(!sameAnswers(answers, [[1, -2], [0.5, 3.001]]));
  assert.ok(!sameAnswers(answers, [[1, -2]]));
  assert.ok(!sameAnswers(answers, [[1, -2], [0.5, NaN]]));
});
