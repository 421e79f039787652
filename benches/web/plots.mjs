// Plots the results.

import { rows } from "./derive.mjs";
import { logTicks, plot } from "./plot.mjs";

const MODEL = "bert-base";

const lengths = (all) => ({ label: "tokens", ticks: all.map(({ tokens }) => tokens) });

/** Plots latency by length on the first host, one line per contender. */
export function latencyPlot(results) {
  const all = rows(results, results.hosts[0], MODEL);
  const names = Object.keys(all[0].ms);
  const values = all.flatMap(({ ms }) => Object.values(ms));
  return plot({
    title: `${results.configs[MODEL].title} in Chromium, one thread: milliseconds by length`,
    x: lengths(all),
    y: { label: "ms", ticks: logTicks(Math.min(...values), Math.max(...values)), log: true, format: String },
    series: names.map((name) => ({ name, points: all.map(({ tokens, ms }) => [tokens, ms[name]]) })),
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
