// @ts-check
// Writes what an evaluation found as CSV and JSON, in the worker.

/** @import { AnswerTable } from "./answer-table.js" */
/** @import { AnsweredRow, Interval, ModelKey, Report } from "./types.js" */

import { metricsOf } from "./metrics.js";

/** How many lines make one part of a Blob. */
const LINES = 1000;

/**
 * The results: as `bert8 eval --json` prints them, or one metric a line.
 * @param {Report} report
 * @param {ModelKey[]} keys the models
 * @param {"summary.json" | "summary.csv"} what
 */
export function writeSummary(report, keys, what) {
  if (what === "summary.json") return new Blob([`${JSON.stringify(report, null, 2)}\n`], { type: "application/json" });
  const [ours, theirs] = keys;
  const header = ["metric", ours, "low", "high", ...(theirs ? [theirs, `${theirs}_low`, `${theirs}_high`, "difference", "difference_low", "difference_high"] : [])];
  const metrics = metricsOf(report).map(({ key, value, interval, baseline, change }) =>
    [key, value, ...ends(interval), ...(theirs ? [baseline?.value ?? "", ...ends(baseline?.interval), change?.value ?? "", ...ends(change?.interval)] : [])]);
  const known = new Set(metrics.map(([key]) => key));
  const rest = Object.entries(report).flatMap(([key, value]) => {
    if (known.has(key) || typeof value !== "number") return [];
    const other = report.baseline?.[key];
    return [[key, value, ...ends(report.intervals[key]), ...(theirs ? [typeof other === "number" ? other : "", "", "", "", "", ""] : [])]];
  });
  return new Blob([csv([header, ...metrics, ...rest])], { type: "text/csv" });
}

/**
 * Every row with its label and both answers. The CSV file can be dropped on the page again.
 * @param {AnswerTable} table
 * @param {"rows.json" | "rows.csv"} what
 */
export function writeRows(table, what) {
  const json = what === "rows.json";
  const { keys } = table;
  /** @type {string[]} */
  const parts = [];
  /** @type {(string | number)[][]} */
  let lines = [];
  const flush = () => {
    parts.push(csv(lines));
    lines = [];
  };
  if (json) parts.push("[");
  for (const row of table.rows()) {
    const texts = named(row.texts);
    if (json) {
      parts.push(`${row.at === 0 ? "\n" : ",\n"}${JSON.stringify({ line: row.line, ...texts, label: row.label, ...answers(table, row), tokens: row.tokens })}`);
      continue;
    }
    if (row.at === 0) {
      lines.push(["line", ...Object.keys(texts), "label", ...keys.flatMap((key) => [key, `${key}_value`, `${key}_ms`]), ...(keys.length > 1 ? ["flip"] : []), "tokens"]);
    }
    lines.push([
      row.line, ...row.texts, row.label,
      ...keys.flatMap((key) => [row[key]?.text ?? "", row[key]?.value ?? "", row[key]?.ms ?? ""]),
      ...(keys.length > 1 ? [Number(row.flip)] : []), row.tokens,
    ]);
    if (lines.length >= LINES) flush();
  }
  if (json) parts.push("\n]\n");
  else flush();
  return new Blob(parts, { type: json ? "application/json" : "text/csv" });
}

/** @param {Interval | undefined} interval */
const ends = (interval) => interval ?? ["", ""];

/** @param {string[]} texts */
const named = (texts) => Object.fromEntries(texts.map((text, i) => [texts.length > 1 ? `sentence${i + 1}` : "sentence", text]));

/**
 * @param {AnswerTable} table
 * @param {AnsweredRow} row
 */
function answers(table, row) {
  const found = table.keys.map((key) => [key, { answer: row[key]?.text, value: row[key]?.value, right: row[key]?.right, ms: row[key]?.ms, logits: table.logitsOf(key, row.at) }]);
  return { ...Object.fromEntries(found), ...(table.keys.length > 1 && { flip: row.flip }) };
}

/** @param {(string | number)[][]} rows */
const csv = (rows) => rows.map((cells) => `${cells.map(cell).join(",")}\r\n`).join("");

/** @param {string | number} value */
function cell(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
