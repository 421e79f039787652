// @ts-check
// Estimates how long a download still takes.

/** Milliseconds that a rate is taken over. */
const WINDOW = 10_000;

/** Milliseconds before the first estimate. */
const PATIENCE = 1500;

export class Estimate {
  /** @type {{ time: number, loaded: number }[]} */
  #samples = [];

  /**
   * Notes how many bytes have arrived at a time. If they are fewer than before, another download has begun.
   * @param {number} loaded
   * @param {number} time milliseconds
   */
  note(loaded, time) {
    const last = this.#samples.at(-1);
    if (last && loaded < last.loaded) this.#samples = [];
    this.#samples.push({ time, loaded });
    while (this.#samples[0].time < time - WINDOW) this.#samples.shift();
  }

  /**
   * Returns the milliseconds until `total` bytes are there, or null as long as there are too few reports to tell.
   * @param {number} total
   */
  left(total) {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.time - first.time < PATIENCE || last.loaded <= first.loaded) return null;
    return ((total - last.loaded) * (last.time - first.time)) / (last.loaded - first.loaded);
  }
}
