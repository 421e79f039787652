// @ts-check
// Shows what an evaluation found.

/** @import { AnsweredRow, Export, Findings, Interval, Names, Report } from "./types.js" */
/** @import { DataWorker } from "./worker-client.js" */

import { button, element, tableOf } from "../shared/element.js";
import { number, perSecond, range, ratio } from "../shared/format.js";
import { isNoisy } from "../timing/statistics.js";
import { charts } from "./charts.js";
import { metricsOf } from "./metrics.js";
import { RowTable } from "./row-table.js";

/**
 * @typedef {object} Shown
 * @property {Findings} findings
 * @property {Names} names the models', INT8 first
 * @property {readonly string[]} labels the models'
 * @property {string} unit what a row is, in plural
 * @property {string} name the data's, for the names of downloads
 * @property {string[]} notes
 * @property {DataWorker} worker
 * @property {(row: AnsweredRow) => void} onPick
 */

/**
 * Returns the elements that show the findings.
 * @param {Shown} shown
 */
export function results({ findings, names, labels, unit, name, notes, worker, onPick }) {
  const { report, plots, counts } = findings;
  return [
    ...notes.map((note) => element("p", { class: "note" }, note)),
    element("div", { class: "figures" }, ...figures(findings, names, unit)),
    element("div", { class: "metrics", tabindex: 0, role: "region", "aria-label": "Metrics" }, metricTable(report, names, labels, unit)),
    element("p", {}, conclusion(report, names, labels)),
    confusion(report, names, labels),
    element("div", { class: "plots" }, ...charts(plots, names)),
    new RowTable({ worker, names, counts, onPick }).element,
    downloads(worker, name),
  ].filter((part) => part !== null);
}

/**
 * @param {Findings} findings
 * @param {Names} names
 * @param {string} unit
 */
function figures({ report, speedup }, names, unit) {
  const { agreement, flips, sqnr_db: sqnr, intervals } = report;
  const made = [];
  if (typeof agreement === "number") {
    made.push(figure("The models agree on ", share(agreement), ` of the ${unit} (${flips === 1 ? "1 flip" : `${number(flips ?? 0)} flips`})`, intervals.agreement && `95\u00a0% interval: ${bounds(intervals.agreement, share)}`));
  }
  if (report.baseline) made.push(figure("Logit SQNR ", typeof sqnr === "number" ? `${sqnr.toFixed(2)} dB` : "no noise", ""));
  if (speedup) {
    const spread = `middle half of the rows: ${range(speedup.low, speedup.high, ratio)}`;
    if (isNoisy(speedup)) made.push(figure("The times are ", "too noisy", " to compare", spread));
    else made.push(figure(`${names.int8} is `, ratio(speedup.ratio), " as fast", spread));
  }
  return made;
}

/**
 * @param {string} before
 * @param {string} value
 * @param {string} after
 * @param {string} [below]
 */
const figure = (before, value, after, below) =>
  element("p", { class: "figure" }, before, element("strong", {}, value), after, below && element("span", { class: "line hint" }, below));

/**
 * @param {Report} report
 * @param {Names} names
 * @param {readonly string[]} labels
 * @param {string} unit
 */
function metricTable(report, names, labels, unit) {
  const both = report.baseline !== undefined;
  /** @type {import("../shared/element.js").Child[][]} */
  const rows = metricsOf(report, labels).map(({ title, value, interval, baseline, change }) => [
    title, withInterval(value, interval),
    ...(both ? [baseline ? withInterval(baseline.value, baseline.interval) : "", change ? withInterval(change.value, change.interval, signed) : ""] : []),
  ]);
  rows.push([`${unit.charAt(0).toUpperCase()}${unit.slice(1)} per second`, perSecond(report.rows_per_second), ...(both ? [perSecond(report.baseline?.rows_per_second ?? 0), ""] : [])]);
  if (both && typeof report.logit_max === "number") {
    rows.push(["Largest difference of a logit", "", "", report.logit_max.toFixed(4)], ["RMS difference of the logits", "", "", (report.logit_rmse ?? 0).toFixed(4)]);
    if (typeof report.rank_correlation === "number") rows.push([`Rank correlation with ${names.fp32}`, report.rank_correlation.toFixed(4), "", ""]);
  }
  return tableOf("Metrics with 95\u00a0% intervals", ["Metric", ...Object.values(names), ...(both ? [`${names.int8} − ${names.fp32}`] : [])], rows);
}

