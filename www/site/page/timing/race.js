// @ts-check
// Times models in turns, run by run, so that whatever else the computer does slows all of them down.

import { isNoisy, speedupOf, spreadOf } from "./statistics.js";

/** @import { Classification } from "../../bert8.js" */
/** @import { Speedup, Spread } from "./statistics.js" */

// Enough rounds for a stable median, but no new one after this time unless there are too few for quartiles.
const MOST_ROUNDS = 25;
const LEAST_ROUNDS = 3;
const BUDGET_MS = 3000;

/**
 * The times of one model.
 * @typedef {object} Times
 * @property {Spread} infer milliseconds of inference
 * @property {number} tokenizeMs the median of tokenization
 * @property {number} perSecond inputs per second, tokenization included
 * @property {number} runs
 * @property {boolean} inTurns whether other models ran in between
 */

/**
 * What a race found.
 * @typedef {object} Result
 * @property {Record<string, Times>} times of those that took part until the end
 * @property {Speedup | null} speedup how many times as fast INT8 was, from pairs of runs; null without both
 * @property {"hidden" | "noisy" | null} problem why `speedup` means nothing: the tab was in the background, or the times vary
 */

/** @type {Promise<unknown>} */
let queue = Promise.resolve();

/**
 * Runs `job` after all earlier jobs have ended: models that run at once would slow each other down.
 * @template T
 * @param {() => T | Promise<T>} job
 * @returns {Promise<T>}
 */
export function alone(job) {
  const done = queue.then(job);
  queue = done.catch(() => {});
  return done;
}

/**
 * Times `entrants`: functions, by the key of their model, that classify once. One that resolves to undefined drops out. The first
 * round is a warm-up; its answers go to `onAnswer`. Resolves to undefined when `wanted` returns false.
 * @template {string} K
 * @param {Partial<Record<K, () => Promise<Classification | undefined>>>} entrants
 * @param {{ onAnswer: (key: K, answer: Classification) => void, wanted?: () => boolean }} options
 * @returns {Promise<Result | undefined>}
 */
export async function race(entrants, { onAnswer, wanted = () => true }) {
  const watch = watchVisibility();
  try {
    const runners = new Map(/** @type {[K, () => Promise<Classification | undefined>][]} */ (Object.entries(entrants)));
    /** @type {Map<K, Classification["timing"][]>} */
    const timings = new Map();
    for (const [key, classify] of runners) {
      const answer = await classify();
      if (!wanted()) return undefined;
      if (!answer) continue;
      timings.set(key, []);
      onAnswer(key, answer);
    }
    const end = performance.now() + BUDGET_MS;
    for (let round = 0; round < MOST_ROUNDS && (round < LEAST_ROUNDS || performance.now() < end); round++) {
      for (const [key, runs] of [...timings]) {
        const answer = await runners.get(key)?.();
        if (!wanted()) return undefined;
        if (answer) runs.push(answer.timing);
        else timings.delete(key);
      }
    }
    return conclude(timings, watch.wasHidden());
  } finally {
    watch.end();
  }
}

/**
 * @param {Map<string, Classification["timing"][]>} timings
 * @param {boolean} hidden
 * @returns {Result}
 */
function conclude(timings, hidden) {
  const inferTimes = (/** @type {string} */ key) => timings.get(key)?.map(({ inferMs }) => inferMs);
  const [int8, fp32] = [inferTimes("int8"), inferTimes("fp32")];
  const speedup = int8 && fp32 ? speedupOf(fp32, int8) : null;
  const noisy = speedup !== null && isNoisy(speedup);
  const times = [...timings].map(([key, runs]) => [key, timesOf(runs, timings.size > 1)]);
  return { times: Object.fromEntries(times), speedup, problem: hidden ? "hidden" : noisy ? "noisy" : null };
}

/**
 * @param {Classification["timing"][]} runs
 * @param {boolean} inTurns
 * @returns {Times}
 */
function timesOf(runs, inTurns) {
  const infer = spreadOf(runs.map(({ inferMs }) => inferMs));
  const tokenizeMs = spreadOf(runs.map(({ tokenizeMs }) => tokenizeMs)).median;
  return { infer, tokenizeMs, perSecond: 1000 / (infer.median + tokenizeMs), runs: runs.length, inTurns };
}

/** Watches whether the tab is in the background, where browsers slow it down. */
export function watchVisibility() {
  let hidden = document.visibilityState === "hidden";
  const look = () => (hidden ||= document.visibilityState === "hidden");
  document.addEventListener("visibilitychange", look);
  return { wasHidden: () => hidden, end: () => document.removeEventListener("visibilitychange", look) };
}
