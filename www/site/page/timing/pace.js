// @ts-check
// How fast a run is, and how long it still takes.

/** The rate is that of the last so many milliseconds, so that a pause of the tab is soon forgotten. */
const WINDOW_MS = 10_000;

export class Pace {
  /** @type {{ time: number, done: number }[]} */
  #marks;

  /** @param {number} now milliseconds */
  constructor(now) {
    this.#marks = [{ time: now, done: 0 }];
  }

  /**
   * Notes that so many rows are done.
   * @param {number} done
   * @param {number} now milliseconds
   */
  mark(done, now) {
    this.#marks.push({ time: now, done });
    while (this.#marks.length > 2 && this.#marks[1].time < now - WINDOW_MS) this.#marks.shift();
  }

  /** Rows per second; 0 before the second mark. */
  get rate() {
    const [first, last] = [this.#marks[0], /** @type {{ time: number, done: number }} */ (this.#marks.at(-1))];
    return last.time > first.time ? (1000 * (last.done - first.done)) / (last.time - first.time) : 0;
  }
}

/**
 * Writes a time that remains, such as "about 2 minutes left".
 * @param {number} seconds
 */
export function remaining(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 1.5) return "about a second left";
  if (seconds < 90) return `about ${Math.round(seconds)} seconds left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `about ${minutes} minutes left`;
  return `about ${Math.round(minutes / 60)} hours left`;
}