/**
 * Says what the first metric shows.
 * @param {Report} report
 * @param {Names} names
 * @param {readonly string[]} labels
 */
function conclusion(report, names, labels) {
  const [metric] = metricsOf(report, labels);
  if (!metric) return report.baseline ? "No row has a label, so accuracy is unknown; agreement needs none." : "No row has a label, so accuracy is unknown.";
  const how = "Brackets hold 95\u00a0% intervals (bootstrap with a fixed seed).";
  if (!metric.change) return how;
  const [low, high] = metric.change.interval;
  const verdict = low <= 0 && high >= 0
    ? `The interval of the difference in ${lower(metric.title)} includes 0: these data show no loss and no gain.`
    : `These data show that ${names.int8} ${high < 0 ? "loses" : "gains"} ${lower(metric.title)}.`;
  return `${verdict} ${how}`;
}

const MOST_CLASSES = 12;

/**
 * @param {Report} report
 * @param {Names} names
 * @param {readonly string[]} labels
 */
function confusion({ confusion: counts }, names, labels) {
  if (!counts || labels.length > MOST_CLASSES) return null;
  const table = tableOf(`Labels, and the answers of ${Object.values(names)[0]}`, ["Label", ...labels.map((label) => `answered ${label}`)], counts.map((row, id) => [labels[id], ...row.map(number)]));
  return element("details", {}, element("summary", {}, `Confusion matrix of ${Object.values(names)[0]}`), element("div", { class: "metrics", tabindex: 0, role: "region", "aria-label": "Confusion matrix" }, table));
}

/**
 * @param {DataWorker} worker
 * @param {string} name
 */
function downloads(worker, name) {
  /** @type {[Export, string, string][]} */
  const files = [["summary.json", "Results, JSON", "eval.json"], ["summary.csv", "Results, CSV", "eval.csv"], ["rows.json", "Rows, JSON", "rows.json"], ["rows.csv", "Rows, CSV", "rows.csv"]];
  const status = element("span", { role: "status", class: "hint" });
  const save = async (/** @type {Export} */ what, /** @type {string} */ ending) => {
    status.textContent = "";
    try {
      const url = URL.createObjectURL(await worker.ask("write", { what }));
      element("a", { href: url, download: `${name}.${ending}` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      status.textContent = error instanceof Error ? error.message : String(error);
    }
  };
  return element("div", { class: "actions", role: "group", "aria-label": "Download" },
    element("strong", {}, "Download"), ...files.map(([what, text, ending]) => button(text, () => save(what, ending))), status);
}

const share = (/** @type {number} */ value) => `${(100 * value).toFixed(2)}\u00a0%`;
const bounds = (/** @type {Interval} */ [low, high], /** @type {(value: number) => string} */ format) => `${format(low)} to ${format(high)}`;
const plain = (/** @type {number} */ value) => value.toFixed(4).replace("-", "−");
const signed = (/** @type {number} */ value) => (value > 0 ? `+${plain(value)}` : plain(value));
/**
 * @param {number} value
 * @param {Interval | undefined} interval
 */
const withInterval = (value, interval, format = plain) =>
  element("span", {}, format(value), interval && " ", interval && element("span", { class: "interval" }, `[${interval.map(format).join(", ")}]`));
/** Metrics that are named after people, and F1, keep their capital. */
const lower = (/** @type {string} */ title) => (/^(F1|Matthews|Pearson|Spearman)/.test(title) ? title : title.charAt(0).toLowerCase() + title.slice(1));
