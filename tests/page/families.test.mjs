// Models of every family answer in the browser as natively, and in FP32 as in transformers.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CLI } from "../../tools/web/built.mjs";
import { skipUnless } from "../../tools/web/skip.mjs";
import { SUITE_TIMEOUT, loaded, open } from "./visit.mjs";

const FAMILIES = fileURLToPath(new URL("../../../shared/families/", import.meta.url));
const NAMES = ["bert-single", "distilbert", "roberta", "xlm-roberta-multilabel", "electra"];
// INT8 computes the same bits everywhere. FP32 sums are computed in another order.
const TOLERANCE = { fp32: 1e-4, int8: 0 };

const skip = skipUnless(CLI && existsSync(FAMILIES), "tests of families: BERT8_CLI or ../shared/families is missing");

describe("models of every family", { skip, timeout: SUITE_TIMEOUT }, () => {
  let folder;

  const bert8 = (...args) => execFileSync(CLI, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "bert8-families-"));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const name of NAMES) {
    test(name, async () => {
      const { cases } = JSON.parse(readFileSync(join(FAMILIES, `${name}.expected.json`), "utf8"));
      const inputs = cases.map(({ text, pair }) => (pair === null ? [text] : [text, pair]));
      const model = join(FAMILIES, name);
      const tokenizer = join(model, "tokenizer.json");
      const calibration = join(folder, "calibration.txt");
      writeFileSync(calibration, inputs.flat().map((text) => text.replaceAll("\n", " ")).join("\n"));
      const files = { fp32: join(folder, `${name}.fp32.onnx`), int8: join(folder, `${name}.int8.onnx`) };
      bert8("convert", model, "-o", files.fp32);
      bert8("quantize", files.fp32, "--calibration", calibration, "--tokenizer", tokenizer, "--preset", "fast", "--force-calibration",
        "-o", files.int8);

      const page = await open();
      await loaded(page, "int8");
      for (const [key, file] of Object.entries(files)) {
        // Calibrated on single texts, the INT8 file refuses pairs.
        const used = key === "int8" ? inputs.filter((input) => input.length === 1) : inputs;
        const bytes = [file, tokenizer].map((path) => readFileSync(path).toString("base64"));
        const found = await page.evaluate(async ([model, tokenizer, inputs]) => {
          const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const classifier = await window.bert8.load({ model: decode(model), tokenizer: decode(tokenizer) });
          const answers = await classifier.classifyBatch(inputs.map((input) => (input.length === 1 ? input[0] : input)));
          classifier.dispose();
          return { kernel: classifier.info.kernel, answers };
        }, [...bytes, used]);
        assert.notEqual(found.kernel, "unfused");
        used.forEach((input, at) => {
          const native = JSON.parse(bert8("classify", file, ...input, "--tokenizer", tokenizer, "--json"));
          const answer = found.answers[at];
          for (const field of ["tokens", "label", "problem"]) assert.equal(answer[field], native[field], field);
          const references = [native.logits, ...(key === "fp32" ? [cases[at].logits] : [])];
          for (const reference of references) {
            answer.logits.forEach((logit, id) => {
              assert.ok(Math.abs(logit - reference[id]) <= TOLERANCE[key], `${key}, input ${at}: ${answer.logits} and ${reference}`);
            });
          }
        });
      }
      await page.context().close();
    });
  }
});
