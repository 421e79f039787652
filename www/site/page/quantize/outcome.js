// @ts-check
// Shows the INT8 model: how good it is, what to download, and the report.

/** @import { Child } from "../shared/element.js" */
/** @import { Result, Summary } from "./run.js" */

import { button, element } from "../shared/element.js";
import { megabytes, number, percent, seconds, size } from "../shared/format.js";
import { reportFrame } from "./report.js";
import { sentence } from "./sentence.js";

/**
 * Files of the result.
 * @typedef {object} Files
 * @property {File} int8
 * @property {File} fp32
 * @property {File} tokenizer
 * @property {File} report JSON
 * @property {File} html the report as a page
 */

/** The name of a model's INT8 file. */
export const int8Name = (/** @type {string} */ model) => `${model}.int8.onnx`;

/** The name of a model's report. */
export const reportName = (/** @type {string} */ model) => `${model}.report.json`;

/**
 * Returns the result's files, named after the model.
 * @param {Result} result
 * @param {string} name
 * @returns {Files}
 */
export const filesOf = ({ int8, fp32, tokenizer, report, html }, name) => ({
  int8: new File([int8], int8Name(name), { type: "application/octet-stream" }),
  fp32: new File([fp32], `${name}.fp32.onnx`, { type: "application/octet-stream" }),
  tokenizer: new File([tokenizer], "tokenizer.json", { type: "application/json" }),
  report: new File([report], reportName(name), { type: "application/json" }),
  html: new File([html], `${name}.report.html`, { type: "text/html" }),
});

/**
 * @param {object} options
 * @param {Result} options.result
 * @param {Files} options.files
 * @param {string[]} options.notes
 * @param {() => void} options.onCompare puts both models on the page
 * @param {() => void} options.onAgain returns to the form
 * @param {() => void} options.onMeasure returns to the form, to measure the damage of every part
 * @param {(pattern: string) => void} options.onKeep returns to the form, to keep parts in FP32
 * @returns {Child[]}
 */
export function outcome({ result, files, notes, onCompare, onAgain, onMeasure, onKeep }) {
  const { summary, threads, ms } = result;
  const share = percent(summary.int8Bytes / summary.fp32Bytes);
  const unit = summary.texts === "pair" ? "pairs" : "texts";
  const took = `It took ${seconds(ms)} on ${threads === 1 ? "one thread" : `${threads} threads`} and ${number(Math.ceil(summary.memoryBytes / 1e6))} MB of memory.`;
  return [
    element("h3", { class: "evaluated", tabindex: -1 }, files.int8.name),
    element("p", {},
      `${megabytes(summary.int8Bytes)} MB, ${share} of FP32's ${megabytes(summary.fp32Bytes)} MB, `,
      `calibrated on ${number(summary.samples)} ${unit}, ${number(summary.distinct)} of them distinct. ${took}`),
    element("p", {}, `The model reads ${summary.texts === "pair" ? "pairs of texts" : "one text"} and answers with ${answerOf(summary)}.`),
    checked(summary, unit),
    ...notes.map((note) => element("p", { class: "note" }, note)),
    element("div", { class: "actions" },
      button("Download the INT8 model", () => download(files.int8), { class: "primary" }),
      button("Compare both models above", onCompare),
      button("Download the report as JSON", () => download(files.report)),
      button("Download the report as HTML", () => download(files.html)),
      button("Download tokenizer.json", () => download(files.tokenizer)),
      button("Quantize again", onAgain)),
    improvement(summary, onMeasure, onKeep),
    element("details", { class: "report", open: true }, element("summary", {}, "The report"), reportFrame(result.html, "Quantization report")),
  ];
}

/**
 * Says how INT8 compares with FP32.
 * @param {Summary} summary
 * @param {string} unit
 */
function checked({ check, problem }, unit) {
  if (!check) return null;
  const which = check.held_back ? "that calibration did not see" : "of the calibration itself";
  const noise = check.sqnr_db === null ? "no noise" : `an SQNR of ${check.sqnr_db.toFixed(1)} dB`;
  const agreement = check.agreement === null ? "" : ` and agrees on ${percent(check.agreement)}`;
  const text = `On ${number(check.texts)} ${unit} ${which}, INT8 has ${noise} against FP32${agreement}.`;
  if (problem === null) return element("p", {}, text);
  const advice = "Calibrate on more texts that resemble real inputs.";
  return element("div", { class: "alert", role: "alert" }, element("p", {}, text), element("p", {}, `${sentence(problem)} ${advice}`));
}

/** @param {Summary} summary */
function answerOf({ answers, labels }) {
  if (answers === "regression") return "a score";
  if (answers === "single-label") return `one of ${number(labels)} labels`;
  return labels === 1 ? "whether its label applies" : `any of ${number(labels)} labels`;
}

/**
 * Says which part helps most if it stays in FP32, and offers to quantize so.
 * @param {Summary} summary
 * @param {() => void} onMeasure
 * @param {(pattern: string) => void} onKeep
 */
function improvement({ sensitivity }, onMeasure, onKeep) {
  if (!sensitivity) {
    return element("div", { class: "actions" }, button("Quantize again and measure every part", onMeasure),
      element("span", { class: "hint" }, "The report then says which part to keep in FP32."));
  }
  const best = sensitivity.best_ignored;
  if (!best) return element("p", {}, "No single part brings INT8 closer to FP32 if it stays in FP32.");
  const gain = `an SQNR of ${decibels(best.sqnr_db)} instead of ${decibels(sensitivity.sqnr_db)}, and ${size(best.added_bytes)} more.`;
  return element("div", { class: "actions" },
    element("span", {}, "Of all parts, ", element("code", {}, best.pattern), ` helps most if it stays in FP32: ${gain}`),
    button("Quantize again with it in FP32", () => onKeep(best.pattern)));
}

/** @param {number | null} db */
const decibels = (db) => (db === null ? "infinitely many dB" : `${db.toFixed(1)} dB`);

/** @param {File} file */
function download(file) {
  const url = URL.createObjectURL(file);
  element("a", { href: url, download: file.name }).click();
  // The browser has begun to save it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
