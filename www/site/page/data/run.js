// @ts-check
// Runs the rows through the models: in turns, row by row, so that whatever else the computer does slows both down.

/** @import { Classification, Classifier } from "../../bert8.js" */
/** @import { Answer, Answers, DataRow, ModelKey, Names } from "./types.js" */

import { alone } from "../timing/race.js";

/** How many rows go to and from the worker at a time. */
const BLOCK = 128;

/** For how many milliseconds other questions to the models wait. */
const SLICE_MS = 200;

/**
 * @typedef {object} Run
 * @property {number} rows their number
 * @property {Names} names the models', for errors
 * @property {Partial<Record<ModelKey, Classifier>>} classifiers
 * @property {(start: number, end: number) => Promise<DataRow[]>} fetch
 * @property {(answers: Answers) => Promise<void>} deliver gets the answers to the next rows
 * @property {(done: number) => void} onProgress called after every row
 * @property {AbortSignal} signal stops the run
 */

/**
 * Resolves to the number of rows that all models have answered, and to the error that stopped the run, if any.
 * @param {Run} run
 * @returns {Promise<{ done: number, error: unknown }>}
 */
export async function runRows({ rows, names, classifiers, fetch, deliver, onProgress, signal }) {
  const entrants = /** @type {[ModelKey, Classifier][]} */ (Object.entries(classifiers)).map(([key, { classify }]) => ({ key, name: names[key], classify }));
  let done = 0;
  /** @type {unknown} */
  let error;
  let next = fetch(0, BLOCK);
  next.catch(() => {}); // it is awaited below
  while (done < rows && !signal.aborted && error === undefined) {
    const block = await next;
    next = fetch(done + block.length, done + block.length + BLOCK);
    next.catch(() => {});
    /** @type {Answers} */
    const answers = Object.fromEntries(entrants.map(({ key }) => [key, []]));
    let at = 0;
    try {
      while (at < block.length && !signal.aborted) {
        await alone(async () => {
          if (done + at === 0) await ask(entrants, block[0], 0, signal); // the first run of a model is slower
          const end = performance.now() + SLICE_MS;
          while (at < block.length && !signal.aborted && performance.now() < end) {
            for (const [key, answer] of await ask(entrants, block[at], at, signal)) answers[key]?.push(answer);
            onProgress(done + ++at);
          }
        });
      }
    } catch (caught) {
      if (!signal.aborted) error = caught;
    }
    if (at > 0) await deliver(answers);
    done += at;
  }
  return { done, error };
}

/**
 * Asks all models about one row, in an order that alternates from row to row.
 * @param {{ key: ModelKey, name: string | undefined, classify: Classifier["classify"] }[]} entrants
 * @param {DataRow} row
 * @param {number} at
 * @param {AbortSignal} signal
 */
async function ask(entrants, { texts, line }, at, signal) {
  /** @type {[ModelKey, Answer][]} */
  const answers = [];
  for (const { key, name, classify } of at % 2 ? entrants.toReversed() : entrants) {
    try {
      const [first, second] = texts;
      answers.push([key, brief(await (second === undefined ? classify(first, { signal }) : classify(first, second, { signal })))]);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new Error(`${name}, line ${line}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return answers;
}

/**
 * @param {Classification} answer
 * @returns {Answer}
 */
const brief = ({ logits, probabilities, labelId, labels, tokens, truncated, timing: { inferMs, tokenizeMs } }) => ({
  logits, probabilities, labelId, labelIds: labels.map(({ id }) => id), tokens, truncated, inferMs, tokenizeMs,
});
