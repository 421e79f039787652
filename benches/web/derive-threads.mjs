// Derives figures by number of threads.

import { bestOfOrt } from "./derive.mjs";
import { NAMES, onThreads } from "./models.mjs";
import { median } from "./stats.js";

/**
 * Returns the share of the time on one thread that stays on any number of threads, from `times`, milliseconds by number of threads:
 * the least-squares fit of `serial + parallel / threads`, relative to its value on one thread.
 */
export function serialShare(times) {
  const points = Object.entries(times).map(([threads, ms]) => [1 / Number(threads), ms]);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [0, 1].map((axis) => mean(points.map((point) => point[axis])));
  const parallel = mean(points.map(([px, py]) => (px - x) * (py - y))) / mean(points.map(([px]) => (px - x) ** 2));
  const serial = y - parallel * x;
  return serial / (serial + parallel);
}

/** Returns the median of `times` by number of threads for the contender `name`, without numbers that were not measured. */
export function byThreads(times, name, counts) {
  const measured = counts.filter((count) => times[onThreads(name, count)]);
  return Object.fromEntries(measured.map((count) => [count, median(times[onThreads(name, count)])]));
}

/**
 * Returns one row per contender and number of threads at a length: `name`, `threads`, `ms`, `speedup` against one thread, and
 * `efficiency`, the speedup per thread.
 */
export function threadRows({ counts, models }, model, tokens) {
  const times = models[model].rounds[tokens];
  return Object.values(NAMES).flatMap((name) => {
    const medians = byThreads(times, name, counts);
    return Object.entries(medians).map(([threads, ms]) => {
      const speedup = medians[1] / ms;
      return { name, threads: Number(threads), ms, speedup, efficiency: speedup / Number(threads) };
    });
  });
}

/** Returns the time on one thread divided by the time on two, or null if two were not measured. */
export function gainOfTwo(times, name, counts) {
  const medians = byThreads(times, name, counts);
  return medians[2] ? medians[1] / medians[2] : null;
}

// The function that returns a contender's median time on `count` threads by its name, or undefined if that was not measured.
const medianOn = (times, count) => (name) => times[onThreads(name, count)] && median(times[onThreads(name, count)]);
const ratio = (theirs, ours) => (theirs && ours ? theirs / ours : null);

/** Returns onnxruntime-web's best INT8 time divided by bert8's on `count` threads each, or null if that was not measured. */
export function ortRatio(times, count) {
  const of = medianOn(times, count);
  return ratio(bestOfOrt(of), of(NAMES.INT8));
}

/** Returns LiteRT.js's INT8 time divided by bert8's on `count` threads each, or null if that was not measured. */
export function litertRatio(times, count) {
  const of = medianOn(times, count);
  return ratio(of(NAMES.LITERT_INT8), of(NAMES.INT8));
}
