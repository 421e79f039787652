// @ts-check
// Shows the INT8 model: how good it is, what to download, and the report.

/** @import { Child } from "../data/element.js" */
/** @import { Result, Summary } from "./run.js" */

import { button, element } from "../data/element.js";
import { megabytes, number, percent, seconds } from "../format.js";

/** Below this, in decibels, an INT8 model is probably of no use. As in src/quantize/calibration_check.rs. */
const LEAST_DB = 20;

/**
 * Files of the result.
 * @typedef {object} Files
 * @property {File} int8
 * @property {File} fp32
 * @property {File} tokenizer
 * @property {File} report
 */

/**
 * Returns the result's files, named after the model.
 * @param {Result} result
 * @param {string} name
 * @returns {Files}
 */
export const filesOf = ({ int8, fp32, tokenizer, report }, name) => ({
  int8: new File([int8], `${name}.int8.onnx`, { type: "application/octet-stream" }),
  fp32: new File([fp32], `${name}.fp32.onnx`, { type: "application/octet-stream" }),
  tokenizer: new File([tokenizer], "tokenizer.json", { type: "application/json" }),
  report: new File([report], `${name}.report.json`, { type: "application/json" }),
});

/**
 * @param {object} options
 * @param {Result} options.result
 * @param {Files} options.files
 * @param {string[]} options.notes
 * @param {() => void} options.onCompare puts both models on the page
 * @param {() => void} options.onAgain returns to the form
 * @returns {Child[]}
 */
export function outcome({ result, files, notes, onCompare, onAgain }) {
  const { summary, threads, ms } = result;
  const share = percent(summary.int8Bytes / summary.fp32Bytes);
  const unit = summary.texts === "pair" ? "pairs" : "texts";
  const took = `It took ${seconds(ms)} on ${threads === 1 ? "one thread" : `${threads} threads`} and ${number(Math.ceil(summary.memoryBytes / 1e6))} MB of memory.`;
  return [
    element("h3", { class: "evaluated", tabindex: -1 }, files.int8.name),
    element("p", {},
      `${megabytes(summary.int8Bytes)} MB, ${share} of FP32's ${megabytes(summary.fp32Bytes)} MB, `,
      `calibrated on ${number(summary.samples)} ${unit}, ${number(summary.distinct)} of them distinct. ${took}`),
    checked(summary, unit),
    ...notes.map((note) => element("p", { class: "note" }, note)),
    element("div", { class: "actions" },
      button("Download the INT8 model", () => download(files.int8), { class: "primary" }),
      button("Compare both models above", onCompare),
      button("Download the report", () => download(files.report)),
      button("Download tokenizer.json", () => download(files.tokenizer)),
      button("Quantize again", onAgain)),
  ];
}

/**
 * Says how INT8 compares with FP32.
 * @param {Summary} summary
 * @param {string} unit
 */
function checked({ check }, unit) {
  if (!check) return null;
  const which = check.held_back ? "that calibration did not see" : "of the calibration itself";
  const noise = check.sqnr_db === null ? "no noise" : `an SQNR of ${check.sqnr_db.toFixed(1)} dB`;
  const agreement = check.agreement === null ? "" : ` and agrees on ${percent(check.agreement)}`;
  const text = `On ${number(check.texts)} ${unit} ${which}, INT8 has ${noise} against FP32${agreement}.`;
  if (check.sqnr_db === null || check.sqnr_db >= LEAST_DB) return element("p", {}, text);
  const advice = "Its answers differ a lot. Calibrate on more texts that resemble real inputs, or choose the preset Best.";
  return element("p", { class: "alert", role: "alert" }, `${text} ${advice}`);
}

/** @param {File} file */
function download(file) {
  const url = URL.createObjectURL(file);
  element("a", { href: url, download: file.name }).click();
  // The browser has begun to save it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
