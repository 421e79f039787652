// @ts-check
// Formats numbers in English, the page's language. A no-break space keeps a number and its unit together.

const SPACE = "\u00a0";
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, maximumFractionDigits: 2, roundingPriority: "lessPrecision" });

export const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);
/** A size with its unit, also if it is far below a megabyte. */
export const size = (/** @type {number} */ bytes) => (bytes < 1e5 ? `${number(Math.ceil(bytes / 1e3))} kB` : `${megabytes(bytes)} MB`);
export const milliseconds = (/** @type {number} */ ms) => `${ms < 0.01 ? "< 0.01" : short.format(ms)}${SPACE}ms`;
export const perSecond = (/** @type {number} */ rate) => Number(rate.toPrecision(3)).toLocaleString("en");
/**
 * A range of values that `format` writes, such as "2.1 to 2.4 ms"; a single one if both ends look the same.
 * @param {number} low
 * @param {number} high
 * @param {(value: number) => string} format
 */
export function range(low, high, format) {
  const [from, to] = [format(low), format(high)];
  if (from === to) return from;
  const unit = from.replace(/^[< \d.,]+/, "");
  return `${unit && to.endsWith(unit) ? from.slice(0, -unit.length).trimEnd() : from}${SPACE}to${SPACE}${to}`;
}
/** A time that was measured, such as "8.4 s" or "3 min 54 s". */
export function seconds(/** @type {number} */ ms) {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)}${SPACE}s`;
  const whole = Math.round(ms / 1000);
  return `${Math.floor(whole / 60)}${SPACE}min ${whole % 60}${SPACE}s`;
}
/** A time that nobody knows exactly, such as "about 20 s" or "about 3 min". */
export function duration(/** @type {number} */ ms) {
  const seconds = Math.max(ms / 1000, 1);
  return seconds < 90 ? `about ${Math.ceil(seconds / 5) * 5}${SPACE}s` : `about ${Math.round(seconds / 60)}${SPACE}min`;
}
export const number = (/** @type {number} */ value) => value.toLocaleString("en");
export const score = (/** @type {number} */ value) => value.toFixed(3);
export const percent = (/** @type {number} */ share) => `${(share * 100).toFixed(1)}${SPACE}%`;
export const ratio = (/** @type {number} */ value) => `${value >= 10 ? value.toFixed(0) : value.toFixed(value < 1 ? 2 : 1)}×`;
