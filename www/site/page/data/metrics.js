// @ts-check
// The metrics in a report, with the names that people know.

/** @import { Interval, Report } from "./types.js" */

/** The metrics of `bert8 eval`, the most telling first. */
const TITLES = {
  accuracy: "Accuracy",
  f1: "F1",
  micro_f1: "Micro F1",
  macro_f1: "Macro F1",
  weighted_f1: "Weighted F1",
  exact_match: "Exact match",
  matthews: "Matthews correlation",
  pearson: "Pearson correlation",
  spearman: "Spearman correlation",
};

/**
 * @typedef {object} Metric
 * @property {string} key its name in the report
 * @property {string} title
 * @property {number} value
 * @property {Interval | undefined} interval
 * @property {{ value: number, interval: Interval } | undefined} baseline
 * @property {{ value: number, interval: Interval } | undefined} change
 */

/**
 * @param {Report} report
 * @param {readonly string[]} [labels] the model's
 * @returns {Metric[]}
 */
export function metricsOf(report, labels = []) {
  const values = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (report));
  return Object.entries(TITLES).flatMap(([key, title]) => {
    const value = values[key];
    if (typeof value !== "number") return [];
    const theirs = report.baseline?.[key];
    return [{
      key, value, interval: report.intervals[key], change: report.changes?.[key],
      title: key === "f1" && labels[1] ? `F1 of ${labels[1]}` : title,
      baseline: report.baseline && typeof theirs === "number" ? { value: theirs, interval: report.baseline.intervals[key] } : undefined,
    }];
  });
}
