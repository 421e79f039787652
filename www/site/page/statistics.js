// @ts-check

/** The widest spread of ratios, as a share of their median, that still allows to state a ratio. */
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
 * Returns how many times as long the slower one took, pair by pair: one pair is a run of each, right after another.
 * @param {number[]} slower times
 * @param {number[]} faster times, as many
 * @returns {Spread}
 */
export const pairedRatio = (slower, faster) => spreadOf(slower.map((time, i) => time / faster[i]));

/**
 * Returns whether the values lie too far apart for their median to mean something.
 * @param {Spread} spread
 */
export const isNoisy = ({ median, low, high }) => !(high - low <= WIDEST * median);
