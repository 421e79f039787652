// Derives the published figures from raw times.

import { NAMES } from "./models.mjs";
import { gmacs, macs, median } from "./stats.js";

/** Returns the host with this name, or undefined if it was not measured. */
export const hostOf = (results, name) => results.hosts.find((host) => host.name === name);

/** Returns the arithmetic peak that limits the INT8 kernel with this name. */
export function peakOf({ peaks }, kernel) {
  if (kernel.startsWith("relaxed-dot")) return peaks["relaxed-dot"];
  return peaks[kernel === "relaxed-pairs" ? "relaxed-pairs" : "i16-dot"];
}

/** Returns the smaller time of onnxruntime-web's two INT8 contenders, or null without any. `of` returns the time by name. */
export function bestOfOrt(of) {
  const times = [NAMES.DYNAMIC, NAMES.SHARED].map(of).filter((ms) => ms !== undefined);
  return times.length ? Math.min(...times) : null;
}

/**
 * Returns one row per length: `tokens`; `ms`, the median times in milliseconds by contender; and these ratios of times:
 * - `ort`: onnxruntime-web's best INT8 to bert8's INT8
 * - `fp32`: bert8's FP32 to bert8's INT8
 * - `baseline`: onnxruntime-web's FP32 to bert8's FP32
 * - `litert`: LiteRT.js's INT8 to bert8's INT8, undefined if it was not measured
 *
 * `share` is the share of the arithmetic peak that bert8's INT8 reaches.
 */
export function rows(results, host, model) {
  const measured = host.models[model];
  const peak = peakOf(host, measured.infos[NAMES.INT8].kernel);
  return Object.entries(measured.rounds).map(([length, times]) => {
    const tokens = Number(length);
    const ms = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
    const ours = ms[NAMES.INT8];
    const ort = bestOfOrt((name) => ms[name]);
    return {
      tokens,
      ms,
      ort: ort && ort / ours,
      fp32: ms[NAMES.FP32] / ours,
      baseline: ms[NAMES.ORT_FP32] / ms[NAMES.FP32],
      litert: ms[NAMES.LITERT_INT8] && ms[NAMES.LITERT_INT8] / ours,
      share: peak && gmacs(macs(results.configs[model], tokens), ours) / peak,
    };
  });
}

/** Returns the row of `tokens`, or undefined if that length was not measured. */
export function row(results, hostName, model, tokens) {
  const host = hostOf(results, hostName);
  return host && rows(results, host, model).find((candidate) => candidate.tokens === tokens);
}

/** Returns the time one by one, divided by the time as a batch; above 1 if the batch is faster. */
export function batchGain({ batch, single }) {
  return median(single) / median(batch);
}

/** Returns bert8's time to the first answer, divided by onnxruntime-web's best. */
export function loadingShare({ times }) {
  const ort = bestOfOrt((name) => times[name] && median(times[name]));
  return ort && median(times[NAMES.INT8]) / ort;
}
