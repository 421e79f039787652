// @ts-check
// Joins what is known of the files of a load into reports, a few each second.

/** @import { LoadProgress } from "./bert8.js" */

// Milliseconds between two reports.
const INTERVAL_MS = 250;

/** @typedef {LoadProgress["file"]} Name */

/**
 * @typedef {object} State
 * @property {number} loaded
 * @property {number | null} total
 * @property {number} ahead how much of it was read before WebAssembly took it
 * @property {boolean} reported whether the last report says so
 */

export class Progress {
  #callback;
  #reportedAt = -Infinity;
  /** @type {Map<Name, State>} */
  #files = new Map();

  /** @param {(progress: LoadProgress) => void} callback */
  constructor(callback) {
    this.#callback = callback;
  }

  /**
   * Notes that a file belongs to the load, and its size in bytes if that is known.
   * @param {Name} file
   * @param {number | null} [total]
   */
  expect(file, total = null) {
    this.#files.set(file, { loaded: 0, total, ahead: 0, reported: true });
  }

  /**
   * Notes that a file is there and takes no time.
   * @param {Name} file
   * @param {number} bytes
   */
  has(file, bytes) {
    this.#files.set(file, { loaded: bytes, total: bytes, ahead: bytes, reported: true });
  }

  /**
   * Notes how much of a file has arrived before WebAssembly takes it, and its size if the server says so.
   * @param {Name} file
   * @param {number} ahead 0 for a new attempt
   * @param {number | null} total
   */
  noteAhead(file, ahead, total) {
    const state = this.#files.get(file);
    if (!state) return;
    state.ahead = ahead;
    this.#note(file, state, Math.max(ahead, state.loaded), total);
  }

  /**
   * Takes a report of WebAssembly about a file.
   * @param {{ stage: "download" | "prepare", file: Name, loaded: number, total: number | null }} report
   */
  take({ stage, file, loaded, total }) {
    const state = this.#files.get(file);
    if (!state) return;
    if (stage === "download") return this.#note(file, state, Math.max(loaded, state.ahead), total);
    Object.assign(state, { loaded, total });
    for (const [name, { reported }] of this.#files) if (!reported && name !== file) this.#report("download", name);
    if (!state.reported) this.#report("download", file);
    this.#report("prepare", file);
  }

  /**
   * @param {Name} file
   * @param {State} state
   * @param {number} loaded
   * @param {number | null} total if it is null, what was known before still holds
   */
  #note(file, state, loaded, total) {
    const known = total ?? state.total;
    Object.assign(state, { loaded, total: known !== null && loaded <= known ? known : null, reported: false });
    if (performance.now() >= this.#reportedAt + INTERVAL_MS) this.#report("download", file);
  }

  /**
   * @param {LoadProgress["stage"]} stage
   * @param {Name} file
   */
  #report(stage, file) {
    const state = /** @type {State} */ (this.#files.get(file));
    const states = [...this.#files.values()];
    const loaded = states.reduce((sum, { loaded }) => sum + loaded, 0);
    const total = states.some(({ total }) => total === null) ? null : states.reduce((sum, { total }) => sum + (total ?? 0), 0);
    const share = total === null ? null : total === 0 ? 1 : loaded / total;
    state.reported = true;
    this.#reportedAt = performance.now();
    this.#callback({ stage, file, loaded: state.loaded, total: state.total, share, all: { loaded, total } });
  }
}
