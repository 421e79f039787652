// @ts-check
// The plots: a scatter, a histogram and times. Each has a table that says the same.

/** @import { Bin, LengthBin, Names, Plots, Scatter, Spread } from "./types.js" */

import { svg, tableOf } from "../shared/element.js";
import { milliseconds, number } from "../shared/format.js";
import { SIDE, niceStep } from "./plot-data.js";
import { axes, figure } from "./plot-frame.js";

const WIDTH = 330;
const HEIGHT = 220;

/**
 * Returns a figure for each plot.
 * @param {Plots} plots
 * @param {Names} names the models'
 */
export function charts({ value, scatter, differences, latency }, names) {
  return [
    scatter && scatterChart(scatter, value, names),
    differences && differenceChart(differences, value, names),
    latency.length > 0 && latencyChart(latency, names),
  ].filter((chart) => chart instanceof Element);
}

/**
 * @param {Scatter} scatter
 * @param {string} value
 * @param {Names} names
 */
function scatterChart({ low, high, same, flips, bins }, value, { int8, fp32 }) {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => /** @type {[number, string]} */ ([share * SIDE, short(low + share * (high - low))]));
  const rows = bins.reduce((sum, bin) => sum + bin.rows, 0);
  const flipped = bins.reduce((sum, bin) => sum + bin.flips, 0);
  return figure({
    title: `${fp32} against ${int8}: ${value}`,
    about: `One dot for each of ${number(rows)} rows${flipped > 0 ? `; ${number(flipped)} where the models decide differently` : ""}. On the diagonal, both say the same.`,
    width: SIDE,
    height: SIDE,
    drawing: [
      ...axes({ width: SIDE, height: SIDE, x: ticks, y: ticks.map(([place, text]) => [SIDE - place, text]), xTitle: `${fp32}`, yTitle: `${int8}` }),
      svg("path", { class: "diagonal", d: `M0 ${SIDE}L${SIDE} 0` }),
      svg("path", { class: "dots", d: same }),
      svg("path", { class: "dots flips", d: flips }),
    ],
    legend: flipped > 0 ? [["dot", "same decision"], ["flip", "flip"]] : [],
    table: () => tableOf(`${int8}: ${value}, by that of ${fp32}`, [`${fp32}`, "Rows", `${int8}, median`, `${int8}, least to most`, "Flips"],
      bins.map((bin) => [`${short(bin.low)} to ${short(bin.high)}`, number(bin.rows), fixed(bin.median), `${fixed(bin.least)} to ${fixed(bin.most)}`, number(bin.flips)])),
  });
}

/**
 * @param {Bin[]} bins
 * @param {string} value
 * @param {Names} names
 */
function differenceChart(bins, value, { int8, fp32 }) {
  const [low, high] = [bins[0].low, bins[bins.length - 1].high];
  const { top, ticks } = countAxis(Math.max(...bins.map(({ rows }) => rows)));
  const place = (/** @type {number} */ difference) => (WIDTH * (difference - low)) / (high - low);
  const bars = bins.map((bin) => {
    const height = (HEIGHT * bin.rows) / top;
    return svg("rect", { class: "bar-of-bin", x: place(bin.low) + 0.5, width: Math.max(place(bin.high) - place(bin.low) - 1, 0.5), y: HEIGHT - height, height });
  });
  const side = niceStep(high / 3) > high ? high / 2 : niceStep(high / 3);
  const x = [-2, -1, 0, 1, 2].map((step) => step * side).filter((value) => Math.abs(value) <= high);
  return figure({
    title: `Differences, ${int8} − ${fp32}: ${value}`,
    about: `How many rows differ by how much. Left of 0, ${int8} says less than ${fp32}.`,
    width: WIDTH,
    height: HEIGHT,
    drawing: [
      ...axes({ width: WIDTH, height: HEIGHT, x: x.map((value) => [place(value), short(value)]), y: ticks, xTitle: `${int8} − ${fp32}`, yTitle: "rows" }),
      ...bars,
      svg("path", { class: "diagonal", d: `M${place(0)} 0V${HEIGHT}` }),
    ],
    table: () => tableOf(`Differences of the ${value}`, [`${int8} − ${fp32}`, "Rows"], bins.map(({ low, high, rows }) => [`${signed(low)} to ${signed(high)}`, number(rows)])),
  });
}

/**
 * @param {LengthBin[]} bins
 * @param {Names} names
 */
function latencyChart(bins, names) {
  const keys = /** @type {const} */ (["int8", "fp32"]).filter((key) => bins.some((bin) => bin[key]));
  const slowest = Math.max(...bins.flatMap((bin) => keys.map((key) => bin[key]?.high ?? 0)), 0.01);
  const step = niceStep(slowest / 4);
  const top = Math.ceil(slowest / step) * step;
  const longest = bins[bins.length - 1].high;
  const x = (/** @type {LengthBin} */ { low, high }) => (WIDTH * (low + high - 1)) / 2 / longest;
  const y = (/** @type {number} */ ms) => HEIGHT - (HEIGHT * ms) / top;
  const series = keys.flatMap((key) => {
    const known = bins.flatMap((bin) => {
      const times = bin[key];
      return times ? [{ x: x(bin), times }] : [];
    });
    const line = (/** @type {keyof Spread} */ name, from = known) => from.map(({ x, times }) => `${x.toFixed(1)} ${y(times[name]).toFixed(1)}`).join("L");
    return [
      svg("path", { class: `band ${key}`, d: `M${line("high")}L${line("low", known.toReversed())}Z` }),
      svg("path", { class: `line ${key}`, d: `M${line("median")}` }),
      svg("path", { class: `mark ${key}`, d: known.map(({ x, times }) => `M${x.toFixed(1)} ${y(times.median).toFixed(1)}h0`).join("") }),
    ];
  });
  const lengths = niceStep(longest / 6);
  const xTicks = Array.from({ length: Math.floor(longest / lengths) + 1 }, (_, i) => i * lengths);
  const yTicks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step);
  const times = (/** @type {Spread | undefined} */ spread) => (spread ? [milliseconds(spread.median), `${short(spread.low)} to ${short(spread.high)}`] : ["", ""]);
  return figure({
    title: "Latency by length",
    about: "Milliseconds of inference, one row at a time: the median, and the middle half around it.",
    width: WIDTH,
    height: HEIGHT,
    drawing: [
      ...axes({
        width: WIDTH, height: HEIGHT, xTitle: "tokens", yTitle: "milliseconds",
        x: xTicks.map((tokens) => [(WIDTH * tokens) / longest, String(tokens)]), y: yTicks.map((ms) => [y(ms), short(ms)]),
      }),
      ...series,
    ],
    legend: keys.map((key) => [key, `${names[key]}`]),
    table: () => tableOf("Latency by length", ["Tokens", "Rows", ...keys.flatMap((key) => [`${names[key]}, median`, "middle half, ms"])],
      bins.map((bin) => [`${bin.low} to ${bin.high}`, number(bin.rows), ...keys.flatMap((key) => times(bin[key]))])),
  });
}

/** @param {number} most */
function countAxis(most) {
  const step = Math.max(niceStep(most / 4), 1);
  const top = Math.ceil(most / step) * step;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => /** @type {[number, string]} */ ([HEIGHT - (HEIGHT * i * step) / top, number(i * step)]));
  return { top, ticks };
}

const short = (/** @type {number} */ value) => String(Number(value.toPrecision(3))).replace("-", "−");
const fixed = (/** @type {number} */ value) => value.toFixed(3);
const signed = (/** @type {number} */ value) => (value > 0 ? `+${short(value)}` : short(value));
