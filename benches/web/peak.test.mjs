import assert from "node:assert/strict";
import { test } from "node:test";
import { PEAKS, macsPerIteration, measurePeak, peakModule } from "./peak.js";

test("the loops without relaxed instructions are valid and end", async () => {
  for (const name of ["i16-dot", "madd"]) {
    const { instance } = await WebAssembly.instantiate(peakModule(name));
    assert.equal(instance.exports.run(100), 0);
    assert.ok((await measurePeak(name, { tries: 1, milliseconds: 1 })) > 0.1);
  }
});

test("an iteration multiplies 40 vectors", () => {
  assert.deepEqual(PEAKS.map(macsPerIteration), [640, 640, 320, 160, 160]);
});

test("an instruction that the engine lacks has no peak", async () => {
  for (const name of PEAKS) {
    const peak = await measurePeak(name, { tries: 1, milliseconds: 1 });
    assert.equal(peak === null, !WebAssembly.validate(peakModule(name)));
  }
});
