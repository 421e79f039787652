// @ts-check
// What the plots show, counted in the worker. The page draws it.

/** @import { AnswerTable } from "./answer-table.js" */
/** @import { Bin, LengthBin, Plots, Scatter } from "./types.js" */

import { spreadOf } from "../timing/statistics.js";

/** The side of the scatter's square, in the units of its paths. */
export const SIDE = 320;

const SCATTER_BINS = 10;
const DIFFERENCE_BINS = 21;
const MOST_LENGTH_BINS = 16;
const LEAST_LENGTH_STEP = 4;

/**
 * @param {AnswerTable} table
 * @returns {Plots}
 */
export function plots(table) {
  const both = table.keys.length > 1;
  return {
    value: table.valueName,
    scatter: both ? scatter(table) : null,
    differences: both ? differences(table) : null,
    latency: latency(table),
  };
}

/**
 * @param {AnswerTable} table
 * @returns {Scatter}
 */
function scatter(table) {
  const [low, high] = range(table);
  const place = (/** @type {number} */ value) => (SIDE * (value - low)) / (high - low);
  const paths = { same: /** @type {string[]} */ ([]), flips: /** @type {string[]} */ ([]) };
  /** @type {{ values: number[], flips: number }[]} */
  const bins = Array.from({ length: SCATTER_BINS }, () => ({ values: [], flips: 0 }));
  for (let at = 0; at < table.length; at++) {
    const [x, y, flip] = [table.value("fp32", at), table.value("int8", at), table.isFlip(at)];
    paths[flip ? "flips" : "same"].push(`M${place(x).toFixed(1)} ${(SIDE - place(y)).toFixed(1)}h0`);
    const bin = bins[binOf(x, low, high, SCATTER_BINS)];
    bin.values.push(y);
    if (flip) bin.flips++;
  }
  const step = (high - low) / SCATTER_BINS;
  return {
    low, high,
    same: paths.same.join(""),
    flips: paths.flips.join(""),
    bins: bins.flatMap(({ values, flips }, i) => {
      if (values.length === 0) return [];
      const sorted = values.sort((a, b) => a - b);
      return [{ low: low + i * step, high: low + (i + 1) * step, rows: values.length, median: spreadOf(sorted).median, least: sorted[0], most: /** @type {number} */ (sorted.at(-1)), flips }];
    }),
  };
}

/**
 * The range of both axes: that of probabilities, or one that holds all scores.
 * @param {AnswerTable} table
 */
function range(table) {
  if (table.info.problem !== "regression") return [0, 1];
  let [low, high] = [Infinity, -Infinity];
  for (const key of table.keys) {
    for (let at = 0; at < table.length; at++) {
      low = Math.min(low, table.value(key, at));
      high = Math.max(high, table.value(key, at));
    }
  }
  const step = niceStep(Math.max(high - low, 1e-6) / 4);
  const ends = [Math.floor(low / step) * step, Math.ceil(high / step) * step];
  return ends[0] < ends[1] ? ends : [ends[0], ends[0] + step];
}

/**
 * Counts the differences INT8 − FP32 around 0.
 * @param {AnswerTable} table
 * @returns {Bin[]}
 */
function differences(table) {
  const all = Float32Array.from({ length: table.length }, (_, at) => table.value("int8", at) - table.value("fp32", at));
  const widest = all.reduce((most, difference) => Math.max(most, Math.abs(difference)), 1e-6);
  const step = niceStep((2 * widest) / DIFFERENCE_BINS);
  // An odd number, so that the middle bin holds 0.
  const side = Math.ceil(Math.max(widest / step - 0.5, 1));
  const bins = Array.from({ length: 2 * side + 1 }, (_, i) => ({ low: (i - side - 0.5) * step, high: (i - side + 0.5) * step, rows: 0 }));
  for (const difference of all) bins[Math.min(Math.max(Math.round(difference / step) + side, 0), 2 * side)].rows++;
  return bins;
}

/**
 * @param {AnswerTable} table
 * @returns {LengthBin[]}
 */
function latency(table) {
  const longest = table.tokens.subarray(0, table.length).reduce((most, tokens) => Math.max(most, tokens), 1);
  let step = LEAST_LENGTH_STEP;
  while (longest / step > MOST_LENGTH_BINS) step *= 2;
  /** @type {number[][]} */
  const places = Array.from({ length: Math.ceil(longest / step) }, () => []);
  for (let at = 0; at < table.length; at++) places[Math.max(Math.ceil(table.tokens[at] / step) - 1, 0)].push(at);
  return places.flatMap((rows, i) => {
    if (rows.length === 0) return [];
    const times = table.keys.map((key) => {
      const ms = table.inferMs(key);
      return [key, spreadOf(rows.map((at) => ms[at]))];
    });
    return [{ low: i * step + 1, high: (i + 1) * step, rows: rows.length, ...Object.fromEntries(times) }];
  });
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @param {number} count
 */
function binOf(value, low, high, count) {
  return Math.min(Math.max(Math.floor((count * (value - low)) / (high - low)), 0), count - 1);
}

/**
 * The smallest of 1, 2, 5, 10, 20, … (or 0.5, 0.2, …) that is not below `least`.
 * @param {number} least above 0
 */
export function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].find((step) => step * power >= least * 0.999999) ?? 10;
  return Number((step * power).toPrecision(1));
}
