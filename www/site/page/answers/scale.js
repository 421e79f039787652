// @ts-check
// The scale that scores are shown on. Nobody knows the ends of a model's scores, so it grows with the scores that appear.

/**
 * The smallest of 1, 2, 5, 10, 20, 50, … (or 0.5, 0.2, 0.1, …) that is not below `value`; 0 for 0.
 * @param {number} value
 */
function roundUp(value) {
  if (value === 0) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((step) => step * power >= value) ?? 10;
  // Without the rounding errors of a product such as 3 * 0.1.
  return Number((step * power).toPrecision(1));
}

export class Scale {
  low = 0;
  high = 0;

  /**
   * Extends the scale to hold `score`. It always holds 0.
   * @param {number} score
   */
  include(score) {
    this.low = Math.min(this.low, -roundUp(Math.max(-score, 0)));
    this.high = Math.max(this.high, roundUp(Math.max(score, 0)));
  }

  /**
   * Returns where `score` lies on the scale, from 0 to 1.
   * @param {number} score
   */
  share(score) {
    return this.high > this.low ? (score - this.low) / (this.high - this.low) : 0;
  }
}
