// @ts-check

/** The widest spread of the pairs' ratios, as a share of the ratio, that still allows to state it. */
const WIDEST = 0.3;

/**
 * The middle half of some values.
 * @typedef {object} Spread
 * @property {number} median
 * @property {number} low the lower quartile
 * @property {number} high the upper quartile
 */

/**
 * Returns the quantile `q` (0 to 1) of values in ascending order, interpolated between neighbours.
 * @param {number[]} sorted at least one value
 * @param {number} q
 */
function quantile(sorted, q) {
  const at = (sorted.length - 1) * q;
  const below = Math.floor(at);
  const next = sorted[Math.min(below + 1, sorted.length - 1)];
  return sorted[below] + (at - below) * (next - sorted[below]);
}

/**
 * Returns the median and the quartiles.
 * @param {number[]} values at least one
 * @returns {Spread}
 */
export function spreadOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

/**
 * How many times as fast one model is as another, from pairs of runs.
 * @typedef {object} Speedup
 * @property {number} ratio of the lower quartiles of both: whatever else the computer does makes runs slower, never faster
 * @property {number} low the lower quartile of the ratios of the pairs
 * @property {number} high the upper quartile
 */

/**
 * Returns how many times as long the slower one took. One pair is a run of each, right after another.
 * @param {number[]} slower times
 * @param {number[]} faster times, as many
 * @returns {Speedup}
 */
export function speedupOf(slower, faster) {
  const { low, high } = spreadOf(slower.map((time, i) => time / faster[i]));
  return { ratio: spreadOf(slower).low / spreadOf(faster).low, low, high };
}

/**
 * Returns whether the pairs differ too much, or contradict the ratio, for it to mean something.
 * @param {Speedup} speedup
 */
export function isNoisy({ ratio, low, high }) {
  const margin = (WIDEST / 2) * ratio;
  return !(high - low <= 2 * margin && ratio >= low - margin && ratio <= high + margin);
}
