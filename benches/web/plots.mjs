// Plots the results.

import { rows } from "./derive.mjs";
import { byThreads } from "./derive-threads.mjs";
import { NAMES } from "./models.mjs";
import { logTicks, plot } from "./plot.mjs";

const MODEL = "bert-base";

/** The length in tokens that the plot by number of threads shows. */
const THREADS_LENGTH = 128;

const lengths = (all) => ({ label: "tokens", ticks: all.map(({ tokens }) => tokens) });

/** Plots latency by length on the first host, one line per contender. */
export function latencyPlot(results) {
  const all = rows(results, results.hosts[0], MODEL);
  const names = [...new Set(all.flatMap(({ ms }) => Object.keys(ms)))];
  const values = all.flatMap(({ ms }) => Object.values(ms));
  return plot({
    title: `${results.configs[MODEL].title} in Chromium, one thread: milliseconds by length`,
    x: lengths(all),
    y: { label: "ms", ticks: logTicks(Math.min(...values), Math.max(...values)), log: true, format: String },
    series: names.map((name) => ({ name, points: all.filter(({ ms }) => name in ms).map(({ tokens, ms }) => [tokens, ms[name]]) })),
  });
}

/** Plots the share of the arithmetic peak that bert8's INT8 reaches end to end, one line per host. */
export function peakPlot(results) {
  const series = results.hosts.map((host) => ({
    name: host.title,
    points: rows(results, host, MODEL).map(({ tokens, share }) => [tokens, 100 * (share ?? 0)]),
  }));
  const highest = Math.max(100, ...series.flatMap(({ points }) => points.map(([, share]) => share)));
  const ticks = Array.from({ length: Math.ceil(highest / 20) + 1 }, (_, at) => 20 * at);
  return plot({
    title: `${results.configs[MODEL].title}, INT8: share of the arithmetic peak, end to end`,
    x: lengths(rows(results, results.hosts[0], MODEL)),
    y: { label: "% of the speed of a bare loop of dot products", ticks, log: false, format: String },
    series,
  });
}

/** Plots latency by number of threads at one length, one line per contender. */
export function threadsPlot({ configs, threads: { counts, models } }) {
  const times = models[MODEL].rounds[THREADS_LENGTH];
  const series = Object.values(NAMES).map((name) => {
    const points = Object.entries(byThreads(times, name, counts)).map(([count, ms]) => [Number(count), ms]);
    return { name, points };
  });
  const shown = series.filter(({ points }) => points.length > 1);
  const values = shown.flatMap(({ points }) => points.map(([, ms]) => ms));
  return plot({
    title: `${configs[MODEL].title} at ${THREADS_LENGTH} tokens: milliseconds by number of threads`,
    x: { label: "threads", ticks: counts },
    y: { label: "ms", ticks: logTicks(Math.min(...values), Math.max(...values)), log: true, format: String },
    series: shown,
  });
}
