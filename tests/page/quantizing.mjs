// A small model to quantize, texts for it, and the form that quantizes it.

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { optionsOf, usualChoices } from "../../www/site/page/quantize/choices.js";

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

/** A job for the quantizer, its files and texts, and the hash of the INT8 file that every processor and browser writes. */
export const GOLDEN_JOB = {
  files: { "model.fp32.onnx": GOLDEN.model, "tokenizer.json": GOLDEN.tokenizer },
  texts: textsOf(60),
  job: {
    ...optionsOf(usualChoices()), model: "model.fp32.onnx", texts: "pairs.tsv",
    modelName: "model", outputName: "model.int8.onnx", reportName: "model.report.json", command: "",
  },
  integrity: "sha256-Obbvdr0eR9X7Yyu4+JdnzHWXhAuS8BdwQINSCLiFKS8=",
};

/** A file to give, with this content. */
export const text = (name, content) => ({ name, mimeType: "text/plain", buffer: Buffer.from(content) });

export const view = (page) => page.locator("#quantize-view");
export const button = (page, name) => view(page).getByRole("button", { name, exact: true });
export const alertText = (page) => view(page).getByRole("alert").innerText();
export const done = (page) => view(page).locator(".evaluated").waitFor();

/** Gives files, by their paths or contents, and waits for the form that shows them. */
export async function give(page, ...files) {
  await page.evaluate(() => document.getElementById("quantize-view").replaceChildren());
  await page.setInputFiles("#quantize-files-input", files.map((file) => (typeof file === "string" ? text(basename(file), readFileSync(file)) : file)));
  await button(page, "Quantize").waitFor();
}

/** Saves what a button of the result offers. */
export async function download(page, name) {
  const [saved] = await Promise.all([page.waitForEvent("download"), button(page, name).click()]);
  return { name: saved.suggestedFilename(), content: readFileSync(await saved.path()) };
}
