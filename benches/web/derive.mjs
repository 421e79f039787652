// From raw times to the figures that are shown.

import { NAMES } from "./models.mjs";
import { gmacs, macs, median } from "./stats.js";

/** The host of this name, if it was measured. */
export const hostOf = (results, name) => results.hosts.find((host) => host.name === name);

/** The peak that bounds an INT8 kernel, by its name. */
export function peakOf({ peaks }, kernel) {
  if (kernel.startsWith("relaxed-dot")) return peaks["relaxed-dot"];
  return peaks[kernel === "relaxed-pairs" ? "relaxed-pairs" : "i16-dot"];
}

/** The faster of onnxruntime-web's two, by what `of` gives for each name; null if there is none. */
export function bestOfOrt(of) {
  const times = [NAMES.DYNAMIC, NAMES.SHARED].map(of).filter((ms) => ms !== undefined);
  return times.length ? Math.min(...times) : null;
}

/**
 * One row for each length, or for `tokens` alone: medians in ms by contender; `ort`, onnxruntime-web's best INT8 over bert8's;
 * `fp32`, bert8's FP32 over its INT8; `baseline`, onnxruntime-web's FP32 over bert8's; `share` of the peak.
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
      share: peak && gmacs(macs(results.configs[model], tokens), ours) / peak,
    };
  });
}

/** The row of `tokens`, if that was measured. */
export function row(results, hostName, model, tokens) {
  const host = hostOf(results, hostName);
  return host && rows(results, host, model).find((candidate) => candidate.tokens === tokens);
}

/** The time of one at a time over that of a batch; above 1 where the batch is faster. */
export function batchGain({ batch, single }) {
  return median(single) / median(batch);
}

/** bert8's time to the first answer over onnxruntime-web's best. */
export function loadingShare({ times }) {
  const ort = bestOfOrt((name) => times[name] && median(times[name]));
  return ort && median(times[NAMES.INT8]) / ort;
}
